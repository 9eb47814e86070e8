// Stages, from what was typed and from the job file.
#include "launch/stages.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "aws/ssm.hpp"
#include "base/text.hpp"
#include "net/http.hpp"
#include "os/json.hpp"
#include "save/target.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_longest_url = 2'000;
constexpr std::size_t k_longest_ref = 255;
constexpr std::size_t k_longest_path = 4'095;  // PATH_MAX, without its end
constexpr std::size_t k_most_words = 4'096;
constexpr std::size_t k_sha256_digits = 64;
constexpr std::string_view k_https = "https://";
constexpr std::string_view k_ssh = "ssh://";

tl::unexpected<Error> refuse(std::string what, std::string cause, std::string hint = {}) {
  return fail(ErrorKind::invalid_input, std::move(what), std::move(cause), std::move(hint));
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_made_of(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [more](char c) {
    return is_letter(c) || is_digit(c) || more.find(c) != std::string_view::npos;
  });
}

// Where the path of a URL begins, an ssh one's as scp writes it (git@host:path) too.
std::size_t path_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::min(url.find(':'), url.size());
  return std::min(url.find('/', scheme + 3), url.size());
}

// What stands before the host. Empty, or a user of ssh's: that's no secret.
Status check_user(std::string_view authority, bool is_ssh) {
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return {};
  const auto user = authority.substr(0, at);
  // git would take a word that begins with - for an option.
  if (is_ssh && is_made_of(user, "._-") && user.front() != '-') return {};
  // Not shown: it's a token, or a user's password.
  return refuse("--repo", "holds a user or token before its host, where it would end up in files and logs",
                "put the token into SSM, and give --repo-token ssm:/PARAMETER");
}

Status check_url(std::string_view url) {
  // What holds an @ may hold a token, even where it isn't read as one.
  const std::string what =
      url.find('@') == std::string_view::npos ? "--repo '" + printable(url, 120) + "'" : "--repo";
  if (url.starts_with(k_https)) {
    const auto begin = k_https.size();
    if (auto good = check_user(url.substr(begin, path_of(url) - begin), false); !good) return good;
    if (auto parsed = net::parse_url(url); !parsed) return refuse("--repo", parsed.error().cause);
    if (url.find('?') != std::string_view::npos)
      return refuse("--repo", "has a ? in it, behind which tokens stand", "give the URL that git clones");
    if (path_of(url) + 1 >= url.size()) return refuse(what, "names no repository");
    return {};
  }
  const bool is_ssh_url = url.starts_with(k_ssh);
  const auto begin = is_ssh_url ? k_ssh.size() : 0;
  const auto path = path_of(url);
  const auto authority = url.substr(begin, path - begin);
  const bool is_scp = !is_ssh_url && url.find("://") == std::string_view::npos &&
                      authority.find('@') != std::string_view::npos;
  if (!is_ssh_url && !is_scp) return refuse(what, "is neither https nor ssh", "as https://HOST/REPOSITORY");
  if (auto good = check_user(authority, true); !good) return good;
  const auto host =
      authority.substr(authority.find('@') == std::string_view::npos ? 0 : authority.find('@') + 1);
  if (host.starts_with('-') || !is_made_of(host, is_ssh_url ? ".-:" : ".-"))
    return refuse(what, "has no host");
  if (path + 1 >= url.size() || !is_made_of(url.substr(path), "/:._~+-"))
    return refuse(what, "names no repository");
  return {};
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_path(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_path && text.find('\0') == std::string_view::npos;
}

boost::json::object json_of(const aws::S3Location& place) {
  return {{"bucket", place.bucket}, {"key", place.key}};
}

Result<aws::S3Location> location_from(const boost::json::object& object, const std::string& what) {
  os::JsonReader read(object, what);
  const auto bucket = read.text("bucket");
  const auto key = read.text("key");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return aws::parse_s3_url("s3://" + bucket + "/" + key);
}

// One object of a list.
template <class T, class Read>
Status read_all(os::JsonReader& reader, const char* name, std::vector<T>& into, Read read) {
  const auto list = reader.array(name);
  if (auto good = reader.status(); !good) return good;
  if (list.size() > k_most_of_a_kind) {
    reader.refuse(name, "are too many");
    return reader.status();
  }
  for (const auto& value : list) {
    const auto* const object = value.if_object();
    if (object == nullptr) {
      reader.refuse(name, "aren't objects");
      return reader.status();
    }
    auto one = read(*object);
    if (!one) return fail(std::move(one.error()));
    into.push_back(std::move(*one));
  }
  return {};
}

Result<Repo> repo_from(const boost::json::object& object) {
  os::JsonReader read(object, "the repository");
  Repo repo{read.text("url"), read.text("ref"), read.text("token")};
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  if (auto good = check_url(repo.url); !good) return fail(std::move(good.error()));
  if (!repo.ref.empty() && !is_ref(repo.ref)) return refuse("the repository", "its ref is none");
  if (!repo.token.empty() && !aws::is_parameter_name(repo.token))
    return refuse("the repository", "its token's parameter is none");
  return repo;
}

Result<Data> data_from(const boost::json::object& object) {
  os::JsonReader read(object, "the data");
  Data data;
  data.path = read.text("path");
  const auto from = read.object("from");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  auto where = location_from(from, "the data's place");
  if (!where) return fail(std::move(where.error()));
  data.from = std::move(*where);
  if (!is_path(data.path)) return refuse("the data", "its path is none");
  return data;
}

Result<Secret> secret_from(const boost::json::object& object) {
  os::JsonReader read(object, "the secret");
  Secret secret{read.text("name"), read.text("parameter")};
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  if (!is_variable_name(secret.name) || !aws::is_parameter_name(secret.parameter))
    return refuse("the secret", "its name or parameter is none");
  return secret;
}

}  // namespace

