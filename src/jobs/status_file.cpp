// What must be there by JsonReader, the rest as far as it can be understood.
#include "jobs/status_file.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "aws/imds.hpp"
#include "base/text.hpp"
#include "os/json.hpp"

namespace curfew::jobs {
namespace {

namespace json = boost::json;

constexpr std::size_t k_most_stages = 50;
// No age or limit is longer; sums of such can't overflow.
constexpr std::int64_t k_most_seconds = std::int64_t{100} * 366 * 86'400;

constexpr std::array<std::pair<std::string_view, Phase>, 7> k_phases{{{"starting", Phase::starting},
                                                                      {"running", Phase::running},
                                                                      {"stopping", Phase::stopping},
                                                                      {"saving", Phase::saving},
                                                                      {"ending", Phase::ending},
                                                                      {"ended", Phase::ended},
                                                                      {"failed", Phase::failed}}};

const json::value* at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = at(object, name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr
             ? std::string()
             : std::string(std::string_view(*text).substr(0, std::min(text->size(), k_longest_text)));
}

std::optional<WallTime> time_at(const json::object& object, std::string_view name) {
  const auto text = text_at(object, name);
  if (text.empty()) return {};
  const auto time = parse_utc(text);
  return time ? std::optional(*time) : std::nullopt;
}

bool flag_at(const json::object& object, std::string_view name) {
  const auto* value = at(object, name);
  const auto* flag = value == nullptr ? nullptr : value->if_bool();
  return flag != nullptr && *flag;
}

std::optional<std::int64_t> number_at(const json::object& object, std::string_view name, std::int64_t least,
                                      std::int64_t most) {
  const auto* value = at(object, name);
  const auto* number = value == nullptr ? nullptr : value->if_int64();
  if (number == nullptr || *number < least || *number > most) return {};
  return *number;
}

std::optional<int> code_at(const json::object& object, std::string_view name) {
  const auto code = number_at(object, name, 0, 255);
  return code ? std::optional(static_cast<int>(*code)) : std::nullopt;
}

const json::object* object_at(const json::object& object, std::string_view name) {
  const auto* value = at(object, name);
  return value == nullptr ? nullptr : value->if_object();
}

std::vector<StageSeen> stages_of(const json::object& object) {
  std::vector<StageSeen> stages;
  const auto* value = at(object, "stages");
  const auto* list = value == nullptr ? nullptr : value->if_array();
  if (list == nullptr) return stages;
  for (const auto& each : *list) {
    const auto* stage = each.if_object();
    if (stage == nullptr || stages.size() == k_most_stages) break;
    stages.push_back({text_at(*stage, "name"), text_at(*stage, "state"), code_at(*stage, "exit_code")});
  }
  return stages;
}

GuardSeen guard_of(const json::object& document) {
  GuardSeen guard;
  const auto time_in = [&](std::string_view name) -> std::optional<WallTime> {
    const auto* object = object_at(document, name);
    return object == nullptr ? std::nullopt : time_at(*object, "at");
  };
  guard.started = time_at(document, "started");
  guard.stop_at = time_in("stop_at");
  guard.end_at = time_in("end_at");
  guard.last_output = time_at(document, "last_output");
  guard.gpus = text_at(document, "gpus");
  if (const auto* saving = object_at(document, "saving")) {
    if (const auto age = number_at(*saving, "last_good_age_s", 0, k_most_seconds))
      guard.save_age = Seconds{*age};
    if (const auto* left_out = object_at(*saving, "left_out")) guard.left_out = text_at(*left_out, "text");
    guard.save_in_trouble = flag_at(*saving, "in_trouble") || !text_at(*saving, "will_fail").empty();
  }
  if (const auto* cost = object_at(document, "cost")) {
    const auto text = text_at(*cost, "so_far");
    // parse_dollars() takes no zero, which is what a machine costs in its first moment.
    const auto amount = parse_dollars(text);
    if (amount) guard.cost = *amount;
    else if (text.starts_with("$0") && text.find_first_not_of("$0.") == std::string::npos)
      guard.cost = Micros{0};
    guard.cost_is_complete = flag_at(*cost, "complete");
  }
  return guard;
}

}  // namespace

Result<StatusFile> status_from_json(std::string_view text, std::string_view launch_id) {
  static constexpr const char* k_what = "a job's status.json";
  if (text.size() > k_largest_status)
    return fail(ErrorKind::invalid_input, std::string("read ") + k_what,
                "it is longer than it can rightly be");
  os::JsonReader read(text, k_what);
  StatusFile status;
  status.launch_id = read.text("launch");
  const auto phase = read.text("state");
  const auto written = parse_utc(read.text("written"));
  const auto known =
      std::find_if(k_phases.begin(), k_phases.end(), [&](const auto& each) { return each.first == phase; });
  if (known == k_phases.end()) read.refuse("state", "isn't one that is known");
  else status.phase = known->second;
  if (!written) read.refuse("written", "is no time");
  else status.written = *written;
  if (status.launch_id != launch_id) read.refuse("launch", "is another than it lies under");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  // Parsed once more, for JsonReader gives nothing where a field that may be missing is of another type.
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  const auto value = json::parse(text, error, {}, options);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return fail(ErrorKind::invalid_input, std::string("read ") + k_what, "is no object");
  status.job = text_at(*object, "job");
  status.instance = text_at(*object, "instance");
  if (!aws::is_instance_id(status.instance)) status.instance.clear();
  status.interrupted = flag_at(*object, "interrupted");
  status.stage = text_at(*object, "stage");
  status.stages = stages_of(*object);
  status.exit_code = code_at(*object, "exit_code");
  status.cause = text_at(*object, "cause");
  status.reason = text_at(*object, "reason");
  if (const auto* saved = at(*object, "saved"); saved != nullptr && saved->is_bool())
    status.saved = saved->as_bool();
  if (const auto* guard = object_at(*object, "guard")) status.guard = guard_of(*guard);
  return status;
}

}  // namespace curfew::jobs
