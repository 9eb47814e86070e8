// Decisions and lines.
#include "watch/deadline_plan.hpp"

#include <algorithm>

#include "aws/sts.hpp"
#include "base/text.hpp"
#include "layers/l3.hpp"
#include "watch/act_text.hpp"
#include "watch/display.hpp"
#include "watch/ending.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_longest_text = 80;
constexpr std::size_t k_longest_tag = 256;

DeadlinePlan refuse(std::string why) {
  DeadlinePlan plan;
  plan.refused = std::move(why);
  return plan;
}

std::string in_time(WallTime at, WallTime now) {
  return format_utc(at) + " (in " + format_duration(std::chrono::floor<Seconds>(at - now)) + ")";
}

std::string lasts(const aws::EndSchedule& schedule) {
  return "every 10 minutes for " +
         format_duration(std::chrono::floor<Seconds>(schedule.end - schedule.start));
}

std::string id_of(const FoundInstance& found) { return shown(found.machine.id); }

layers::L3 layer_of(const FoundInstance& found, WallTime end_at, bool stops, const std::string& role,
                    const std::string& token) {
  return {found.machine.id, end_at, stops, role, token};
}

// As it was read, to be put back.
aws::EndSchedule as_read(const aws::Schedule& read, const aws::EndSchedule& wanted,
                         const std::string& region) {
  auto before = wanted;
  before.start = read.start.value_or(wanted.start);
  before.end = read.end.value_or(wanted.end);
  before.role = read.role;
  before.stops = read.target == aws::end_target(region, true);
  before.client_token = wanted.client_token + "-b";
  return before;
}

Change change_to(const ScheduleSeen& seen, aws::EndSchedule wanted, const std::string& region) {
  Change change;
  change.kind =
      seen.state == ScheduleSeen::State::there ? Change::Kind::move_schedule : Change::Kind::make_schedule;
  if (change.kind == Change::Kind::move_schedule) change.before = as_read(seen.schedule, wanted, region);
  change.schedule = std::move(wanted);
  return change;
}

Change change_of(aws::KeyValues tags) {
  Change change;
  change.tags = std::move(tags);
  return change;
}

// Why the schedule can't be touched; empty: it can.
std::string refused_schedule(const FoundInstance& found, const ScheduleSeen& seen) {
  const auto name = layers::l3_name(id_of(found));
  if (seen.state == ScheduleSeen::State::unknown)
    return "whether it has a schedule isn't known: " + printable(seen.why, 300);
  if (seen.state == ScheduleSeen::State::there &&
      !layers::is_curfews(seen.schedule, found.machine.id, found.machine.region))
    return "its schedule " + name + " isn't as curfew makes them: delete that first";
  return {};
}

std::string refused_role(const FoundInstance& found, const std::string& role) {
  const auto account = aws::account_of_role(role);
  if (account == found.machine.account) return {};
  return "the role of --scheduler-role is of account " + shown(account.value_or("?")) + ", the instance of " +
         shown(found.machine.account);
}

// Why its end can't be there; empty: it can.
std::string refused_most(const FoundInstance& found, WallTime to) {
  if (!found.max_deadline) return {};
  if (!found.max_deadline->at)
    return "its tag curfew:max-deadline can't be read: '" +
           shortened(shown(found.max_deadline->raw), k_longest_text) + "'";
  if (to <= *found.max_deadline->at) return {};
  return format_utc(to) + " is beyond its tag curfew:max-deadline=" + format_utc(*found.max_deadline->at);
}

std::string refused_by_group(const FoundInstance& found, const std::string& profile) {
  return "the Auto Scaling group " + shortened(shown(found.machine.group), k_longest_text) +
         " would replace it once it has ended, again and again. To end all of the group instead: " +
         group_command(found.machine, found.role.empty() ? profile : "");
}

std::string refused_state(const FoundInstance& found, const std::string& profile) {
  const auto& machine = found.machine;
  if (machine.state != InstanceState::running)
    return "it is " + std::string(name_of(machine.state)) + ", and only one that runs can be guarded";
  if (!machine.managed_by.empty())
    return "it is managed by " + shortened(shown(machine.managed_by), k_longest_text) +
           ", by which alone it can be ended";
  if (!machine.group.empty()) return refused_by_group(found, profile);
  if (found.persistent)
    return "its persistent spot request " + shown(found.spot_request) +
           " would launch another: cancel that first (aws ec2 cancel-spot-instance-requests --region " +
           shown(machine.region) + " --spot-instance-request-ids " + shown(found.spot_request) + ")";
  return {};
}

Action guarded_action(const FoundInstance& found, const GuardWish& wish) {
  if (wish.then) return *wish.then;
  if (found.then) return *found.then;
  return found.machine.lifecycle == Lifecycle::spot ? Action::terminate : Action::stop;
}