bool is_variable_name(std::string_view text) {
  return !text.empty() && text.size() <= 200 && (is_letter(text.front()) || text.front() == '_') &&
         is_made_of(text, "_");
}

bool is_ref(std::string_view text) {
  // git-check-ref-format(1), and narrower.
  return text.size() <= k_longest_ref && is_made_of(text, "/._+-") && text.front() != '-' &&
         text.find("..") == std::string_view::npos;
}

Result<Repo> parse_repo(std::string_view text) {
  if (text.size() > k_longest_url || text.find('\0') != std::string_view::npos)
    return refuse("--repo", "is no repository's URL");
  const auto path = path_of(text);
  const auto at = text.find('@', path);
  Repo repo;
  repo.url = text.substr(0, at);
  if (auto good = check_url(repo.url); !good) return fail(std::move(good.error()));
  if (at == std::string_view::npos) return repo;
  repo.ref = text.substr(at + 1);
  if (!is_ref(repo.ref))
    return refuse("--repo", "'" + printable(repo.ref, 80) + "' is no branch, tag or commit");
  return repo;
}

Result<Data> parse_data(std::string_view text) {
  const auto equals = text.rfind('=');
  const std::string what = "--data '" + printable(text, 120) + "'";
  if (equals == std::string_view::npos || !is_path(text.substr(equals + 1)))
    return refuse(what, "names no place for it", "as --data s3://BUCKET/PREFIX=PATH");
  auto from = aws::parse_s3_url(text.substr(0, equals));
  if (!from) return fail(std::move(from.error()).within("--data"));
  if (from->key.size() > save::k_longest_key) return refuse(what, "its key is longer than any");
  return Data{std::move(*from), std::string(text.substr(equals + 1))};
}

std::vector<Data> saved_places(const Data& saved) {
  const auto& key = saved.from.key;
  const bool is_folder = saved.path.ends_with('/');
  const bool is_below = key.empty() || key.ends_with('/');
  Data folder = saved;
  if (is_folder && !is_below) folder.from.key += '/';
  if (is_folder || !is_below) return {folder};
  const auto name = saved.path.substr(saved.path.find_last_of('/') + 1);
  return {Data{{saved.from.bucket, key + name}, saved.path}, folder};
}

Result<std::string> parse_ssm(std::string_view text) {
  if (text.starts_with("ssm:") && aws::is_parameter_name(text.substr(4))) return std::string(text.substr(4));
  // Not shown: it may be the secret itself.
  return refuse("what stands there", "is no parameter of SSM", "as ssm:/path/of/the/parameter");
}

Result<Secret> parse_secret(std::string_view text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  if (equals == std::string_view::npos || !is_variable_name(name))
    return refuse("--secret " + printable(name, 80), "isn't NAME=ssm:/PARAMETER");
  auto parameter = parse_ssm(text.substr(equals + 1));
  if (!parameter) return fail(std::move(parameter.error()).within("--secret " + std::string(name)));
  return Secret{std::string(name), std::move(*parameter)};
}

