#include "launch/plan.hpp"

#include <functional>

#include "launch/describe.hpp"
#include "launch/image.hpp"
#include "unit/launch/plan_fixture.hpp"

namespace curfew::launch {
namespace {

using namespace std::chrono_literals;
using test::also;
using test::findings;
using test::first_type;
using test::k_id;
using test::k_now;
using test::plan;
using test::wishes;

std::string shown(const aws::KeyValues& tags) {
  std::string text;
  for (const auto& [key, value] : tags) text += key + "=" + value + "\n";
  return text;
}

TEST(Plan, has_each_layer_after_the_one_above_it) {
  auto wanted = wishes();
  wanted.max_time = 4h;
  wanted.saves = {"model/=s3://bucket/run7"};
  const auto made = plan(wanted);
  EXPECT_EQ(format_utc(made.stop_at), "2026-11-24T22:00:00Z");
  EXPECT_EQ(format_utc(made.end_at), "2026-11-24T22:16:00Z");  // a minute of grace, fifteen to save
  EXPECT_EQ(format_utc(made.l0_at), "2026-11-24T22:17:00Z");
  EXPECT_EQ(format_utc(made.schedule_from), "2026-11-24T22:21:00Z");
}

TEST(Plan, rounds_the_schedule_up_to_a_minute) {
  auto wanted = wishes();
  wanted.max_time = 90s;
  const auto made = make_plan(wanted, findings(), k_id, k_now + Millis{1'700});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(format_utc(made->end_at), "2026-11-24T18:04:31Z");
  EXPECT_EQ(format_utc(made->schedule_from), "2026-11-24T18:10:00Z");
}

TEST(Plan, ends_before_it_costs_more) {
  auto wanted = wishes();
  wanted.max_time.reset();
  wanted.max_cost = Micros{2'000'000};
  const auto made = plan(wanted);
  ASSERT_TRUE(made.worst_case);
  EXPECT_LE(*made.worst_case, Micros{2'000'000});
  EXPECT_GT(*made.worst_case, Micros{1'999'000});
  EXPECT_EQ(made.stop_at + 60s + k_logs_save_limit, made.end_at);
  // The earlier of both limits.
  wanted.max_time = 1h;
  EXPECT_EQ(plan(wanted).stop_at, k_now + 1h);
}

TEST(Plan, is_bound_by_the_dearest_pool) {
  auto wanted = wishes();
  wanted.types = {"g5.xlarge", "g5.4xlarge"};
  wanted.max_time.reset();
  wanted.max_cost = Micros{2'000'000};
  auto found = findings();
  also(found, test::offered("g5.4xlarge", Micros{1'624'000}));
  const auto both = plan(wanted, found);
  EXPECT_LT(both.end_at, plan([&] {
                           auto one = wanted;
                           one.types = {"g5.xlarge"};
                           return one;
                         }())
                             .end_at);
  EXPECT_LE(*both.worst_case, Micros{2'000'000});
}

TEST(Plan, caps_the_spot_price_so_that_a_cost_limit_is_true) {
  const struct {
    Micros spot;
    const char* price;
  } cases[] = {{Micros{300'000}, "0.360000"}, {Micros{333'333}, "0.400000"}, {Micros{900'000}, "1.006000"}};
  for (const auto& [spot, price] : cases) {
    auto wanted = wishes();
    wanted.spot = true;
    wanted.max_cost = Micros{5'000'000};
    auto found = findings();
    first_type(found).spot = {{"us-east-1b", spot}};
    const auto made = plan(wanted, found);
    const auto request = run_request(made, made.pools[0], 1, "");
    ASSERT_TRUE(request.max_price);
    EXPECT_EQ(*parse_dollars(price), *request.max_price);
    EXPECT_NE(shown(request.tags).find(std::string("curfew:price=") + price + "\n"), std::string::npos);
  }
  auto wanted = wishes();
  wanted.spot = true;
  const auto unlimited = plan(wanted);
  EXPECT_FALSE(run_request(unlimited, unlimited.pools[0], 1, "").max_price)
      << "without a limit EC2's own holds: on demand";
}

TEST(Plan, tags_what_the_layers_read) {
  auto wanted = wishes();
  wanted.max_cost = Micros{5'000'000};
  const auto limited = plan(wanted);
  EXPECT_EQ(shown(run_request(limited, limited.pools[0], 1, "").tags),
            "Name=digits\ncurfew:job=digits\ncurfew:launch=20261124-180000-0123456789abcdef01234567\n"
            "curfew:owner=arn:aws:iam::123456789012:user/me\ncurfew:deadline=2026-11-24T22:03:00Z\n"
            "curfew:max-deadline=2026-11-24T22:03:00Z\ncurfew:max-cost=5.000000\ncurfew:price=1.006000\n");
  auto without = wishes();
  without.schedule = false;
  without.scheduler_role.clear();
  EXPECT_EQ(shown(tags_of(plan(without), plan(without).pools[0])).find("curfew:schedule"), std::string::npos)
      << "it says that the launch was finished";
}

TEST(Plan, gives_each_attempt_a_token_of_its_own) {
  auto wanted = wishes();
  wanted.types = {"g5.xlarge", "g6.xlarge"};
  auto found = findings();
  also(found, test::offered("g6.xlarge", Micros{1'804'800}));
  const auto made = plan(wanted, found);
  EXPECT_EQ(run_request(made, made.pools[0], 1, "").client_token, std::string(k_id) + "-1");
  EXPECT_EQ(run_request(made, made.pools[0], 2, "").client_token, std::string(k_id) + "-2");
  EXPECT_LE(run_request(made, made.pools[0], 999'999, "").client_token.size(), 64U);
  EXPECT_EQ(run_request(made, made.pools[1], 2, "").type, "g6.xlarge");
}

TEST(Plan, has_a_disk_that_the_image_fits_on) {
  EXPECT_EQ(plan().sites[0].volumes.size(), 1U);
  EXPECT_EQ(plan().sites[0].volumes[0].gib, 100U);
  auto found = findings();
  found.regions[0].image.devices[0].gib = 140;
  EXPECT_EQ(plan(wishes(), found).sites[0].volumes[0].gib, 140U);
  auto wanted = wishes();
  wanted.disk_gib = 200;
  EXPECT_EQ(plan(wanted).sites[0].volumes[0].gib, 200U);
}

TEST(Plan, refuses_what_cannot_be) {
  struct Case {
    const char* why;
    std::function<void(Wishes&, Findings&)> change;
  };
  const Case cases[] = {
      {"is less than the image needs", [](Wishes& w, Findings&) { w.disk_gib = 20; }},
      {"isn't x86_64", [](Wishes&, Findings& f) { first_type(f).info.architectures = {"arm64"}; }},
      {"is for arm64", [](Wishes&, Findings& f) { f.regions[0].image.architecture = "arm64"; }},
      {"is pending", [](Wishes&, Findings& f) { f.regions[0].image.state = "pending"; }},
      {"no EBS volume", [](Wishes&, Findings& f) { f.regions[0].image.devices.clear(); }},
      {"the price of g5.xlarge in us-east-1 isn't known",
       [](Wishes& w, Findings& f) {
         w.max_cost = Micros{1'000'000};
         first_type(f).on_demand.reset();
       }},
      {"leaves no time", [](Wishes& w, Findings&) { w.max_cost = Micros{20'000}; }},
      {"needs an end", [](Wishes& w, Findings&) { w.max_time.reset(); }},
  };
  for (const auto& c : cases) {
    auto wanted = wishes();
    auto found = findings();
    c.change(wanted, found);
    const auto made = make_plan(wanted, found, k_id, k_now);
    ASSERT_FALSE(made) << c.why;
    EXPECT_NE(made.error().text().find(c.why), std::string::npos) << made.error().text();
  }
}

TEST(Plan, says_what_is_not_known) {
  auto found = findings();
  first_type(found).on_demand.reset();
  const auto made = plan(wishes(), found);
  EXPECT_FALSE(made.worst_case);
  const auto text = describe(made);
  EXPECT_NE(text.find("on demand price unknown"), std::string::npos) << text;
  EXPECT_NE(text.find("unknown: a price isn't known"), std::string::npos) << text;
}

TEST(Plan, is_shown_whole) {
  auto wanted = wishes();
  wanted.saves = {"model/=s3://bucket/run7"};
  wanted.user = "ubuntu";
  wanted.stages.repo = Repo{"https://example.com/me/train", "main", ""};
  wanted.stages.setup = {"pip install x", "make"};
  wanted.stages.data = {{{"bucket", "set"}, "data/"}};
  wanted.stages.secrets = {{"KEY", "/job/key"}};
  EXPECT_EQ(
      describe(plan(wanted)),
      "job            digits, launch 20261124-180000-0123456789abcdef01234567\n"
      "fetch          https://example.com/me/train at main, within 15m\n"
      "setup          pip install x\n"
      "setup          make, within 30m\n"
      "data           s3://bucket/set to data/, within 1h\n"
      "secret         KEY, from ssm:/job/key\n"
      "train          python3 train.py, as ubuntu\n"
      "image          ami-0123456789abcdef0 (Deep Learning)\n"
      "instance       g5.xlarge, on demand in us-east-1: 4 vCPUs, 1 × NVIDIA A10G, on demand $1.006 an hour, "
      "spot now $0.310 an hour\n"
      "where          us-east-1, a zone of EC2's choice, the default VPC\n"
      "disk           /dev/sda1: 100 GiB of encrypted gp3, deleted with the instance\n"
      "role           instance profile trainer\n"
      "staging        s3://bucket/curfew\n"
      "saved          model/=s3://bucket/run7\n"
      "logs           s3://bucket/curfew/jobs/20261124-180000-0123456789abcdef01234567/logs\n"
      "job stopped    2026-11-24T22:00:00Z (in 4h), at the latest\n"
      "machine gone   2026-11-24T22:16:00Z (in 4h16m), at the latest (L1, L2: the guard and systemd)\n"
      "  else L0      2026-11-24T22:17:00Z (in 4h17m), a timer on the instance, armed before anything else "
      "runs\n"
      "  else L3      2026-11-24T22:21:00Z (in 4h21m), an EventBridge schedule, every 10 minutes for 6 h\n"
      "worst case     $4.36 with disk and public IPv4, until the machine is gone (list prices of "
      "2025-05-28)\n"
      "created        an instance with its volumes, a schedule, objects below s3://bucket/curfew\n");
}

QuotaState quota(bool spot, std::uint64_t limit) {
  return {quota_of("g5.xlarge", spot), "us-east-1", limit, 0, {}};
}

TEST(Plan, leaves_out_what_is_over_a_quota_and_says_so) {
  auto wanted = wishes();
  wanted.spot = wanted.then_on_demand = true;
  auto found = findings();
  found.regions[0].quotas = {quota(true, 0), quota(false, 8)};
  const auto made = plan(wanted, found);
  ASSERT_EQ(made.pools.size(), 1U);
  EXPECT_FALSE(made.pools[0].spot);
  EXPECT_FALSE(made.refusal);
  const auto text = describe(made);
  EXPECT_NE(
      text.find("left out       the quota of G and VT, spot instances in us-east-1: is 0 vCPUs: g5.xlarge "
                "needs 4 (ask for more: aws service-quotas request-service-quota-increase"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("quota          G and VT, on demand, us-east-1: 0 of 8 vCPUs run (L-DB2E81BA)\n"),
            std::string::npos)
      << text;
}

TEST(Plan, is_shown_and_refused_where_a_quota_leaves_nothing) {
  auto found = findings();
  found.regions[0].quotas = {quota(false, 3)};
  const auto made = plan(wishes(), found);
  ASSERT_TRUE(made.refusal);
  EXPECT_NE(made.refusal->text().find("is 3 vCPUs: g5.xlarge needs 4"), std::string::npos);
  EXPECT_NE(describe(made).find("instance       g5.xlarge, on demand"), std::string::npos);
  // What isn't known is no reason.
  found.regions[0].quotas[0].limit.reset();
  found.regions[0].quotas[0].why_unknown = "AccessDenied";
  const auto unknown = plan(wishes(), found);
  EXPECT_FALSE(unknown.refusal);
  EXPECT_NE(describe(unknown).find("us-east-1: unknown (L-DB2E81BA): AccessDenied"), std::string::npos);
}

TEST(Plan, leaves_out_what_has_no_price_where_a_cost_limit_is_to_be_kept) {
  auto wanted = wishes();
  wanted.max_cost = Micros{5'000'000};
  auto found = findings();
  also(found, test::offered("g6.xlarge", {}));
  const auto made = plan(wanted, found);
  ASSERT_EQ(made.pools.size(), 1U);
  EXPECT_NE(describe(made).find("left out       g6.xlarge, on demand in us-east-1: its price isn't known"),
            std::string::npos);
}

TEST(Plan, folds_many_pools) {
  auto wanted = wishes();
  wanted.spot = true;
  wanted.wait_capacity = 2h;
  auto found = findings();
  first_type(found).zones.clear();
  for (char zone = 'a'; zone < 'i'; ++zone)
    first_type(found).zones.push_back(std::string("us-east-1") + zone);
  const auto text = describe(plan(wanted, found));
  EXPECT_NE(
      text.find("instance       g5.xlarge, spot in us-east-1b: 4 vCPUs, 1 × NVIDIA A10G, spot now $0.300 an "
                "hour, on demand $1.006 an hour\n"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find("else           g5.xlarge, spot in us-east-1f: 4 vCPUs, 1 × NVIDIA A10G, spot now price "
                "unknown, on demand $1.006 an hour\nelse           and 2 more\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("no capacity    asked again for 2h; all times then count from that asking on\n"),
            std::string::npos)
      << text;
}

TEST(Plan, says_why_nothing_can_be_asked) {
  Findings none;
  none.left_out = {"g5.xlarge in us-east-1: isn't offered there"};
  const auto made = make_plan(wishes(), none, k_id, k_now);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().text().find("g5.xlarge in us-east-1: isn't offered there"), std::string::npos);
}

TEST(Plan, counts_from_another_time_and_costs_the_same) {
  auto wanted = wishes();
  wanted.max_cost = Micros{2'000'000};
  auto made = plan(wanted);
  const auto before = made;
  count_from(made, k_now + 90min + Millis{500});
  EXPECT_EQ(made.made, k_now + 90min);
  EXPECT_EQ(made.stop_at - before.stop_at, 90min);
  EXPECT_EQ(made.end_at - before.end_at, 90min);
  EXPECT_EQ(made.l0_at - before.l0_at, 90min);
  EXPECT_EQ(made.schedule_from - before.schedule_from, 90min);
  EXPECT_EQ(run_words(made)[3], format_utc(made.stop_at));
}

TEST(Plan, of_a_retry_ends_no_later_than_the_first_launch) {
  auto wanted = wishes();
  wanted.again.emplace();
  wanted.again->latest_stop = k_now + 30min;
  auto made = plan(wanted);
  EXPECT_EQ(made.stop_at, k_now + 30min) << "of the 4 h that are asked for";
  EXPECT_EQ(made.end_at, made.stop_at + wanted.limits().after_stop());
  const auto end = made.end_at;
  count_from(made, k_now + 20min);
  EXPECT_EQ(made.end_at, end) << "waiting for capacity gives it no more";
  EXPECT_EQ(made.stop_at, k_now + 30min);
  wanted.again->latest_stop = k_now + k_least_time - 1s;
  const auto late = make_plan(wanted, findings(), k_id, k_now);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().text().find("no time is left"), std::string::npos) << late.error().text();
}

TEST(Plan, of_a_retry_asks_the_pool_that_was_lost_last_of_its_kind) {
  auto wanted = wishes();
  wanted.spot = wanted.then_on_demand = true;
  wanted.types = {"g5.xlarge", "g6.xlarge"};
  auto found = findings();
  also(found, test::offered("g6.xlarge", Micros{900'000}));
  const auto order = [&] {
    std::string all;
    for (const auto& pool : plan(wanted, found).pools) all += name_of(pool) + "\n";
    return all;
  };
  const auto before = order();
  EXPECT_TRUE(before.starts_with("g5.xlarge, spot in us-east-1b\n")) << before;
  wanted.again.emplace();
  wanted.again->latest_stop = k_now + 2h;
  wanted.again->last_pool = LastPool{"us-east-1", "us-east-1b", "g5.xlarge"};
  const auto after = order();
  EXPECT_EQ(after.size(), before.size());
  EXPECT_FALSE(after.starts_with("g5.xlarge, spot in us-east-1b\n")) << after;
  const auto last_spot = after.rfind(", spot");
  EXPECT_EQ(after.rfind("g5.xlarge, spot in us-east-1b"), last_spot - std::string("g5.xlarge").size())
      << after;
  EXPECT_LT(last_spot, after.rfind("g6.xlarge")) << "on demand comes after all spot\n" << after;
}

TEST(Plan, is_what_the_guard_on_the_instance_is_told) {
  auto wanted = wishes();
  wanted.saves = {"a b=s3://bucket/x"};
  EXPECT_EQ(
      run_words(plan(wanted)),
      (std::vector<std::string>{"--then", "terminate", "--deadline", "2026-11-24T22:00:00Z", "--grace", "1m",
                                "--max-time", "4h", "--save-limit", "15m", "--save", "a b=s3://bucket/x"}));
  wanted.save_every = 10min;
  EXPECT_EQ(run_words(plan(wanted)).back(), "10m");
  EXPECT_EQ(*(run_words(plan(wanted)).end() - 2), "--save-every");
  auto told = wanted;
  told.notify = {"ssm:/curfew/slack", "sns:arn:aws:sns:us-east-1:123456789012:alerts"};
  const auto words = run_words(plan(told));
  EXPECT_EQ((std::vector<std::string>(words.end() - 4, words.end())),
            (std::vector<std::string>{"--notify", told.notify[0], "--notify", told.notify[1]}));
  EXPECT_NE(describe(plan(told)).find("told           ssm:/curfew/slack"), std::string::npos);
  wanted.save_every.reset();
  wanted.saves.clear();
  EXPECT_EQ(run_words(plan(wanted)),
            (std::vector<std::string>{"--then", "terminate", "--deadline", "2026-11-24T22:00:00Z", "--grace",
                                      "1m", "--max-time", "4h", "--save-limit", "2m"}))
      << "the stages' logs are saved all the same";
}

TEST(Plan, shows_times_as_clocks_here_do_too) {
  const auto text = describe(plan(wishes()), [](WallTime) { return std::string("Tue 23:00 CET\x1b"); });
  EXPECT_NE(text.find("job stopped    2026-11-24T22:00:00Z = Tue 23:00 CET\\x1b (in 4h), at the latest\n"),
            std::string::npos)
      << text;
}

TEST(Plan, shows_what_the_role_may_do) {
  auto found = findings();
  found.role_may = {"read s3://a/", "write s3://b/"};
  EXPECT_NE(describe(plan(wishes(), found))
                .find("role           instance profile trainer\n  it may       read s3://a/\n"
                      "  it may       write s3://b/\n"),
            std::string::npos);
}

TEST(Plan, looks_for_an_image_with_the_gpus_driver) {
  EXPECT_EQ(image_parameters(test::type("g5.xlarge"))[0],
            "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id");
  EXPECT_EQ(image_parameters(test::type("m5.large", 0)),
            std::vector<std::string>{
                "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"});
}

}  // namespace
}  // namespace curfew::launch
