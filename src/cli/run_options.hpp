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
  guard::Then then = guard::Then::automatic;
  std::string log;
  os::LogFormat log_format = os::LogFormat::text;
  bool quiet = false;
  bool dry_run = false;
  bool help = false;

  [[nodiscard]] job::Limits limits() const;
};

extern const std::string_view k_run_help;

// `words` is what follows `run`. The error names the option, the value and what would be right.
[[nodiscard]] Result<RunOptions> parse_run(const std::vector<std::string>& words);

}  // namespace curfew::cli
