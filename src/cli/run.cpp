// `curfew run`: the front end. Usage and options: run_options.cpp.
#include "cli/run.hpp"

#include <unistd.h>

#include <cstdio>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/prepare.hpp"
#include "cli/relay.hpp"
#include "cli/run_options.hpp"
#include "cli/start.hpp"
#include "guard/control.hpp"
#include "os/command.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

constexpr Millis k_start_limit{90'000};
constexpr std::size_t k_largest_request = 4U << 20U;
constexpr std::size_t k_longest_refusal = 4'000;

int refuse(const Error& error) {
  // What was typed is in it, and must not speak to the terminal.
  std::fprintf(stderr, "curfew: %s\n", printable(error.text(), k_longest_refusal).c_str());
  return k_exit_failed;
}

// By stdin, so that nothing of the caller's environment is in a command line.
Result<Started> start_with_sudo(const StartRequest& request) {
  auto program = os::own_path();
  if (!program) return fail(std::move(program.error()));
  auto outcome = os::run_command({"sudo", "-n", *program, "start-as-root"}, k_start_limit, to_json(request));
  // What runs as root can't be killed by us: it may have come up all the same.
  if (!outcome && outcome.error().kind == ErrorKind::timed_out) {
    wait_for_guard(request.guard.places);
    if (guard::connect_to_guard(request.guard.places.run)) return Started{};
  }
  if (!outcome) return fail(std::move(outcome.error()));
  std::vector<std::string> notes;
  for (const auto line : split(outcome->output, '\n')) {
    if (!line.empty()) notes.emplace_back(line);
  }
  if (outcome->code != 0)
    return fail(ErrorKind::system, "start the guard with sudo",
                notes.empty() ? "exit " + std::to_string(outcome->code) : notes.back());
  return Started{std::move(notes), {}};
}

}  // namespace

int run_command(const Words& words, const World& world) { return run_words(words, world, {}); }

int run_words(const Words& words, const World& world, const RunAs& as) {
  auto options = parse_with_config(words);
  if (!options) return refuse(options.error());
  if (!as.shown.empty()) options->command = as.shown;
  options->launched = as.launched;
  if (options->help) return std::fputs(k_run_help.data(), stdout) < 0 ? k_exit_failed : 0;
  auto job = capture_job(options->argv, as.identity);
  if (!job) return refuse(job.error());
  auto prepared = prepare(*options, std::move(*job), world.clock);
  if (!prepared) return refuse(prepared.error());

  auto& request = prepared->request;
  Follower follower(request.guard.places, options->quiet);
  auto started = prepared->way == Way::with_sudo ? start_with_sudo(request) : start_best(request, world);
  if (!started) return refuse(started.error());
  started->notes.insert(started->notes.begin(), prepared->notes.begin(), prepared->notes.end());
  for (const auto& note : started->notes) {
    if (!options->quiet) follower.say(note);
  }
  return follower.run();
}

int start_as_root_command(const Words&, const World& world) {
  if (::geteuid() != 0)
    return refuse({ErrorKind::refused, "start a guard as root", "this is not root", {}, {}});
  const auto text = os::read_file("/dev/stdin", k_largest_request);
  if (!text) return refuse(text.error());
  auto request = start_request_from_json(*text);
  if (!request) return refuse(request.error());
  // Where root's things are is root's to say.
  if (auto places = places_for_root()) request->guard.places = *places;
  request->guard.root = true;
  const auto started = start_best(*request, world);
  if (!started) return refuse(started.error());
  wait_for_guard(request->guard.places);
  for (const auto& note : started->notes) std::puts(note.c_str());
  return 0;
}

}  // namespace curfew::cli
