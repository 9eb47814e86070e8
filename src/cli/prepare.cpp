// Looks before it leaps.
#include "cli/prepare.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"
#include "guard/cloud_aws.hpp"
#include "guard/cost_reading.hpp"
#include "guard/probes/jupyter.hpp"
#include "layers/installed.hpp"
#include "notify/secret_file.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "os/machine.hpp"
#include "os/process_tree.hpp"
#include "os/systemd.hpp"

namespace curfew::cli {
namespace {

constexpr Millis k_sudo_limit{5'000};
constexpr Millis k_credentials_limit{5'000};
constexpr Millis k_cost_limit{10'000};
// A process that only waits: killing it frees nothing, and would end the machine.
constexpr int k_own_oom_score = -1000;

std::string absolute(const std::string& path, const std::string& folder) {
  return path.empty() || path.front() == '/' ? path : folder + "/" + path;
}

// The files that our stdout and stderr go to, as with nohup.
std::vector<std::string> own_files() {
  std::vector<std::string> files;
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat about {};
    if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) continue;
    std::error_code gone;
    const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), gone);
    if (!gone) files.push_back(path.string());
  }
  return files;
}

bool can_sudo() {
  const auto asked = os::run_command({"sudo", "-n", "true"}, k_sudo_limit);
  return asked && asked->code == 0;
}

guard::Spec guard_spec(const RunOptions& options, const os::JobSpec& job, const os::Clock& clock) {
  const auto environment = net::process_environment();
  guard::Spec spec;
  spec.then = options.then;
  spec.rules.limits = options.limits();
  spec.rules.has_saves = !options.saves.empty();
  spec.rules.dry_run = options.dry_run;
  spec.rules.has_before_end = !options.before_end.empty();
  spec.rules.keep_on_failure = options.keep_on_failure;
  spec.rules.early_signal = options.early_signal;
  spec.rules.no_command = options.pid.has_value() || options.guards_machine;
  spec.rules.guards_machine = options.guards_machine;
  spec.before_end = options.before_end;
  spec.watches = options.watches;
  spec.watches.stall_path = absolute(options.watches.stall_path, job.cwd);
  if (!spec.watches.stall_path.empty()) spec.watches.own_files = own_files();
  spec.watches.done_file = absolute(options.watches.done_file, job.cwd);
  spec.spot_notice = options.spot_notice;
  spec.rules.on_terminal = ::isatty(2) == 1;
  spec.times = job::times_from(spec.rules.limits, {clock.wall(), clock.boot(), os::boot_id()});
  spec.saves = options.saves;
  spec.save_every = options.save_every;
  spec.max_cost = options.max_cost;
  spec.price = options.price;
  spec.folder = job.cwd;
  spec.command = options.command;
  spec.log = absolute(options.log, job.cwd);
  spec.log_format = options.log_format;
  spec.on_ec2 = is_on_ec2(environment, os::looks_like_ec2());
  spec.owner = job.uid;
  spec.owner_group = job.gid;
  spec.owner_groups = {job.groups.begin(), job.groups.end()};
  spec.launched = options.launched;
  spec.environment = guard_environment(environment);
  return spec;
}

// Brings the end forward to where --max-cost is reached, before anything is started.
Status limit_cost(guard::Spec& spec, const os::Clock& clock) {
  if (!spec.max_cost) return {};
  const auto reading =
      spec.on_ec2 ? guard::read_cost_within(spec.environment, clock, k_cost_limit) : guard::no_cost_reading();
  const job::Now now{clock.wall(), clock.boot(), os::boot_id()};
  spec.cost = guard::machine_cost(reading, spec.price, spec.on_ec2, now);
  auto bound = guard::bound_by_cost(spec.times, spec.rules.limits, *spec.max_cost, *spec.cost, now);
  if (!bound) return fail(std::move(bound.error()));
  spec.times = bound->times;
  spec.cost_bound = std::move(*bound);
  return {};
}

// A token in the URL wins.
Status take_jupyter_token(guard::Watches& watches) {
  if (watches.jupyter.empty() || !watches.jupyter_token.empty()) return {};
  watches.jupyter_token = net::get(net::process_environment(), "JUPYTER_TOKEN");
  const auto server = guard::parse_jupyter(watches.jupyter, watches.jupyter_token);
  if (!server) return fail(Error{server.error()}.within("JUPYTER_TOKEN"));
  return {};
}

// The job of a machine without a command: it waits to be told to end.
Status wait_for_nothing(os::JobSpec& job) {
  auto program = os::own_path();
  if (!program) return fail(std::move(program.error()));
  job.argv = {*program, "wait", "--machine"};
  job.oom_score = k_own_oom_score;
  return {};
}

// The job that stands for a process that runs already: it waits for that one, and ends it when told to.
Result<guard::WatchedProcess> wait_for_process(const RunOptions& options, os::JobSpec& job) {
  const std::string what = "guard process " + std::to_string(*options.pid);
  const auto process = os::read_process(*options.pid);
  if (!process || process->state == 'Z')
    return fail(ErrorKind::not_found, what, "there is no such process", "see ps -e");
  if (::kill(*options.pid, 0) != 0)
    return fail(ErrorKind::refused, what, "it is another user's, and couldn't be stopped",
                "run it with sudo");
  auto program = os::own_path();
  if (!program) return fail(std::move(program.error()));
  job.argv = {*program,  "wait",
              "--pid",   std::to_string(*options.pid),
              "--start", std::to_string(process->start),
              "--grace", std::to_string(options.grace.count())};
  job.oom_score = k_own_oom_score;
  return guard::WatchedProcess{*options.pid, process->start};
}

}  // namespace

