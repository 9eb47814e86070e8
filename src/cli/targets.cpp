// Words to instances.
#include "cli/targets.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <utility>

#include <CLI/CLI.hpp>

#include "aws/core/endpoints.hpp"
#include "aws/imds.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "watch/stop_plan.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_longest_said = 2'000;
constexpr std::size_t k_most_ids = 200;  // as DescribeInstances takes them in a filter
constexpr std::size_t k_most_names = 50;
constexpr std::size_t k_longest_name = 256;  // of a tag's value

void add_once(std::string_view word, std::vector<std::string>& into) {
  if (std::find(into.begin(), into.end(), word) == into.end()) into.emplace_back(word);
}

}  // namespace

void declare_places(CLI::App& app, RawPlaces& into) {
  app.add_option("--profile", into.profile);
  for (const auto& [name, list] : {std::pair{"--region", &into.regions}, {"--account", &into.roles}}) {
    // One value each time: the word after it may be an id.
    app.add_option(name, *list)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
  }
}

Status take_places(const RawPlaces& raw, Targets& targets, const std::string& see_help) {
  for (const auto& typed : raw.regions) {
    for (const auto part : split(typed, ',')) {
      if (!aws::is_region(part))
        return fail(ErrorKind::invalid_input, "--region '" + printable(part, 80) + "'",
                    "is no region's name, as us-east-1", see_help);
      add_once(part, targets.regions);
    }
  }
  for (const auto& role : raw.roles) {
    if (!aws::account_of_role(role))
      return fail(ErrorKind::invalid_input, "--account '" + printable(role, 80) + "'",
                  "is no role's ARN, as arn:aws:iam::123456789012:role/NAME", see_help);
    add_once(role, targets.roles);
  }
  targets.profile = raw.profile;
  return {};
}

Status take_targets(const std::vector<std::string>& words, Targets& targets, const std::string& see_help) {
  for (const auto& word : words) {
    if (aws::is_instance_id(word)) {
      add_once(word, targets.ids);
      continue;
    }
    if (word.empty() || word.starts_with("i-") || !aws::is_tag_value(word) || word.size() > k_longest_name)
      return fail(ErrorKind::invalid_input, "'" + printable(word, 80) + "'",
                  "is no instance's id, as i-0123456789abcdef0, and no name of a job", see_help);
    add_once(word, targets.names);
  }
  if (targets.ids.size() > k_most_ids)
    return fail(ErrorKind::invalid_input, "the ids", "are more than 200", see_help);
  if (targets.names.size() > k_most_names)
    return fail(ErrorKind::invalid_input, "the names", "are more than 50", see_help);
  return {};
}

Result<watch::Action> parse_action(std::string_view text) {
  if (text == "terminate") return watch::Action::terminate;
  if (text == "stop") return watch::Action::stop;
  return fail(ErrorKind::invalid_input, "'" + printable(text, 40) + "'", "is neither terminate nor stop");
}

void say(const std::string& text) {
  std::fprintf(stderr, "curfew: %s\n", printable(text, k_longest_said).c_str());
}

void show(const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i)
    std::printf("%s%s\n", i == 0 ? "" : "  ", printable(lines[i], k_longest_said).c_str());
}

bool says_yes(const std::string& question) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::string answer;
  if (!std::getline(std::cin, answer)) {
    std::fputc('\n', stderr);
    return false;
  }
  const auto word = trimmed(answer);
  return word == "y" || word == "Y" || word == "yes" || word == "Yes" || word == "YES";
}

watch::Findings find_targets(Accounts& accounts, const Targets& targets, const os::Clock& clock) {
  watch::FindPlan plan;
  plan.ids = targets.ids;
  plan.names = targets.names;
  plan.only = targets.regions;
  plan.home = accounts.home();
  watch::Findings findings;
  accounts.run([&]() -> net::Awaitable<void> {
    auto all = accounts.all();
    auto finding = watch::find_instances(std::move(all), std::move(plan), clock);
    findings = co_await std::move(finding);
  });
  return findings;
}

std::size_t say_missing(const watch::Findings& findings, const Targets& targets, const os::Clock& clock) {
  for (const auto& line : watch::several_lines(findings, clock.wall())) say(line);
  for (const auto& line : watch::missing_lines(findings, !targets.names.empty())) say(line);
  return findings.missing.size() + findings.several.size();
}

}  // namespace curfew::cli