std::string refused_action(const FoundInstance& found, const GuardWish& wish, Action action,
                           const std::string& profile) {
  const auto& machine = found.machine;
  if (!wish.then && is_then_unclear(machine))
    return "its tag curfew:then says neither stop nor terminate: --then stop or --then terminate says which";
  if (action == Action::stop && machine.lifecycle == Lifecycle::spot)
    return "a spot instance can only be terminated: --then terminate";
  if (action == Action::terminate && machine.protected_from_end.value_or(false))
    return "it is protected from termination (DisableApiTermination). Where that is to end: " +
           unprotect_command(shown(machine.region), shown(machine.id), found.role.empty() ? profile : "");
  return {};
}

std::string volumes_of(const FoundInstance& found, bool lost) {
  std::string text;
  if (!found.volumes) return text;
  for (const auto& volume : *found.volumes)
    if (volume.delete_on_termination == lost) text += (text.empty() ? "" : ", ") + shown(volume.id);
  return text;
}

void tell_losses(const FoundInstance& found, Action action, std::vector<std::string>& lines) {
  if (action == Action::stop) {
    auto all = volumes_of(found, true);
    const auto kept = volumes_of(found, false);
    all += (all.empty() || kept.empty() ? "" : ", ") + kept;
    lines.push_back("STOPPED, its disks go on costing money" + (all.empty() ? "" : ": " + all) +
                    "; what is on instance-store disks is lost");
    return;
  }
  const auto lost = volumes_of(found, true);
  const auto kept = volumes_of(found, false);
  lines.push_back("TERMINATED, it's gone with any instance-store disks" +
                  (!found.volumes ? std::string(" and the volumes for which DeleteOnTermination is set")
                   : lost.empty() ? ""
                                  : " and with " + lost));
  if (!kept.empty()) lines.push_back("what stays, and goes on costing money: " + kept);
}

void tell_doubts(const FoundInstance& found, Action action, std::vector<std::string>& lines) {
  const auto& machine = found.machine;
  if (action == Action::terminate && !machine.protected_from_end)
    lines.emplace_back("whether it's protected from termination isn't known: then nothing would end it");
  if (machine.lifecycle == Lifecycle::spot && !found.request_known)
    lines.emplace_back("whether its spot request is persistent, and so launches another, isn't known");
  if (machine.keep)
    lines.emplace_back("its tag curfew:keep holds `curfew check --enforce` off, but not the schedule");
}

std::string job_of(const FoundInstance& found, const GuardWish& wish) {
  const auto& machine = found.machine;
  for (const auto& name : {wish.name, machine.job.value_or(""), machine.name})
    if (!name.empty() && name.size() <= k_longest_tag) return name;
  return machine.id;
}

std::string way(Millis by) {
  const auto seconds = std::chrono::floor<Seconds>(std::chrono::abs(by));
  return format_duration(seconds) + (by < Millis{0} ? " earlier" : " later");
}

}  // namespace

DeadlinePlan plan_guard(const FoundInstance& found, const GuardWish& wish, const ScheduleSeen& seen,
                        WallTime now, const std::string& token, const std::string& profile) {
  const auto& machine = found.machine;
  if (auto why = refused_state(found, profile); !why.empty()) return refuse(std::move(why));
  const bool is_held = machine.deadline && machine.deadline->at;
  const WallTime held = is_held ? machine.deadline->at.value_or(WallTime::min()) : WallTime::min();
  if (held > now)
    return refuse("it is guarded already, and to be gone by " + in_time(held, now) + ": `curfew extend " +
                  id_of(found) + " TIME` moves that, `curfew extend " + id_of(found) + " --to " +
                  format_utc(held) + "` sets its schedule right");
  const auto action = guarded_action(found, wish);
  if (auto why = refused_action(found, wish, action, profile); !why.empty()) return refuse(std::move(why));
  DeadlinePlan plan;
  plan.deadline = std::chrono::floor<Seconds>(now + wish.max_time);
  if (auto why = refused_most(found, plan.deadline); !why.empty()) return refuse(std::move(why));
  if (auto why = refused_schedule(found, seen); !why.empty()) return refuse(std::move(why));
  const bool is_there = seen.state == ScheduleSeen::State::there;
  if (!wish.schedule && is_there)
    return refuse("it has a schedule, " + layers::l3_name(id_of(found)) +
                  ": delete that, or guard it without --no-schedule");
  plan.lines.push_back(about(machine, now));
  const auto stops = action == Action::stop;
  if (wish.schedule) {
    if (auto why = refused_role(found, wish.scheduler_role); !why.empty()) return refuse(std::move(why));
    auto wanted = layers::schedule_of(layer_of(found, plan.deadline, stops, wish.scheduler_role, token));
    plan.lines.push_back("from " + in_time(wanted.start, now) + " on AWS " +
                         (stops ? "STOPS" : "TERMINATES") + " it: the EventBridge schedule " + wanted.name +
                         ", " + lasts(wanted) + (is_there ? "; one that is there is replaced" : ""));
    plan.changes.push_back(change_to(seen, std::move(wanted), machine.region));
  } else {
    plan.lines.emplace_back(
        "WITHOUT A SCHEDULE nothing in AWS ends it: only `curfew check --enforce` does, where that runs");
  }
  plan.lines.push_back("its tags say that it's to be gone by " + in_time(plan.deadline, now));
  if (machine.deadline)
    plan.lines.push_back(
        "its tag curfew:deadline=" + (is_held ? format_utc(held) : "'" + shown(machine.deadline->raw) + "'") +
        (is_held ? ", which is past," : ", which can't be read,") + " is replaced");
  tell_losses(found, action, plan.lines);
  if (stops && wish.schedule)
    plan.lines.push_back("started again within " + format_duration(layers::k_l3_lasts_stopping) +
                         " of that, it's stopped again, unless it's guarded anew");
  tell_doubts(found, action, plan.lines);
  plan.changes.push_back(change_of({{"curfew:job", job_of(found, wish)},
                                    {"curfew:deadline", format_utc(plan.deadline)},
                                    {"curfew:then", std::string(name_of(action))},
                                    {"curfew:schedule", wish.schedule ? "armed" : "none"}}));
  return plan;
}

