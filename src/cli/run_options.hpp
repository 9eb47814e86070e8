// The command line of `curfew run`, as values. Pure but for reading nothing: files and clocks are looked at by the caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "cli/config.hpp"
#include "guard/spec.hpp"

namespace curfew::cli {

struct RunOptions {
  std::vector<std::string> argv;  // the command; with --shell the shell and its words
  std::string command;            // as a person typed it
  std::optional<Seconds> max_time = std::chrono::hours{4};  // empty: off
  std::optional<WallTime> deadline;
  Seconds grace{60};
  std::optional<Micros> max_cost;
  std::optional<Micros> price;  // an hour's, of the instance alone
  std::vector<std::string> saves;
  Seconds save_limit{std::chrono::minutes{15}};
  std::optional<Seconds> save_every;
  std::vector<std::string> notify;  // as typed, not yet resolved: may hold a secret
  std::string before_end;
  Seconds before_end_limit{std::chrono::minutes{2}};
  Seconds keep_on_failure{0};
  std::optional<guard::EarlySignal> early_signal;
  guard::SpotNotice spot_notice = guard::SpotNotice::automatic;
  guard::Watches watches;
  std::optional<int> pid;       // instead of a command: a process that runs already
  bool guards_machine = false;  // without any: the machine itself
  guard::Then then = guard::Then::automatic;
  std::string log;
  os::LogFormat log_format = os::LogFormat::text;
  bool quiet = false;
  bool dry_run = false;
  bool help = false;
  std::optional<guard::Launched> launched;  // no option: `curfew run-job` knows
  std::vector<Setting> from_files;          // what files have set of all that; its lists come first in theirs

  [[nodiscard]] job::Limits limits() const;
};

extern const std::string_view k_run_help;
// Error::what of parse_run where there is nothing to guard.
inline constexpr const char* k_no_command = "no command to run";

// All of them, as "--max-time".
[[nodiscard]] std::vector<std::string> run_option_names();

// All that a configuration file may name, with those that can't stand there, and why: what belongs to one run (--pid,
// --shell), or --dry-run, with which a machine would stay up for the sake of a line that somebody forgot.
[[nodiscard]] const std::vector<KnownOption>& configurable_options();

// Whose command line it is. An installed machine has no time that passes once, and no cost of a job.
enum class Asked : std::uint8_t { run, install };

// What files set that holds for these words: what is typed replaces it, but lists are added to. Left out is what means
// nothing for what was asked for: without another option (save-limit without save), without a command (signal), or for
// `asked`. Pure.
[[nodiscard]] std::vector<Setting> holding_settings(const std::vector<std::string>& words,
                                                    const std::vector<Setting>& settings,
                                                    Asked asked = Asked::run);
// The words of a command line with those settings in front of them. Pure.
[[nodiscard]] std::vector<std::string> with_settings(const std::vector<std::string>& words,
                                                     const std::vector<Setting>& settings,
                                                     Asked asked = Asked::run);

// The settings whose values can't be, for a run with a command, the first few of them. Pure.
[[nodiscard]] std::vector<Mistake> mistakes_in(std::vector<Setting> settings);
// The options that are typed, before any `--`, as "max-time".
[[nodiscard]] std::vector<std::string> typed_options(const std::vector<std::string>& words);

// "USR1@10m", "SIGUSR1@10m", "usr1@10m", "10@90s"; KILL and STOP, which nobody can hear, are refused.
[[nodiscard]] Result<guard::EarlySignal> parse_early_signal(std::string_view text);

// `words` is what follows `run` or `install`, as typed; what configuration files set is put in front. An error that comes
// from a file names it, with the line.
[[nodiscard]] Result<RunOptions> parse_with_config(const std::vector<std::string>& words,
                                                   Asked asked = Asked::run);
// The same with settings that were read. Pure.
[[nodiscard]] Result<RunOptions> parse_with(const std::vector<std::string>& words,
                                            const std::vector<Setting>& settings, Asked asked = Asked::run);

// `words` is what follows `run`. The error names the option, the value and what would be right.
[[nodiscard]] Result<RunOptions> parse_run(const std::vector<std::string>& words);

// What is worth a line at the start, though it's no mistake: a watch that takes as long as the whole time limit.
[[nodiscard]] std::vector<std::string> start_notes(const RunOptions& options);

}  // namespace curfew::cli
