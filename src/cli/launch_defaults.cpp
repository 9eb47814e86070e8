// By the names of setup/names.hpp.
#include "cli/launch_defaults.hpp"

#include <map>
#include <utility>

#include "aws/core/call.hpp"
#include "aws/core/endpoints.hpp"
#include "aws/ec2_groups.hpp"
#include "aws/iam.hpp"
#include "aws/s3.hpp"
#include "aws/s3_bucket.hpp"
#include "aws/sts.hpp"
#include "save/target.hpp"
#include "setup/names.hpp"

namespace curfew::cli {
namespace {

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
                                                     std::vector<std::string> regions) {
  const auto& region = regions.front();
  LaunchDefaults defaults{std::move(wishes), {}, {}, {}};
  const bool needs_staging = defaults.wishes.staging.bucket.empty();
  const bool needs_profile = defaults.wishes.instance_profile.empty();
  const bool needs_role = defaults.wishes.schedule && defaults.wishes.scheduler_role.empty();
  if (needs_staging || needs_profile || needs_role) {
    const auto sts = aws::make_sts(session, region);
    auto asking = sts->caller_identity();
    const auto identity = co_await std::move(asking);
    if (!identity) co_return fail(Error{identity.error()});
    const setup::Place place{std::string(aws::partition_of(region).name), identity->account, region};
    const auto iam = aws::make_iam(session, region);
    Status taken;
    if (needs_staging) {
      auto taking = take_staging(session, place, defaults);
      taken = co_await std::move(taking);
    }
    if (taken && needs_profile) {
      auto taking = take_profile(*iam, defaults);
      taken = co_await std::move(taking);
    }
    if (taken && needs_role) {
      auto taking = take_scheduler_role(*iam, place, defaults);
      taken = co_await std::move(taking);
    }
    if (!taken) co_return fail(std::move(taken.error()));
  }
  // One in the default VPC doesn't fit another VPC's subnet.
  if (defaults.wishes.security_groups.empty() && defaults.wishes.subnet.empty())
    for (const auto& one : regions) co_await take_group(session, one, defaults);
  co_return defaults;
}

net::Awaitable<std::vector<Error>> missing_buckets(aws::Session& session, const launch::Wishes& wishes,
                                                   const std::string& region) {
  std::map<std::string, std::pair<const char*, aws::S3Location>> named;  // by bucket
  const auto name = [&named](const char* option, const aws::S3Location& place) {
    named.try_emplace(place.bucket, option, place);
  };
  if (!wishes.staging.bucket.empty()) name("--staging", wishes.staging);
  for (const auto& save : wishes.saves)
    if (const auto target = save::parse_target(save)) name("--save", target->to);
  for (const auto& data : wishes.stages.data) name("--data", data.from);
  std::vector<Error> missing;
  const auto s3 = aws::make_s3(session, region);
  for (const auto& [bucket, what] : named) {
    std::string first_page;
    auto listing = s3->list(what.second, std::move(first_page));
    const auto page = co_await std::move(listing);
    if (page || page.error().code != "NoSuchBucket") continue;
    missing.push_back({ErrorKind::not_found,
                       std::string(what.first) + " " + what.second.text(),
                       "there is no bucket " + bucket,
                       "make it, or name another",
                       {}});
  }
  co_return missing;
}

}  // namespace curfew::cli
