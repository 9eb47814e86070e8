// `curfew install`, `curfew uninstall`, and `curfew boot`, which an installed machine runs at each boot.
#include "cli/install.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/guard_link.hpp"
#include "cli/prepare.hpp"
#include "cli/relay.hpp"
#include "cli/role_words.hpp"
#include "layers/installed.hpp"
#include "layers/l0.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "os/machine.hpp"
#include "os/systemd.hpp"

namespace curfew::cli {
namespace {

constexpr std::string_view k_install_help = R"(Usage: curfew install --idle-gpu TIME [options]
       curfew install --done-file PATH [options]

Guards this machine from each boot on, for a machine that people keep: as `curfew run` without a command does, with the
same options (curfew run --help), but for --deadline, --max-cost, --dry-run and --then none. It begins at once. When it
has ended the machine and somebody starts it again, that boot is guarded anew, its times counted from then. Needs root
and systemd.

A command needs no guard of its own there, its GPU keeps the machine: `curfew run` is refused until `curfew uninstall`.
`curfew disarm` holds until the next boot.

Exit code: 0 installed; 125 bad usage, or curfew failed (`curfew status` shows what is installed).

Examples:
  sudo curfew install --idle-gpu 30m --max-time 12h --then stop
  sudo curfew install --idle-gpu 1h --save /home/me/work=s3://my-bucket/work --jupyter http://127.0.0.1:8888/
)";

constexpr std::string_view k_uninstall_help = R"(Usage: curfew uninstall

Takes everything of `curfew install` off this machine: the guard, its units and timers, /var/lib/curfew and /run/curfew.
NOTHING ENDS THE MACHINE ANY MORE. Nothing is saved on the way. Refused once the machine is being ended, and where a
deadline is held outside this machine (the tag curfew:deadline). Needs root.

Exit code: 0 nothing is installed (any more); 1 refused; 125 bad usage, or curfew failed.
)";

constexpr int k_exit_refused = 1;
constexpr std::size_t k_largest_request = 4U << 20U;
constexpr std::size_t k_longest_refusal = 4'000;
constexpr int k_leaving_ms = 10'000;
constexpr int k_look_ms = 50;

int refuse(const Error& error) {
  std::fprintf(stderr, "curfew: %s\n", printable(error.text(), k_longest_refusal).c_str());
  return k_exit_failed;
}

void say(const std::vector<std::string>& notes) {
  for (const auto& note : notes)
    std::fprintf(stderr, "curfew: %s\n", printable(note, k_longest_refusal).c_str());
}

bool wants_help(const Words& words) {
  return words.size() == 1 && (words[0] == "--help" || words[0] == "-h");
}

Status check_machine(const char* what) {
  if (::geteuid() != 0)
    return fail(ErrorKind::refused, what, "this is not root", std::string("sudo curfew ") + what);
  if (!os::has_systemd())
    return fail(ErrorKind::refused, what, "there is no systemd here", "use `curfew run` without a command");
  return {};
}

// Its own work first: L0 off, and a unit that doesn't power off. False where it refuses; why is shown.
Result<bool> disarm_guard(const layers::Places& places) {
  const auto answer = ask_guard(places, guard::ToGuard::disarm, "");
  if (!answer && is_no_guard(answer.error())) return true;
  if (!answer) return fail(Error{answer.error()}.within("uninstall"));
  if (answer->type == static_cast<char>(guard::FromGuard::done)) return true;
  const auto why = refusal_of_uninstall(answer->text);
  std::fprintf(stderr, "curfew: %s\n", printable(why, k_longest_refusal).c_str());
  return false;
}

bool guard_is_gone(const layers::Places& places) {
  for (int waited = 0; waited < k_leaving_ms; waited += k_look_ms) {
    if (!guard::connect_to_guard(places.run)) return true;
    ::poll(nullptr, 0, k_look_ms);
  }
  return false;
}

