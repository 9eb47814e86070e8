// The document of a launched job's state.
#include "guard/job_state.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "os/json.hpp"

namespace curfew::guard {

namespace json = boost::json;

namespace {

constexpr int k_version = 1;
constexpr Millis k_longest_stage = std::chrono::hours{24 * 366};
constexpr int k_largest_code = 255;

bool is_stage(std::string_view name) {
  return std::find(k_stage_names.begin(), k_stage_names.end(), name) != k_stage_names.end();
}

Result<StageSeen> stage_from(json::object object, const std::string& what) {
  os::JsonReader read(std::move(object), what);
  StageSeen stage;
  stage.name = read.text("name");
  stage.state = read.text("state");
  const auto began = parse_utc(read.text("began"));
  stage.took = Millis{read.number("ms")};
  stage.exit_code = read.whole<int>("exit_code");
  if (!is_stage(stage.name)) read.refuse("name", "is no stage's");
  if (stage.state != "running" && stage.state != "done" && stage.state != "failed")
    read.refuse("state", "is none");
  if (!began) read.refuse("began", "is no time");
  if (stage.took < Millis{0} || stage.took > k_longest_stage) read.refuse("ms", "is out of range");
  if (stage.exit_code < 0 || stage.exit_code > k_largest_code) read.refuse("exit_code", "is out of range");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  stage.began = *began;
  return stage;
}

json::array list_of(const std::vector<StageSeen>& stages) {
  json::array list;
  for (const auto& stage : stages)
    list.push_back(json::object{{"name", stage.name},
                                {"state", stage.state},
                                {"began", format_utc(stage.began)},
                                {"ms", stage.took.count()},
                                {"exit_code", stage.exit_code}});
  return list;
}

json::value maybe(const std::string& text) { return text.empty() ? json::value() : json::value(text); }

// What both the document and its gist have.
json::object heart_of(const JobState& job) {
  const auto& state = job.state;
  const bool has_cause = state.cause != Cause::none;
  return {{"instance", maybe(job.instance)},
          {"state", std::string(word_of(state.stage, job.is_over))},
          {"interrupted", state.cause == Cause::spot_interruption},
          {"stage", job.stages.empty() ? json::value() : json::value(job.stages.back().name)},
          {"exit_code", state.published ? json::value(*state.published) : json::value()},
          {"cause", has_cause ? json::value(std::string(name_of(state.cause))) : json::value()},
          {"reason", maybe(state.reason)},
          {"saved", state.all_saved ? json::value(*state.all_saved) : json::value()}};
}

}  // namespace

Result<std::vector<StageSeen>> stages_seen_from_json(std::string_view text) {
  const std::string what = "the stages' record";
  if (text.size() > k_largest_stages_file) return fail(ErrorKind::invalid_input, what, "is too long");
  os::JsonReader read(text, what);
  const auto version = read.number("version");
  auto list = read.array("stages");
  if (read.status() && version != k_version) read.refuse("version", "is another curfew's");
  if (list.size() > k_stage_names.size()) read.refuse("stages", "are too many");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  std::vector<StageSeen> stages;
  for (auto& item : list) {
    if (!item.is_object()) return fail(ErrorKind::invalid_input, what, "holds what is no stage");
    auto stage = stage_from(std::move(item.get_object()), what);
    if (!stage) return fail(std::move(stage.error()));
    const auto same = [&](const StageSeen& other) { return other.name == stage->name; };
    if (std::any_of(stages.begin(), stages.end(), same))
      return fail(ErrorKind::invalid_input, what, "has the same stage twice");
    stages.push_back(std::move(*stage));
  }
  return stages;
}

std::string_view word_of(Stage stage, bool is_over) {
  if (is_over) return "ended";
  switch (stage) {
    case Stage::arming: return "starting";
    case Stage::running: return "running";
    case Stage::draining:
    case Stage::killing:
    case Stage::before_end: return "stopping";
    case Stage::saving: return "saving";
    case Stage::holding:
    case Stage::ending:
    case Stage::done: break;
  }
  return "ending";
}

json::object job_state_of(const Launched& launched, const JobState& job, WallTime written,
                          json::object guard) {
  json::object out{{"version", k_version},
                   {"launch", launched.id},
                   {"job", launched.job},
                   {"written", format_utc(written)},
                   {"stages", list_of(job.stages)}};
  for (auto& entry : heart_of(job)) out[entry.key()] = std::move(entry.value());
  out["guard"] = std::move(guard);
  return out;
}

std::string gist_of(const JobState& job) {
  auto heart = heart_of(job);
  json::array stages;
  // Not when they began and how long they took: who rewrites that is no news.
  for (const auto& stage : job.stages)
    stages.push_back(json::array{stage.name, stage.state, stage.exit_code});
  heart["stages"] = std::move(stages);
  return json::serialize(heart);
}

bool is_due(const std::optional<Told>& last, const std::string& gist, BootTime now) {
  if (!last) return true;
  const Millis since = now - last->at;
  if (!last->well) return since >= k_tell_again;
  return since >= (gist == last->gist ? k_tell_every : k_tell_gap);
}

}  // namespace curfew::guard
