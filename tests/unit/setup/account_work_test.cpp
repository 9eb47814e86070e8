#include "setup/account_work.hpp"

#include <map>

#include <gtest/gtest.h>

#include "setup/teardown_work.hpp"
#include "support/fake_s3.hpp"
#include "support/run.hpp"
#include "unit/setup/account_fixture.hpp"

namespace curfew::setup {
namespace {

// An account in memory, of which `found` is there. A call named in `failing` fails with that code.
struct Account final : aws::S3Bucket, aws::Iam, aws::Ec2Groups {
  AccountFound found = nothing_there();
  std::vector<std::string> calls;
  std::map<std::string, std::string> failing;
  testing::FakeS3 objects;

  AccountCalls all() { return {*this, objects, *this, *this}; }

  Status made(const std::string& call) {
    calls.push_back(call);
    const auto code = failing.find(call);
    if (code == failing.end()) return {};
    return fail({ErrorKind::refused, call, code->second, "", code->second});
  }
  template <class T>
  Result<T> read(const std::string& call, Result<T> value) {
    if (auto status = made(call); !status) return fail(std::move(status).error());
    return value;
  }
  RoleFound& of(const std::string& role) {
    return role == k_instance_role ? found.instance : found.scheduler;
  }

  Awaitable<Result<bool>> is_there() override { co_return read("HeadBucket", found.bucket.is_there); }
  Awaitable<Result<aws::ResourceTags>> tags() override { co_return read("GetTags", found.bucket.tags); }
  Awaitable<Result<bool>> is_public_access_blocked() override {
    co_return read("GetBlock", found.bucket.is_blocked);
  }
  Awaitable<Result<std::string>> encryption() override {
    co_return read("GetEncryption", found.bucket.encryption);
  }
  Awaitable<Result<std::string>> ownership() override {
    co_return read("GetOwnership", found.bucket.ownership);
  }
  Awaitable<Result<std::vector<aws::LifecycleRule>>> lifecycle() override {
    co_return read("GetLifecycle", found.bucket.lifecycle);
  }
  Awaitable<Result<std::string>> policy() override { co_return read("GetPolicy", found.bucket.policy); }
  Awaitable<Status> create() override { co_return made("create bucket"); }
  Awaitable<Status> put_tags(aws::ResourceTags /*tags*/) override { co_return made("tag bucket"); }
  Awaitable<Status> block_public_access() override { co_return made("block"); }
  Awaitable<Status> encrypt() override { co_return made("encrypt"); }
  Awaitable<Status> enforce_owner() override { co_return made("own"); }
  Awaitable<Status> put_lifecycle(std::vector<aws::LifecycleRule> /*rules*/) override {
    co_return made("age");
  }
  Awaitable<Status> put_policy(std::string /*document*/) override { co_return made("bucket policy"); }
  Awaitable<Status> delete_objects(std::vector<std::string> keys) override {
    for (const auto& key : keys) objects.objects.erase("bucket/" + key);
    co_return made("delete " + std::to_string(keys.size()));
  }
  Awaitable<Status> delete_bucket() override { co_return made("delete bucket"); }

  Awaitable<Result<std::optional<aws::IamRole>>> role(std::string name) override {
    co_return read("GetRole " + name, of(name).role);
  }
  Awaitable<Result<std::optional<std::string>>> role_policy(std::string role,
                                                            std::string /*policy*/) override {
    co_return read("GetRolePolicy " + role, of(role).policy);
  }
  Awaitable<Result<std::optional<aws::IamProfile>>> profile(std::string /*name*/) override {
    co_return read("GetProfile", found.profile);
  }
  Awaitable<Result<std::vector<std::string>>> policy_names(std::string role) override {
    co_return read("ListPolicies " + role, of(role).policies);
  }
  Awaitable<Status> create_role(std::string name, std::string /*trust*/, std::string /*description*/,
                                aws::ResourceTags tags) override {
    co_return made("create role " + name + (is_ours(tags) ? "" : " without its tag"));
  }
  Awaitable<Status> set_trust(std::string role, std::string /*trust*/) override {
    co_return made("trust " + role);
  }
  Awaitable<Status> put_role_policy(std::string role, std::string policy, std::string /*document*/) override {
    co_return made("policy " + policy + " of " + role);
  }
  Awaitable<Status> create_profile(std::string /*name*/, aws::ResourceTags tags) override {
    co_return made(is_ours(tags) ? "create profile" : "create profile without its tag");
  }
  Awaitable<Status> add_role(std::string /*profile*/, std::string role) override {
    co_return made("add " + role);
  }
  Awaitable<Status> remove_role(std::string /*profile*/, std::string role) override {
    co_return made("remove " + role);
  }
  Awaitable<Status> delete_profile(std::string /*name*/) override { co_return made("delete profile"); }
  Awaitable<Status> delete_role_policy(std::string role, std::string policy) override {
    co_return made("delete policy " + policy + " of " + role);
  }
  Awaitable<Status> delete_role(std::string name) override { co_return made("delete role " + name); }