// Units that aren't there can't be stopped or killed, which is fine: what counts is what is left.
Status take_away(const layers::Places& places) {
  const auto signal_units = [](const char* signal) {
    for (const char* unit : {layers::k_guard_service, layers::k_job_service})
      (void)os::systemctl({"kill", std::string("--signal=") + signal, unit});
  };
  // A guard that is disarmed writes its unit anew, and may be about to.
  signal_units("STOP");
  (void)os::systemctl({"stop", layers::k_l0_timer, layers::k_l0_ending_timer, layers::k_boot_service});
  Status done = layers::remove_units(places);
  // Without its file a unit isn't started again.
  if (auto reloaded = os::systemctl({"daemon-reload"}); !reloaded && done)
    done = fail(std::move(reloaded.error()));
  if (!done) return done;
  signal_units("KILL");
  if (!guard_is_gone(places))
    return fail(ErrorKind::system, "end the guard", "it still answers",
                "see `curfew status`, then try again");
  (void)os::systemctl({"reset-failed", layers::k_guard_service, layers::k_job_service});
  if (done = layers::remove_folders(places); !done) return done;
  const auto timer = os::unit_properties(layers::k_l0_timer, {"ActiveState"});
  if (!timer) return fail(Error{timer.error()});
  const auto state = timer->find("ActiveState");
  if (state != timer->end() && state->second == "active")
    return fail(ErrorKind::system, "stop " + std::string(layers::k_l0_timer), "it's still active",
                "systemctl stop " + std::string(layers::k_l0_timer));
  return {};
}

Result<StartRequest> prepare_install(const Words& words, const World& world) {
  auto options = parse_with_config(words, Asked::install);
  // What `curfew run` says then is about commands.
  if (!options && options.error().what == k_no_command)
    return fail(ErrorKind::invalid_input, "install",
                "needs something that tells when nobody uses this machine",
                "--idle-gpu 30m, or --done-file PATH" +
                    (options.error().cause.empty() ? "" : "; " + options.error().cause));
  if (!options) return fail(std::move(options.error()));
  if (auto good = check_installable(*options); !good) return fail(std::move(good.error()));
  if (auto good = check_machine("install"); !good) return fail(std::move(good.error()));
  if (!net::get(net::process_environment(), "AWS_SESSION_TOKEN").empty())
    return fail(
        ErrorKind::refused, "install",
        "AWS_SESSION_TOKEN is set: such keys expire, and would be kept for later boots",
        "give the instance a role, and unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN");
  auto job = capture_job({});
  if (!job) return fail(std::move(job.error()));
  auto prepared = prepare(*options, std::move(*job), world.clock);
  if (!prepared) return fail(std::move(prepared.error()));
  say(prepared->notes);
  return to_be_kept(std::move(prepared->request));
}

Status install(const StartRequest& kept, const World& world) {
  const auto& places = kept.guard.places;
  auto program = os::own_path();
  if (!program) return fail(std::move(program.error()));
  if (auto installed = layers::install(places, to_json(kept), *program); !installed) return installed;
  auto request = kept;
  auto started = start_best(request, world);
  if (!started) return fail(std::move(started.error()));
  say(started->notes);
  wait_for_guard(places);
  return {};
}

}  // namespace

Status check_installable(const RunOptions& options) {
  const std::string hint = "see curfew install --help";
  if (!options.guards_machine)
    return fail(ErrorKind::invalid_input, "install", "guards the machine itself, so it takes no command",
                hint);
  if (options.deadline)
    return fail(ErrorKind::invalid_input, "--deadline", "passes once, and each later boot would end at once",
                "--max-time counts from each boot");
  if (options.max_cost)
    return fail(ErrorKind::invalid_input, "--max-cost", "is for a job: what each boot costs isn't looked up",
                "--max-time counts from each boot");
  if (options.dry_run)
    return fail(ErrorKind::invalid_input, "--dry-run",
                "would be kept for each boot, and never end the machine",
                "try it first: curfew run --idle-gpu 30m --dry-run");
  if (options.then == guard::Then::none) {
    Error error{ErrorKind::invalid_input, "--then none",
                "would be kept for each boot, and never end the machine",
                "without it the instance ends as the tag curfew:job or its owner's setting says; --then stop "
                "keeps its disk"};
    for (const auto& setting : options.from_files) {
      if (setting.name == "then") error = std::move(error).within(printable(setting.from));
    }
    return fail(std::move(error));
  }
  return {};
}

