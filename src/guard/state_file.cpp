// state.json: what the next guard needs to know.
#include <algorithm>
#include <array>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "guard/json_parts.hpp"
#include "guard/spec.hpp"
#include "os/json.hpp"

namespace curfew::guard {

namespace json = boost::json;

namespace {

json::value instant(const std::optional<job::Instant>& at) {
  if (!at) return {};
  return json::object{{"wall_ms", at->wall.time_since_epoch().count()},
                      {"boot_ms", at->boot.time_since_epoch().count()}};
}

std::optional<job::Instant> instant_from(os::JsonReader& read, std::string_view name) {
  auto object = read.maybe_object(name);
  if (!object) return {};
  os::JsonReader parts(std::move(*object), std::string(name));
  const job::Instant at{WallTime{Millis{parts.number("wall_ms")}}, BootTime{Millis{parts.number("boot_ms")}}};
  if (!parts.status()) read.refuse(name, "is not an instant");
  return at;
}

constexpr std::array k_stages{Stage::arming,  Stage::running,    Stage::draining,
                              Stage::killing, Stage::before_end, Stage::saving,
                              Stage::holding, Stage::ending,     Stage::done};
constexpr std::array k_causes{Cause::none,
                              Cause::job_ended,
                              Cause::job_not_started,
                              Cause::job_lost,
                              Cause::time_limit,
                              Cause::cost_limit,
                              Cause::idle,
                              Cause::gpu_unused,
                              Cause::stalled,
                              Cause::work_done,
                              Cause::spot_interruption,
                              Cause::stop_asked,
                              Cause::machine_going_down,
                              Cause::rebooted};
constexpr std::array k_endings{Ending::none, Ending::stop, Ending::terminate};
constexpr std::array k_rungs{Rung::shutdown_command, Rung::instance_api, Rung::systemctl_force,
                             Rung::kernel_power_off, Rung::sysrq};

template <class Values>
typename Values::value_type named(os::JsonReader& read, std::string_view field, std::string_view name,
                                  const Values& values) {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](auto value) { return name_of(value) == name; });
  if (found != values.end()) return *found;
  read.refuse(field, "has a value that is not known");
  return values.front();
}

json::object plan_object(const EndingPlan& plan) {
  json::array ladder;
  for (const auto rung : plan.ladder) ladder.emplace_back(std::string(name_of(rung)));
  return {{"ending", std::string(name_of(plan.ending))},
          {"ladder", std::move(ladder)},
          {"marks", plan.marks_ended}};
}

EndingPlan plan_from(os::JsonReader& read) {
  os::JsonReader parts(read.object("plan"), "plan");
  EndingPlan plan;
  plan.ending = named(parts, "ending", parts.text("ending"), k_endings);
  for (const auto& name : parts.texts("ladder")) plan.ladder.push_back(named(parts, "ladder", name, k_rungs));
  plan.marks_ended = parts.flag("marks");
  if (!parts.status()) read.refuse("plan", "can't be read");
  return plan;
}

}  // namespace

namespace detail {

json::object to_object(const job::Times& times) {
  return {{"started_ms", times.started.time_since_epoch().count()},
          {"stop_at", instant(times.stop_at)},
          {"end_at", instant(times.end_at)},
          {"boot_id", times.boot_id}};
}

Result<job::Times> times_from_object(json::object object) {
  os::JsonReader read(std::move(object), "times");
  job::Times times;
  times.started = WallTime{Millis{read.number("started_ms")}};
  times.stop_at = instant_from(read, "stop_at");
  times.end_at = instant_from(read, "end_at");
  times.boot_id = read.text("boot_id");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return times;
}

}  // namespace detail

