// Finds the command and hands it what it needs of the outside.
#include <netdb.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "cli/account_commands.hpp"
#include "cli/commands.hpp"
#include "cli/conceal.hpp"
#include "cli/jobs_commands.hpp"
#include "os/clock.hpp"
#include "os/power/power.hpp"
#include "os/terminal.hpp"

// glibc's, in <nss.h> only for its own use: keeps the static resolver from loading plug-ins of the host.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __nss_configure_lookup(const char*, const char*);

namespace {

using curfew::cli::Words;
using curfew::cli::World;

constexpr std::string_view k_help = R"(Usage: curfew COMMAND ...

Makes sure that a GPU training instance ends when its work ends.

  run        guard a training command on this machine, save its results, end the machine
  launch     start an instance that runs a training command under curfew, and can't outlive it
  ps         the jobs that were launched: state, progress, cost, time left
  logs       what a launched job has printed; -f follows it
  wait       until a launched job is over; exits with its exit code
  result     bring what a launched job has saved here
  ssh        a shell on a launched job's instance
  retry      launch an interrupted job again, from its last checkpoint
  guard      put an end on an instance that already runs, from outside
  check      every running instance in every region, what it costs, and which need attention
  setup      what launches need of the account, and billing alarms; shown before they are made
  doctor     whether launches would work: credentials, rights, bucket, roles, image; with a fix for each finding
  teardown   take away what setup has made for launches
  extend     give the job guarded here more time; or an instance or a job elsewhere, or less
  stop       stop the job guarded here in order, then end the machine; or end instances by their ids or jobs
  disarm     take every protection off this machine
  install    guard this machine from each boot on: a notebook or SSH machine that people keep
  uninstall  take that away
  status     what is guarded here, when it ends, which layers hold
  config     the defaults of `curfew run` and where each comes from
  version    the version

`curfew COMMAND --help`, or `curfew help COMMAND`, tells more, with examples.
)";

struct Command {
  const char* name;
  int (*run)(const Words&, const World&);
  bool for_people;
};

constexpr std::array<Command, 27> k_commands{{
    {"run", curfew::cli::run_command, true},
    {"launch", curfew::cli::launch_command, true},
    {"ps", curfew::cli::ps_command, true},
    {"logs", curfew::cli::logs_command, true},
    {"wait", curfew::cli::wait_command, true},
    {"result", curfew::cli::result_command, true},
    {"ssh", curfew::cli::ssh_command, true},
    {"retry", curfew::cli::retry_command, true},
    {"guard", curfew::cli::guard_command, true},
    {"check", curfew::cli::check_command, true},
    {"setup", curfew::cli::setup_command, true},
    {"doctor", curfew::cli::doctor_command, true},
    {"teardown", curfew::cli::teardown_command, true},
    {"status", curfew::cli::status_command, true},
    {"config", curfew::cli::config_command, true},
    {"extend", curfew::cli::extend_command, true},
    {"stop", curfew::cli::stop_command, true},
    {"disarm", curfew::cli::disarm_command, true},
    {"install", curfew::cli::install_command, true},
    {"uninstall", curfew::cli::uninstall_command, true},
    {"boot", curfew::cli::boot_command, false},
    {"before-end", curfew::cli::before_end_command, false},
    {"shim", curfew::cli::shim_command, false},
    {"l0", curfew::cli::l0_command, false},
    {"start-as-root", curfew::cli::start_as_root_command, false},
    {"run-job", curfew::cli::run_job_command, false},
    {"run-stages", curfew::cli::run_stages_command, false},
}};

int dispatch(const std::string& name, const Words& words, const World& world) {
  // `curfew help launch`, as of git and many others.
  const bool is_of_one = name == "help" && !words.empty() && words[0] != "help" && words[0] != "version" &&
                         !words[0].starts_with('-');
  if (is_of_one) return dispatch(words[0], {"--help"}, world);
  if (name == "--help" || name == "-h" || name == "help")
    return std::fputs(k_help.data(), stdout) < 0 ? 125 : 0;
  if (name == "--version" || name == "version") return std::puts("curfew " CURFEW_VERSION) < 0 ? 125 : 0;
  std::vector<std::string> names{"version", "help"};
  for (const auto& command : k_commands) {
    if (name == command.name) return command.run(words, world);
    if (command.for_people) names.emplace_back(command.name);
  }
  const auto near = curfew::nearest(name, names);
  std::fprintf(stderr, "curfew: unknown command '%s'%s; see curfew --help\n",
               curfew::printable(name, 80).c_str(), near ? (", did you mean " + *near + "?").c_str() : "");
  return curfew::cli::k_exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  // A file opened in place of a closed stdin, stdout or stderr would be read or written as one.
  curfew::os::fill_standard_descriptors();
  __nss_configure_lookup("hosts", "files dns");
  if (argc < 2) {
    std::fputs(k_help.data(), stderr);
    return curfew::cli::k_exit_failed;
  }
  const curfew::os::SystemClock clock;
  curfew::os::SystemPower power;
  int code = curfew::cli::k_exit_failed;
  try {
    const Words words{argv + 2, argv + argc};
    const std::string name = argv[1];
    curfew::cli::conceal_secrets(argc, argv);
    code = dispatch(name, words, {clock, power});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "curfew: a bug in curfew: %s; the layers that were armed hold\n", error.what());
  }
  // A thread that hangs in getaddrinfo would be waited for by exit().
  const bool was_lost = std::ferror(stdout) != 0;  // by then, errno says something else
  const bool is_lost = std::fflush(stdout) != 0;
  if (was_lost || is_lost) {
    std::fprintf(stderr, "curfew: stdout can't be written%s%s\n", is_lost ? ": " : "",
                 is_lost ? std::strerror(errno) : "");
    if (code == 0) code = curfew::cli::k_exit_failed;
  }
  _exit(code);
}
