// job.toml: what the options of `curfew launch` say, in a file; what is typed holds over it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/config.hpp"

namespace curfew::cli {

struct JobText {
  std::string path;  // as it was typed: errors name it, and a relative --workdir in it is below its folder
  std::string text;
};

// The words after `launch` with those of the file in front: a typed option replaces the file's (and what can't be beside
// it: --on-demand its spot), but what may be repeated is added to. Errors name file and line. Pure.
struct JobWords {
  std::vector<std::string> words;
  std::vector<Setting> from_file;  // those that hold
};
[[nodiscard]] Result<JobWords> with_job_file(const std::vector<std::string>& typed, const JobText& job,
                                             const std::vector<KnownOption>& known);

// The file that a command line names: the one word before `--` that is no option's, and ends in ".toml".
[[nodiscard]] std::optional<std::string> job_file_in(const std::vector<std::string>& rest);

// Options whose list is one value with commas.
inline constexpr std::array<std::string_view, 3> k_joined_options{"instance-type", "region", "zone"};

// What `--init` writes: every key, commented.
extern const std::string_view k_job_template;

}  // namespace curfew::cli
