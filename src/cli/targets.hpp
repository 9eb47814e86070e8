// What `curfew stop`, `guard` and `extend` have in common: which instances are meant, finding them, and asking.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/accounts.hpp"
#include "cli/commands.hpp"
#include "watch/find.hpp"

namespace CLI {
class App;
}

namespace curfew::cli {

inline constexpr int k_exit_not_all = 1;
inline constexpr int k_exit_no_credentials = 102;  // as of `curfew check`

struct Targets {
  std::vector<std::string> ids;      // i-…, each once
  std::vector<std::string> names;    // of jobs or launches, each once
  std::vector<std::string> regions;  // none: all that are enabled
  std::vector<std::string> roles;    // of other accounts, by ARN
  std::string profile;

  [[nodiscard]] bool empty() const { return ids.empty() && names.empty(); }
  // Whether anything says where they are.
  [[nodiscard]] bool has_place() const { return !profile.empty() || !regions.empty() || !roles.empty(); }
};

struct RawPlaces {
  std::vector<std::string> regions, roles;
  std::string profile;
};
// --region, --account and --profile; `into` must outlive the parsing.
void declare_places(CLI::App& app, RawPlaces& into);
[[nodiscard]] Status take_places(const RawPlaces& raw, Targets& targets, const std::string& see_help);
// A word that begins with "i-" is an id, any other the name of a job or a launch. At most 200, and 50.
[[nodiscard]] Status take_targets(const std::vector<std::string>& words, Targets& targets,
                                  const std::string& see_help);

// Of --then.
[[nodiscard]] Result<watch::Action> parse_action(std::string_view text);

// A line for people on stderr.
void say(const std::string& text);
// On stdout, the lines after the first indented.
void show(const std::vector<std::string>& lines);
// The answer to a question on the terminal; only y and yes are one.
[[nodiscard]] bool says_yes(const std::string& question);

// After accounts.sign_in().
[[nodiscard]] watch::Findings find_targets(Accounts& accounts, const Targets& targets,
                                           const os::Clock& clock);
// Says what wasn't found and which names aren't clear; how many of the targets that are.
std::size_t say_missing(const watch::Findings& findings, const Targets& targets, const os::Clock& clock);

}  // namespace curfew::cli
