// One decision after another, the surest witness first: the job's own last word, then EC2, then the clock.
#include "jobs/assess.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "pricing/list_prices.hpp"

namespace curfew::jobs {
namespace {

constexpr std::string_view k_taken_by_ec2 = "Server.SpotInstanceTermination";

bool is_alive(const MachineSeen& machine) {
  return machine.state == aws::InstanceState::pending || machine.state == aws::InstanceState::running;
}

bool is_going(const MachineSeen& machine) {
  return machine.state == aws::InstanceState::shutting_down || machine.state == aws::InstanceState::stopping;
}

// A launch has one; should it have more, the one that lives is what matters.
const MachineSeen* machine_of(const Seen& seen) {
  const MachineSeen* best = nullptr;
  for (const auto& machine : seen.machines)
    if (best == nullptr || (is_alive(machine) && !is_alive(*best))) best = &machine;
  return best;
}

Seconds between(WallTime from, WallTime to) {
  return std::max(std::chrono::floor<Seconds>(to - from), Seconds{0});
}

// Its first part: "20261127-100000-…".
std::optional<WallTime> time_of(std::string_view launch_id) {
  if (launch_id.size() < 16 || launch_id[8] != '-') return {};
  const auto part = [&](std::size_t at, std::size_t length) {
    return std::string(launch_id.substr(at, length));
  };
  const auto time = parse_utc(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(9, 2) + ":" +
                              part(11, 2) + ":" + part(13, 2) + "Z");
  return time ? std::optional(*time) : std::nullopt;
}

// What EC2's StateReason codes mean for a job (EC2 API Reference, StateReason); the code stands beside it.
std::string_view meaning_of(std::string_view reason_code) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> k_known{{
      {k_taken_by_ec2, "EC2 took it back"},
      {"Server.SpotInstanceShutdown", "EC2 took it back"},
      {"Server.InternalError", "EC2 failed"},
      {"Server.ScheduledStop", "EC2 retired it"},
      {"Client.InstanceInitiatedShutdown", "it was shut down from inside"},
      {"Client.UserInitiatedShutdown", "it was ended from outside: curfew stop, its schedule, the console"},
  }};
  for (const auto& [code, meaning] : k_known)
    if (code == reason_code) return meaning;
  return {};
}

bool has_last_word(const Seen& seen) {
  return seen.status && (seen.status->phase == Phase::ended || seen.status->phase == Phase::failed);
}

JobState by_phase(Phase phase) {
  switch (phase) {
    case Phase::starting: return JobState::starting;
    case Phase::running: return JobState::running;
    case Phase::stopping: return JobState::stopping;
    case Phase::saving: return JobState::saving;
    case Phase::ending: return JobState::ending;
    case Phase::ended: return JobState::ended;
    case Phase::failed: return JobState::failed;
  }
  return JobState::unknown;
}

class Assessment {
 public:
  Assessment(const Seen& seen, WallTime now) : seen_(seen), now_(now), machine_(machine_of(seen)) {
    row_.launch_id = seen.launch_id;
  }

  Row row() {
    name_it();
    find_end();
    row_.state = state();
    tell_times();
    tell_end();
    tell_loss();
    tell_cost();
    tell_problems();
    return std::move(row_);
  }

 private:
  void name_it() {
    row_.region = seen_.region;
    if (seen_.launch) {
      row_.job = seen_.launch->job;
      row_.owner = seen_.launch->owner;
      row_.made = seen_.launch->made;
      row_.saves = !seen_.launch->saves.empty();
    } else {
      row_.made = time_of(seen_.launch_id);
    }
    if (row_.job.empty() && seen_.status) row_.job = seen_.status->job;
    if (machine_ != nullptr) {
      if (row_.job.empty()) row_.job = machine_->job;
      row_.instance = machine_->id;
      row_.type = machine_->type;
      row_.zone = machine_->zone;
      row_.instance_state = name_of(machine_->state);
      row_.ec2_reason = machine_->reason_code;
      row_.public_ipv4 = machine_->public_ipv4;
    } else if (seen_.status) {
      row_.instance = seen_.status->instance;
    }
    if (!seen_.status) return;
    row_.stage = seen_.status->stage;
    row_.cause = seen_.status->cause;
    row_.reason = seen_.status->reason;
  }

