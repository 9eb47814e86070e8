// Makes the status document.
#include "guard/status.hpp"

#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include "guard/json_parts.hpp"

namespace curfew::guard {

namespace json = boost::json;

namespace {

json::value time_of(const std::optional<job::Instant>& at, const job::Now& now) {
  if (!at) return {};
  // By the boot clock, which is what counts; the wall clock may have jumped since.
  const auto left = *job::left_to(at, now);
  return json::object{{"at", format_utc(now.wall + left)},
                      {"left_s", std::chrono::duration_cast<Seconds>(left).count()}};
}

json::value to_value(const std::optional<MachineCost>& cost, const Spec& spec, const job::Now& now) {
  if (!cost) return {};
  const auto dollars = [](const std::optional<Micros>& amount) {
    return amount ? json::value(format_dollars(*amount)) : json::value();
  };
  return json::object{{"so_far", dollars(cost_by(*cost, now.wall))},
                      {"limit", spec.max_cost ? json::value(format_limit(*spec.max_cost)) : json::value()},
                      {"complete", cost->is_complete},
                      {"since", format_utc(cost->since)},
                      {"text", cost->description}};
}

json::value maybe_text(const std::string& text) { return text.empty() ? json::value() : json::value(text); }

json::value left_out_of(const save::Notes& notes) {
  if (notes.count == 0) return {};
  return json::object{{"files", notes.count}, {"text", save::left_out_line(notes)}};
}

json::value to_value(const std::optional<MidwayStatus>& midway, const Spec& spec) {
  if (!midway) return {};
  const auto age =
      midway->age ? json::value(std::chrono::floor<Seconds>(*midway->age).count()) : json::value();
  return json::object{
      {"every_s", detail::maybe(spec.save_every)},  {"last_good_age_s", age},
      {"in_trouble", midway->in_trouble},           {"left_out", left_out_of(midway->left_out)},
      {"will_fail", maybe_text(midway->will_fail)}, {"logs_fail", maybe_text(midway->logs)}};
}

// By when the stage is left at the latest; null where stop_at is what counts, or nothing does.
json::value stage_end_of(const State& state, const job::Now& now) {
  if (state.stage <= Stage::running || state.stage >= Stage::ending) return {};
  const Millis left = state.stage_until - now.boot;
  return json::object{{"at", format_utc(now.wall + left)},
                      {"left_s", std::chrono::floor<Seconds>(left).count()}};
}

json::value result_of(const State& state) {
  if (state.start_failure) return json::object{{"how", "not started"}, {"number", *state.start_failure}};
  if (!state.result) return {};
  switch (state.result->how) {
    case JobResult::How::exited: return json::object{{"how", "exited"}, {"number", state.result->number}};
    case JobResult::How::signalled:
      return json::object{{"how", "signalled"}, {"number", state.result->number}};
    case JobResult::How::unknown: break;
  }
  return json::object{{"how", "unknown"}, {"number", json::value()}};
}

}  // namespace

std::string last_path(const layers::Places& places) { return places.run + "/last.json"; }

std::string last_json(const State& state, WallTime ended) {
  return json::serialize(json::object{{"version", 1},
                                      {"result", result_of(state)},
                                      {"exit_code", state.published.value_or(125)},
                                      {"ended", format_utc(ended)}});
}

json::object status_of(const StatusInput& in) {
  const auto& [spec, state, facts, summary, now, job_pid, output_at, readings, cost, midway] = in;
  return {
      {"version", 1},
      {"guard_pid", static_cast<int>(::getpid())},
      {"supervised_by", spec.service ? "systemd" : "shim"},
      {"command", spec.command},
      {"stage", std::string(name_of(state.stage))},
      {"since", format_utc(state.stage_since == WallTime{} ? state.times.started : state.stage_since)},
      {"stage_until", stage_end_of(state, now)},
      {"started", format_utc(state.times.started)},
      {"stop_at", time_of(state.times.stop_at, now)},
      {"end_at", time_of(state.times.end_at, now)},
      {"held_outside", state.held ? json::value(format_utc(*state.held)) : json::value()},
      {"also_ends_on", json::value_from(what_ends_it(spec))},
      {"saves", json::value_from(spec.saves)},
      {"cause", state.cause == Cause::none ? json::value() : json::value(std::string(name_of(state.cause)))},
      {"job_pid", job_pid ? json::value(*job_pid) : json::value()},
      {"result", result_of(state)},
      {"last_output", output_at ? json::value(format_utc(*output_at)) : json::value()},
      {"exit_code", state.published ? json::value(*state.published) : json::value()},
      {"then", std::string(name_of(spec.then))},
      {"dry_run", spec.rules.dry_run},
      {"ends_machine", spec.ends_machine() && !state.disarmed},
      {"disarmed", state.disarmed},
      {"ending", state.disarmed ? "DISARMED by hand: NOTHING ENDS THIS MACHINE ANY MORE"
                                : describe(state.plan, spec, facts)},
      {"save", summary ? json::value(save::to_json(*summary)) : json::value()},
      {"saving", to_value(midway, spec)},
      {"cost", to_value(cost, spec, now)},
      {"gpus", maybe_text(readings.gpus)},
      {"output", maybe_text(readings.output)},
      {"idle", maybe_text(readings.machine.idle)},
      {"terminals", maybe_text(readings.machine.terminals)},
      {"jupyter", maybe_text(readings.machine.jupyter)},
      {"stall_path", maybe_text(readings.path)},
      {"reason", state.reason.empty() ? json::value() : json::value(state.reason)},
      {"instance", facts ? json::value(facts->instance_id) : json::value()},
  };
}

}  // namespace curfew::guard
