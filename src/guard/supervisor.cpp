// The guard's loop: events in, the policy's actions out.
#include "guard/supervisor.hpp"

#include <csignal>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "guard/status.hpp"
#include "os/files.hpp"
#include "os/systemd.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

constexpr Millis k_tick{1'000};  // while the job is being stopped, saved, ended
constexpr Millis k_running_tick{
    5'000};  // while it runs, and nothing but a bound, which is waited for, can come
constexpr Millis k_shortest_tick{10};
constexpr Millis k_first_tick{250};
constexpr Millis k_persist_every{60'000};  // so that after a reboot what was left is known to a minute
constexpr Millis k_watchdog_beat{10'000};  // a third of WatchdogSec
constexpr Millis k_look_for_shutdown{1'000};
constexpr Millis k_facts_patience{5'000};
constexpr Millis k_facts_retry{300};
constexpr Millis k_facts_retry_most{60'000};
constexpr Millis k_identity_patience{60'000};
constexpr Millis k_look_again{1'000};

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

Supervisor::Supervisor(Spec spec, Parts parts)
    : spec_(std::move(spec)),
      parts_(parts),
      l0_(spec_.places, spec_.service, parts_.power),
      l2_(spec_.places),
      shim_({spec_.places.state, spec_.places.run}, parts.log,
            [this](const Event& event) { hear_shim(event); }),
      control_(parts.io.get_executor(), spec_.owner,
               {[this] { return boost::json::serialize(status()); },
                [this](int signal, bool at_once) { stop(signal, at_once); },
                [this] { return state_.published ? std::to_string(*state_.published) : std::string(); },
                [this](Seconds by) { return extend(by); }, [this] { return disarm_by_hand(); },
                [this] { return knows_where_it_is(); }}),
      reasons_(spec_, {parts.io, parts.clock, parts.log, [this] { return shim_.output_at(); },
                       [this](const Event& event) { handle(event); },
                       [this](const std::string& why) { tell(notify::Event::stalled, why); }}),
      containers_(
          spec_, {parts.io, parts.clock, parts.log,
                  // Without a command there's no job whose containers they could be: they're the owner's, and
                  // may have to be there again after the next start.
                  [this] {
                    return state_.plan.ending == Ending::none || spec_.rules.dry_run ||
                           spec_.rules.guards_machine;
                  },
                  [this] {
                    const auto watched = spec_.watched ? static_cast<int>(spec_.watched->pid) : 0;
                    return JobContainers::clients_below(watched > 0 ? watched : shim_.job_pid().value_or(0));
                  },
                  [this] { return state_.stage <= Stage::killing; }}),
      maintenance_({[this] { return parts_.cloud.maintenance(); },
                    [this] { return state_.stage < Stage::ending; },
                    [this](const std::string& text) { parts_.log.warning(text); }}),
      launch_({[this] { return parts_.cloud.tags(); },
               [this] {
                 const auto now = parts_.clock.boot();
                 return first_process_ran_for(now).value_or(now.time_since_epoch());
               },
               [this] { return state_.stage < Stage::draining && !state_.disarmed; },
               [this](const std::string& why) {
                 handle(ReasonFound{Cause::launch_unfinished, why});
               }}),
      cost_(spec_.cost) {
  if (!cost_ && !spec_.on_ec2 && spec_.price)
    cost_ = machine_cost(no_cost_reading(), spec_.price, false, {spec_.times.started, {}, {}});
}

job::Now Supervisor::now() const { return {parts_.clock.wall(), parts_.clock.boot(), os::boot_id()}; }

void Supervisor::run() {
  parts_.log.listen([this](os::LogLevel level, std::string_view text) {
    control_.tell(FromGuard::line, std::string(os::name_of(level)) + " " + std::string(text));
  });
  if (auto opened = control_.open(spec_.places.run); !opened)
    parts_.log.error("no control socket, so the front end and `curfew status` hear nothing: " +
                     opened.error().text());
  asio::co_spawn(parts_.io, hear_signals(), k_rethrow);
  asio::co_spawn(parts_.io, tick(), k_rethrow);
  os::notify_systemd("READY=1");
  take_up();
  parts_.io.run();
}

void Supervisor::take_up() {
  const auto at = now();
  std::optional<Millis> left_before;
  bool begun = false;
  if (os::exists(spec_.state_path())) {
    begun = true;
    const auto text = os::read_file(spec_.state_path());
    auto saved = text ? saved_from_json(*text) : Result<Saved>(fail(Error{text.error()}));
    if (saved) {
      state_ = std::move(saved->state);
      left_before = saved->left_to_stop;
      instance_id_ = saved->instance_id;
    } else {
      parts_.log.error(saved.error().text() + "; going on with the times that the job was started with");
    }
  }
  if (!begun || state_.times.started == WallTime{}) {
    state_.times = spec_.times;
    if (spec_.cost_bound && spec_.cost_bound->is_first) state_.limit = Cause::cost_limit;
    state_.plan = ending_plan(spec_.then, spec_.on_ec2, std::nullopt);
  }
  const bool same_boot = state_.times.boot_id == at.boot_id;
  // Done, and yet there is another boot: the machine came back from a reboot by another's hand, and still has to end.
  if (same_boot && state_.stage == Stage::done) return enqueue(Leave{});
  if (!same_boot) {
    asio::co_spawn(parts_.io, take_up_after_reboot(left_before), k_rethrow);
    return;
  }
  if (begun) {
    containers_.resume(state_.times.started);
    parts_.log.warning("a new guard takes over, in stage " + std::string(name_of(state_.stage)));
    // When the last save was good isn't known any more, and guards that die more often than that would never save.
    save_soon_ = spec_.save_every.has_value();
    taken_up_ = true;
    handle(Resumed{true});
  } else {
    persist(os::Sync::yes);
    containers_.begin(state_.times.started);
    parts_.log.info("guarding " + spec_.command + ": stop at " +
                    (state_.times.stop_at ? format_utc(state_.times.stop_at->wall) : "no time") +
                    (spec_.ends_machine() || spec_.rules.dry_run
                         ? ", machine gone by " +
                               (state_.times.end_at ? format_utc(state_.times.end_at->wall) : "no time")
                         : ""));
    for (const auto& line : weaknesses(spec_)) parts_.log.warning(line);
    if (spec_.max_cost && spec_.cost && spec_.cost_bound)
      parts_.log.line(spec_.cost->per_hour ? os::LogLevel::info : os::LogLevel::warning,
                      describe_bound(*spec_.max_cost, *spec_.cost, *spec_.cost_bound));
    for (const auto& place : parts_.teller.places()) parts_.log.info("notifying " + place);
  }
  begin();
  asio::co_spawn(parts_.io, shim_.run(), k_rethrow);
  if (spec_.rules.has_saves) asio::co_spawn(parts_.io, check_saving(!begun), k_rethrow);
  asio::co_spawn(parts_.io, learn_facts(), k_rethrow);
}

void Supervisor::begin() {
  taken_up_ = true;
  start_reporting();
  if (spec_.spot_notice == SpotNotice::on) asio::co_spawn(parts_.io, watch_spot(), k_rethrow);
  if (spec_.on_ec2 && spec_.spot_notice != SpotNotice::off)
    asio::co_spawn(parts_.io, maintenance_.run(), k_rethrow);
  for (const auto& event : std::exchange(early_, {})) handle(event);
}

Awaitable<void> Supervisor::take_up_after_reboot(std::optional<Millis> left_before) {
  // Not `if (co_await …)`: g++ 12 loses the frame of the coroutine that is called so.
  const bool other = co_await is_other_machine();
  if (other) {
    enqueue(Disarm{});
    enqueue(Leave{});
    co_return;
  }
  state_.times = job::rebased(state_.times, now(), left_before);
  taken_up_ = true;
  // L0 still counts in the clock of the boot before.
  asio::co_spawn(parts_.io, move_l0_to_end(), k_rethrow);
  handle(Resumed{false});
  begin();
  co_await learn_facts();
}

// A later boot that finds the mark was started by its owner, who wants it up; another instance id is a baked image.
Awaitable<bool> Supervisor::is_other_machine() {
  if (os::exists(spec_.places.ended_marker())) {
    parts_.log.info(
        "this machine was ended by curfew and has been started again: nothing is guarded any more");
    co_return true;
  }
  if (!spec_.on_ec2 || instance_id_.empty()) co_return false;
  // The network may still be coming up. L0 holds meanwhile.
  const auto until = parts_.clock.boot() + k_identity_patience;
  for (;;) {
    const auto facts = co_await parts_.cloud.facts();
    if (facts && facts->instance_id == instance_id_) co_return false;
    if (facts) {
      parts_.log.info("this is instance " + printable(facts->instance_id) + ", made from the disk of " +
                      printable(instance_id_) + ": nothing is guarded any more");
      co_return true;
    }
    if (parts_.clock.boot() >= until) co_return false;
    co_await pause(k_look_again);
  }
}

void Supervisor::handle(const Event& event) {
  if (!taken_up_) {
    if (!std::holds_alternative<Tick>(event)) early_.push_back(event);
    return;
  }
  const Stage before = state_.stage;
  auto next = step(state_, spec_.rules, now(), event);
  const bool is_tick = std::holds_alternative<Tick>(event);
  state_ = std::move(next.state);
  if (state_.stage == Stage::running) {
    reasons_.start(state_.gpu_was_busy);
    start_saving();
  }
  if (!is_tick || !next.actions.empty() || before != state_.stage)
    persist(std::holds_alternative<TimesMoved>(event) ? os::Sync::yes : os::Sync::no);
  for (const auto& action : next.actions) perform(action);
}

void Supervisor::hear_shim(const Event& event) {
  // The tree isn't gone while what it started in containers can still write.
  if (std::holds_alternative<TreeGone>(event))
    containers_.when_gone([this, event] { hear_once_settled(event); });
  else hear_once_settled(event);
}

void Supervisor::hear_once_settled(const Event& event) {
  const bool leads_to_ending =
      std::holds_alternative<TreeGone>(event) || std::holds_alternative<JobNotStarted>(event);
  if (leads_to_ending && !facts_settled_) held_.push_back(event);
  else handle(event);
}

void Supervisor::settle_facts() {
  if (std::exchange(facts_settled_, true)) return;
  for (const auto& event : std::exchange(held_, {})) handle(event);
}

void Supervisor::persist(os::Sync sync) {
  persisted_at_ = parts_.clock.boot();
  const auto text = to_json(Saved{state_, job::left_to(state_.times.stop_at, now()), instance_id_});
  const auto written = os::replace_file(spec_.state_path(), text, 0600, sync);
  if (!written && !persist_failed_)
    parts_.log.error("the state can't be written, the last good one is kept: " + written.error().text());
  if (written && persist_failed_) parts_.log.info("the state is written again");
  persist_failed_ = !written;
}

void Supervisor::perform(const Action& action) {
  std::visit(
      Overloaded{
          [&](const SignalTree& a) {
            containers_.stop(state_.stage_until);
            shim_.signal_tree(a.signal);
          },
          [&](const KillTree&) {
            containers_.kill();
            kill_watched();
            shim_.kill_tree();
          },
          [&](const SignalCommand& a) { shim_.signal_command(a.signal); },
          [&](const StartBeforeEnd& a) { asio::co_spawn(parts_.io, run_before_end(a.until), k_rethrow); },
          [&](const CancelBeforeEnd&) {
            if (before_end_cancelled_) *before_end_cancelled_ = true;
          },
          [&](const Announce& a) { announce(a); },
          [&](const StartSave& a) { asio::co_spawn(parts_.io, save(a.until), k_rethrow); },
          [&](const CancelSave&) {
            if (save_cancel_) save_cancel_->ask();
          },
          [&](const Publish& a) {
            control_.tell(FromGuard::published, std::to_string(a.exit_code));
            // For `curfew status` of people who may not read the state folder; it's lost with the boot.
            (void)os::replace_file(last_path(spec_.places), last_json(state_, parts_.clock.wall()), 0644,
                                   os::Sync::no);
          },
          [&](const Note& a) { parts_.log.line(level_of(a.level), a.text + std::exchange(remark_, {})); },
          [&](const auto& slow) { enqueue(slow); },
      },
      action);
}

void Supervisor::enqueue(Action action) {
  slow_.push_back(std::move(action));
  if (working_) return;
  working_ = true;
  asio::co_spawn(parts_.io, work_off(), k_rethrow);
}

Awaitable<void> Supervisor::work_off() {
  while (!slow_.empty()) {
    Action action = std::move(slow_.front());
    slow_.pop_front();
    co_await perform_slowly(std::move(action));
  }
  working_ = false;
}

Awaitable<void> Supervisor::tick() {
  BootTime next_beat{};
  // What the shim has to tell of the job comes first: a limit that passed meanwhile isn't why it ended.
  co_await pause(k_first_tick);
  for (;;) {
    const auto at = parts_.clock.boot();
    handle(Tick{});
    if (at - persisted_at_ >= k_persist_every) persist(os::Sync::no);
    if (at >= next_beat) {
      os::notify_systemd("WATCHDOG=1");
      shim_.beat();
      next_beat = at + k_watchdog_beat;
    }
    Millis wait = state_.stage <= Stage::running ? k_running_tick : k_tick;
    if (const auto bound = next_bound(state_, spec_.rules))
      wait = std::min(wait, *bound - parts_.clock.boot());
    co_await pause(std::max(wait, k_shortest_tick));
  }
}

Awaitable<void> Supervisor::hear_signals() {
  asio::signal_set signals(parts_.io, SIGTERM, SIGINT);
  for (;;) {
    boost::system::error_code error;
    const int signal = co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    const bool stopping = co_await machine_is_stopping();
    if (stopping) {
      handle(MachineGoingDown{});
      continue;
    }
    handle(StopAsked{signal, false});
    if (signal != SIGTERM || watching_for_shutdown_) continue;
    watching_for_shutdown_ = true;
    asio::co_spawn(parts_.io, watch_for_shutdown(), k_rethrow);
  }
}

// While all units stop, systemctl may be too slow to tell whose SIGTERM it was. There is no second one: a guard that
// went on would hold up the shutdown until TimeoutStopSec.
Awaitable<void> Supervisor::watch_for_shutdown() {
  while (state_.stage != Stage::done && !state_.going_down) {
    co_await pause(k_look_for_shutdown);
    const bool stopping = co_await machine_is_stopping();
    if (stopping) handle(MachineGoingDown{});
  }
}

void Supervisor::take_facts(MachineFacts facts) {
  instance_id_ = facts.instance_id;
  facts_ = std::move(facts);
  if (!cost_) asio::co_spawn(parts_.io, learn_cost(), k_rethrow);
  if (spec_.then == Then::none) return;  // asked for what is told alone
  handle(PlanKnown{ending_plan(spec_.then, spec_.on_ec2, facts_)});
  parts_.log.info(describe(state_.plan, spec_, facts_));
  if (facts_->spot && spec_.spot_notice == SpotNotice::automatic)
    asio::co_spawn(parts_.io, watch_spot(), k_rethrow);
  if (facts_->tags_known && launch_state(facts_->tags) == LaunchState::unfinished)
    asio::co_spawn(parts_.io, launch_.run(), k_rethrow);

  const auto value_of = [this](const char* key) {
    const auto tag = facts_->tags.find(key);
    return tag == facts_->tags.end() ? std::optional<std::string>() : tag->second;
  };
  heed({value_of(k_deadline_tag), value_of(k_most_deadline_tag)});
  asio::co_spawn(parts_.io, watch_deadline(), k_rethrow);
}

Awaitable<void> Supervisor::learn_facts() {
  if (!spec_.on_ec2 || spec_.then == Then::none) {
    parts_.log.info(describe(state_.plan, spec_, facts_));
    settle_facts();
    // What kind of instance it is isn't asked here; one that isn't a spot instance gets no notice.
    if (spec_.on_ec2 && spec_.spot_notice == SpotNotice::automatic)
      asio::co_spawn(parts_.io, watch_spot(), k_rethrow);
    if (!spec_.on_ec2 || spec_.notify.empty()) co_return;
  }
  asio::co_spawn(
      parts_.io,
      [this]() -> Awaitable<void> {
        co_await pause(k_facts_patience);
        settle_facts();
      },
      k_rethrow);
  const auto started = parts_.clock.boot();
  bool said = false;
  // Often while the ending of a quick job may wait for it, then less and less.
  for (Millis wait = k_facts_retry;; wait = facts_settled_ ? std::min(wait * 2, k_facts_retry_most) : wait) {
    auto facts = co_await parts_.cloud.facts();
    if (facts) {
      take_facts(std::move(*facts));
      settle_facts();
      co_return;
    }
    if (state_.stage == Stage::ending || state_.stage == Stage::done) co_return;
    if (!said && parts_.clock.boot() - started >= k_facts_patience) {
      said = true;
      parts_.log.warning("the instance metadata service does not answer: " + facts.error().text());
      parts_.log.info(describe(state_.plan, spec_, facts_));
    }
    co_await pause(wait);
  }
}

boost::json::object Supervisor::status() const {
  const auto at = now();
  std::optional<MidwayStatus> midway;
  if (spec_.rules.has_saves) midway = midway_status();
  return status_of({spec_, state_, facts_, summary_, at, shim_.job_pid(), shim_.output_at(),
                    reasons_.readings(), cost_, midway});
}

}  // namespace curfew::guard
