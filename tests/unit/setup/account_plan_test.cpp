#include <algorithm>
#include <functional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "unit/setup/account_fixture.hpp"

namespace curfew::setup {
namespace {

using enum AccountPartName;

const Error k_denied{ErrorKind::refused, "read it", "AccessDenied: no", "the permission s3:X is missing",
                     "AccessDenied"};

AccountPart part_of(const AccountPlan& plan, AccountPartName name) {
  for (const auto& part : plan.parts)
    if (part.name == name) return part;
  throw std::runtime_error("no such part");
}

template <class Step>
const Step& step_of(const AccountPart& part) {
  for (const auto& step : part.steps)
    if (const auto* found = std::get_if<Step>(&step)) return *found;
  throw std::runtime_error("no such step");
}

TEST(AccountPlan, WhereAllIsThereNothingIsDone) {
  const auto plan = plan_account(k_wish, all_there());
  EXPECT_FALSE(plan.has_steps());
  EXPECT_TRUE(plan.is_complete());
  EXPECT_EQ(plan.parts.size(), 12U);
  for (const auto& part : plan.parts) EXPECT_EQ(part.verdict, Verdict::equal) << title_of(part.name, k_place);
}

TEST(AccountPlan, WhereNothingIsThereAllIsMade) {
  const auto plan = plan_account(k_wish, nothing_there());
  EXPECT_TRUE(plan.is_complete());
  EXPECT_EQ(plan.parts.size(), 12U);
  for (const auto& part : plan.parts) {
    EXPECT_EQ(part.verdict, Verdict::create) << title_of(part.name, k_place);
    EXPECT_FALSE(part.steps.empty()) << title_of(part.name, k_place);
  }
}

TEST(AccountPlan, EachDriftIsSeenAndMended) {
  const struct {
    AccountPartName name;
    std::function<void(AccountFound&)> drift;
  } cases[] = {
      {public_access, [](AccountFound& found) { found.bucket.is_blocked = false; }},
      {encryption, [](AccountFound& found) { found.bucket.encryption = std::string(); }},
      {ownership, [](AccountFound& found) { found.bucket.ownership = std::string("ObjectWriter"); }},
      {lifecycle, [](AccountFound& found) { found.bucket.lifecycle->pop_back(); }},
      {lifecycle, [](AccountFound& found) { found.bucket.lifecycle->front().enabled = false; }},
      {lifecycle, [](AccountFound& found) { found.bucket.lifecycle->front().plain = false; }},
      {bucket_policy, [](AccountFound& found) { found.bucket.policy = std::string(); }},
      {instance_role, [](AccountFound& found) { (*found.instance.role)->trust = scheduler_trust(k_place); }},
      {instance_policy,
       [](AccountFound& found) { found.instance.policy = setup::scheduler_policy(k_place); }},
      {instance_policy, [](AccountFound& found) { found.instance.policy = std::nullopt; }},
      {instance_policy, [](AccountFound& found) { found.instance.policy = "no JSON"; }},
      {instance_profile, [](AccountFound& found) { (*found.profile)->roles.clear(); }},
      {instance_profile, [](AccountFound& found) { (*found.profile)->roles = {"admin"}; }},
      {scheduler_role, [](AccountFound& found) { (*found.scheduler.role)->trust = "{}"; }},
      {scheduler_policy,
       [](AccountFound& found) { found.scheduler.policy = setup::instance_policy(k_place, {}); }},
      {security_group,
       [](AccountFound& found) {
         found.group.ingress = std::vector<aws::IngressRule>{{"sgr-1", "tcp 22 from all"}};
       }},
  };
  for (const auto& one : cases) {
    auto found = all_there();
    one.drift(found);
    const auto plan = plan_account(k_wish, found);
    EXPECT_TRUE(plan.is_complete()) << title_of(one.name, k_place);
    for (const auto& part : plan.parts)
      EXPECT_EQ(!part.steps.empty(), part.name == one.name)
          << title_of(part.name, k_place) << " for " << title_of(one.name, k_place);
  }
}

TEST(AccountPlan, WhatLacksTheTagIsNeverTouched) {
  const std::vector<std::function<void(AccountFound&)>> foreigners{
      [](AccountFound& found) {
        found.bucket.tags = aws::ResourceTags{{"team", "other"}};
      },
      [](AccountFound& found) {
        found.bucket.tags = aws::ResourceTags{{"curfew:made-by", "somebody"}};
      },
      [](AccountFound& found) { found.bucket.is_there = fail(k_denied); },
      [](AccountFound& found) { (*found.instance.role)->tags.clear(); },
      [](AccountFound& found) { (*found.scheduler.role)->tags.clear(); },
      [](AccountFound& found) { (*found.profile)->tags.clear(); },
      [](AccountFound& found) { (*found.group.group)->tags.clear(); }};
  for (std::size_t i = 0; i < foreigners.size(); ++i) {
    auto found = all_there();
    // Everything that could be mended is to be mended.
    found.bucket.is_blocked = false;
    found.instance.policy = "{}";
    found.scheduler.policy = "{}";
    (*found.profile)->roles = {"admin"};
    found.group.ingress = std::vector<aws::IngressRule>{{"sgr-1", "all"}};
    const auto before = plan_account(k_wish, found);
    foreigners[i](found);
    const auto plan = plan_account(k_wish, found);
    EXPECT_FALSE(plan.is_complete()) << i;
    const auto steps = [](const AccountPlan& of) {
      std::size_t count = 0;
      for (const auto& part : of.parts) count += part.steps.size();
      return count;
    };
    EXPECT_LT(steps(plan), steps(before)) << i;
    for (const auto& part : plan.parts)
      EXPECT_TRUE(part.steps.empty() ||
                  (part.verdict != Verdict::foreign && part.verdict != Verdict::blocked));
  }
}

TEST(AccountPlan, ABucketWithoutTagsIsHalfMadeOnlyIfItIsEmpty) {
  auto found = all_there();
  found.bucket.tags = aws::ResourceTags{};
  found.bucket.is_empty = true;
  auto part = part_of(plan_account(k_wish, found), bucket);
  EXPECT_EQ(part.verdict, Verdict::change);
  EXPECT_EQ(part.steps.size(), 1U);
  EXPECT_NO_THROW(step_of<TagBucket>(part));
  found.bucket.is_empty = false;
  EXPECT_EQ(part_of(plan_account(k_wish, found), bucket).verdict, Verdict::foreign);
  found.bucket.is_empty = fail(k_denied);
  EXPECT_EQ(part_of(plan_account(k_wish, found), bucket).verdict, Verdict::unreadable);
}

TEST(AccountPlan, WhatCannotBeReadIsNotTouched) {
  auto found = all_there();
  found.bucket.tags = fail(k_denied);
  found.instance.role = fail(k_denied);
  found.scheduler.policy = fail(k_denied);
  found.profile = fail(k_denied);
  found.group.ingress = fail(k_denied);
  const auto plan = plan_account(k_wish, found);
  EXPECT_FALSE(plan.has_steps());
  EXPECT_FALSE(plan.is_complete());
  for (const auto name : {bucket, instance_role, scheduler_policy, instance_profile, security_group})
    EXPECT_EQ(part_of(plan, name).verdict, Verdict::unreadable) << title_of(name, k_place);
  EXPECT_NE(text_of(plan, k_place).find("the permission s3:X is missing"), std::string::npos);
}

TEST(AccountPlan, AnotherPolicyOfTheBucketIsLeft) {
  auto found = all_there();
  found.bucket.policy = R"({"Statement": []})";
  const auto part = part_of(plan_account(k_wish, found), bucket_policy);
  EXPECT_EQ(part.verdict, Verdict::foreign);
  EXPECT_TRUE(part.steps.empty());
}

TEST(AccountPlan, RulesOfOthersStayAndDaysAreKept) {
  auto found = all_there();
  aws::LifecycleRule theirs;
  theirs.id = "theirs";
  theirs.xml = "<Rule><ID>theirs</ID></Rule>";
  found.bucket.lifecycle = wanted_rules(30);
  found.bucket.lifecycle->push_back(theirs);
  EXPECT_EQ(part_of(plan_account(k_wish, found), lifecycle).verdict, Verdict::equal)
      << "30 days, as somebody wished";
  auto wish = k_wish;
  wish.keep_days = 7;
  const auto part = part_of(plan_account(wish, found), lifecycle);
  const auto& rules = step_of<PutLifecycle>(part).rules;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].expire_days, 7U);
  EXPECT_EQ(rules[2].xml, theirs.xml);
}