  // The tag is what `curfew extend` moves, and what everything else goes by.
  void find_end() {
    if (machine_ != nullptr && machine_->deadline) row_.end_at = machine_->deadline;
    else if (seen_.status && seen_.status->guard.end_at) row_.end_at = seen_.status->guard.end_at;
    else if (seen_.launch) row_.end_at = seen_.launch->end_at;
  }

  JobState state() {
    const bool is_known = seen_.status_problem.empty();
    const bool is_late = row_.end_at && now_ > *row_.end_at + k_overdue_after;
    // The job can write there, too, as long as its machine lives; the guard's last word is the last one.
    if (has_last_word(seen_) && machine_ != nullptr && is_alive(*machine_))
      return is_late ? JobState::overdue : JobState::ending;
    if (has_last_word(seen_)) return by_last_word();
    if (machine_ == nullptr && !seen_.machines_problem.empty()) return without_ec2();
    if (machine_ == nullptr) return without_machine(is_known);
    if (is_alive(*machine_)) {
      if (is_late) return JobState::overdue;
      if (!is_known) return JobState::unknown;
      return seen_.status ? by_phase(seen_.status->phase) : JobState::starting;
    }
    // Its last word may be on its way still.
    if (is_going(*machine_)) return JobState::ending;
    if (!is_known) return JobState::unknown;
    return gone();
  }

  // A guard that saw no notice says that its machine was ended by another hand.
  [[nodiscard]] JobState by_last_word() const {
    const bool taken = machine_ != nullptr && machine_->reason_code == k_taken_by_ec2 &&
                       seen_.status->cause == "machine_going_down";
    return seen_.status->interrupted || taken ? JobState::interrupted : by_phase(seen_.status->phase);
  }

  // What the machine said last may still hold.
  JobState without_ec2() {
    if (!seen_.status || (row_.end_at && now_ > *row_.end_at + k_overdue_after)) return JobState::unknown;
    return by_phase(seen_.status->phase);
  }

  JobState without_machine(bool is_known) {
    // Without its launch.json nobody knows in which region to look.
    if (!is_known || !seen_.launch_problem.empty()) return JobState::unknown;
    if (seen_.status) return seen_.launch ? gone() : JobState::unknown;
    if (!row_.made) return JobState::unknown;
    if (seen_.launch && seen_.launch->nothing_made) return JobState::never_launched;
    return now_ < *row_.made + k_launch_limit ? JobState::launching : JobState::never_launched;
  }

  [[nodiscard]] JobState gone() const {
    const bool taken = (machine_ != nullptr && machine_->reason_code == k_taken_by_ec2) ||
                       (seen_.status && seen_.status->interrupted);
    return taken ? JobState::interrupted : JobState::lost;
  }

  void tell_times() {
    const auto* const status = seen_.status ? &*seen_.status : nullptr;
    std::optional<WallTime> began;
    if (machine_ != nullptr) began = machine_->launched;
    else if (row_.made) began = row_.made;
    else if (status != nullptr) began = status->guard.started;
    // Of a machine that vanished, its last word is the last that is known of it.
    if (is_over(row_.state) && status != nullptr) row_.over_at = status->written;
    row_.over_for_sure = row_.over_at && has_last_word(seen_) && seen_.machines_problem.empty();
    const bool has_instance = machine_ != nullptr || status != nullptr;
    if (began && has_instance && (!is_over(row_.state) || row_.over_at))
      row_.ran = between(*began, row_.over_at.value_or(now_));
    if (status != nullptr) {
      row_.status_age = between(status->written, now_);
      if (status->guard.save_age) row_.save_age = *status->guard.save_age + *row_.status_age;
    }
    if (is_over(row_.state)) return;
    if (status != nullptr && status->guard.last_output)
      row_.output_age = between(*status->guard.last_output, now_);
    if (status != nullptr) row_.gpus = status->guard.gpus;
    std::optional<WallTime> stop_at;
    if (status != nullptr && status->guard.stop_at) stop_at = status->guard.stop_at;
    else if (seen_.launch) stop_at = seen_.launch->stop_at;
    const bool runs = row_.state == JobState::running || row_.state == JobState::starting ||
                      row_.state == JobState::launching;
    const auto until = runs ? stop_at : row_.end_at;
    if (until) row_.left = std::chrono::floor<Seconds>(*until - now_);
  }

