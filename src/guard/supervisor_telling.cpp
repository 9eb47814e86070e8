// What people are told, and what the machine has cost.
#include <utility>

#include "base/text.hpp"
#include "guard/supervisor.hpp"
#include "os/machine.hpp"

namespace curfew::guard {
namespace {

notify::Event event_of(Announce::What what) {
  switch (what) {
    case Announce::What::started: return notify::Event::started;
    case Announce::What::stop_is_near: return notify::Event::stop_is_near;
    case Announce::What::interrupted: return notify::Event::interrupted;
    case Announce::What::kept: return notify::Event::kept;
    case Announce::What::disarmed: return notify::Event::disarmed;
    case Announce::What::ended: return notify::Event::ended;
  }
  return notify::Event::ended;
}

std::string outcome_of(const EndingPlan& plan, bool dry_run) {
  if (plan.ending == Ending::none) return "the machine stays on, and costs money";
  if (dry_run) return "dry run: the machine stays on, and costs money";
  return plan.ending == Ending::terminate
             ? "the machine is terminated"
             : "the machine is shut down; a stopped one's disks go on costing money";
}

}  // namespace

Awaitable<void> Supervisor::learn_cost() {
  CostReading reading;
  co_await parts_.cloud.read_cost(reading);
  cost_ = machine_cost(reading, spec_.price, true, now());
  parts_.log.info("this machine costs: " + cost_->description);
}

void Supervisor::announce(const Announce& what) {
  if (what.what == Announce::What::ended && cost_) {
    if (const auto cost = cost_by(*cost_, parts_.clock.wall()))
      parts_.log.info("this machine has cost " + std::string(cost_->is_complete ? "" : "at least ") +
                      format_dollars(*cost) + " since " + format_utc(cost_->since));
  }
  tell(event_of(what.what), what.text + (what.what == Announce::What::ended ? what_is_missing() : ""));
}

void Supervisor::tell(notify::Event event, const std::string& why) {
  if (spec_.notify.empty()) return;
  const auto at = now();
  const bool ended = event == notify::Event::ended;
  notify::Facts facts;
  facts.event = event;
  facts.instance = facts_ ? facts_->instance_id + " (" + facts_->instance_type + ", " + facts_->region + ")"
                          : os::host_name();
  facts.command = spec_.command;
  if (event != notify::Event::started) facts.why = why;
  if (ended) {
    facts.outcome = outcome_of(state_.plan, spec_.rules.dry_run);
    facts.exit_code = state_.published;
  }
  if (event != notify::Event::started)
    facts.ran = std::max(std::chrono::floor<Seconds>(at.wall - state_.times.started), Seconds{0});
  if (const auto left = job::left_to(state_.times.stop_at, at)) facts.stop_at = at.wall + *left;
  if (const auto left = job::left_to(state_.times.end_at, at); left && spec_.ends_machine() && !ended)
    facts.end_at = at.wall + *left;
  if (cost_) facts.cost = cost_by(*cost_, at.wall);
  parts_.teller.tell(facts);
}

}  // namespace curfew::guard
