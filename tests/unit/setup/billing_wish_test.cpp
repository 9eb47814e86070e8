#include <gtest/gtest.h>

#include "setup/billing.hpp"

namespace curfew::setup {
namespace {

TEST(Email, IsTakenAsSnsAndBudgetsTakeIt) {
  for (const auto* good : {"you@example.org", "a.b+c_d@sub.example.co.uk", "o'brien@x-y.example", "1@2.de"})
    EXPECT_EQ(parse_email(good), good) << good;
}

TEST(Email, IsRefusedWhereItIsNone) {
  for (const auto& bad : {std::string(""),
                          std::string("you"),
                          std::string("you@"),
                          std::string("@example.org"),
                          std::string("you@example"),
                          std::string("you@@example.org"),
                          std::string("you@example..org"),
                          std::string("you@.example.org"),
                          std::string("you@example.org."),
                          std::string(".you@example.org"),
                          std::string("you.@example.org"),
                          std::string("y..u@example.org"),
                          std::string("you@-example.org"),
                          std::string("you@example-.org"),
                          std::string("you@192.0.2.1"),
                          std::string("you@[192.0.2.1]"),
                          std::string("you @example.org"),
                          std::string("\"you\"@example.org"),
                          std::string("you@example.org\n"),
                          std::string("you@example.org,me@x.org"),
                          std::string("y\xc3\xb6u@example.org"),
                          std::string("you@ex_ample.org"),
                          std::string("you@example.org\0x", 17),
                          std::string(65, 'a') + "@example.org",
                          "you@" + std::string(64, 'a') + ".org",
                          "you@" + std::string(250, 'a') + ".org",
                          std::string("You <you@example.org>"),
                          std::string("mailto:you@example.org")})
    EXPECT_FALSE(parse_email(bad)) << bad;
}

TEST(MonthlyLimit, IsInWholeCents) {
  EXPECT_EQ(parse_monthly_limit("50")->count, 50'000'000);
  EXPECT_EQ(parse_monthly_limit("$49.99")->count, 49'990'000);
  EXPECT_EQ(parse_monthly_limit("0.01")->count, 10'000);
  EXPECT_EQ(parse_monthly_limit("1.500")->count, 1'500'000);
  for (const auto* bad :
       {"0", "0.00", "-1", "49.999", "0.001", "1e3", "50 USD", "", "nan", "1,000", "99999999999999"})
    EXPECT_FALSE(parse_monthly_limit(bad)) << bad;
}

TEST(Name, IsOneForTopicAlarmAndBudget) {
  EXPECT_TRUE(parse_name("curfew-billing_2"));
  EXPECT_TRUE(parse_name(std::string(100, 'a')));
  for (const auto& bad : {std::string(), std::string(101, 'a'), std::string("a b"), std::string("a:b"),
                          std::string("a.fifo"), std::string("a/action/b"), std::string("\xc3\xa4")})
    EXPECT_FALSE(parse_name(bad)) << bad;
}

TEST(Wish, IsWrittenInAwssTerms) {
  const BillingWish wish{"curfew-billing", Micros{49'050'000}, "you@example.org", "123456789012"};
  EXPECT_EQ(topic_of(wish).arn(), "arn:aws:sns:us-east-1:123456789012:curfew-billing");
  EXPECT_EQ(budget_for(wish).limit, (aws::Spend{"49.05", "USD"}));
  EXPECT_EQ(budget_for({"n", Micros{50'000'000}, "e", "a"}).limit, (aws::Spend{"50", "USD"}));
  EXPECT_EQ(budget_for({"n", Micros{500'000}, "e", "a"}).limit, (aws::Spend{"0.50", "USD"}));
  const auto alarm = alarm_for(wish);
  EXPECT_DOUBLE_EQ(alarm.threshold, 49.05);
  EXPECT_EQ(alarm.alarm_actions, std::vector<std::string>{topic_of(wish).arn()});
  EXPECT_NE(alarm.description.find("$49.05"), std::string::npos);
}

}  // namespace
}  // namespace curfew::setup
