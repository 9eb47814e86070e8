// By the names of setup/names.hpp.
#include "cli/launch_defaults.hpp"

#include <iterator>
#include <utility>

#include "aws/core/call.hpp"
#include "aws/ec2_groups.hpp"
#include "aws/iam.hpp"
#include "aws/s3_bucket.hpp"
#include "setup/names.hpp"
#include "watch/lanes.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_at_once = 16;

Error missing(const char* option, std::string cause, const std::string& region = {}) {
  return {
      ErrorKind::not_found,
      option,
      "isn't given, and " + std::move(cause),
      "`curfew setup --apply" + (region.empty() ? "" : " --region " + region) + "` makes it; or name another",
      {}};
}

void add_taken(LaunchDefaults& defaults, const std::string& what) {
  defaults.taken += (defaults.taken.empty() ? "" : ", ") + what;
}

void add_told(LaunchDefaults& defaults, LaunchDefaults other) {
  if (!other.taken.empty()) add_taken(defaults, other.taken);
  std::move(other.missing.begin(), other.missing.end(), std::back_inserter(defaults.missing));
  std::move(other.notes.begin(), other.notes.end(), std::back_inserter(defaults.notes));
}

net::Awaitable<Status> take_staging(aws::Session& session, const setup::Place& place,
                                    LaunchDefaults& defaults) {
  const auto bucket = aws::make_s3_bucket(session, place.bucket(), place.region, place.account);
  auto asking = bucket->is_there();
  const auto there = co_await std::move(asking);
  // HEAD has no words for why: it's another account's, or may not be looked at.
  if (!there && there.error().kind != ErrorKind::refused) co_return fail(Error{there.error()});
  defaults.wishes.staging = {place.bucket(), {}};
  if (!there)
    defaults.missing.push_back(missing(
        "--staging", "the bucket " + place.bucket() + " is another account's, or s3:ListBucket is missing"));
  else if (!*there)
    defaults.missing.push_back(missing("--staging", "there is no bucket " + place.bucket(), place.region));
  else add_taken(defaults, "staging " + defaults.wishes.staging.text());
  co_return Status{};
}

net::Awaitable<Status> take_profile(aws::Iam& iam, LaunchDefaults& defaults) {
  const std::string name(setup::k_instance_role);
  auto asking = iam.profile(name);
  const auto profile = co_await std::move(asking);
  if (!profile && !aws::is_denied(profile.error())) co_return fail(Error{profile.error()});
  defaults.wishes.instance_profile = name;
  if (profile && !*profile)
    defaults.missing.push_back(missing("--instance-profile", "there is no instance profile " + name));
  else add_taken(defaults, "instance profile " + name);
  co_return Status{};
}

net::Awaitable<Status> take_scheduler_role(aws::Iam& iam, const setup::Place& place,
                                           LaunchDefaults& defaults) {
  const std::string name(setup::k_scheduler_role);
  auto asking = iam.role(name);
  const auto role = co_await std::move(asking);
  if (!role && !aws::is_denied(role.error())) co_return fail(Error{role.error()});
  defaults.wishes.scheduler_role = role && *role ? (*role)->arn : place.role_arn(name);
  if (role && !*role) {
    auto error = missing("--scheduler-role", "there is no role " + name);
    error.hint += "; --no-schedule does without the schedule that ends the instance from outside";
    defaults.missing.push_back(std::move(error));
  } else {
    add_taken(defaults, "scheduler's role " + name);
  }
  co_return Status{};
}

// Without it, EC2 takes the VPC's own default group.
net::Awaitable<void> take_group(aws::Session& session, const std::string& region, LaunchDefaults& defaults) {
  const auto groups = aws::make_ec2_groups(session, region);
  const auto note = [&defaults](const Error& error) {
    defaults.notes.push_back("the security group " + std::string(setup::k_group) +
                             " isn't looked for, the VPC's default one is taken: " + error.text());
  };
  auto asking = groups->default_vpc();
  const auto vpc = co_await std::move(asking);
  if (!vpc) {
    note(vpc.error());
    co_return;
  }
  if (vpc->empty()) co_return;
  auto looking = groups->group(*vpc, std::string(setup::k_group));
  const auto group = co_await std::move(looking);
  if (!group) {
    note(group.error());
    co_return;
  }
  if (!*group) co_return;
  defaults.wishes.group_of_region[region] = (*group)->id;
  add_taken(defaults, "security group " + std::string(setup::k_group) + " (" + (*group)->id + ")");
}

}  // namespace

net::Awaitable<Result<LaunchDefaults>> take_defaults(aws::Session& session, launch::Wishes wishes,
                                                     setup::Place place, std::vector<std::string> regions) {
  // Each fills a part of its own: what is found is told in the same order, whoever answers first.
  LaunchDefaults staging{wishes, {}, {}, {}};
  auto profile = staging, role = staging;
  std::vector<LaunchDefaults> groups;
  Status taken;
  const auto keep = [&taken](const Status& status) {
    if (taken && !status) taken = status;
  };
  const auto iam = aws::make_iam(session, place.region);
  std::vector<watch::Job> questions;
  if (wishes.staging.bucket.empty())
    questions.emplace_back([&]() -> net::Awaitable<void> {
      auto taking = take_staging(session, place, staging);
      const auto status = co_await std::move(taking);
      keep(status);
    });
  if (wishes.instance_profile.empty())
    questions.emplace_back([&]() -> net::Awaitable<void> {
      auto taking = take_profile(*iam, profile);
      const auto status = co_await std::move(taking);
      keep(status);
    });
  if (wishes.schedule && wishes.scheduler_role.empty())
    questions.emplace_back([&]() -> net::Awaitable<void> {
      auto taking = take_scheduler_role(*iam, place, role);
      const auto status = co_await std::move(taking);
      keep(status);
    });
  // One in the default VPC doesn't fit another VPC's subnet.
  if (wishes.security_groups.empty() && wishes.subnet.empty()) {
    groups.resize(regions.size(), staging);
    for (std::size_t i = 0; i < regions.size(); ++i)
      questions.emplace_back([&, i] { return take_group(session, regions[i], groups[i]); });
  }
  auto all = watch::run_all(std::move(questions), k_at_once);
  co_await std::move(all);
  if (!taken) co_return fail(std::move(taken.error()));
  auto defaults = std::move(staging);
  defaults.wishes.instance_profile = profile.wishes.instance_profile;
  defaults.wishes.scheduler_role = role.wishes.scheduler_role;
  add_told(defaults, std::move(profile));
  add_told(defaults, std::move(role));
  for (auto& group : groups) {
    defaults.wishes.group_of_region.merge(group.wishes.group_of_region);
    add_told(defaults, std::move(group));
  }
  co_return defaults;
}

}  // namespace curfew::cli
