// What configuration files have to do with the command line of `curfew run`.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/config.hpp"
#include "cli/run_options.hpp"
#include "net/environment.hpp"

namespace curfew::cli {
namespace {

// One says the same as the other: what is typed of them replaces both.
constexpr std::array<std::pair<std::string_view, std::string_view>, 1> k_alike{{{"max-time", "max-hours"}}};

// The first means nothing without the second. In a file it's a default for who gives that.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> k_needs{
    {{"save-limit", "save"},
     {"save-every", "save"},
     {"before-end-limit", "before-end"},
     {"stall-path", "stall"},
     {"idle-gpu-any", "idle-gpu"},
     {"log-format", "log"}}};
// What parse_run() refuses without a command of ours: for a process that runs already and for a machine, for a machine.
constexpr std::array<std::string_view, 3> k_of_commands{"signal", "done-pattern", "keep-on-failure"};
constexpr std::string_view k_of_jobs = "idle-gpu-any";
// What check_installable() refuses.
constexpr std::array<std::string_view, 2> k_not_installed{"deadline", "max-cost"};
constexpr std::size_t k_most_mistakes = 20;

bool is_among(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool says_the_same(std::string_view a, std::string_view b) {
  return a == b || std::any_of(k_alike.begin(), k_alike.end(), [&](const auto& pair) {
           return (a == pair.first && b == pair.second) || (a == pair.second && b == pair.first);
         });
}

// The setting that an error of parse_run() is about: it begins with the option's name. One that is in a list must be wrong
// by itself, for others may have been typed.
const Setting* culprit_of(const Error& error, const std::vector<Setting>& holding) {
  for (const auto& setting : holding) {
    const auto name = "--" + setting.name;
    const auto after = error.what.substr(0, name.size()) == name ? error.what.substr(name.size(), 1) : "-";
    if (!after.empty() && after != ":" && after != " ") continue;
    if (setting.takes != Takes::list || !parse_run({name + "=" + setting.value, "--", "true"}))
      return &setting;
  }
  return nullptr;
}

Error located(Error error, const Setting& setting) {
  return std::move(error).within(printable(setting.from));
}

std::vector<std::string> in_front_of(const std::vector<std::string>& words,
                                     const std::vector<Setting>& settings) {
  auto all = words_of(settings);
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

// A machine is guarded where somebody says so, not where a command is missing and a file has --idle-gpu for all jobs.
constexpr std::array<std::string_view, 2> k_tells_the_end{"idle-gpu", "done-file"};

tl::unexpected<Error> nothing_typed(Error error, const std::vector<Setting>& settings) {
  for (const auto& setting : settings) {
    if (!is_among(k_tells_the_end, setting.name)) continue;
    error.cause = "--" + setting.name + " of " + printable(setting.from) +
                  " is for commands: without one it has to be typed";
    break;
  }
  return fail(std::move(error));
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

std::vector<Setting> holding_settings(const std::vector<std::string>& words,
                                      const std::vector<Setting>& settings, Asked asked) {
  const auto typed = typed_options(words);
  const auto is_given = [&](std::string_view name) {
    return is_among(typed, name) || std::any_of(settings.begin(), settings.end(),
                                                [&](const Setting& each) { return each.name == name; });
  };
  const bool is_process = is_among(typed, "pid");
  const bool is_machine = !is_process && !is_among(typed, "shell") && !is_among(words, "--");
  const auto is_in_vain = [&](const std::string& name) {
    if (std::any_of(k_needs.begin(), k_needs.end(),
                    [&](const auto& pair) { return name == pair.first && !is_given(pair.second); }))
      return true;
    if (asked == Asked::install && is_among(k_not_installed, name)) return true;
    if (is_machine && name == k_of_jobs) return true;
    if (!is_machine && !is_process) return false;
    return is_among(k_of_commands, name) || (name == "stall" && !is_given("stall-path"));
  };
  std::vector<Setting> holding;
  for (const auto& setting : settings) {
    const bool replaced =
        setting.takes != Takes::list && std::any_of(typed.begin(), typed.end(), [&](const std::string& name) {
          return says_the_same(name, setting.name);
        });
    if (!replaced && !is_in_vain(setting.name)) holding.push_back(setting);
  }
  return holding;
}

std::vector<std::string> with_settings(const std::vector<std::string>& words,
                                       const std::vector<Setting>& settings, Asked asked) {
  return in_front_of(words, holding_settings(words, settings, asked));
}

std::vector<Mistake> mistakes_in(std::vector<Setting> settings) {
  std::vector<Mistake> mistakes;
  while (mistakes.size() < k_most_mistakes) {
    const auto holding = holding_settings({"--", "true"}, settings);
    auto options = parse_run(in_front_of({"--", "true"}, holding));
    if (options) break;
    const auto* culprit = culprit_of(options.error(), holding);
    if (culprit == nullptr) {
      mistakes.push_back({{}, std::move(options.error())});
      break;
    }
    mistakes.push_back({*culprit, located(std::move(options.error()), *culprit)});
    std::erase(settings, *culprit);
  }
  return mistakes;
}

Result<RunOptions> parse_with(const std::vector<std::string>& words, const std::vector<Setting>& settings,
                              Asked asked) {
  auto holding = holding_settings(words, settings, asked);
  auto options = parse_run(in_front_of(words, holding));
  const auto typed = typed_options(words);
  const auto is_typed = [&](std::string_view name) { return is_among(typed, name); };
  if (options && options->guards_machine &&
      std::none_of(k_tells_the_end.begin(), k_tells_the_end.end(), is_typed))
    options = parse_run(words);
  if (options) {
    options->from_files = std::move(holding);
    return options;
  }
  if (options.error().what == k_no_command && !is_among(words, "--"))
    return nothing_typed(std::move(options.error()), settings);
  if (settings.empty()) return options;
  if (const auto* culprit = culprit_of(options.error(), holding))
    return fail(located(std::move(options.error()), *culprit));
  // Whether the words or a file is to blame, their reader must find it.
  if (auto alone = parse_run(words); !alone) return alone;
  auto error = std::move(options.error());
  error.hint += (error.hint.empty() ? "" : "; ") + std::string("see curfew config for what files set");
  return fail(std::move(error));
}

Result<RunOptions> parse_with_config(const std::vector<std::string>& words, Asked asked) {
  // What is wrong in a file must not keep anybody from reading the help.
  const auto typed = typed_options(words);
  if (is_among(typed, "help")) return parse_run(words);
  const auto settings =
      load_config(config_paths(net::process_environment()), configurable_options(), ::geteuid() == 0);
  if (!settings) return fail(Error{settings.error()});
  return parse_with(words, *settings, asked);
}

}  // namespace curfew::cli
