// What configuration files have to do with the command line of `curfew check`.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/money.hpp"
#include "base/text.hpp"
#include "cli/check_options.hpp"
#include "cli/run_options.hpp"
#include "net/environment.hpp"
#include "notify/target.hpp"

namespace curfew::cli {
namespace {

constexpr std::string_view k_region = "region";
// All of them leave regions out; a list that is kept for good reads better as what it is.
constexpr std::array<std::string_view, 3> k_left_out{"exclude-region", "ignore-regions", "ignore_regions"};
constexpr std::string_view k_notify = "notify";
// In a file each is a default for who gives that one.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> k_needs{
    {{"notify-state", "notify"}, {"notify-again", "notify"}, {"notify-again", "notify-state"}}};
// Of each pair the first must not be more than the second.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> k_pairs{
    {{"warn", "crit"}, {"warn-cost", "crit-cost"}}};

bool is_among(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What is typed after an option, in both of its forms.
std::vector<std::string> values_typed(const std::vector<std::string>& words, const std::string& option) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == option && i + 1 < words.size()) values.push_back(words[i + 1]);
    else if (words[i].starts_with(option + "=")) values.push_back(words[i].substr(option.size() + 1));
  }
  return values;
}

std::vector<std::string> words_of_check(const std::vector<Setting>& settings) {
  auto named = settings;
  for (auto& setting : named)
    if (is_among(k_left_out, setting.name)) setting.name = k_left_out.front();
  return words_of(named);
}

bool is_wrong(const Setting& setting, Error& why) {
  auto alone = std::vector{setting};
  if (setting.name.starts_with("notify-")) {
    alone.push_back({"notify", "https://localhost/", "", Takes::list});
    alone.push_back({"notify-state", "x", "", Takes::text});
    if (setting.name == "notify-state") alone.pop_back();
  }
  auto parsed = parse_check(words_of_check(alone));
  if (!parsed) why = std::move(parsed.error());
  return !parsed;
}

// Whether a threshold of a file's stands on the wrong side of its typed partner: it then gives way, as a default does.
bool gives_way(const Setting& setting, const std::vector<std::string>& words) {
  for (const auto& [low, high] : k_pairs) {
    if (setting.name != low && setting.name != high) continue;
    const bool is_low = setting.name == low;
    const auto typed = values_typed(words, "--" + std::string(is_low ? high : low));
    if (typed.empty()) continue;
    const auto more = [&](const auto& parse) {
      const auto own = parse(setting.value);
      const auto other = parse(typed.back());
      return own && other && (is_low ? *own > *other : *own < *other);
    };
    return low == "warn" ? more(parse_duration) : more(parse_dollars);
  }
  return false;
}

std::vector<Setting> holding_settings_of_check(const std::vector<std::string>& words,
                                               const std::vector<Setting>& settings) {
  const auto typed = typed_options(words);
  const auto is_given = [&](std::string_view name) {
    return is_among(typed, name) || std::any_of(settings.begin(), settings.end(),
                                                [&](const Setting& each) { return each.name == name; });
  };
  std::vector<std::string> regions;
  for (const auto& value : values_typed(words, "--region"))
    for (const auto part : split(value, ',')) regions.emplace_back(part);
  std::vector<Setting> holding;
  for (const auto& setting : settings) {
    const bool replaced =
        is_among(typed, setting.name) && (setting.takes != Takes::list || setting.name == k_region);
    const bool asked_for = is_among(k_left_out, setting.name) && is_among(regions, setting.value);
    const bool in_vain = std::any_of(k_needs.begin(), k_needs.end(), [&](const auto& pair) {
      return setting.name == pair.first && !is_given(pair.second);
    });
    if (!replaced && !asked_for && !in_vain && !gives_way(setting, words)) holding.push_back(setting);
  }
  return holding;
}

}  // namespace

const std::vector<KnownOption>& configurable_check_options() {
  static const std::vector<KnownOption> k_known{
      {"warn"},
      {"crit"},
      {"warn-cost", Takes::number},
      {"crit-cost", Takes::number},
      {"exit-style"},
      {"allow-denied", Takes::flag},
      {std::string(k_region), Takes::list},
      {"exclude-region", Takes::list},
      {"ignore_regions", Takes::list},
      {"ignore-regions", Takes::list},
      {"account", Takes::list},
      {std::string(k_notify), Takes::list,
       [](std::string_view value) { return notify::shown_option(value); }},
      {"notify-state"},
      {"notify-again"}};
  return k_known;
}

std::vector<Mistake> check_mistakes_in(const std::vector<Setting>& settings) {
  std::vector<Mistake> mistakes;
  std::vector<Setting> good;
  for (const auto& setting : settings) {
    Error why;
    if (is_wrong(setting, why)) mistakes.push_back({setting, std::move(why).within(printable(setting.from))});
    else good.push_back(setting);
  }
  const auto holding = holding_settings_of_check({}, good);
  auto together = parse_check(words_of_check(holding));
  if (together) return mistakes;
  // Two that are right alone.
  Mistake mistake{{}, std::move(together.error())};
  for (const auto& setting : holding)
    if (!mistake.setting && mistake.error.what.starts_with("--" + setting.name + " "))
      mistake.setting = setting;
  if (mistake.setting) mistake.error = std::move(mistake.error).within(printable(mistake.setting->from));
  mistakes.push_back(std::move(mistake));
  return mistakes;
}

Result<CheckOptions> parse_check_with(const std::vector<std::string>& words,
                                      const std::vector<Setting>& settings) {
  const auto holding = holding_settings_of_check(words, settings);
  auto all = words_of_check(holding);
  all.insert(all.end(), words.begin(), words.end());
  auto options = parse_check(all);
  if (options || holding.empty()) return options;
  // Whether the words or a file is to blame, their reader must find it.
  if (auto mistakes = check_mistakes_in(holding); !mistakes.empty())
    return fail(std::move(mistakes.front().error));
  if (auto alone = parse_check(words); !alone) return alone;
  auto error = std::move(options.error());
  error.hint += (error.hint.empty() ? "" : "; ") + std::string("see curfew config for what files set");
  return fail(std::move(error));
}

Result<CheckOptions> parse_check_with_config(const std::vector<std::string>& words) {
  // What is wrong in a file must not keep anybody from reading the help.
  if (is_among(words, "--help") || is_among(words, "-h")) return parse_check(words);
  const auto settings = load_config(config_paths(net::process_environment()), configurable_check_options(),
                                    ::geteuid() == 0, k_check_table);
  if (!settings) return fail(Error{settings.error()});
  return parse_check_with(words, *settings);
}

}  // namespace curfew::cli