std::string refusal_of_uninstall(std::string_view said) {
  // The guard was asked to disarm, and says so.
  static constexpr std::string_view k_asked = "disarm: ";
  if (said.starts_with(k_asked)) said.remove_prefix(k_asked.size());
  return "uninstall: " + std::string(said);
}

StartRequest to_be_kept(StartRequest request) {
  auto& job = request.job;
  job.argv = {request.guard.places.program, "wait", "--machine"};
  job.stdin_tty = job.stdout_tty = job.stderr_tty = false;
  job.terminal_settings.clear();
  request.guard.installed = true;
  request.guard.rules.on_terminal = false;
  return request;
}

StartRequest for_this_boot(StartRequest kept, const job::Now& now, const guard::FileMark& done_file) {
  auto& guard = kept.guard;
  guard.times = job::times_from(guard.rules.limits, now);
  guard.watches.done_file_mark = done_file;
  return kept;
}

int install_command(const Words& words, const World& world) {
  if (wants_help(words)) return std::fputs(k_install_help.data(), stdout) < 0 ? k_exit_failed : 0;
  const auto kept = prepare_install(words, world);
  if (!kept) return refuse(kept.error());
  if (auto done = install(*kept, world); !done) {
    // What a job has started meanwhile isn't ours to take away.
    const bool conflict = done.error().kind == ErrorKind::conflict;
    const auto& places = kept->guard.places;
    const auto undone = conflict ? layers::remove_installation(places) : take_away(places);
    if (!undone) (void)refuse(undone.error());
    return refuse(done.error());
  }
  std::puts(
      "installed: this machine is guarded now, and anew from each boot on (`curfew uninstall` ends that)");
  return status_command({}, world) == 0 ? 0 : k_exit_failed;
}

int uninstall_command(const Words& words, const World&) {
  if (wants_help(words)) return std::fputs(k_uninstall_help.data(), stdout) < 0 ? k_exit_failed : 0;
  if (!words.empty())
    return refuse({ErrorKind::invalid_input, "uninstall", "takes no words", "see curfew uninstall --help"});
  const auto places = *places_for_root();
  if (!layers::is_installed(places))
    return std::puts("curfew is not installed on this machine: nothing to take away") < 0 ? k_exit_failed : 0;
  if (auto good = check_machine("uninstall"); !good) return refuse(good.error());
  const auto disarmed = disarm_guard(places);
  if (!disarmed) return refuse(disarmed.error());
  if (!*disarmed) return k_exit_refused;
  if (auto done = take_away(places); !done) return refuse(done.error());
  std::printf(
      "uninstalled: guard, units and timers are gone, and so are %s and %s\n"
      "NOTHING ENDS THIS MACHINE ANY MORE: it costs money until somebody does\n",
      places.state.c_str(), places.run.c_str());
  return 0;
}

int boot_command(const Words& words, const World& world) {
  const auto places = places_from(words);
  if (!places) return refuse(places.error());
  const auto text = os::read_file(places->installed(), k_largest_request);
  if (!text) return refuse(text.error());
  auto kept = start_request_from_json(*text);
  if (!kept) return refuse(kept.error());
  const auto& done_file = kept->guard.watches.done_file;
  guard::FileMark mark;
  if (!done_file.empty()) {
    const auto there = guard::mark_of(done_file);
    if (there) mark = *there;
    else (void)refuse(there.error());
    // Its file system may come later, with what another boot has left there.
    if (!mark.exists)
      mark.changed_ns =
          std::chrono::nanoseconds(world.clock.wall() - world.clock.boot().time_since_epoch() - WallTime{})
              .count();
  }
  if (!os::exists(kept->job.cwd)) kept->job.cwd = "/";
  const job::Now now{world.clock.wall(), world.clock.boot(), os::boot_id()};
  auto request = for_this_boot(std::move(*kept), now, mark);
  const net::Environment environment(request.guard.environment.begin(), request.guard.environment.end());
  request.guard.on_ec2 = is_on_ec2(environment, os::looks_like_ec2());
  const auto started = start_best(request, world);
  if (!started) return refuse(started.error());
  say(started->notes);
  wait_for_guard(request.guard.places);
  return 0;
}

}  // namespace curfew::cli
