// The guard at work: gathers events, asks the policy, writes the state down, does what it says. One thread, one loop;
// what may block (systemctl, files of units) runs on a worker and posts back.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "guard/cloud.hpp"
#include "guard/control.hpp"
#include "guard/job_containers.hpp"
#include "guard/job_report.hpp"
#include "guard/launch_watch.hpp"
#include "guard/maintenance.hpp"
#include "guard/plan.hpp"
#include "guard/policy.hpp"
#include "guard/policy_deadline.hpp"
#include "guard/reasons.hpp"
#include "guard/shim_link.hpp"
#include "guard/spec.hpp"
#include "guard/status.hpp"
#include "guard/teller.hpp"
#include "layers/l0.hpp"
#include "layers/l2.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/log.hpp"
#include "os/power.hpp"
#include "save/periodic.hpp"

namespace curfew::guard {

[[nodiscard]] constexpr os::LogLevel level_of(Note::Level level) {
  switch (level) {
    case Note::Level::info: return os::LogLevel::info;
    case Note::Level::warning: return os::LogLevel::warning;
    case Note::Level::error: break;
  }
  return os::LogLevel::error;
}

class Supervisor {
 public:
  struct Parts {
    boost::asio::io_context& io;
    const os::Clock& clock;
    os::Power& power;
    os::Log& log;
    Cloud& cloud;
    Teller& teller;
    // How often the tag curfew:deadline is looked at: a move is followed within 30 s, some of which IMDS may take.
    Millis deadline_look{10'000};
  };

  Supervisor(Spec spec, Parts parts);

  // Takes up where the state file says, or begins. Returns when the guard is done: the machine stays, or goes down.
  void run();

 private:
  [[nodiscard]] job::Now now() const;
  void take_up();
  void handle(const Event& event);
  // What the shim tells, held back while containers of the job's run, and where it would lead to the ending before IMDS
  // has had its time to say which.
  void hear_shim(const Event& event);
  void hear_once_settled(const Event& event);
  void settle_facts();
  void persist(os::Sync sync);

  void perform(const Action& action);
  // The actions that take time and have an order among themselves, one after another.
  void enqueue(Action action);
  [[nodiscard]] Awaitable<void> work_off();
  [[nodiscard]] Awaitable<void> perform_slowly(Action action);
  [[nodiscard]] Awaitable<void> climb(Rung rung);
  [[nodiscard]] Awaitable<Status> try_rung(Rung rung);
  [[nodiscard]] Awaitable<void> save(BootTime until);
  // While the job runs: every --save-every, and at once where EC2 says that the instance is at risk.
  [[nodiscard]] Awaitable<void> save_while_running();
  [[nodiscard]] Awaitable<void> save_midway();
  [[nodiscard]] Awaitable<void> cut_midway_save();
  [[nodiscard]] Awaitable<void> ship_logs();
  // Of a launched job, to S3: its state and logs, from when this guard has taken up; and before the machine is ended.
  void start_reporting();
  [[nodiscard]] Awaitable<void> ship_live();
  [[nodiscard]] Awaitable<void> report_end();
  void start_saving();
  void tell_of(const std::optional<save::Alert>& alert);
  void say_left_out(const save::Notes& unsteady);
  void take_log_trouble(const save::Shipped& shipped);
  [[nodiscard]] bool is_told_of(const std::string& trouble) const;
  [[nodiscard]] std::string why_will_fail() const;
  [[nodiscard]] MidwayStatus midway_status() const;
  [[nodiscard]] std::string what_is_missing() const;  // for the notification of the end
  [[nodiscard]] Awaitable<void> disarm();
  [[nodiscard]] Awaitable<void> mark_ended();
  [[nodiscard]] Awaitable<void> leave();
  [[nodiscard]] Awaitable<void> move_l0_to_end();

