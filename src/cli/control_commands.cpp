// `curfew extend`, `curfew stop`, `curfew disarm`: what can be asked of the guard on this machine.
#include <cstdio>
#include <optional>

#include "base/text.hpp"
#include "base/times.hpp"
#include "cli/commands.hpp"
#include "cli/guard_link.hpp"
#include "cli/outside.hpp"
#include "cli/stop.hpp"
#include "cli/stop_options.hpp"

namespace curfew::cli {
namespace {

constexpr int k_exit_no_guard = 3;
constexpr std::size_t k_longest_answer = 2'000;

constexpr std::string_view k_disarm_help = R"(Usage: curfew disarm

Removes every layer of protection of this machine: NOTHING ENDS IT ANY MORE, and it costs money until somebody does. The job
goes on, and what it makes is still saved when it ends. Refused once the machine is being ended, and where a deadline is held
outside this machine (the tag curfew:deadline).

Exit code: 0 disarmed; 1 refused; 3 no guard is running; 125 bad usage, or curfew failed.
)";

int bad_usage(const std::string& what, const char* command) {
  std::fprintf(stderr, "curfew: %s; see curfew %s --help\n", what.c_str(), command);
  return k_exit_failed;
}

// Asks the first guard that is there. The answer is shown; without one (`answers` false) sending is all.
int ask(guard::ToGuard what, const std::string& text, bool answers, const char* done) {
  for (const auto& places : guard_places()) {
    if (!answers) {
      auto channel = guard::connect_to_guard(places.run);
      if (!channel && is_no_guard(channel.error())) continue;
      const auto sent = channel ? channel->send(static_cast<char>(what), text) : Status{};
      if (channel && sent) return std::puts(done) < 0 ? k_exit_failed : 0;
      std::fprintf(stderr, "curfew: %s\n",
                   printable((channel ? sent.error() : channel.error()).text()).c_str());
      return k_exit_failed;
    }
    const auto answer = ask_guard(places, what, text);
    if (!answer && is_no_guard(answer.error())) continue;
    if (!answer) {
      std::fprintf(stderr, "curfew: %s\n", printable(answer.error().text(), k_longest_answer).c_str());
      return k_exit_failed;
    }
    const auto said = printable(answer->text, k_longest_answer);
    if (answer->type == static_cast<char>(guard::FromGuard::done))
      return std::puts(said.c_str()) < 0 ? k_exit_failed : 0;
    std::fprintf(stderr, "curfew: %s\n", said.c_str());
    return 1;
  }
  std::fprintf(stderr, "curfew: %s\n", no_guard_text().c_str());
  return k_exit_no_guard;
}

bool wants_help(const Words& words) {
  return words.size() == 1 && (words[0] == "--help" || words[0] == "-h");
}

}  // namespace

int extend_command(const Words& words, const World& world) {
  const auto options = parse_extend(words);
  if (!options) {
    std::fprintf(stderr, "curfew: %s\n", printable(options.error().text(), 400).c_str());
    return k_exit_failed;
  }
  if (options->help) return std::fputs(k_extend_help.data(), stdout) < 0 ? k_exit_failed : 0;
  if (!options->targets.empty()) return extend_instances(*options, world);
  return ask(guard::ToGuard::extend, std::to_string(options->by.value_or(Seconds{0}).count()), true, "");
}

int stop_command(const Words& words, const World& world) {
  const auto options = parse_stop(words);
  if (!options) {
    std::fprintf(stderr, "curfew: %s\n", printable(options.error().text(), 400).c_str());
    return k_exit_failed;
  }
  if (options->help) return std::fputs(k_stop_help.data(), stdout) < 0 ? k_exit_failed : 0;
  if (!options->targets.empty()) return stop_instances(*options, world);
  return ask(guard::ToGuard::stop, options->now ? "15 1" : "15 0", false,
             "asked; `curfew status` shows how far it is");
}

int disarm_command(const Words& words, const World&) {
  if (wants_help(words)) return std::fputs(k_disarm_help.data(), stdout) < 0 ? k_exit_failed : 0;
  if (!words.empty()) return bad_usage("disarm takes no words", "disarm");
  return ask(guard::ToGuard::disarm, "", true, "");
}

}  // namespace curfew::cli