std::map<std::string, std::string> guard_environment(const net::Environment& environment) {
  static constexpr std::array<std::string_view, 12> k_names{
      "HOME",        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",      "ALL_PROXY",    "http_proxy",
      "https_proxy", "no_proxy",   "all_proxy",   "SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_HOST"};
  std::map<std::string, std::string> chosen;
  for (const auto& [name, value] : environment) {
    if (name.starts_with("AWS_") || std::find(k_names.begin(), k_names.end(), name) != k_names.end())
      chosen.emplace(name, value);
  }
  return chosen;
}

bool is_on_ec2(const net::Environment& environment, bool looks_like_it) {
  if (net::get(environment, "AWS_EC2_METADATA_DISABLED") == "true") return false;
  return looks_like_it || !net::get(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT").empty();
}

Result<std::vector<std::string>> resolve_notify(const RunOptions& options,
                                                const net::Environment& environment,
                                                const notify::ReadSecret& read,
                                                std::vector<std::string>& notes) {
  std::vector<std::string> from;  // what files set comes first
  for (const auto& setting : options.from_files) {
    if (setting.name == "notify") from.push_back(printable(setting.from) + ": ");
  }
  from.resize(std::max(from.size(), options.notify.size()));
  std::vector<std::string> places;
  for (std::size_t i = 0; i < options.notify.size(); ++i) {
    const std::string what = from[i] + "--notify " + notify::shown_option(options.notify[i]);
    auto resolved = notify::resolve_target(options.notify[i], environment, read);
    if (!resolved) return fail(std::move(resolved.error()).within(what));
    if (auto good = notify::check_on_ending_machine(resolved->target); !good)
      return fail(std::move(good.error()).within(what));
    if (!resolved->warning.empty()) notes.push_back(what + ": " + resolved->warning);
    // A file and the command line may name the same one, each in its own way.
    auto place = resolved->target.secret_text();
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(std::move(place));
  }
  return places;
}

Result<Prepared> prepare(const RunOptions& options, os::JobSpec job, const os::Clock& clock) {
  if (options.deadline && *options.deadline <= clock.wall())
    return fail(ErrorKind::invalid_input, "--deadline " + format_utc(*options.deadline), "has passed",
                "it is " + format_utc(clock.wall()) + " now");
  std::optional<guard::WatchedProcess> watched;
  if (options.pid) {
    auto found = wait_for_process(options, job);
    if (!found) return fail(std::move(found.error()));
    watched = *found;
  }
  if (options.guards_machine) {
    if (auto waits = wait_for_nothing(job); !waits) return fail(std::move(waits.error()));
  }
  Prepared prepared;
  auto spec = guard_spec(options, job, clock);
  spec.watched = watched;
  prepared.notes = start_notes(options);
  auto places_to_tell =
      resolve_notify(options, net::process_environment(), notify::read_secret_file, prepared.notes);
  if (!places_to_tell) return fail(std::move(places_to_tell.error()));
  spec.notify = std::move(*places_to_tell);
  if (!spec.log.empty()) {
    if (auto log = os::open_append(spec.log, 0644); !log) return fail(std::move(log.error()).within("--log"));
  }

  if (auto taken = take_jupyter_token(spec.watches); !taken) return fail(std::move(taken.error()));
  if (!spec.watches.done_file.empty()) {
    // One that an earlier run has left is not this run's.
    const auto mark = guard::mark_of(spec.watches.done_file);
    if (!mark) return fail(Error{mark.error()}.within("--done-file"));
    spec.watches.done_file_mark = *mark;
  }

  const bool root = ::geteuid() == 0;
  if (!root && spec.ends_machine() && os::has_systemd() && can_sudo()) prepared.way = Way::with_sudo;
  spec.root = root || prepared.way == Way::with_sudo;
  // What needs no root and ends nothing needs no service either; root's own job gets one all the same, for what
  // supervises it.
  spec.service = spec.root && os::has_systemd();
  auto places = spec.root ? places_for_root() : places_for_user();
  if (!places) return fail(std::move(places.error()));
  spec.places = std::move(*places);
  if (spec.root && !spec.service) {
    if (auto program = os::own_path()) spec.places.program = *program;
    else return fail(std::move(program.error()));
  }

  if (!spec.root && spec.ends_machine()) {
    const std::string who = "end this machine without root";
    const std::string hint = "run it with sudo, allow `sudo -n`, give AWS credentials, or --then none";
    if (!spec.on_ec2)
      return fail(ErrorKind::refused, who, "it is not an EC2 instance and `sudo -n` is not allowed", hint);
    if (auto found = guard::check_credentials(spec.environment, clock, k_credentials_limit); !found)
      return fail(ErrorKind::refused, who, "`sudo -n` is not allowed, and " + found.error().text(), hint);
  }
  if (layers::is_installed(spec.places))
    return fail(ErrorKind::conflict, "start a guard",
                "this machine is guarded from each boot on, by `curfew install`",
                "run a command as it is there, its GPU keeps the machine; or `curfew uninstall` first");
  if (auto alone = check_no_other_guard(spec.places); !alone) return fail(std::move(alone.error()));
  if (auto limited = limit_cost(spec, clock); !limited) return fail(std::move(limited.error()));
  prepared.request = {std::move(job), std::move(spec)};
  return prepared;
}

}  // namespace curfew::cli
