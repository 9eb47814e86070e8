// Starts the guard.
#include "cli/start.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"
#include "guard/control.hpp"
#include "layers/l0.hpp"
#include "layers/l2.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "os/json.hpp"
#include "os/machine.hpp"
#include "os/systemd.hpp"

namespace curfew::cli {

namespace json = boost::json;

std::string to_json(const StartRequest& request) {
  return json::serialize(
      json::object{{"job", os::to_json(request.job)}, {"guard", guard::to_json(request.guard)}});
}

Result<StartRequest> start_request_from_json(std::string_view text) {
  os::JsonReader read(text, "the start request");
  const auto job_text = read.text("job");
  const auto guard_text = read.text("guard");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  auto job = os::job_spec_from_json(job_text);
  if (!job) return fail(std::move(job.error()));
  auto guard = guard::spec_from_json(guard_text);
  if (!guard) return fail(std::move(guard.error()));
  return StartRequest{std::move(*job), std::move(*guard)};
}

Result<layers::Places> places_for_root() { return layers::Places{}; }

Result<layers::Places> places_for_user() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] == '/' ? std::string(value) : std::string();
  };
  auto program = os::own_path();
  if (!program) return fail(std::move(program.error()));
  layers::Places places;
  places.program = *program;
  std::string state = variable("XDG_STATE_HOME");
  if (state.empty()) {
    const auto home = variable("HOME");
    if (home.empty())
      return fail(ErrorKind::invalid_input, "find a folder for curfew's state",
                  "neither HOME nor XDG_STATE_HOME is set", "set one of them");
    state = home + "/.local/state";
  }
  places.state = state + "/curfew";
  const auto runtime = variable("XDG_RUNTIME_DIR");
  places.run = runtime.empty() ? places.state + "/run" : runtime + "/curfew";
  return places;
}

namespace {

constexpr std::size_t k_longest_command_line = 65'536;

}  // namespace

// A guard of whatever user: their sockets and locks are nobody else's to open, but what runs is for all to see. Whose it
// is is told, for any user may start one, or something that looks like one.
std::optional<std::string> running_guard() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  while (folder) {
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const auto pid = parse_number(entry->d_name);
    if (!pid) continue;
    const std::string place = "/proc/" + std::to_string(*pid);
    const auto line = os::read_file(place + "/cmdline", k_longest_command_line);
    if (!line) continue;
    const auto words = split(*line, '\0');
    if (words.size() <= 5 || words[1] != "guard" || words[2] != "--state" || words[4] != "--run") continue;
    struct stat about {};
    if (::stat(place.c_str(), &about) != 0) continue;  // it has just gone
    return "process " + std::to_string(*pid) + " of user " + std::to_string(about.st_uid);
  }
  return {};
}

namespace {

Status look_for_other_guard(const layers::Places& places) {
  const std::string hint = "see `curfew status`; one guard a machine";
  if (const auto other = running_guard())
    return fail(ErrorKind::conflict, "start a guard",
                "another one guards a job on this machine (" + *other + ")", hint);
  if (os::connect_to_shim({places.state, places.run}))
    return fail(ErrorKind::conflict, "start a guard", "a job of an earlier one still runs on this machine",
                hint);
  return {};
}

}  // namespace

