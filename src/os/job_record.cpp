// The JSON of the job's description and of its exit.
#include "os/job_record.hpp"

#include <optional>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "os/json.hpp"

namespace curfew::os {
namespace json = boost::json;

namespace {

std::string to_hex(std::string_view bytes) {
  static constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += k_digits[byte >> 4U];
    text += k_digits[byte & 15U];
  }
  return text;
}

std::string from_hex(std::string_view text) {
  const auto digit = [](char c) -> unsigned {
    return static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c - '0') & 15U;
  };
  std::string bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    bytes += static_cast<char>(digit(text[at]) << 4U | digit(text[at + 1]));
  return bytes;
}

constexpr std::string_view name_of(ExitRecord::How how) {
  switch (how) {
    case ExitRecord::How::not_started: return "not_started";
    case ExitRecord::How::exited: return "exited";
    case ExitRecord::How::signalled: return "signalled";
  }
  return "exited";
}

// One of RLIMIT_*, and its two values, of which RLIM_INFINITY is too large for a signed number.
std::optional<std::pair<int, rlimit>> limit_from(const json::value& value) {
  const auto* three = value.if_array();
  if (three == nullptr || three->size() != 3) return {};
  json::error_code bad_resource, bad_current, bad_most;
  const int resource = (*three)[0].to_number<int>(bad_resource);
  const rlimit limit{(*three)[1].to_number<rlim_t>(bad_current), (*three)[2].to_number<rlim_t>(bad_most)};
  if (bad_resource || bad_current || bad_most) return {};
  return std::pair{resource, limit};
}

}  // namespace

std::string to_json(const JobSpec& spec) {
  json::array groups;
  for (const gid_t group : spec.groups) groups.emplace_back(group);
  json::array limits;
  for (const auto& [resource, limit] : spec.limits)
    limits.emplace_back(json::array{resource, std::uint64_t{limit.rlim_cur}, std::uint64_t{limit.rlim_max}});
  return json::serialize(json::object{
      {"argv", json_array(spec.argv)},
      {"cwd", spec.cwd},
      {"env", json_array(spec.env)},
      {"umask", spec.umask},
      {"uid", spec.uid},
      {"gid", spec.gid},
      {"groups", groups},
      {"limits", limits},
      {"stdin_tty", spec.stdin_tty},
      {"stdout_tty", spec.stdout_tty},
      {"stderr_tty", spec.stderr_tty},
      {"one_output", spec.one_output},
      {"rows", spec.rows},
      {"columns", spec.columns},
      {"terminal_settings", to_hex(spec.terminal_settings)},
      {"oom_score", spec.oom_score},
      {"output_bytes", spec.output_bytes},
  });
}

Result<JobSpec> job_spec_from_json(std::string_view text) {
  JsonReader read(text, "the job's description");
  JobSpec spec;
  spec.argv = read.texts("argv");
  if (spec.argv.empty()) read.refuse("argv", "names no command");
  spec.cwd = read.text("cwd");
  spec.env = read.texts("env");
  spec.umask = read.whole<mode_t>("umask");
  spec.uid = read.whole<uid_t>("uid");
  spec.gid = read.whole<gid_t>("gid");
  for (const auto& value : read.array("groups")) {
    json::error_code error;
    spec.groups.push_back(value.to_number<gid_t>(error));
    if (error) read.refuse("groups", "holds something that is no group id");
  }
  for (const auto& value : read.array("limits")) {
    if (const auto limit = limit_from(value)) spec.limits.push_back(*limit);
    else read.refuse("limits", "holds something that is no limit");
  }
  spec.stdin_tty = read.flag("stdin_tty");
  spec.stdout_tty = read.flag("stdout_tty");
  spec.stderr_tty = read.flag("stderr_tty");
  spec.one_output = read.flag("one_output");
  spec.rows = read.whole<std::uint16_t>("rows");
  spec.columns = read.whole<std::uint16_t>("columns");
  spec.terminal_settings = from_hex(read.text("terminal_settings"));
  spec.oom_score = read.whole<int>("oom_score");
  spec.output_bytes = read.whole<std::uint64_t>("output_bytes");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return spec;
}

std::string to_json(const ExitRecord& record) {
  const std::string_view how = name_of(record.how);
  return json::serialize(json::object{
      {"how", json::string_view(how.data(), how.size())},
      {"number", record.number},
      {"why", record.why},
      {"ended_ms", record.ended_ms},
      {"boot_id", record.boot_id},
  });
}

Result<ExitRecord> exit_record_from_json(std::string_view text) {
  JsonReader read(text, "the job's exit record");
  ExitRecord record;
  const std::string how = read.text("how");
  bool known = false;
  for (const auto each :
       {ExitRecord::How::not_started, ExitRecord::How::exited, ExitRecord::How::signalled}) {
    if (how != name_of(each)) continue;
    record.how = each;
    known = true;
  }
  if (!known) read.refuse("how", "is '" + printable(how) + "'");
  record.number = read.whole<int>("number");
  record.why = read.text("why");
  record.ended_ms = read.number("ended_ms");
  record.boot_id = read.text("boot_id");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return record;
}

}  // namespace curfew::os
