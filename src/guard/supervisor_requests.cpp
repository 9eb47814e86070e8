// What comes from outside the job: requests by the control socket, EC2's notices, and the command before the end.
#include <algorithm>
#include <csignal>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "guard/supervisor.hpp"
#include "os/command.hpp"
#include "os/process_tree.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

// AWS's page "Spot Instance interruption notices" recommends a look every five seconds.
constexpr Millis k_spot_look{5'000};
constexpr Millis k_notice{120'000};  // what a notice leaves, as a rule
constexpr Millis k_longest_notice{600'000};
constexpr Millis k_output_look{20};
constexpr std::size_t k_kept_output = 16'384;
constexpr std::size_t k_shown_lines = 20;

}  // namespace

bool Supervisor::knows_where_it_is() const { return facts_ || !spec_.on_ec2 || spec_.then == Then::none; }

Status Supervisor::check_no_deadline_elsewhere(const std::string& what,
                                               const std::optional<job::Times>& moved) const {
  const auto tag =
      facts_ ? facts_->tags.find("curfew:deadline") : std::map<std::string, std::string>::const_iterator{};
  if (!knows_where_it_is())
    return fail(ErrorKind::refused, what, "whether a deadline is held outside this machine isn't known yet",
                "try again once the instance metadata service has answered");
  if (!facts_ || tag == facts_->tags.end()) return {};
  // Up to it the times here are this guard's own.
  const auto at = now();
  const auto left = moved ? job::left_to(moved->end_at, at) : std::nullopt;
  const auto held = parse_utc(tag->second);
  if (held && left && at.wall + *left <= *held) return {};
  return fail(ErrorKind::refused, what,
              "its deadline is held outside this machine as well (tag curfew:deadline=" +
                  printable(tag->second, 60) + "), and can't be moved from here",
              "from elsewhere, with your own credentials: curfew extend " +
                  printable(facts_->instance_id, 40) + " TIME --region " + printable(facts_->region, 40));
}

Status Supervisor::check_cost_of(const job::Times& times, const std::string& what) const {
  if (!spec_.cost_bound || !spec_.max_cost) return {};
  const auto at = now();
  const auto left = job::left_to(times.end_at, at);
  if (!left) return {};
  // Within the boot of the start by its clock, which no jump moves; times.end_at was made from both at once.
  Millis left_by_cost = spec_.cost_bound->end_at - at.wall;
  const auto& first_end = spec_.times.end_at;
  if (first_end && spec_.times.boot_id == at.boot_id)
    left_by_cost = first_end->boot + (spec_.cost_bound->end_at - first_end->wall) - at.boot;
  if (*left <= left_by_cost) return {};
  const auto now_left = job::left_to(state_.times.end_at, at);
  const auto more = std::chrono::floor<std::chrono::minutes>(left_by_cost - now_left.value_or(left_by_cost));
  const std::string hint = more > std::chrono::minutes{0}
                               ? "`curfew extend " + format_duration(more) + "` is within it"
                               : "the job was started with this limit";
  if (!spec_.cost || !spec_.cost->per_hour)
    return fail(ErrorKind::refused, what,
                "what this machine costs isn't known, so that --max-cost allows " +
                    format_duration(k_most_without_price) + " at most",
                hint);
  return fail(ErrorKind::refused, what,
              "--max-cost " + format_limit(*spec_.max_cost) + " is reached at " +
                  format_utc(spec_.cost_bound->end_at),
              hint);
}

void Supervisor::heed(DeadlineTags tags) {
  if (heeded_ == tags) return;
  auto step = heed_deadline(state_, spec_.rules, now(), tags);
  if (facts_ && tags.deadline) facts_->tags[k_deadline_tag] = *tags.deadline;
  heeded_ = std::move(tags);
  if (is_later(step, state_)) {
    if (auto affordable = check_cost_of(*step.times, "follow the tag curfew:deadline"); !affordable) {
      parts_.log.warning(affordable.error().text());
      step.times.reset();
      step.text.clear();
    }
  }
  if (!step.text.empty()) parts_.log.line(level_of(step.level), step.text);
  if (step.times || step.held)
    handle(TimesMoved{step.times.value_or(state_.times), step.times ? Cause::time_limit : Cause::none,
                      step.held});
  if (step.times) asio::co_spawn(parts_.io, move_l0_to_end(), k_rethrow);
}

Awaitable<void> Supervisor::watch_deadline() {
  if (std::exchange(watching_deadline_, true)) co_return;
  while (state_.stage < Stage::ending && !state_.disarmed) {
    co_await pause(parts_.deadline_look);
    // What IMDS doesn't tell is unknown, and looked for again.
    auto asking = parts_.cloud.tag(k_deadline_tag);
    auto deadline = co_await std::move(asking);
    if (!deadline) continue;
    asking = parts_.cloud.tag(k_most_deadline_tag);
    auto most = co_await std::move(asking);
    if (most) heed({std::move(*deadline), std::move(*most)});
  }
}

// When a machine goes down, `curfew run` is told to end with everything in its session, and passes that on. Where only the
// machine is guarded that is nobody's wish to end it: it may be a reboot.
void Supervisor::stop(int signal, bool at_once) {
  if (!spec_.rules.guards_machine || signal != SIGTERM) return handle(StopAsked{signal, at_once});
  asio::co_spawn(parts_.io, stop_unless_going_down(at_once), k_rethrow);
}

Awaitable<void> Supervisor::stop_unless_going_down(bool at_once) {
  const bool stopping = co_await machine_is_stopping();
  if (stopping) handle(MachineGoingDown{});
  else handle(StopAsked{SIGTERM, at_once});
}

Result<std::string> Supervisor::extend(Seconds by) {
  const std::string what = "extend by " + format_duration(by);
  if (state_.disarmed) return fail(ErrorKind::refused, what, "this machine was disarmed, nothing ends it");
  if (!taken_up_ || state_.stage > Stage::running)
    return fail(ErrorKind::refused, what, "the job is already " + std::string(name_of(state_.stage)));
  if (!state_.times.stop_at) return fail(ErrorKind::refused, what, "the job has no time limit");
  const auto extended = job::extended(state_.times, by);
  if (auto free = check_no_deadline_elsewhere(what, extended); !free) return fail(std::move(free.error()));
  if (auto affordable = check_cost_of(extended, what); !affordable)
    return fail(std::move(affordable.error()));
  handle(TimesMoved{extended, Cause::none});
  asio::co_spawn(parts_.io, move_l0_to_end(), k_rethrow);
  const auto at = now();
  const std::string text = "extended by " + format_duration(by) + ": stop at " +
                           format_utc(at.wall + *job::left_to(state_.times.stop_at, at)) +
                           ", machine gone by " +
                           format_utc(at.wall + *job::left_to(state_.times.end_at, at));
  parts_.log.warning(text);
  return text;
}

Result<std::string> Supervisor::disarm_by_hand() {
  const std::string what = "disarm";
  if (!taken_up_ || state_.stage >= Stage::ending)
    return fail(ErrorKind::refused, what, "the machine is already being ended");
  if (auto free = check_no_deadline_elsewhere(what, {}); !free) return fail(std::move(free.error()));
  handle(DisarmAsked{});
  return std::string(
      "DISARMED: NOTHING ENDS THIS MACHINE ANY MORE, and it costs money until somebody does; `curfew status` "
      "shows the "
      "layers as they are");
}

// Its wall time, on the boot clock. A wall clock that is wrong must not give a job hours, or nothing.
BootTime Supervisor::boot_time_of_notice(WallTime at) const {
  Millis left = at - parts_.clock.wall();
  if (left < Millis{0} || left > k_longest_notice) left = k_notice;
  return parts_.clock.boot() + left;
}

void Supervisor::kill_watched() {
  if (!spec_.watched) return;
  const auto process = os::read_process(static_cast<pid_t>(spec_.watched->pid));
  if (!process || process->start != spec_.watched->start) return;
  for (const auto& below : os::descendants(process->pid)) os::signal_process(below, SIGKILL);
  os::signal_process(*process, SIGKILL);
}

Awaitable<void> Supervisor::watch_spot() {
  if (std::exchange(watching_spot_, true)) co_return;
  bool silent = false;
  bool at_risk = false;
  while (state_.stage < Stage::ending && !state_.taken_at) {
    const auto news = co_await parts_.cloud.spot_news();
    if (!news && !silent)
      parts_.log.warning("a spot interruption notice would not be seen: " + news.error().text());
    if (news && silent) parts_.log.info("the instance metadata service answers again");
    silent = !news;
    if (news && news->at_risk && !std::exchange(at_risk, true)) {
      save_soon_ = spec_.rules.has_saves;
      parts_.log.warning("EC2 says that this spot instance is at elevated risk of interruption" +
                         std::string(save_soon_ ? ": saving now" : ""));
    }
    if (news && news->interrupted_at) {
      handle(SpotInterruption{boot_time_of_notice(*news->interrupted_at)});
      co_return;
    }
    co_await pause(k_spot_look);
  }
}

Awaitable<void> Supervisor::run_before_end(BootTime until) {
  const auto cancelled = std::make_shared<bool>(false);
  before_end_cancelled_ = cancelled;
  std::vector<std::string> argv{spec_.places.program,
                                "before-end",
                                "--state",
                                spec_.places.state,
                                "--run",
                                spec_.places.run,
                                "--cause",
                                std::string(name_of(state_.cause))};
  auto running = os::start_command(argv);
  if (!running) {
    parts_.log.error("--before-end: " + running.error().text());
    handle(BeforeEndEnded{false});
    co_return;
  }
  std::string output;
  bool ended = false;
  while (!ended && !*cancelled && parts_.clock.boot() < until) {
    ended = co_await readable(running->pidfd.get(), k_output_look);
    std::string news;
    os::read_output(*running, news);  // else a full pipe would stop it
    output += news;
    if (output.size() > k_kept_output) output.erase(0, output.size() - k_kept_output);
  }
  int code = 0;
  if (ended) code = os::reap(*running);
  else os::kill_command(*running);
  const auto lines = split(trimmed(output), '\n');
  const auto first = lines.size() > k_shown_lines ? lines.end() - k_shown_lines : lines.begin();
  for (auto line = first; line != lines.end(); ++line) {
    if (!line->empty()) parts_.log.info("--before-end: " + printable(*line, 400));
  }
  if (ended && code != 0) parts_.log.error("--before-end: exit code " + std::to_string(code));
  handle(BeforeEndEnded{ended && code == 0});
}

}  // namespace curfew::guard
