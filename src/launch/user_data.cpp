// The two scripts, and the file that they fetch.
#include "launch/user_data.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/text.hpp"
#include "launch/launch_file.hpp"
#include "layers/units.hpp"
#include "os/json.hpp"

namespace curfew::launch {
namespace {

constexpr const char* k_boundary = "==curfew-launch==";
constexpr std::size_t k_most_words = 4'096;
constexpr int k_job_version = 3;
constexpr std::size_t k_longest_name = 256;  // of a tag's value

// Python and its standard library are on every image that has cloud-init, which is written in it. curl is not enough: before
// 7.86 (Ubuntu 22.04 has 7.81) its --aws-sigv4 doesn't sign the session token's header, without which S3 refuses.
// Keys and token are in the process's memory only. urllib follows HTTPS_PROXY for S3, and IMDS is asked directly.
constexpr std::string_view k_fetch = R"PY(import hashlib, hmac, json, os, re, sys, time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener, urlopen
IMDS = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/") + "/latest/"
FAULTS = (OSError, ValueError, KeyError, IndexError, HTTPException)
region = sys.argv[1]
def imds(path, method, headers):
    return build_opener(ProxyHandler({})).open(Request(IMDS + path, None, headers, method=method), timeout=5).read(65536).decode()
def meta(path):
    token = imds("api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "300"})
    return imds("meta-data/" + path, "GET", {"X-aws-ec2-metadata-token": token})
def call(method, url, body):
    base = "iam/security-credentials/"
    keys = json.loads(meta(base + meta(base).split()[0]))
    parts, now, sha = urlsplit(url), time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), hashlib.sha256(body or b"").hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": sha, "x-amz-date": now, "x-amz-security-token": keys["Token"]}
    names = ";".join(sorted(headers))
    asked = "\n".join([method, parts.path, ""] + [name + ":" + headers[name] for name in sorted(headers)] + ["", names, sha])
    scope = [now[:8], region, "s3", "aws4_request"]
    text = "\n".join(["AWS4-HMAC-SHA256", now, "/".join(scope), hashlib.sha256(asked.encode()).hexdigest()])
    key = ("AWS4" + keys["SecretAccessKey"]).encode()
    for part in scope + [text]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    del headers["host"]
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        keys["AccessKeyId"], "/".join(scope), names, key.hex())
    reply = urlopen(Request(url, body, headers, method=method), timeout=12 if body else 30)
    data = reply.read(1 << 28)
    if len(data) != int(reply.headers.get("Content-Length", len(data))):
        raise ValueError("the reply is cut")
    return data
def call_there(method, url, body=None):
    global region
    try:
        return call(method, url, body)
    except HTTPError as error:
        said = re.findall("<Region>([a-z0-9-]+)</Region>", error.read(65536).decode("utf-8", "replace")) + [None]
        there = error.headers.get("x-amz-bucket-region") or said[0]
        if not there or there == region:
            raise
        url, region = url.replace("." + region + ".", "." + there + "."), there
    return call(method, url, body)
def fetch(url, wanted, path, mode):
    while True:
        try:
            data = call_there("GET", url)
            found = hashlib.sha256(data).hexdigest()
            if found != wanted:
                sys.exit("curfew launch: %s has the SHA-256 %s, not %s" % (url, found, wanted))
            with open(path, "wb", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, mode)) as file:
                file.write(data)
            return
        except FAULTS as error:
            print("curfew launch: %s: %s; again in 3 s" % (url, error), flush=True)
        time.sleep(3)
def tell(folder, launch):
    time.sleep(0.5)  # what was said comes by a pipe
    log, instance = b"", None
    try:
        with open("/var/log/cloud-init-output.log", "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - (1 << 18)))
            log = file.read(1 << 18)
        instance = meta("instance-id")
    except FAULTS as error:
        print("curfew launch: %s" % error)
    said = log.decode("utf-8", "replace").splitlines()
    why = ([one for one in said if one.startswith("curfew")] or said or ["nothing was said"])[-1][:500]
    state = dict.fromkeys(["job", "stage", "exit_code", "cause", "saved", "guard"])
    state.update(version=1, launch=launch, instance=instance, written=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        state="failed", interrupted=False, stages=[], reason=why)
    for name, body in (("boot.log", log), ("status.json", json.dumps(state).encode())):
        try:
            call_there("PUT", folder + name, body)
        except FAULTS as error:
            print("curfew launch: %s%s: %s" % (folder, name, error))
if len(sys.argv) == 4:
    tell(sys.argv[2].rsplit("/", 1)[0] + "/", sys.argv[3])
else:
    fetch(sys.argv[2], sys.argv[3], "curfew", 0o700)
    fetch(sys.argv[4], sys.argv[5], "job.json", 0o600)
)PY";