TEST(AccountPlan, PlacesAreAddedKeptAndRemoved) {
  auto found = all_there();
  found.instance.policy = setup::instance_policy(k_place, {{{"models", "runs"}}, {{"corpus", ""}}});
  auto plan = plan_account(k_wish, found);
  EXPECT_FALSE(plan.has_steps()) << "what was given stays";
  ASSERT_EQ(plan.places.results.size(), 1U);
  EXPECT_EQ(plan.places.results[0].text(), "s3://models/runs");
  EXPECT_EQ(plan.places.data.at(0).bucket, "corpus");
  auto wish = k_wish;
  wish.add.results = {{"models", "runs"}, {"other", "x"}};
  wish.remove = {{"corpus", ""}};
  plan = plan_account(wish, found);
  const auto part = part_of(plan, instance_policy);
  const auto places = places_in(step_of<PutRolePolicy>(part).document);
  EXPECT_EQ(places.results.size(), 2U);
  EXPECT_TRUE(places.data.empty());
}

TEST(AccountPlan, MoreRightsThanOursAreShown) {
  auto found = all_there();
  found.instance.policies = std::vector<std::string>{"curfew", "AdministratorAccess"};
  const auto plan = plan_account(k_wish, found);
  EXPECT_FALSE(plan.has_steps()) << "they aren't ours to take away";
  EXPECT_NE(text_of(plan, k_place)
                .find("HAS MORE RIGHTS, by policies that curfew didn't give it: AdministratorAccess"),
            std::string::npos);
}

TEST(AccountPlan, WithoutADefaultVpcThereIsNoGroup) {
  auto found = all_there();
  found.group = {};
  const auto plan = plan_account(k_wish, found);
  EXPECT_EQ(part_of(plan, security_group).verdict, Verdict::needless);
  EXPECT_TRUE(plan.is_complete());
}

TEST(AccountPlan, TextOfOthersIsMadeSafe) {
  auto found = all_there();
  found.bucket.ownership = std::string("\x1b[2J");
  found.instance.policies = std::vector<std::string>{"\n"};
  (*found.profile)->roles = {"a\nb"};
  const auto plan = plan_account(k_wish, found);
  const auto text = text_of(plan, k_place);
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2 + 12 + 2);
}

}  // namespace
}  // namespace curfew::setup