boost::json::object json_of(const PackedCode& packed) {
  return {{"place", json_of(packed.place)}, {"sha256", packed.sha256}, {"bytes", packed.bytes}};
}

Result<PackedCode> packed_from(const boost::json::object& object) {
  os::JsonReader read(object, "the packed folder");
  PackedCode packed;
  const auto place = read.object("place");
  packed.sha256 = read.text("sha256");
  packed.bytes = read.whole<std::uint64_t>("bytes");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  if (packed.sha256.size() != k_sha256_digits || !is_hex(packed.sha256))
    return refuse("the packed folder", "its SHA-256 is none");
  auto where = location_from(place, "the packed folder's place");
  if (!where) return fail(std::move(where.error()));
  packed.place = std::move(*where);
  return packed;
}

boost::json::object json_of(const Stages& stages) {
  boost::json::value repo = nullptr;
  if (stages.repo)
    repo = boost::json::object{
        {"url", stages.repo->url}, {"ref", stages.repo->ref}, {"token", stages.repo->token}};
  boost::json::value workdir = nullptr;
  if (stages.workdir) workdir = json_of(*stages.workdir);
  const auto data_json = [](const std::vector<Data>& list) {
    boost::json::array all;
    for (const auto& one : list)
      all.push_back(boost::json::object{{"from", json_of(one.from)}, {"path", one.path}});
    return all;
  };
  boost::json::array secrets;
  for (const auto& one : stages.secrets)
    secrets.push_back(boost::json::object{{"name", one.name}, {"parameter", one.parameter}});
  return {{"repo", std::move(repo)},
          {"workdir", std::move(workdir)},
          {"setup", os::json_array(stages.setup)},
          {"data", data_json(stages.data)},
          {"restore", data_json(stages.restore)},
          {"secrets", std::move(secrets)},
          {"command", os::json_array(stages.command)},
          {"shell", stages.shell},
          {"fetch_limit_s", stages.fetch_limit.count()},
          {"setup_limit_s", stages.setup_limit.count()},
          {"data_limit_s", stages.data_limit.count()}};
}

Result<Stages> stages_from(boost::json::object object) {
  os::JsonReader read(std::move(object), "the stages");
  Stages stages;
  stages.setup = read.texts("setup");
  stages.command = read.texts("command");
  stages.shell = read.text("shell");
  for (auto [name, into] :
       {std::pair{"fetch_limit_s", &stages.fetch_limit}, std::pair{"setup_limit_s", &stages.setup_limit},
        std::pair{"data_limit_s", &stages.data_limit}}) {
    *into = Seconds{read.number(name)};
    if (read.status() && (*into <= Seconds{0} || *into > k_max_duration))
      read.refuse(name, "is out of range");
  }
  if (stages.setup.size() > k_most_of_a_kind) read.refuse("setup", "are too many");
  if (stages.command.size() > k_most_words) read.refuse("command", "is too long");
  if (stages.command.empty() == stages.shell.empty()) read.refuse("command", "isn't one");
  const auto repo = read.maybe_object("repo");
  const auto workdir = read.maybe_object("workdir");
  if (repo && workdir) read.refuse("repo", "and workdir can't both be");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  if (repo) {
    auto one = repo_from(*repo);
    if (!one) return fail(std::move(one.error()));
    stages.repo = std::move(*one);
  }
  if (workdir) {
    auto one = packed_from(*workdir);
    if (!one) return fail(std::move(one.error()));
    stages.workdir = std::move(*one);
  }
  for (auto [name, into] : {std::pair{"data", &stages.data}, std::pair{"restore", &stages.restore}})
    if (auto good = read_all(read, name, *into, data_from); !good) return fail(std::move(good.error()));
  if (auto good = read_all(read, "secrets", stages.secrets, secret_from); !good)
    return fail(std::move(good.error()));
  return stages;
}

std::string to_json(const Stages& stages) {
  return boost::json::serialize(boost::json::object{{"stages", json_of(stages)}});
}

Result<Stages> stages_from_json(std::string_view text) {
  os::JsonReader read(text, "the stages");
  auto object = read.object("stages");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return stages_from(std::move(object));
}

}  // namespace curfew::launch
