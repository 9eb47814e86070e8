// What the schedule in AWS is, and what it isn't taken for.
#include "layers/l3.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace curfew::layers {
namespace {

using namespace std::chrono_literals;

constexpr const char* k_instance = "i-0123456789abcdef0";
constexpr const char* k_role = "arn:aws:iam::123456789012:role/curfew-scheduler";
const WallTime k_end{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 18h};

aws::Schedule read_of(const aws::EndSchedule& made) {
  return {made.name, "default",
          true,      std::string(aws::k_end_every),
          "UTC",     made.start,
          made.end,  aws::end_target("us-east-1", made.stops),
          made.role, aws::end_input(made.instance)};
}

TEST(L3, comes_five_minutes_after_the_minute_of_the_end) {
  EXPECT_EQ(l3_start(k_end), k_end + 5min);
  EXPECT_EQ(l3_start(k_end + 1s), k_end + 6min);
  EXPECT_EQ(l3_start(k_end + 60s), k_end + 6min);
  const auto ends = schedule_of({k_instance, k_end, false, k_role, "t"});
  EXPECT_EQ(ends.name, "curfew-i-0123456789abcdef0");
  EXPECT_EQ(ends.end - ends.start, 6h);
  const auto stops = schedule_of({k_instance, k_end, true, k_role, "t"});
  EXPECT_EQ(stops.end - stops.start, 1h) << "a machine that was started again isn't stopped all day";
}

TEST(L3, is_armed_only_as_it_was_asked_for) {
  const auto wanted = schedule_of({k_instance, k_end, true, k_role, "t"});
  EXPECT_TRUE(is_armed_as(read_of(wanted), wanted, "us-east-1"));
  const std::pair<const char*, std::function<void(aws::Schedule&)>> others[] = {
      {"disabled", [](auto& it) { it.enabled = false; }},
      {"once", [](auto& it) { it.expression = "at(2026-11-24T18:05:00)"; }},
      {"later", [](auto& it) { it.start = *it.start + 1min; }},
      {"for longer", [](auto& it) { it.end.reset(); }},
      {"terminates", [](auto& it) { it.target = aws::end_target("us-east-1"); }},
      {"another role", [](auto& it) { it.role += "x"; }},
      {"another instance", [](auto& it) { it.input = aws::end_input("i-0fedcba9876543210"); }},
  };
  for (const auto& [what, change] : others) {
    auto read = read_of(wanted);
    change(read);
    EXPECT_FALSE(is_armed_as(read, wanted, "us-east-1")) << what;
  }
}

TEST(L3, is_curfews_whatever_its_times_and_its_state) {
  auto read = read_of(schedule_of({k_instance, k_end, true, k_role, "t"}));
  read.enabled = false;
  read.start = k_end + 9h;
  EXPECT_TRUE(is_curfews(read, k_instance, "us-east-1"));
  EXPECT_FALSE(is_curfews(read, "i-0fedcba9876543210", "us-east-1"));
  EXPECT_FALSE(is_curfews(read, k_instance, "cn-north-1"));
  read.target = "arn:aws:scheduler:::aws-sdk:ec2:startInstances";
  EXPECT_FALSE(is_curfews(read, k_instance, "us-east-1"));
}

}  // namespace
}  // namespace curfew::layers