// {launch} and the units are curfew's own; a here-document in quotes takes every byte as it is.
constexpr std::string_view k_boothook = R"SH(#!/bin/sh
# curfew launch {launch}: L0, the timer that ends this machine whatever else fails. It runs on each boot, and acts once.
sysctl -q -w kernel.panic=10 2>/dev/null || :
mark=/var/lib/curfew-launch/armed
[ "$(cat $mark 2>/dev/null)" = {launch} ] && exit 0
umask 022
units=/etc/systemd/system
off() {{
  # cloud-init keeps what a boothook prints to itself.
  echo "curfew launch: L0 can't be armed: this machine is ended" >/dev/console || :
  shutdown -h now || systemctl poweroff
  sleep 60
  systemctl poweroff -ff || poweroff -f
}}
if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  mkdir -p /var/lib/curfew /run/curfew $units/timers.target.wants || off
  chmod 700 /var/lib/curfew
  cat >$units/{service} <<'CURFEW' || off
{service_text}CURFEW
  cat >$units/{timer} <<'CURFEW' || off
{timer_text}CURFEW
  : >/run/curfew/armed
  ln -sf $units/{timer} $units/timers.target.wants/{timer}
  systemctl daemon-reload
  systemctl start --no-block {timer} || off
else
  shutdown -h +{minutes} || off
fi
echo 'kernel.panic = 10' >/etc/sysctl.d/90-curfew.conf || :
mkdir -p -m 700 /var/lib/curfew-launch
echo {launch} >$mark
)SH";

constexpr std::string_view k_start_script = R"SH(#!/bin/sh
# curfew launch {launch}: fetches curfew and the job, and starts it. Whatever fails here ends this machine.
umask 077
taken_over=
python=
# A guard of this launch has begun, and tells of the job itself.
guarded() {{
  grep -q {launch} /var/lib/curfew/guard.json && [ -e /var/lib/curfew/state.json ]
}}
finish() {{
  [ -n "$taken_over" ] && exit 0
  limit=30
  [ "$(systemctl is-system-running)" != stopping ] || limit=5
  if [ -n "$python" ] && ! guarded 2>/dev/null; then
    timeout -k 2 $limit "$python" fetch.py {region} {job_url} {launch} || :
  fi
  echo "curfew launch: nothing guards a job here: this machine is ended"
  sync
  shutdown -h now || systemctl poweroff
  sleep 60
  systemctl poweroff -ff || poweroff -f
}}
trap finish EXIT
trap 'exit 1' HUP INT TERM
set -eu
mkdir -p -m 700 /var/lib/curfew-launch
cd /var/lib/curfew-launch
rm -f curfew job.json
for one in python3 /usr/libexec/platform-python; do
  [ -n "$python" ] || python=$(command -v "$one") || :
done
[ -n "$python" ] || {{ echo "curfew launch: there is no python3 here"; exit 1; }}
cat >fetch.py <<'CURFEW'
{fetch}CURFEW
timeout -k 5 180 "$python" fetch.py {region} {program_url} {program_sha} {job_url} {job_sha}
./curfew run-job job.json || :
# The end of the front end is no end of the job, should only that have died.
if systemctl is-active --quiet curfew.service; then taken_over=1; fi
)SH";

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else out += c;
  }
  return out + "'";
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string boothook(const InstanceParts& parts) {
  const auto minutes =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::minutes>(parts.until_l0).count());
  return fmt::format(k_boothook, fmt::arg("launch", parts.launch_id),
                     fmt::arg("service", layers::k_l0_service), fmt::arg("timer", layers::k_l0_timer),
                     fmt::arg("service_text", layers::l0_service_unit(layers::Places{})),
                     fmt::arg("timer_text", layers::l0_timer_unit(parts.l0_at, parts.until_l0)),
                     fmt::arg("minutes", minutes));
}

std::string start_script(const InstanceParts& parts) {
  return fmt::format(
      k_start_script, fmt::arg("launch", parts.launch_id), fmt::arg("fetch", k_fetch),
      fmt::arg("region", quoted(parts.region)), fmt::arg("program_url", quoted(parts.program.url)),
      fmt::arg("program_sha", quoted(parts.program.sha256)), fmt::arg("job_url", quoted(parts.job.url)),
      fmt::arg("job_sha", quoted(parts.job.sha256)));
}