  void tell_end() {
    if (!is_over(row_.state)) return;
    row_.unsaved = true;
    if (!seen_.status) return;
    row_.exit_code = has_last_word(seen_) ? seen_.status->exit_code : std::nullopt;
    row_.saved = seen_.status->saved;
    const bool has_saves = !seen_.launch || !seen_.launch->saves.empty();
    // A machine that vanished may have saved some of it; that it has all of it nobody knows.
    if (row_.state == JobState::lost) row_.saved.reset();
    if (row_.saved && !*row_.saved) note("THE RESULTS ARE NOT ALL SAVED");
    else if (!row_.saved && has_saves && row_.state == JobState::ended)
      note("whether all results are saved isn't known");
    row_.unsaved = row_.saved ? !*row_.saved : has_saves;
  }

  void tell_loss() {
    const bool is_lost = row_.state == JobState::lost || row_.state == JobState::interrupted;
    if (!is_lost || has_last_word(seen_)) return;
    if (machine_ == nullptr) {
      row_.loss = "EC2 shows its instance no more";
    } else {
      row_.loss = machine_->id + " is " + std::string(name_of(machine_->state));
      if (machine_->ended) row_.loss += " since " + format_utc(*machine_->ended);
      const auto meaning = meaning_of(machine_->reason_code);
      if (!machine_->reason_code.empty())
        row_.loss += " (" + (meaning.empty() ? "" : std::string(meaning) + ", ") +
                     printable(machine_->reason_code, 80) + ")";
    }
    if (!seen_.status) {
      row_.loss += "; it never said anything";
      if (machine_ != nullptr)
        row_.loss += ": aws ec2 get-console-output --latest --output text --region " + row_.region +
                     " --instance-id " + machine_->id + " shows its console for an hour or so";
      return;
    }
    const auto& status = *seen_.status;
    row_.loss += "; last heard of at " + format_utc(status.written);
    if (!status.stage.empty()) row_.loss += " in stage " + printable(status.stage, 80);
    if (!row_.saves) return;
    if (status.guard.save_age)
      row_.loss += "; last saved at " + format_utc(status.written - *status.guard.save_age) + ", " +
                   format_duration(*row_.save_age) + " ago";
    else row_.loss += "; no save of it is known";
  }

  void tell_cost() {
    if (seen_.status && seen_.status->guard.cost) {
      row_.cost = seen_.status->guard.cost;
      // A machine that was lost went on costing after its guard had said that.
      const bool went_on = is_over(row_.state) && !has_last_word(seen_);
      if (!seen_.status->guard.cost_is_complete || went_on) row_.cost_mark = Row::Cost::at_least;
      return;
    }
    if (machine_ == nullptr || !row_.ran) return;
    auto price = machine_->price;
    if (!price) {
      const auto list = pricing::list_price(machine_->type, row_.region);
      if (list) price = list->per_hour;
    }
    if (!price) return;
    // Of the instance alone, without its disks; and a spot instance's price is at most that.
    row_.cost = cost_of(*price, *row_.ran);
    row_.cost_mark = Row::Cost::at_least;
  }

