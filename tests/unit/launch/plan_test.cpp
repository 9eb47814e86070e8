#include "launch/plan.hpp"

#include <functional>

#include "unit/launch/plan_fixture.hpp"

namespace curfew::launch {
namespace {

using namespace std::chrono_literals;
using test::findings;
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
  found.types.push_back(test::type("g5.4xlarge"));
  found.on_demand.emplace_back(Micros{1'624'000});
  found.spot.emplace_back(Micros{500'000});
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
    found.spot = {spot};
    const auto made = plan(wanted, found);
    const auto request = run_request(made, 0, "");
    ASSERT_TRUE(request.max_price);
    EXPECT_EQ(*parse_dollars(price), *request.max_price);
    EXPECT_NE(shown(request.tags).find(std::string("curfew:price=") + price + "\n"), std::string::npos);
  }
  auto wanted = wishes();
  wanted.spot = true;
  EXPECT_FALSE(run_request(plan(wanted), 0, "").max_price) << "without a limit EC2's own holds: on demand";
}

TEST(Plan, tags_what_the_layers_read) {
  auto wanted = wishes();
  wanted.max_cost = Micros{5'000'000};
  EXPECT_EQ(shown(run_request(plan(wanted), 0, "").tags),
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
  found.types.push_back(test::type("g6.xlarge"));
  found.on_demand.emplace_back(Micros{804'800});
  found.spot.emplace_back();
  const auto made = plan(wanted, found);
  EXPECT_EQ(run_request(made, 0, "").client_token, std::string(k_id) + "-1");
  EXPECT_EQ(run_request(made, 1, "").client_token, std::string(k_id) + "-2");
  EXPECT_LE(run_request(made, 1, "").client_token.size(), 64U);
  EXPECT_EQ(run_request(made, 1, "").type, "g6.xlarge");
}

TEST(Plan, has_a_disk_that_the_image_fits_on) {
  EXPECT_EQ(plan().volumes.size(), 1U);
  EXPECT_EQ(plan().volumes[0].gib, 100U);
  auto found = findings();
  found.image.devices[0].gib = 140;
  EXPECT_EQ(plan(wishes(), found).volumes[0].gib, 140U);
  auto wanted = wishes();
  wanted.disk_gib = 200;
  EXPECT_EQ(plan(wanted).volumes[0].gib, 200U);
}

TEST(Plan, refuses_what_cannot_be) {
  struct Case {
    const char* why;
    std::function<void(Wishes&, Findings&)> change;
  };
  const Case cases[] = {
      {"is less than the image needs", [](Wishes& w, Findings&) { w.disk_gib = 20; }},
      {"isn't x86_64", [](Wishes&, Findings& f) { f.types[0].architectures = {"arm64"}; }},
      {"is for arm64", [](Wishes&, Findings& f) { f.image.architecture = "arm64"; }},
      {"is pending", [](Wishes&, Findings& f) { f.image.state = "pending"; }},
      {"no EBS volume", [](Wishes&, Findings& f) { f.image.devices.clear(); }},
      {"the price of g5.xlarge in us-east-1 isn't known",
       [](Wishes& w, Findings& f) {
         w.max_cost = Micros{1'000'000};
         f.on_demand[0].reset();
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
  found.on_demand[0].reset();
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
      "instance       g5.xlarge: 4 vCPUs, 1 × NVIDIA A10G, on demand $1.006 an hour\n"
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

TEST(Plan, is_what_the_guard_on_the_instance_is_told) {
  auto wanted = wishes();
  wanted.saves = {"a b=s3://bucket/x"};
  EXPECT_EQ(
      run_words(plan(wanted)),
      (std::vector<std::string>{"--then", "terminate", "--deadline", "2026-11-24T22:00:00Z", "--grace", "1m",
                                "--max-time", "4h", "--save-limit", "15m", "--save", "a b=s3://bucket/x"}));
  wanted.saves.clear();
  EXPECT_EQ(run_words(plan(wanted)),
            (std::vector<std::string>{"--then", "terminate", "--deadline", "2026-11-24T22:00:00Z", "--grace",
                                      "1m", "--max-time", "4h", "--save-limit", "2m"}))
      << "the stages' logs are saved all the same";
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