Status check_no_other_guard(const layers::Places& places) {
  // One that has just finished takes a moment to leave.
  Status alone;
  for (int tries = 0; tries < 20; ++tries) {
    alone = look_for_other_guard(places);
    if (alone) return alone;
    ::usleep(50'000);
  }
  return alone;
}

namespace {

constexpr Millis k_try_limit{10'000};
constexpr int k_guard_patience_ms = 10'000;

Status clear_old(const layers::Places& places) {
  const os::JobPaths job{places.state, places.run};
  for (const auto& path :
       {places.state + "/state.json", places.state + "/guard.log", places.state + "/shipped.json",
        places.state + "/live.json", job.exit_record(), job.output(), job.output() + ".1",
        places.ended_marker(), job.shim_socket(), guard::control_path(places.run)}) {
    if (auto removed = os::remove_file(path); !removed) return removed;
  }
  return {};
}

layers::GuardUnit guard_unit_of(const guard::Spec& spec) {
  // An installed guard that can't be kept running must not take its machine away at each boot, before anybody can log in
  // and mend it: there L0 ends it, at its limit.
  const bool has_l0 = spec.times.end_at.has_value();
  const bool powers_off = spec.ends_machine() && !(spec.installed && has_l0);
  // Grace and saving, when the machine is shut down by another's hand.
  return {powers_off, spec.rules.limits.after_stop() + Seconds{30}, !spec.installed};
}

// Detached from the caller's terminal, session and descriptors: closing the terminal changes nothing.
Status start_shim(const guard::Spec& spec) {
  const auto& places = spec.places;
  std::vector<std::string> words{places.program, "shim",     "--state",     places.state,
                                 "--run",        places.run, "--with-guard"};
  if (guard_unit_of(spec).powers_off && spec.root) words.emplace_back("--powers-off");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) return fail_errno("start the shim", errno);
  if (child == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(null, fd);
    ::close_range(3, ~0U, 0);
    (void)!::chdir("/");
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {};
}

Status arm_l0(const guard::Spec& spec, const layers::L0& l0, const os::Clock& clock) {
  if (!spec.ends_machine() || !spec.root || !spec.times.end_at) return {};
  const auto plan_marks = spec.then != guard::Then::terminate;
  const auto end = *spec.times.end_at;
  const layers::L0Record record{{end.wall + layers::k_l0_after_end, end.boot + layers::k_l0_after_end},
                                spec.times.boot_id,
                                plan_marks,
                                os::machine_id(),
                                spec.installed};
  return l0.arm(record, {clock.wall(), clock.boot(), os::boot_id()});
}

// A copy that can't be executed (a folder mounted noexec) would look to systemd like a guard that always fails, for
// which it powers the machine off.
Status check_it_runs(const std::string& program) {
  auto outcome = os::run_command({program, "--version"}, k_try_limit);
  if (!outcome) return fail(std::move(outcome.error()));
  if (outcome->code == 0) return {};
  return fail(ErrorKind::system, "run " + program, "exit " + std::to_string(outcome->code),
              "is its file system mounted noexec?");
}

// What can't be undone is what the error, which is told, was about. A systemctl that hung is not asked again: the job
// waits meanwhile.
void undo(const guard::Spec& spec, const layers::L0& l0, ErrorKind why) {
  // From a boot on nobody is there to hear of it: L0 stays, and ends the machine at its limit.
  if (spec.installed) return;
  const layers::L2 l2{spec.places};
  const bool hangs = spec.service && why == ErrorKind::timed_out;
  if (spec.ends_machine()) (void)(hangs ? l0.remove_files() : l0.disarm());
  if (spec.service) (void)(hangs ? l2.remove_files() : l2.disarm());
}

Status start_by_systemd(const guard::Spec& spec) {
  auto program = os::own_path();
  if (!program) return fail(std::move(program.error()));
  return layers::L2{spec.places}.arm(*program, guard_unit_of(spec));
}

Status start(const StartRequest& request, const World& world) {
  const auto& spec = request.guard;
  const auto& places = spec.places;
  Status done = check_no_other_guard(places);
  if (done) done = clear_old(places);
  if (done)
    done = os::replace_file(os::JobPaths{places.state, places.run}.spec(), os::to_json(request.job), 0600,
                            os::Sync::no);
  if (done)
    done = os::replace_file(spec.path(), guard::to_json(spec), 0600,
                            spec.ends_machine() ? os::Sync::yes : os::Sync::no);
  // What the guard can't read it can't guard, and systemd would power the machine off for it.
  if (done) {
    if (auto read = guard::spec_from_json(guard::to_json(spec)); !read) done = fail(std::move(read.error()));
  }
  if (!done) return done;

  const layers::L0 l0{places, spec.service, world.power};
  if (spec.service) {
    // L0's program has to be in place before its timer is.
    if (auto program = os::own_path(); program) done = layers::install_program(*program, places.program);
    else done = fail(std::move(program.error()));
    if (done) done = check_it_runs(places.program);
  }
  if (done) done = arm_l0(spec, l0, world.clock);
  if (done) done = spec.service ? start_by_systemd(spec) : start_shim(spec);
  if (!done && spec.root) undo(spec, l0, done.error().kind);
  return done;
}

// systemd has the guard running after all: what was taken away when it didn't answer in time is put back.
Status restore_layers(const guard::Spec& spec, const World& world) {
  Status done = arm_l0(spec, {spec.places, true, world.power}, world.clock);
  if (done) done = layers::L2{spec.places}.write_files(guard_unit_of(spec));
  return done;
}

}  // namespace

Result<Started> start_best(StartRequest& request, const World& world) {
  Started started;
  const auto& places = request.guard.places;
  // The sockets in the run folder are for the job's owner; what is secret is in the state folder.
  Status done = os::make_private_folder(places.state, 0700);
  if (done) done = os::make_private_folder(places.run, request.guard.root ? 0711 : 0700);
  if (!done) return fail(std::move(done.error()));
  auto lock = os::lock_file(places.run + "/start.lock");
  if (!lock && lock.error().kind == ErrorKind::conflict)
    return fail(ErrorKind::conflict, "start a guard", "another `curfew run` is starting one on this machine",
                "one guard a machine");
  if (!lock) return fail(std::move(lock.error()));
  started.lock = std::move(*lock);

  done = start(request, world);
  const bool systemd_failed = !done && request.guard.service && done.error().kind != ErrorKind::conflict &&
                              done.error().kind != ErrorKind::no_space;
  if (systemd_failed) {
    const bool timed_out = done.error().kind == ErrorKind::timed_out;
    auto service = request.guard;
    started.notes.push_back("systemd can't be used, going on with plain processes: " + done.error().text());
    request.guard.service = false;
    auto program = os::own_path();
    if (!program) return fail(std::move(program.error()));
    request.guard.places.program = *program;
    done = start(request, world);
    if (!done && timed_out && done.error().kind == ErrorKind::conflict) {
      started.notes = {"systemd was slow to answer, and has started the guard"};
      done = restore_layers(service, world);
      request.guard = std::move(service);
    }
  }
  if (!done) return fail(std::move(done.error()));
  return started;
}

void wait_for_guard(const layers::Places& places) {
  for (int waited = 0; waited < k_guard_patience_ms; waited += 20) {
    if (guard::connect_to_guard(places.run)) return;
    ::usleep(20'000);
  }
}

}  // namespace curfew::cli