  void tell_problems() {
    for (const auto* problem : {&seen_.launch_problem, &seen_.status_problem, &seen_.machines_problem}) {
      if (problem->empty()) continue;
      row_.complete = false;
      note(*problem);
    }
    if (row_.state == JobState::overdue)
      note("the machine should have been gone by " + format_utc(*row_.end_at) + ": curfew stop " +
           row_.instance);
    const bool alive = machine_ != nullptr && is_alive(*machine_);
    if (!is_over(row_.state) && alive && seen_.status && *row_.status_age > k_silent_after)
      note("nothing heard of it for " + format_duration(*row_.status_age));
    if (row_.state == JobState::starting && alive && !seen_.status &&
        now_ > machine_->launched + k_boot_limit)
      note("nothing heard of it since its launch");
    if (row_.state == JobState::ending && alive && has_last_word(seen_) && *row_.status_age > k_overdue_after)
      note("the job is over, and its machine still runs: curfew stop " + row_.instance);
    if (!is_over(row_.state) && seen_.status && seen_.status->interrupted)
      note("EC2 is taking the instance back");
    if (!is_over(row_.state) && seen_.status && seen_.status->guard.save_in_trouble) note("SAVING FAILS");
    if (!is_over(row_.state) && seen_.status && !seen_.status->guard.left_out.empty())
      note("of the last save: " + printable(seen_.status->guard.left_out, 300));
    const auto alive_count = std::count_if(seen_.machines.begin(), seen_.machines.end(), is_alive);
    if (alive_count > 1) note(std::to_string(alive_count) + " instances of this launch run");
  }

  void note(std::string text) { row_.notes.push_back(std::move(text)); }

  const Seen& seen_;
  WallTime now_;
  const MachineSeen* machine_;
  Row row_;
};

}  // namespace

std::string_view name_of(JobState state) {
  switch (state) {
    case JobState::launching: return "launching";
    case JobState::starting: return "starting";
    case JobState::running: return "running";
    case JobState::stopping: return "stopping";
    case JobState::saving: return "saving";
    case JobState::ending: return "ending";
    case JobState::ended: return "ended";
    case JobState::failed: return "failed";
    case JobState::interrupted: return "interrupted";
    case JobState::lost: return "lost";
    case JobState::overdue: return "overdue";
    case JobState::never_launched: return "never launched";
    case JobState::unknown: break;
  }
  return "unknown";
}

bool is_over(JobState state) {
  static constexpr std::array k_over{JobState::ended, JobState::failed, JobState::interrupted, JobState::lost,
                                     JobState::never_launched};
  return std::find(k_over.begin(), k_over.end(), state) != k_over.end();
}

Row assess(const Seen& seen, WallTime now) { return Assessment(seen, now).row(); }

bool is_hopeless(const Row& row, WallTime now) {
  if (row.state != JobState::unknown) return false;
  // Without launch and status nobody knows when it should end: a job that has begun would have told by now.
  const auto told_by = row.end_at ? row.end_at : row.made;
  return !told_by || now > *told_by + k_hopeless_after;
}

int exit_code_of(const Row& row) {
  if (row.state == JobState::interrupted || row.state == JobState::lost) return k_exit_gone;
  if (row.state != JobState::ended || !row.exit_code) return k_exit_unsure;
  if (*row.exit_code != 0) return *row.exit_code;
  // Told to stop, many a program exits with 0, its work half done.
  const bool by_itself = row.cause == "job_ended" || row.cause == "work_done";
  return row.unsaved || !by_itself ? k_exit_unsure : 0;
}

std::string describe_end(const Row& row) {
  std::string text(name_of(row.state));
  if (row.exit_code) text += ", exit code " + std::to_string(*row.exit_code);
  if (!row.reason.empty()) text += ": " + printable(row.reason, 300);
  else if (!row.cause.empty() && row.cause != "job_ended") {
    auto cause = row.cause == "machine_going_down"
                     ? "its machine was ended from outside (curfew stop, the console)"
                     : printable(row.cause, 80);
    std::replace(cause.begin(), cause.end(), '_', ' ');
    text += ": " + cause;
  }
  const bool has_why = text.find(": ") != std::string::npos;
  if (!row.loss.empty()) text += (has_why ? "; " : ": ") + printable(row.loss, 500);
  for (const auto& each : row.notes) text += "; " + printable(each, 300);
  if (row.state == JobState::ended && (row.exit_code == k_exit_unsure || row.unsaved))
    text += " (why: curfew logs " + row.launch_id + " --stage guard)";
  return text;
}

}  // namespace curfew::jobs
