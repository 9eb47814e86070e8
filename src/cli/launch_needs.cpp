// Each question by itself, all at once.
#include "cli/launch_needs.hpp"

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "aws/iam.hpp"
#include "aws/s3.hpp"
#include "aws/ssm.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "notify/target.hpp"
#include "save/target.hpp"
#include "setup/account_work.hpp"
#include "setup/role_view.hpp"
#include "watch/lanes.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_at_once = 16;

using Finding = std::optional<Error>;

Error not_there(std::string what, std::string cause, std::string hint) {
  return {ErrorKind::not_found, std::move(what), std::move(cause), std::move(hint), {}};
}

// `must_hold`: with nothing below it, it's missing too.
net::Awaitable<Finding> look_below(aws::S3& s3, std::string option, aws::S3Location place, bool must_hold) {
  auto listing = s3.list(place, {});
  const auto page = co_await std::move(listing);
  if (!page && page.error().code == "NoSuchBucket")
    co_return not_there(option + " " + place.text(), "there is no bucket " + place.bucket,
                        "make it, or name another");
  if (page && must_hold && page->objects.empty() && page->next.empty())
    co_return not_there(option + " " + place.text(), "there is nothing there",
                        "put it there, or name another");
  co_return std::nullopt;
}

net::Awaitable<Finding> look_for_parameter(aws::Session& session, std::string region, std::string option,
                                           std::string name) {
  const auto ssm = aws::make_ssm(session, region);
  // Not decrypted: what is encrypted is there, too.
  auto asking = ssm->parameter(name);
  const auto value = co_await std::move(asking);
  if (value || value.error().kind != ErrorKind::not_found) co_return std::nullopt;
  co_return not_there(option + " from ssm:" + name, "there is no such parameter in " + region,
                      "aws ssm put-parameter --region " + region + " --type SecureString --name " + name +
                          " --value file://FILE");
}

net::Awaitable<Finding> look_for_scheduler_role(aws::Iam& iam, std::string arn) {
  const auto name = arn.substr(arn.rfind('/') + 1);
  auto asking = iam.role(name);
  const auto role = co_await std::move(asking);
  if (!role || *role) co_return std::nullopt;
  co_return not_there("--scheduler-role " + arn, "there is no such role",
                      "`curfew setup --apply` makes one, which a launch takes by itself");
}

// Those that hold places to notify.
std::vector<std::string> told_parameters(const launch::Wishes& wishes) {
  std::vector<std::string> names;
  for (const auto& place : wishes.notify)
    if (const auto target = notify::parse_target(place))
      if (const auto* parameter = std::get_if<notify::Parameter>(&target->place))
        names.push_back(parameter->name);
  return names;
}

setup::RoleNeeds role_needs(const launch::Wishes& wishes) {
  setup::RoleNeeds needs;
  for (const auto& save : wishes.saves)
    if (const auto target = save::parse_target(save)) needs.writes.push_back(target->to);
  for (const auto& data : wishes.stages.data) needs.reads.push_back(data.from);
  for (const auto& secret : wishes.stages.secrets) needs.parameters.push_back(secret.parameter);
  if (const auto& repo = wishes.stages.repo; repo && !repo->token.empty())
    needs.parameters.push_back(repo->token);
  for (auto& name : told_parameters(wishes)) needs.parameters.push_back(std::move(name));
  return needs;
}

}  // namespace

net::Awaitable<LaunchNeeds> look_for_needs(aws::Session& session, launch::Wishes wishes, setup::Place place,
                                           std::vector<std::string> regions, bool profile_is_there) {
  const auto s3 = aws::make_s3(session, place.region);
  const auto iam = aws::make_iam(session, place.region);
  const auto needs = role_needs(wishes);
  const auto told_by = told_parameters(wishes);
  std::vector<std::function<net::Awaitable<Finding>()>> looks;
  std::map<std::string, std::pair<std::string, aws::S3Location>> buckets;  // each is asked for once
  if (!wishes.staging.bucket.empty()) buckets.try_emplace(wishes.staging.bucket, "--staging", wishes.staging);
  for (const auto& to : needs.writes) buckets.try_emplace(to.bucket, "--save", to);
  for (const auto& bucket : buckets)
    looks.emplace_back(
        [&s3, &named = bucket.second] { return look_below(*s3, named.first, named.second, false); });
  for (const auto& from : needs.reads)
    looks.emplace_back([&s3, &from] { return look_below(*s3, "--data", from, true); });
  for (const auto& region : regions) {
    for (const auto& secret : wishes.stages.secrets)
      looks.emplace_back([&session, &region, &secret] {
        return look_for_parameter(session, region, "--secret " + secret.name, secret.parameter);
      });
    if (const auto& repo = wishes.stages.repo; repo && !repo->token.empty())
      looks.emplace_back([&session, &region, &token = repo->token] {
        return look_for_parameter(session, region, "--repo-token", token);
      });
    for (const auto& name : told_by)
      looks.emplace_back(
          [&session, &region, &name] { return look_for_parameter(session, region, "--notify", name); });
  }
  const auto own_role = place.role_arn(setup::k_scheduler_role);  // is looked for by who takes the defaults
  if (wishes.schedule && !wishes.scheduler_role.empty() && wishes.scheduler_role != own_role &&
      aws::account_of_role(wishes.scheduler_role) == place.account)
    looks.emplace_back([&iam, &wishes] { return look_for_scheduler_role(*iam, wishes.scheduler_role); });
  LaunchNeeds told;
  setup::RoleFound role;
  std::vector<Finding> findings(looks.size());
  std::vector<watch::Job> questions;
  for (std::size_t i = 0; i < looks.size(); ++i)
    questions.emplace_back([&, i]() -> net::Awaitable<void> {
      auto looking = looks[i]();
      findings[i] = co_await std::move(looking);
    });
  const bool is_own_role = wishes.instance_profile == setup::k_instance_role;
  if (is_own_role && profile_is_there)
    questions.emplace_back([&]() -> net::Awaitable<void> {
      auto reading = setup::read_role(*iam, std::string(setup::k_instance_role));
      role = co_await std::move(reading);
    });
  auto all = watch::run_all(std::move(questions), k_at_once);
  co_await std::move(all);
  for (auto& finding : findings)
    if (finding) told.missing.push_back(std::move(*finding));
  if (!is_own_role) {
    told.role_may.emplace_back("what its policies say, which aren't read here: it isn't `curfew setup`'s");
  } else if (profile_is_there) {
    auto view = setup::view_role(place, role, needs);
    told.role_may = std::move(view.may);
    for (auto& lack : view.out_of_reach) told.missing.push_back(std::move(lack));
    told.doubtful = std::move(view.doubtful);
  }
  co_return told;
}

}  // namespace curfew::cli