DeadlinePlan plan_move(const FoundInstance& found, const MoveWish& wish, const ScheduleSeen& seen,
                       WallTime now, const std::string& token) {
  const auto& machine = found.machine;
  using State = ScheduleSeen::State;
  if (machine.state != InstanceState::running && machine.state != InstanceState::pending)
    return refuse("it is " + std::string(name_of(machine.state)) + ": there's nothing to extend");
  if (!machine.deadline || !machine.deadline->at)
    return refuse((machine.deadline ? "its tag curfew:deadline can't be read, '" +
                                          shortened(shown(machine.deadline->raw), k_longest_text) + "'"
                                    : std::string("it has no deadline, no tag curfew:deadline")) +
                  ": `curfew guard " + id_of(found) + "` gives it one");
  if (auto why = refused_schedule(found, seen); !why.empty()) return refuse(std::move(why));
  const WallTime from = *machine.deadline->at;
  const bool is_there = seen.state == State::there;
  // The tag was moved earlier, and the schedule is still where the tag was: the same command, broken off.
  const bool is_finishing = wish.by && *wish.by < Seconds{0} && is_there &&
                            seen.schedule.start == layers::l3_start(from - *wish.by) &&
                            seen.schedule.start != layers::l3_start(from);
  DeadlinePlan plan;
  plan.deadline = is_finishing ? from
                  : wish.to    ? std::chrono::floor<Seconds>(*wish.to)
                               : from + wish.by.value_or(Seconds{0});
  const WallTime to = plan.deadline;
  if (to < now + k_nearest_deadline)
    return refuse(format_utc(to) + " is " + (to <= now ? "past" : "less than 2 minutes ahead") +
                  ": `curfew stop " + id_of(found) + "` ends it now");
  if (to > now + k_farthest_deadline) return refuse(format_utc(to) + " is more than a year ahead");
  if (to > from)
    if (auto why = refused_most(found, to); !why.empty()) return refuse(std::move(why));

  plan.lines.push_back(about(machine, now));
  plan.lines.push_back(to == from ? "it's to be gone by " + in_time(to, now) + ", as its tag has it"
                                  : "it's to be gone by " + in_time(to, now) + ", " + way(to - from) +
                                        " than " + format_utc(from));
  std::vector<Change> schedule;
  if (is_there || !wish.scheduler_role.empty()) {
    if (!is_there && is_then_unclear(machine))
      return refuse("it has no schedule, and its tag curfew:then says neither stop nor terminate");
    if (!is_there)
      if (auto why = refused_role(found, wish.scheduler_role); !why.empty()) return refuse(std::move(why));
    const bool stops =
        is_there ? seen.schedule.target == aws::end_target(machine.region, true) : machine.then_stop;
    auto wanted = layers::schedule_of(
        layer_of(found, to, stops, is_there ? seen.schedule.role : wish.scheduler_role, token));
    plan.lines.push_back("its schedule " + std::string(stops ? "stops" : "terminates") + " it from " +
                         in_time(wanted.start, now) + " on");
    if (!is_there || !layers::is_armed_as(seen.schedule, wanted, machine.region))
      schedule.push_back(change_to(seen, std::move(wanted), machine.region));
  } else if (machine.schedule == ScheduleState::none || !wish.schedule) {
    plan.lines.emplace_back("WITHOUT A SCHEDULE nothing in AWS ends it, should its own guard fail");
  } else {
    return refuse("its schedule " + layers::l3_name(id_of(found)) +
                  " is missing: --scheduler-role ARN makes it anew, --no-schedule does without");
  }
  // A guard is told of an earlier end before anything outside brings it, so that it can save.
  const aws::KeyValues deadline{{"curfew:deadline", format_utc(to)}};
  if (to < from) plan.changes.push_back(change_of(deadline));
  const bool is_made = !schedule.empty() && !is_there;
  plan.changes.insert(plan.changes.end(), schedule.begin(), schedule.end());
  if (to > from) plan.changes.push_back(change_of(deadline));
  if (is_made) plan.changes.push_back(change_of({{"curfew:schedule", "armed"}}));
  return plan;
}

}  // namespace curfew::watch
