#include "setup/doctor.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "unit/setup/account_fixture.hpp"

namespace curfew::setup {
namespace {

constexpr WallTime k_now{Millis{1'800'000'000'000}};
const Error k_denied{ErrorKind::refused, "GetRole", "AccessDenied: no",
                     "the permission iam:GetRole is missing", "AccessDenied"};

const Check* find(const std::vector<Check>& checks, const std::string& what) {
  const auto found =
      std::find_if(checks.begin(), checks.end(), [&](const Check& check) { return check.what == what; });
  return found == checks.end() ? nullptr : &*found;
}

TEST(Doctor, SaysALineAFinding) {
  EXPECT_EQ(text_of(Check{Grade::ok, "region", "us-east-1", {}}), "ok       region: us-east-1\n");
  EXPECT_EQ(text_of(Check{Grade::failed, "role x", "isn't there", "curfew setup --apply"}),
            "FAILED   role x: isn't there; curfew setup --apply\n");
  EXPECT_EQ(text_of(Check{Grade::warning, "a\nb", "", ""}), "warning  a\\x0ab\n");
}

TEST(Doctor, FindsNothingWhereAllIsThere) {
  const auto checks = account_checks(plan_account(k_wish, all_there()), k_place);
  EXPECT_EQ(checks.size(), 12U);
  for (const auto& check : checks) EXPECT_EQ(check.grade, Grade::ok) << check.what;
}

TEST(Doctor, NamesTheFixOfEachLack) {
  const auto checks = account_checks(plan_account(k_wish, nothing_there()), k_place);
  EXPECT_FALSE(is_well(checks));
  EXPECT_EQ(checks.size(), 5U) << "a bucket's settings are no findings where there's none";
  for (const auto& check : checks) EXPECT_EQ(check.fix, "curfew setup --apply") << check.what;
  const auto* group = find(checks, "security group curfew");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->grade, Grade::warning) << "EC2 takes the VPC's own";
}

TEST(Doctor, WarnsOfWhatHoldsButIsNotRight) {
  auto found = all_there();
  found.bucket.is_blocked = false;
  found.instance.policies = std::vector<std::string>{"curfew", "AdministratorAccess"};
  (*found.profile)->tags.clear();
  found.scheduler.role = fail(k_denied);
  const auto checks = account_checks(plan_account(k_wish, found), k_place);
  EXPECT_TRUE(is_well(checks));
  for (const char* const what : {"bucket's public access", "role curfew-job", "instance profile curfew-job",
                                 "role curfew-scheduler"}) {
    const auto* check = find(checks, what);
    ASSERT_NE(check, nullptr) << what;
    EXPECT_EQ(check->grade, Grade::warning) << what;
    EXPECT_NE(check->fix, "") << what;
  }
  found.bucket.is_there = fail(k_denied);
  EXPECT_FALSE(is_well(account_checks(plan_account(k_wish, found), k_place)))
      << "there's no place to stage in";
}

TEST(Doctor, JudgesTheClock) {
  const struct {
    Millis off;
    Grade grade;
    const char* says;
  } cases[] = {{Millis{0}, Grade::ok, "agrees"},
               {Millis{-20'000}, Grade::ok, "agrees"},
               {Millis{100'000}, Grade::warning, "1m40s ahead of"},
               {Millis{-100'000}, Grade::warning, "1m40s behind"},
               {Millis{-600'000}, Grade::failed, "10m behind"}};
  for (const auto& one : cases) {
    const auto check = clock_check(k_now, k_now + one.off);
    EXPECT_EQ(check.grade, one.grade) << one.off.count();
    EXPECT_NE(check.why.find(one.says), std::string::npos) << check.why;
  }
  EXPECT_EQ(clock_check(std::nullopt, k_now).grade, Grade::warning);
}

TEST(Doctor, TakesAnErrorsHintForItsFix) {
  const auto check = failed_check("role", k_denied, "else");
  EXPECT_EQ(check.fix, "the permission iam:GetRole is missing");
  EXPECT_EQ(check.why, "GetRole: AccessDenied: no");
  EXPECT_EQ(failed_check("role", {ErrorKind::refused, "a", "b", "", ""}, "else").fix, "else");
}

}  // namespace
}  // namespace curfew::setup
