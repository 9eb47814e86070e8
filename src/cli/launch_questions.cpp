// Whose account it is, and then all else.
#include "cli/launch_questions.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "aws/core/endpoints.hpp"
#include "aws/sts.hpp"
#include "cli/launch_findings.hpp"
#include "cli/launch_needs.hpp"
#include "setup/names.hpp"
#include "watch/lanes.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_at_once = 3;

bool is_missing(const LaunchDefaults& defaults, std::string_view option) {
  return std::any_of(defaults.missing.begin(), defaults.missing.end(),
                     [option](const Error& error) { return error.what == option; });
}

}  // namespace

net::Awaitable<Result<LaunchAnswers>> ask_before_launch(aws::Session& session, const launch::Wishes& wishes,
                                                        std::vector<std::string> regions,
                                                        const net::Environment& environment,
                                                        std::function<void(const std::string&)> note) {
  const auto sts = aws::make_sts(session, regions.front());
  auto asking = sts->caller_identity();
  const auto identity = co_await std::move(asking);
  if (!identity) co_return fail(Error{identity.error()});
  const setup::Place place{std::string(aws::partition_of(regions.front()).name), identity->account,
                           regions.front()};
  std::vector<std::string> notes;  // of the findings: told after what is told of the defaults
  const std::function<void(const std::string&)> keep = [&notes](const std::string& text) {
    notes.push_back(text);
  };
  LaunchAnswers answers;
  std::vector<std::string> role_may;
  std::optional<Error> nothing_taken, nothing_packed, nothing_found;
  std::vector<watch::Job> questions;
  questions.emplace_back([&]() -> net::Awaitable<void> {
    auto taking = take_defaults(session, wishes, place, regions);
    auto taken = co_await std::move(taking);
    if (!taken) {
      nothing_taken = std::move(taken.error());
      co_return;
    }
    answers.defaults = std::move(*taken);
    const auto& defaults = answers.defaults;
    auto named = defaults.wishes;
    if (is_missing(defaults, "--staging")) named.staging = {};  // that is told already
    const bool profile_is_there = !is_missing(defaults, "--instance-profile");
    auto looking = look_for_needs(session, std::move(named), place, regions, profile_is_there);
    auto needs = co_await std::move(looking);
    answers.missing = defaults.missing;
    std::move(needs.missing.begin(), needs.missing.end(), std::back_inserter(answers.missing));
    answers.doubtful = std::move(needs.doubtful);
    role_may = std::move(needs.role_may);
  });
  questions.emplace_back([&]() -> net::Awaitable<void> {
    auto finding = find_out(session, wishes, regions, keep);
    auto found = co_await std::move(finding);
    if (found) answers.findings = std::move(*found);
    else nothing_found = std::move(found.error());
  });
  if (!wishes.workdir.empty())
    questions.emplace_back([&]() -> net::Awaitable<void> {
      auto packing = launch::pack(wishes.workdir, environment, keep);
      auto packed = co_await std::move(packing);
      if (packed) answers.packed = std::move(*packed);
      else nothing_packed = std::move(packed.error());
    });
  auto all = watch::run_all(std::move(questions), k_at_once);
  co_await std::move(all);
  answers.findings.owner = identity->arn;
  answers.findings.role_may = std::move(role_may);
  for (auto* const error : {&nothing_taken, &nothing_packed, &nothing_found})
    if (*error) co_return fail(std::move(**error));
  for (const auto& line : answers.defaults.notes) note(line);
  for (const auto& line : notes) note(line);
  co_return answers;
}

}  // namespace curfew::cli