Result<std::string> user_data(const InstanceParts& parts) {
  if (!is_plain(parts.launch_id) || !is_plain(parts.region))
    return fail(ErrorKind::invalid_input, "make the user data", "the launch's id or the region is none");
  std::string text =
      fmt::format("Content-Type: multipart/mixed; boundary=\"{}\"\nMIME-Version: 1.0\n\n", k_boundary);
  const auto add = [&text](const char* kind, const char* name, const std::string& script) {
    text += fmt::format(
        "--{}\nContent-Type: text/{}; charset=\"utf-8\"\nMIME-Version: 1.0\n"
        "Content-Disposition: attachment; filename=\"{}\"\n\n{}\n",
        k_boundary, kind, name, script);
  };
  add("cloud-boothook", "curfew-l0", boothook(parts));
  add("x-shellscript", "curfew-start", start_script(parts));
  text += fmt::format("--{}--\n", k_boundary);
  if (text.size() > k_most_user_data)
    return fail(ErrorKind::invalid_input, "make the user data",
                "it has " + std::to_string(text.size()) + " bytes, more than EC2 takes",
                "a shorter --staging prefix makes it smaller");
  return text;
}

std::string to_json(const JobFile& job) {
  boost::json::object environment;
  for (const auto& [name, value] : job.environment) environment[name] = value;
  return boost::json::serialize(boost::json::object{{"version", k_job_version},
                                                    {"words", os::json_array(job.words)},
                                                    {"environment", std::move(environment)},
                                                    {"user", job.user},
                                                    {"launch", job.launch},
                                                    {"name", job.name},
                                                    {"place", job.place.text()},
                                                    {"stages", json_of(job.stages)}});
}

Result<JobFile> job_file_from_json(std::string_view text) {
  os::JsonReader read(text, "the job file");
  JobFile job;
  const auto version = read.number("version");
  job.words = read.texts("words");
  job.user = read.text("user");
  for (const auto& [name, value] : read.object("environment")) {
    const auto* const held = value.if_string();
    if (held == nullptr || !is_variable_name(name)) read.refuse("environment", "isn't one");
    else job.environment.emplace_back(std::string(name), std::string(*held));
  }
  if (read.status() && version != k_job_version) read.refuse("version", "is another curfew's");
  if (job.words.size() > k_most_words) read.refuse("words", "are too many");
  job.launch = read.text("launch");
  job.name = read.text("name");
  const auto location = read.text("place");
  if (!is_plain(job.launch)) read.refuse("launch", "is no id");
  if (job.name.empty() || job.name.size() > k_longest_name) read.refuse("name", "is none");
  if (!location.ends_with('/')) read.refuse("place", "is no folder");
  auto stages = read.object("stages");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  auto place = aws::parse_s3_url(location);
  if (!place) return fail(std::move(place.error()).within("the job file"));
  job.place = std::move(*place);
  auto read_stages = stages_from(std::move(stages));
  if (!read_stages) return fail(std::move(read_stages.error()).within("the job file"));
  job.stages = std::move(*read_stages);
  return job;
}

JobFile job_file(const Plan& plan) {
  JobFile job{run_words(plan),   plan.wishes.environment, plan.wishes.user,
              plan.launch_id,    plan.wishes.name,        place_of(plan.wishes.staging, plan.launch_id, ""),
              plan.wishes.stages};
  // The SDKs on the instance, curfew's included, ask the region that it's in.
  const auto has = [&job](std::string_view name) {
    return std::any_of(job.environment.begin(), job.environment.end(),
                       [name](const auto& one) { return one.first == name; });
  };
  if (!has("AWS_REGION")) job.environment.emplace_back("AWS_REGION", plan.region);
  if (!has("AWS_DEFAULT_REGION")) job.environment.emplace_back("AWS_DEFAULT_REGION", plan.region);
  return job;
}

aws::S3Location program_place(const aws::S3Location& staging, std::string_view sha256) {
  return {staging.bucket, folder_of(staging) + "bin/curfew-" + std::string(sha256)};
}

aws::S3Location job_place(const aws::S3Location& staging, std::string_view launch_id) {
  return place_of(staging, launch_id, "job.json");
}

aws::S3Location workdir_place(const aws::S3Location& staging, std::string_view launch_id) {
  return place_of(staging, launch_id, "workdir.tar.gz");
}

aws::S3Location logs_place(const aws::S3Location& staging, std::string_view launch_id) {
  return place_of(staging, launch_id, "logs");
}

}  // namespace curfew::launch
