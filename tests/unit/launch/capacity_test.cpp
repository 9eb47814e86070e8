// Which pools a launch asks, in which order, how often, and what it says where none has capacity.
#include <set>

#include "launch/launch_file.hpp"
#include "layers/l3.hpp"
#include "unit/launch/sequence_fixture.hpp"

namespace curfew::launch::test {
namespace {

const Error k_over_quota = error(ErrorKind::invalid_input, "MaxSpotInstanceCountExceeded");

class CapacityTest : public SequenceTest {
 protected:
  CapacityTest() { clock.now = k_now; }
  Result<Done> launch_it() { return curfew::test::run(launch(world(), the_plan, package, renewal())); }
  void refuse(std::size_t times, const Error& refusal = k_no_capacity) {
    for (std::size_t i = 0; i < times; ++i) calls.failures["run g5.xlarge"].push_back(refusal);
  }
  void wait_for(Seconds time) {
    auto wanted = the_plan.wishes;
    wanted.wait_capacity = time;
    the_plan = plan(wanted, found);
  }
  [[nodiscard]] bool has_said(const std::string& text) const { return said.find(text) != std::string::npos; }
};

TEST_F(CapacityTest, asks_the_cheapest_zone_first_and_on_demand_last) {
  wish_spot_then_on_demand();
  refuse(2);
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(asked(), "us-east-1b spot, us-east-1a spot, anywhere");
  EXPECT_TRUE(has_said("g5.xlarge, spot in us-east-1b: InsufficientInstanceCapacity")) << said;
  EXPECT_EQ(done->end_at, the_plan.end_at);
  EXPECT_EQ(filled, std::vector<std::string>{}) << "nothing has changed since it was staged";
}

TEST_F(CapacityTest, gives_up_after_one_round_unless_it_is_to_wait) {
  wish_spot_then_on_demand();
  auto file = launch_file(the_plan);
  package.launch_file = to_json(file);
  refuse(99);
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_EQ(calls.requests.size(), 3U);
  EXPECT_EQ(calls.made.back(), "put launch.json") << "that there is nothing to look for";
  EXPECT_TRUE(done.error().text().find("nothing was made") != std::string::npos) << done.error().text();
  EXPECT_FALSE(records.kept);
}

TEST_F(CapacityTest, goes_round_until_there_is_some_with_the_whole_time_for_the_job) {
  wish_spot_then_on_demand();
  wait_for(std::chrono::hours{2});
  refuse(3 * 4);
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(calls.requests.size(), 13U);
  std::set<std::string> tokens;
  for (const auto& request : calls.requests) tokens.insert(request.client_token);
  EXPECT_EQ(tokens.size(), 13U) << "each question has its own";
  const auto waited = clock.wall() - k_now;
  EXPECT_GE(waited, Seconds{15 + 30 + 60 + 120});
  EXPECT_LT(waited, Seconds{15 + 30 + 60 + 120 + 60});
  // Tag, schedule, user data and answer speak of the last round.
  EXPECT_GE(done->end_at, the_plan.end_at + Seconds{225});
  const auto& last = calls.requests.back();
  EXPECT_NE(std::find(last.tags.begin(), last.tags.end(),
                      std::pair<std::string, std::string>{"curfew:deadline", format_utc(done->end_at)}),
            last.tags.end());
  EXPECT_EQ(calls.schedules.begin()->second.start, layers::l3_start(done->end_at));
  ASSERT_FALSE(filled.empty());
  EXPECT_EQ(last.user_data, "#!/bin/sh " + filled.back());
  EXPECT_EQ(filled.back(), "us-east-1 " + format_utc(done->end_at - the_plan.wishes.limits().after_stop()));
  EXPECT_EQ(std::count(calls.made.begin(), calls.made.end(), "put job.json"),
            static_cast<std::ptrdiff_t>(filled.size()) + 1);
}

TEST_F(CapacityTest, has_an_end_of_waiting) {
  wish_spot_then_on_demand();
  wait_for(std::chrono::minutes{10});
  refuse(9'999);
  const auto done = launch_it();
  ASSERT_FALSE(done);
  const auto waited = clock.wall() - k_now;
  EXPECT_GE(waited, std::chrono::minutes{10}) << "the last round is at the end of it";
  EXPECT_LT(waited, std::chrono::minutes{11});
  EXPECT_TRUE(has_said("asking again in 15s, for 10m more")) << said;
  EXPECT_FALSE(records.kept);
  EXPECT_EQ(calls.instances.size(), 0U);
}

TEST_F(CapacityTest, spreads_its_questions) {
  wish_spot_then_on_demand();
  for (const double random : {0.0, 0.999}) {
    clock.now = k_now;
    calls.requests.clear();
    calls.failures.clear();
    calls.instances.clear();
    wait_for(std::chrono::hours{2});
    refuse(3);
    auto one = world();
    one.random = [random] { return random; };
    ASSERT_TRUE(curfew::test::run(launch(std::move(one), the_plan, package, renewal())));
    EXPECT_NEAR(static_cast<double>((clock.wall() - k_now).count()), 15'000 * (0.5 + random), 100);
  }
}

TEST_F(CapacityTest, is_interrupted_while_it_waits_and_has_made_nothing) {
  wish_spot_then_on_demand();
  wait_for(std::chrono::hours{2});
  refuse(99);
  auto one = world();
  one.interrupted = [&] { return clock.wall() >= k_now + Seconds{20}; };
  const auto done = curfew::test::run(launch(std::move(one), the_plan, package, renewal()));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, k_interrupted);
  EXPECT_NE(done.error().text().find("nothing was made"), std::string::npos);
  EXPECT_LT(clock.wall(), k_now + Seconds{22}) << "at once";
  EXPECT_TRUE(calls.instances.empty());
  EXPECT_FALSE(records.kept);
}

TEST_F(CapacityTest, takes_the_prices_of_now_in_the_next_round) {
  wish_spot_then_on_demand();
  wait_for(std::chrono::hours{2});
  refuse(3);
  first_type(found).spot = {{"us-east-1a", Micros{100'000}}, {"us-east-1b", Micros{300'000}}};
  ASSERT_TRUE(launch_it());
  EXPECT_EQ(asked(), "us-east-1b spot, us-east-1a spot, anywhere, us-east-1a spot");
}

TEST_F(CapacityTest, goes_on_with_the_old_prices_where_there_are_no_new_ones) {
  wish_spot_then_on_demand();
  wait_for(std::chrono::hours{2});
  refuse(3);
  no_prices = true;
  const auto done = launch_it();
  ASSERT_TRUE(done);
  EXPECT_EQ(calls.requests.size(), 4U);
  EXPECT_GE(done->end_at, the_plan.end_at + Seconds{15}) << "but not with the old times";
}

TEST_F(CapacityTest, counts_anew_where_refusals_take_long) {
  wish_spot_then_on_demand();
  refuse(2);
  calls.after = [&](const std::string& name) {
    if (name == "run" && calls.requests.size() < 3) clock.advance(Seconds{50});
  };
  const auto done = launch_it();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end_at, the_plan.end_at + Seconds{100});
  EXPECT_EQ(filled.size(), 1U) << "not for less than a minute";
}

TEST_F(CapacityTest, waits_no_longer_than_a_retry_has_time) {
  wish_spot_then_on_demand();
  auto wanted = the_plan.wishes;
  wanted.wait_capacity = std::chrono::hours{2};
  wanted.again.emplace();
  wanted.again->latest_stop = k_now + std::chrono::minutes{10};
  the_plan = plan(wanted, found);
  refuse(9'999);
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("no time is left for the job; nothing was made"), std::string::npos)
      << done.error().text();
  EXPECT_LE(clock.wall() - k_now, std::chrono::minutes{15});
  EXPECT_FALSE(records.kept);
}

TEST_F(CapacityTest, asks_nothing_more_of_a_quota_that_is_used_up) {
  wish_spot_then_on_demand();
  wait_for(std::chrono::hours{2});
  refuse(1, k_over_quota);
  ASSERT_TRUE(launch_it());
  EXPECT_EQ(asked(), "us-east-1b spot, anywhere");
  EXPECT_TRUE(has_said("--quota-code L-3819A6DF")) << said;
}

TEST_F(CapacityTest, does_not_wait_for_a_quota_or_for_what_is_never_there) {
  for (const auto& refusal : {k_over_quota, error(ErrorKind::invalid_input, "Unsupported")}) {
    auto wanted = wishes();
    wanted.spot = true;
    wanted.wait_capacity = std::chrono::hours{2};
    the_plan = plan(wanted, found);
    calls.requests.clear();
    refuse(2, refusal);
    EXPECT_FALSE(launch_it());
    EXPECT_EQ(clock.wall(), k_now);
    EXPECT_FALSE(records.kept);
    calls.failures.clear();
  }
}

TEST_F(CapacityTest, takes_a_quota_of_the_other_market_for_no_answer_to_go_on_from) {
  wish_spot_then_on_demand();
  refuse(1, error(ErrorKind::invalid_input, "VcpuLimitExceeded"));
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "VcpuLimitExceeded");
  EXPECT_EQ(calls.requests.size(), 1U);
}

TEST_F(CapacityTest, asks_no_other_pool_while_it_does_not_know_about_one) {
  wish_spot_then_on_demand();
  wait_for(std::chrono::hours{2});
  refuse(999, k_lost);
  EXPECT_FALSE(launch_it());
  for (const auto& request : calls.requests) EXPECT_EQ(request.client_token, calls.requests[0].client_token);
  EXPECT_TRUE(records.kept);
}

// The cheapest pool is in the second region.
class RegionsTest : public CapacityTest {
 protected:
  RegionsTest() {
    auto west = found.regions[0];
    west.offered.region = "us-west-2";
    west.offered.types[0].zones = {"us-west-2a"};
    west.offered.types[0].spot = {{"us-west-2a", Micros{200'000}}};
    west.image.id = "ami-0123456789abcdef1";
    found.regions.push_back(west);
    auto wanted = wishes();
    wanted.spot = true;
    wanted.group_of_region = {{"us-east-1", "sg-east"}, {"us-west-2", "sg-west"}};
    the_plan = plan(wanted, found);
  }
  World both() {
    auto one = world();
    one.calls_in = [this](const std::string& region) -> Calls& {
      used.push_back(region);
      if (region == "us-west-2") return west_calls;
      return calls;
    };
    return one;
  }
  Result<Done> launch_both() { return curfew::test::run(launch(both(), the_plan, package, renewal())); }

  FakeCalls west_calls{clock};
  std::vector<std::string> used;
};

TEST_F(RegionsTest, each_have_an_image_a_group_and_a_schedule_of_their_own) {
  const auto done = launch_both();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->region, "us-west-2");
  ASSERT_EQ(west_calls.requests.size(), 1U);
  EXPECT_TRUE(calls.requests.empty());
  EXPECT_EQ(west_calls.requests[0].image, "ami-0123456789abcdef1");
  EXPECT_EQ(west_calls.requests[0].security_groups, std::vector<std::string>{"sg-west"});
  EXPECT_EQ(west_calls.schedules.size(), 1U);
  EXPECT_TRUE(calls.schedules.empty());
  EXPECT_EQ(records.all.at(0).region, "us-west-2");
  EXPECT_EQ(sequence(), "head, put bin/curfew, put job.json, put launch.json") << "staging is in the first";
}

TEST_F(RegionsTest, get_a_job_file_each_where_one_has_no_capacity) {
  west_calls.failures["run g5.xlarge"] = {k_no_capacity};
  const auto done = launch_both();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->region, "us-east-1");
  EXPECT_EQ(calls.requests.at(0).image, "ami-0123456789abcdef0");
  EXPECT_EQ(calls.requests.at(0).security_groups, std::vector<std::string>{"sg-east"});
  ASSERT_EQ(filled.size(), 1U);
  EXPECT_EQ(calls.requests.at(0).user_data, "#!/bin/sh " + filled[0]);
  EXPECT_TRUE(filled[0].starts_with("us-east-1 "));
  EXPECT_EQ(records.all.back().region, "us-east-1");
}

TEST_F(RegionsTest, are_all_looked_through_for_a_second_instance) {
  west_calls.failures["run g5.xlarge"] = {k_no_capacity};
  calls.after = [&](const std::string& name) {
    if (name == "tag") west_calls.instances.push_back({k_other, "running", ""});
  };
  ASSERT_TRUE(launch_both());
  EXPECT_EQ(west_calls.instances.at(0).state, "shutting-down");
  EXPECT_EQ(living(), std::vector<std::string>{k_instance});
}

}  // namespace
}  // namespace curfew::launch::test