std::string to_json(const Saved& saved) {
  const auto& s = saved.state;
  json::value result;
  if (s.result) result = json::object{{"how", static_cast<int>(s.result->how)}, {"number", s.result->number}};
  return json::serialize(json::object{
      {"version", 1},
      {"stage", std::string(name_of(s.stage))},
      {"cause", std::string(name_of(s.cause))},
      {"times", detail::to_object(s.times)},
      {"plan", plan_object(s.plan)},
      {"going_down", s.going_down},
      {"tree_gone", s.tree_gone},
      {"result", std::move(result)},
      {"start_failure", s.start_failure ? json::value(*s.start_failure) : json::value()},
      {"all_saved", s.all_saved ? json::value(*s.all_saved) : json::value()},
      {"published", s.published ? json::value(*s.published) : json::value()},
      {"signal", s.signal},
      {"stage_since_ms", s.stage_since.time_since_epoch().count()},
      {"stage_until_ms", s.stage_until.time_since_epoch().count()},
      {"rung", s.rung},
      {"pausing", s.pausing},
      {"rounds", s.rounds},
      {"l0_at_ms", s.l0_at ? json::value(s.l0_at->time_since_epoch().count()) : json::value()},
      {"limit", std::string(name_of(s.limit))},
      {"reason", s.reason},
      {"gpu_was_busy", s.gpu_was_busy},
      {"early_signal_sent", s.early_signal_sent},
      {"warned", s.warned},
      {"disarmed", s.disarmed},
      {"held_ms", s.held ? json::value(s.held->time_since_epoch().count()) : json::value()},
      {"taken_at_ms", s.taken_at ? json::value(s.taken_at->time_since_epoch().count()) : json::value()},
      {"left_to_stop_ms", detail::maybe(saved.left_to_stop)},
      {"instance_id", saved.instance_id},
  });
}

Result<Saved> saved_from_json(std::string_view text) {
  os::JsonReader read(text, "state.json");
  Saved saved;
  auto& s = saved.state;
  s.stage = named(read, "stage", read.text("stage"), k_stages);
  s.cause = named(read, "cause", read.text("cause"), k_causes);
  if (auto times = detail::times_from_object(read.object("times"))) s.times = *times;
  else read.refuse("times", times.error().cause);
  s.plan = plan_from(read);
  s.going_down = read.flag("going_down");
  s.tree_gone = read.flag("tree_gone");
  if (auto object = read.maybe_object("result")) {
    os::JsonReader parts(std::move(*object), "result");
    const auto how = parts.number("how");
    s.result = JobResult{how >= 0 && how <= 2 ? static_cast<JobResult::How>(how) : JobResult::How::unknown,
                         static_cast<int>(parts.number("number"))};
    if (!parts.status()) read.refuse("result", "can't be read");
  }
  if (const auto code = read.maybe_number("start_failure")) s.start_failure = static_cast<int>(*code);
  s.all_saved = read.maybe_flag("all_saved");
  if (const auto code = read.maybe_number("published")) s.published = static_cast<int>(*code);
  s.signal = static_cast<int>(read.number("signal"));
  s.stage_since = WallTime{Millis{read.number("stage_since_ms")}};
  s.stage_until = BootTime{Millis{read.number("stage_until_ms")}};
  const auto rung = read.number("rung");
  s.rung = rung >= 0 && rung < static_cast<std::int64_t>(s.plan.ladder.size())
               ? static_cast<std::size_t>(rung)
               : 0;
  s.pausing = read.flag("pausing");
  s.rounds = static_cast<std::uint32_t>(read.number("rounds"));
  if (const auto at = read.maybe_number("l0_at_ms")) s.l0_at = BootTime{Millis{*at}};
  s.limit = named(read, "limit", read.text("limit"), k_causes);
  s.reason = read.text("reason");
  s.gpu_was_busy = read.flag("gpu_was_busy");
  s.early_signal_sent = read.flag("early_signal_sent");
  s.warned = read.flag("warned");
  s.disarmed = read.flag("disarmed");
  if (const auto at = read.maybe_number("held_ms")) s.held = WallTime{Millis{*at}};
  if (const auto at = read.maybe_number("taken_at_ms")) s.taken_at = BootTime{Millis{*at}};
  if (const auto left = read.maybe_number("left_to_stop_ms")) saved.left_to_stop = Millis{*left};
  saved.instance_id = read.text("instance_id");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return saved;
}

}  // namespace curfew::guard
