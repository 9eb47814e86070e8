// What configuration files have to do with the command line of `curfew run`.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/config.hpp"
#include "cli/run_options.hpp"
#include "net/environment.hpp"

namespace curfew::cli {
namespace {

// One says the same as the other: what is typed of them replaces both.
constexpr std::array<std::pair<std::string_view, std::string_view>, 1> k_alike{{{"max-time", "max-hours"}}};

// The first means nothing without the second. In a file it's a default for who gives that.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> k_needs{
    {{"save-limit", "save"},
     {"save-every", "save"},
     {"before-end-limit", "before-end"},
     {"stall-path", "stall"},
     {"idle-gpu-any", "idle-gpu"}}};

bool says_the_same(std::string_view a, std::string_view b) {
  return a == b || std::any_of(k_alike.begin(), k_alike.end(), [&](const auto& pair) {
           return (a == pair.first && b == pair.second) || (a == pair.second && b == pair.first);
         });
}

}  // namespace

std::vector<std::string> typed_options(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const auto& word : words) {
    if (word == "--") break;
    if (word.starts_with("--")) names.push_back(word.substr(2, word.find('=') - 2));
  }
  return names;
}

std::vector<std::string> with_settings(const std::vector<std::string>& words,
                                       const std::vector<Setting>& settings) {
  const auto typed = typed_options(words);
  const auto is_given = [&](std::string_view name) {
    return std::find(typed.begin(), typed.end(), name) != typed.end() ||
           std::any_of(settings.begin(), settings.end(),
                       [&](const Setting& each) { return each.name == name; });
  };
  const auto is_in_vain = [&](const Setting& setting) {
    return std::any_of(k_needs.begin(), k_needs.end(), [&](const auto& pair) {
      return setting.name == pair.first && !is_given(pair.second);
    });
  };
  std::vector<Setting> holding;
  for (const auto& setting : settings) {
    const bool replaced =
        setting.takes != Takes::list && std::any_of(typed.begin(), typed.end(), [&](const std::string& name) {
          return says_the_same(name, setting.name);
        });
    if (!replaced && !is_in_vain(setting)) holding.push_back(setting);
  }
  auto all = words_of(holding);
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Result<RunOptions> parse_with_config(const std::vector<std::string>& words) {
  // What is wrong in a file must not keep anybody from reading the help.
  const auto typed = typed_options(words);
  if (std::find(typed.begin(), typed.end(), "help") != typed.end()) return parse_run(words);
  const auto settings =
      load_config(config_paths(net::process_environment()), configurable_options(), ::geteuid() == 0);
  if (!settings) return fail(Error{settings.error()});
  auto options = parse_run(with_settings(words, *settings));
  // A machine is guarded where somebody says so, not where a command is missing and a file has --idle-gpu for all jobs.
  const auto tells_the_end = [](const std::string& name) {
    return name == "idle-gpu" || name == "done-file";
  };
  if (options && options->guards_machine && std::none_of(typed.begin(), typed.end(), tells_the_end))
    return parse_run(words);
  if (options || settings->empty()) return options;
  // Whether the words or a file is to blame, their reader must find it.
  if (auto alone = parse_run(words); !alone) return alone;
  auto error = std::move(options.error());
  error.hint += (error.hint.empty() ? "" : "; ") + std::string("see curfew config for what files set");
  return fail(std::move(error));
}

}  // namespace curfew::cli
