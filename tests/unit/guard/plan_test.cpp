#include "guard/plan.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

MachineFacts facts_with(std::map<std::string, std::string> tags, std::optional<Ending> behavior) {
  MachineFacts facts;
  facts.instance_id = "i-0123456789abcdef0";
  facts.tags = std::move(tags);
  facts.shutdown_behavior = behavior;
  return facts;
}

struct Case {
  const char* name;
  Then then;
  bool on_ec2;
  std::optional<MachineFacts> facts;
  Ending ending;
  std::optional<Rung> first;
  bool api;
  bool marks;
};

TEST(EndingPlan, a_tag_then_that_is_not_understood_keeps_the_disks) {
  for (const auto& [value, ending] : {std::pair{"stop", Ending::stop},
                                      {"Stop", Ending::stop},
                                      {"stop ", Ending::stop},
                                      {"halt", Ending::stop},
                                      {"", Ending::stop},
                                      {"terminate", Ending::terminate},
                                      {" Terminate", Ending::terminate}}) {
    const auto facts = facts_with({{"curfew:job", "x"}, {"curfew:then", value}}, Ending::stop);
    EXPECT_EQ(ending_plan(Then::automatic, true, facts).ending, ending) << value;
  }
}

TEST(EndingPlan, follows_then_and_what_is_known_of_the_machine) {
  const std::map<std::string, std::string> job{{"curfew:job", "x"}};
  const std::map<std::string, std::string> job_stop{{"curfew:job", "x"}, {"curfew:then", "stop"}};
  const auto shutdown = Rung::shutdown_command;
  const auto api = Rung::instance_api;
  const Case cases[] = {
      {"none stays", Then::none, true, facts_with(job, Ending::terminate), Ending::none, {}, false, false},
      {"auto off EC2 stays", Then::automatic, false, {}, Ending::none, {}, false, false},
      {"auto, tagged", Then::automatic, true, facts_with(job, Ending::terminate), Ending::terminate, shutdown,
       true, false},
      {"auto, tagged, shutdown would stop: the API first", Then::automatic, true,
       facts_with(job, Ending::stop), Ending::terminate, api, true, false},
      {"auto, tagged, behaviour unknown", Then::automatic, true, facts_with(job, {}), Ending::terminate,
       shutdown, true, false},
      {"auto, tagged to stop", Then::automatic, true, facts_with(job_stop, Ending::stop), Ending::stop,
       shutdown, true, true},
      {"auto, another machine that stops", Then::automatic, true, facts_with({}, Ending::stop), Ending::stop,
       shutdown, true, true},
      {"auto, another machine that terminates: never by the API", Then::automatic, true,
       facts_with({}, Ending::terminate), Ending::stop, shutdown, true, false},
      {"auto, IMDS silent", Then::automatic, true, {}, Ending::stop, shutdown, true, true},
      {"terminate where shutdown stops", Then::terminate, true, facts_with({}, Ending::stop),
       Ending::terminate, api, true, false},
      {"terminate, IMDS silent", Then::terminate, true, {}, Ending::terminate, shutdown, true, false},
      {"stop where shutdown stops", Then::stop, true, facts_with({}, Ending::stop), Ending::stop, shutdown,
       true, true},
      {"stop where shutdown terminates", Then::stop, true, facts_with({}, Ending::terminate), Ending::stop,
       api, true, true},
      {"terminate off EC2 is a power-off",
       Then::terminate,
       false,
       {},
       Ending::terminate,
       shutdown,
       false,
       true},
      {"stop off EC2 is a power-off", Then::stop, false, {}, Ending::stop, shutdown, false, true},
  };
  for (const auto& c : cases) {
    const auto plan = ending_plan(c.then, c.on_ec2, c.facts);
    EXPECT_EQ(plan.ending, c.ending) << c.name;
    EXPECT_EQ(plan.ladder.empty(), !c.first.has_value()) << c.name;
    if (c.first && !plan.ladder.empty()) {
      EXPECT_EQ(plan.ladder.front(), *c.first) << c.name;
      EXPECT_EQ(plan.ladder.back(), Rung::sysrq) << c.name;
    }
    EXPECT_EQ(std::count(plan.ladder.begin(), plan.ladder.end(), Rung::instance_api), c.api ? 1 : 0)
        << c.name;
    EXPECT_EQ(plan.marks_ended, c.marks) << c.name;
  }
}

TEST(Describe, says_which_volumes_stay_and_escapes_what_came_from_outside) {
  Spec spec;
  spec.on_ec2 = true;
  auto facts = facts_with({{"curfew:job", "x"}}, Ending::terminate);
  facts.volumes = {{"vol-1", true}, {"vol-2\x1b[2J", false}};
  const auto line = describe(ending_plan(spec.then, true, facts), spec, facts);
  EXPECT_NE(line.find("vol-1 (deleted)"), std::string::npos) << line;
  EXPECT_NE(line.find("(kept, goes on costing money)"), std::string::npos) << line;
  EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
}

TEST(Weaknesses, are_said_only_where_the_machine_is_to_end) {
  Spec spec;
  spec.then = Then::none;
  EXPECT_TRUE(weaknesses(spec).empty());
  spec.then = Then::terminate;
  EXPECT_EQ(weaknesses(spec).size(), 3U);  // no systemd, no root, no time limit
  spec.root = spec.service = true;
  spec.times.end_at = job::Instant{};
  EXPECT_TRUE(weaknesses(spec).empty());
}

TEST(WhatEndsIt, tells_each_thing_that_was_asked_for_and_no_secret) {
  using Lines = std::vector<std::string>;
  Spec spec;
  spec.spot_notice = SpotNotice::automatic;
  EXPECT_EQ(what_ends_it(spec), Lines{});
  spec.on_ec2 = true;
  EXPECT_EQ(what_ends_it(spec), Lines{"EC2's interruption notice"});
  spec.spot_notice = SpotNotice::off;
  spec.max_cost = Micros{25'000};
  spec.watches.idle = std::chrono::minutes{30};
  spec.watches.gpu_start = std::chrono::minutes{20};
  spec.watches.stall = std::chrono::minutes{45};
  EXPECT_EQ(what_ends_it(spec), (Lines{"cost of $0.025", "all GPUs below 5% for 30m",
                                       "no GPU ever used for 20m", "no output for 45m"}));
  spec = {};
  spec.watches.idle = std::chrono::minutes{30};
  spec.watches.idle_any = true;
  spec.watches.idle_millipercent = 2'500;
  spec.watches.stall = std::chrono::minutes{45};
  spec.watches.stall_path = "/ckpt\x1b";
  spec.watches.done_file = "/done";
  spec.watches.done_pattern = "^all done$";
  EXPECT_EQ(what_ends_it(spec),
            (Lines{"a GPU below 2.5% for 30m", "no output and nothing written below /ckpt\\x1b for 45m",
                   "file /done", "a line that matches ^all done$"}));
  spec = {};
  spec.rules.guards_machine = true;
  spec.watches.idle = std::chrono::minutes{30};
  spec.watches.jupyter = "http://127.0.0.1:8888/";
  spec.watches.jupyter_token = "secret";
  EXPECT_EQ(what_ends_it(spec),
            Lines{"GPUs below 5% and no terminal input and no Jupyter kernel used for 30m"});
}

}  // namespace
}  // namespace curfew::guard
