// The command line of `curfew run`, as values. Pure but for reading nothing: files and clocks are looked at by the caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "guard/spec.hpp"

namespace curfew::cli {

struct RunOptions {
  std::vector<std::string> argv;  // the command; with --shell the shell and its words
  std::string command;            // as a person typed it
  std::optional<Seconds> max_time = std::chrono::hours{4};  // empty: off
  std::optional<WallTime> deadline;
  Seconds grace{60};
  std::vector<std::string> saves;
  Seconds save_limit{std::chrono::minutes{15}};
  std::string before_end;
  Seconds before_end_limit{std::chrono::minutes{2}};
  Seconds keep_on_failure{0};
  std::optional<guard::EarlySignal> early_signal;
  guard::SpotNotice spot_notice = guard::SpotNotice::automatic;
  guard::Watches watches;
  std::optional<int> pid;  // instead of a command: a process that runs already
  guard::Then then = guard::Then::automatic;
  std::string log;
  os::LogFormat log_format = os::LogFormat::text;
  bool quiet = false;
  bool dry_run = false;
  bool help = false;

  [[nodiscard]] job::Limits limits() const;
};

extern const std::string_view k_run_help;

// All of them, as "--max-time".
[[nodiscard]] std::vector<std::string> run_option_names();

// "USR1@10m", "SIGUSR1@10m", "10@90s"; KILL and STOP, which nobody can hear, are refused.
[[nodiscard]] Result<guard::EarlySignal> parse_early_signal(std::string_view text);

// `words` is what follows `run`. The error names the option, the value and what would be right.
[[nodiscard]] Result<RunOptions> parse_run(const std::vector<std::string>& words);

}  // namespace curfew::cli
