// The command line of `curfew launch`, as values. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "cli/job_file.hpp"
#include "launch/plan.hpp"

namespace curfew::cli {

struct LaunchOptions {
  launch::Wishes wishes;
  aws::KeyValues
      given;  // all that was typed and the job file says, by its long name; a flag's value is "true"
  std::vector<std::string> regions;  // none: AWS_REGION, AWS_DEFAULT_REGION, the profile's
  std::string profile;               // of the credentials
  Micros confirm_above{25'000'000};
  bool yes = false;
  bool dry_run = false;
  std::uint64_t retries = 0;  // with `follow`
  bool follow = false;        // the job's logs, until it's over
  bool clean_up = false;      // and nothing else
  std::string init;           // the file to write, and nothing else
  bool help = false;
};

extern const std::string_view k_launch_help;

// `words` is what follows `launch`; `job` is the file that they name, as named_job_file() has it. The error names the
// option, the value and what would be right; where the file says it, the file and its line too.
[[nodiscard]] Result<LaunchOptions> parse_launch(const std::vector<std::string>& words,
                                                 const std::optional<JobText>& job = {});

// The job file that a command line names, to be read before parse_launch(). Nothing where it names none, or can't be
// understood: parse_launch() says so.
[[nodiscard]] std::optional<std::string> named_job_file(const std::vector<std::string>& words);

// All that a job file may hold, with what can't stand there, and why.
[[nodiscard]] const std::vector<KnownOption>& launch_file_options();

}  // namespace curfew::cli