  // --before-end: a shell's command, as the job's user.
  [[nodiscard]] Awaitable<void> run_before_end(BootTime until);
  // Asks IMDS for an interruption notice until there is one, or the machine ends.
  [[nodiscard]] Awaitable<void> watch_spot();
  // Says at the start what would else be known only after hours of training.
  [[nodiscard]] Awaitable<void> check_saving(bool is_first);
  void take_missing_buckets(const std::vector<std::string>& missing, bool is_first);
  // The process of --pid, which isn't in the job's tree.
  void kill_watched();
  [[nodiscard]] BootTime boot_time_of_notice(WallTime at) const;
  // What the machine costs, to be told; a limit by it is set before the guard starts.
  [[nodiscard]] Awaitable<void> learn_cost();
  void tell(notify::Event event, const std::string& why);
  void announce(const Announce& what);
  [[nodiscard]] Status check_cost_of(const job::Times& times, const std::string& what) const;
  // The tag curfew:deadline, which is moved from outside: at the start, and whenever it changes.
  [[nodiscard]] Awaitable<void> watch_deadline();
  void heed(DeadlineTags tags);
  // By the control socket.
  void stop(int signal, bool at_once);
  Awaitable<void> stop_unless_going_down(bool at_once);
  [[nodiscard]] Result<std::string> extend(Seconds by);
  [[nodiscard]] Result<std::string> disarm_by_hand();
  // Where a layer outside this machine holds a deadline, it can't be moved or taken off from here.
  // `moved`: where to; nothing: away.
  // False until the metadata service has answered, where what's asked for depends on that.
  [[nodiscard]] bool knows_where_it_is() const;
  [[nodiscard]] Status check_no_deadline_elsewhere(const std::string& what,
                                                   const std::optional<job::Times>& moved) const;

  [[nodiscard]] Awaitable<void> tick();
  [[nodiscard]] Awaitable<void> hear_signals();
  [[nodiscard]] Awaitable<void> watch_for_shutdown();
  [[nodiscard]] Awaitable<void> learn_facts();
  [[nodiscard]] Awaitable<bool> is_other_machine();
  [[nodiscard]] Awaitable<void> take_up_after_reboot(std::optional<Millis> left_before);
  void begin();  // events are handled from now on
  void take_facts(MachineFacts facts);
  [[nodiscard]] boost::json::object status() const;

  Spec spec_;
  Parts parts_;
  layers::L0 l0_;
  layers::L2 l2_;
  ShimLink shim_;
  ControlServer control_;
  Reasons reasons_;
  JobContainers containers_;
  MaintenanceWatch maintenance_;
  LaunchWatch launch_;

  State state_;
  std::string instance_id_;
  std::optional<MachineFacts> facts_;
  std::optional<save::Summary> summary_;
  std::optional<MachineCost> cost_;
  std::shared_ptr<Cancel> save_cancel_;
  std::shared_ptr<Cancel> midway_cancel_;  // while such a save is under way
  std::optional<save::Periodic> periodic_;
  save::Notes left_out_;                      // of the last save while the job ran
  std::vector<std::string> missing_buckets_;  // as S3 said last
  std::string log_trouble_;                   // why the logs don't get to S3
  bool logs_incomplete_ = false;              // at the end
  std::string remark_;                        // to be added to what the policy says next
  bool told_of_logs_ = false;                 // and --notify has said so
  bool save_soon_ = false;
  bool saving_started_ = false;
  std::unique_ptr<JobReport> report_;  // once this is known to be the machine of the launch
  bool reported_end_ = false;
  std::shared_ptr<bool> before_end_cancelled_;
  bool watching_spot_ = false;
  bool watching_deadline_ = false;
  std::optional<DeadlineTags> heeded_;  // as they were seen last
  std::deque<Action> slow_;
  bool working_ = false;
  bool facts_settled_ = false;  // known, not needed, or waited for long enough
  std::vector<Event> held_;     // until they are
  std::vector<Event> early_;    // what came before the guard had taken up
  bool taken_up_ = false;       // before that the times may be those of another boot
  bool watching_for_shutdown_ = false;
  bool persist_failed_ = false;
  BootTime persisted_at_{};
  std::optional<BootTime> stopping_since_;
  boost::asio::thread_pool workers_{1};  // last: it's waited for before what it works with goes
};

}  // namespace curfew::guard
