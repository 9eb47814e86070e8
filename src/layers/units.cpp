// The systemd units of curfew as text.
#include "layers/units.hpp"

#include <fmt/format.h>

#include "os/systemd.hpp"

namespace curfew::layers {

using os::unit_quoted;

std::string l0_timer_unit(WallTime at, Seconds remaining) {
  // DefaultDependencies=no, and so no Conflicts=shutdown.target: a timer with them never fires while a shutdown hangs.
  return fmt::format(
      "[Unit]\n"
      "Description=curfew L0: this machine's end\n"
      "DefaultDependencies=no\n"
      "\n"
      "[Timer]\n"
      "OnCalendar={}\n"
      "OnActiveSec={}s\n"
      "Persistent=true\n"
      "AccuracySec=1s\n"
      "Unit={}\n"
      "\n"
      "[Install]\n"
      "WantedBy=timers.target\n",
      format_systemd(at), std::max(remaining, Seconds{0}).count(), k_l0_service);
}

std::string l0_boot_timer_unit(Seconds limit) {
  return fmt::format(
      "[Unit]\n"
      "Description=curfew L0: this machine's end, from each boot on\n"
      "DefaultDependencies=no\n"
      "\n"
      "[Timer]\n"
      "OnActiveSec={}s\n"
      "AccuracySec=1s\n"
      "Unit={}\n"
      "\n"
      "[Install]\n"
      "WantedBy=timers.target\n",
      std::max(limit, Seconds{0}).count(), k_l0_service);
}

std::string l0_ending_timer_unit(Seconds ahead) {
  return fmt::format(
      "[Unit]\n"
      "Description=curfew L0: this machine's end, while it is being ended\n"
      "DefaultDependencies=no\n"
      "\n"
      "[Timer]\n"
      "OnActiveSec={}s\n"
      "AccuracySec=1s\n"
      "Unit={}\n",
      ahead.count(), k_l0_service);
}

std::string l0_service_unit(const Places& places) {
  // `curfew l0` exits 0 where it isn't time yet and has re-armed the timer. Anything else, a missing program included,
  // means that this unit is the last one to act.
  return fmt::format(
      "[Unit]\n"
      "Description=curfew L0: end this machine\n"
      "DefaultDependencies=no\n"
      "ConditionPathExists=|!{}\n"
      "ConditionPathExists=|{}\n"
      "ConditionPathExists=|{}\n"
      "FailureAction=poweroff-force\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "TimeoutStartSec=300\n"
      "ExecStart=/bin/sh -c '\"$$0\" l0 --state \"$$1\" --run \"$$2\" && exit 0; "
      "(shutdown -h now || systemctl poweroff) & sleep 120; systemctl poweroff -ff' {} {} {}\n",
      places.ended_marker(), places.armed_marker(), places.installed(), unit_quoted(places.program),
      unit_quoted(places.state), unit_quoted(places.run));
}

std::string guard_unit(const Places& places, const GuardUnit& unit) {
  // No FailureAction: it would act at the first failure, before any restart.
  // KillMode=process: else an nvidia-smi that hangs in the kernel, which no signal ends, is waited for until
  // TimeoutStopSec, and neither is a dead guard replaced nor the machine shut down meanwhile. The guard kills what
  // it leaves itself, and what its predecessor has left.
  return fmt::format(
      "[Unit]\n"
      "Description=curfew: guards the training job and ends this machine\n"
      "After=network.target remote-fs.target\n"
      "StartLimitIntervalSec=600\n"
      "StartLimitBurst=5\n"
      "{}"
      "\n"
      "[Service]\n"
      "Type=notify\n"
      "NotifyAccess=main\n"
      "ExecStart={} guard --state {} --run {} --service\n"
      "WatchdogSec=30\n"
      "Restart=always\n"
      "RestartSec=1\n"
      "RestartPreventExitStatus=0\n"
      "TimeoutStartSec=30\n"
      "TimeoutStopSec={}\n"
      "KillMode=process\n"
      "OOMScoreAdjust=-1000\n"
      "\n"
      "[Install]\n"
      "WantedBy=multi-user.target\n",
      unit.powers_off ? "StartLimitAction=poweroff-force\n" : "", unit_quoted(places.program),
      unit_quoted(places.state), unit_quoted(places.run), unit.stop_limit.count());
}

std::string job_unit(const Places& places) {
  // Before=curfew.service: in a shutdown the guard is told first, while the job is alive.
  // OOMPolicy=continue: an OOM kill within the job must not stop the shim, who has to tell of it.
  return fmt::format(
      "[Unit]\n"
      "Description=curfew: the training job\n"
      "Before={}\n"
      "\n"
      "[Service]\n"
      "Type=exec\n"
      "ExecStart={} shim --state {} --run {} --service\n"
      "Restart=no\n"
      "Delegate=yes\n"
      "OOMPolicy=continue\n"
      "OOMScoreAdjust=-1000\n"
      "KillMode=mixed\n"
      "TimeoutStopSec=10\n"
      "TasksMax=infinity\n"
      "LimitNOFILE=524288\n",
      k_guard_service, unit_quoted(places.program), unit_quoted(places.state), unit_quoted(places.run));
}

std::string boot_unit(const Places& places) {
  return fmt::format(
      "[Unit]\n"
      "Description=curfew: guards this machine from each boot on\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "RemainAfterExit=yes\n"
      "ExecStart={} boot --state {} --run {}\n"
      "TimeoutStartSec=300\n"
      "\n"
      "[Install]\n"
      "WantedBy=multi-user.target\n",
      unit_quoted(places.program), unit_quoted(places.state), unit_quoted(places.run));
}

}  // namespace curfew::layers