  Awaitable<Result<std::string>> default_vpc() override { co_return read("DescribeVpcs", found.group.vpc); }
  Awaitable<Result<std::optional<aws::SecurityGroup>>> group(std::string /*vpc*/,
                                                             std::string /*name*/) override {
    co_return read("DescribeGroups", found.group.group);
  }
  Awaitable<Result<std::vector<aws::IngressRule>>> ingress(std::string /*group*/) override {
    co_return read("DescribeRules", found.group.ingress);
  }
  Awaitable<Result<std::string>> create(std::string vpc, std::string name, std::string /*description*/,
                                        aws::ResourceTags tags) override {
    Result<std::string> id = std::string("sg-1");
    co_return read("create group " + name + " in " + vpc + (is_ours(tags) ? "" : " without its tag"), id);
  }
  Awaitable<Status> revoke(std::string group, std::vector<std::string> rules) override {
    co_return made("revoke " + rules.front() + " of " + group);
  }
  Awaitable<Status> delete_group(std::string group) override { co_return made("delete group " + group); }
};

class AccountWork : public ::testing::Test {
 protected:
  AccountPlan plan() {
    auto found = test::run(read_account(account_.all(), k_place));
    account_.calls.clear();
    return plan_account(k_wish, found);
  }
  bool make(const AccountPlan& plan) {
    return test::run(make_account(account_.all(), k_place, plan, [this](const Outcome& outcome) {
      told_.push_back(outcome.status ? outcome.what : outcome.status.error().text());
    }));
  }

  Account account_;
  std::vector<std::string> told_;
};

TEST_F(AccountWork, MakesAllInAnOrderInWhichEachFindsWhatItNeeds) {
  EXPECT_TRUE(make(plan()));
  EXPECT_EQ(account_.calls, (std::vector<std::string>{
                                "create bucket", "tag bucket", "block", "encrypt", "own", "age",
                                "bucket policy", "create role curfew-job", "policy curfew of curfew-job",
                                "create profile", "add curfew-job", "create role curfew-scheduler",
                                "policy curfew of curfew-scheduler", "create group curfew in vpc-1"}));
  EXPECT_EQ(told_.size(), account_.calls.size());
}

TEST_F(AccountWork, WhatIsThereIsReadAndLeft) {
  account_.found = all_there();
  const auto planned = plan();
  EXPECT_TRUE(planned.is_complete());
  EXPECT_TRUE(make(planned));
  EXPECT_TRUE(account_.calls.empty());
}

TEST_F(AccountWork, WhatNeedsTheFailedIsLeftOutAndTheRestIsMade) {
  account_.failing = {{"create role curfew-job", "AccessDenied"}, {"create bucket", "AccessDenied"}};
  EXPECT_FALSE(make(plan()));
  EXPECT_EQ(account_.calls, (std::vector<std::string>{
                                "create bucket", "create role curfew-job", "create role curfew-scheduler",
                                "policy curfew of curfew-scheduler", "create group curfew in vpc-1"}));
  ASSERT_EQ(told_.size(), 12U);
  EXPECT_NE(told_[0].find("the permission s3:CreateBucket is missing"), std::string::npos) << told_[0];
  EXPECT_NE(told_[1].find("public access: not done, as bucket"), std::string::npos) << told_[1];
}

TEST_F(AccountWork, ReadingNamesThePermissionThatIsMissing) {
  account_.found = all_there();
  account_.failing = {{"GetPolicy", "AccessDenied"},
                      {"GetRole curfew-job", "AccessDenied"},
                      {"DescribeVpcs", "UnauthorizedOperation"}};
  const auto planned = plan();
  EXPECT_FALSE(planned.is_complete());
  EXPECT_FALSE(planned.has_steps());
  const auto text = text_of(planned, k_place);
  for (const char* const permission : {"s3:GetBucketPolicy", "iam:GetRole", "ec2:DescribeVpcs"})
    EXPECT_NE(text.find("the permission " + std::string(permission) + " is missing"), std::string::npos)
        << permission;
}

TEST_F(AccountWork, TearsDownWhatHoldsOnFirst) {
  const Place place = k_place;
  account_.found = all_there();
  account_.objects.buckets = {place.bucket()};
  TeardownFound found;
  found.account = test::run(read_account(account_.all(), k_place));
  account_.calls.clear();
  EXPECT_TRUE(test::run(tear_down(account_.all(), k_place, plan_teardown({k_place}, found),
                                  [](const Outcome& /*outcome*/) {})));
  EXPECT_EQ(account_.calls, (std::vector<std::string>{
                                "delete bucket", "delete group sg-1", "remove curfew-job", "delete profile",
                                "delete policy curfew of curfew-job", "delete role curfew-job",
                                "delete policy curfew of curfew-scheduler", "delete role curfew-scheduler"}));
}

}  // namespace
}  // namespace curfew::setup
