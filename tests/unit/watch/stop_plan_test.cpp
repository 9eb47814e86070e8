// What `curfew stop` decides, and what it says before it asks.
#include "watch/stop_plan.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "unit/watch/hostile.hpp"
#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

FoundInstance found() {
  FoundInstance made;
  made.machine = machine();
  made.machine.name = "train-7b";
  made.machine.owner = "vision";
  run_for(made.machine, 76h);
  made.volumes = std::vector<aws::Volume>{{"vol-1", "/dev/sda1", true}, {"vol-2", "/dev/sdb", false}};
  return made;
}

std::string text_of(const FoundInstance& made, std::optional<Action> then = {},
                    const std::string& profile = {}) {
  std::string text;
  for (const auto& line : stop_lines(made, decide_stop(made, then), k_now, profile)) text += line + "\n";
  return text;
}

TEST(DecideStop, TerminatesUnlessToldOtherwise) {
  struct Case {
    const char* what;
    std::function<void(FoundInstance&)> change;
    std::optional<Action> then;
    StopDecision decision;
    Action action;
  };
  const auto state = [](InstanceState to) { return [=](FoundInstance& it) { it.machine.state = to; }; };
  const auto nothing = [](FoundInstance&) {};
  const auto by_tag = [](FoundInstance& it) { it.machine.then_stop = true; };
  const auto is_protected = [](FoundInstance& it) { it.machine.protected_from_end = true; };
  const auto managed = [](FoundInstance& it) { it.machine.managed_by = "eks.amazonaws.com"; };
  const auto unclear = [](FoundInstance& it) { it.machine.ignored_tags = {"curfew:then"}; };
  const auto going_persistent = [](FoundInstance& it) {
    it.machine.state = InstanceState::shutting_down;
    it.machine.then_stop = true;
    it.persistent = true;
  };
  using D = StopDecision;
  const Case cases[] = {
      {"running", nothing, {}, D::end, Action::terminate},
      {"by its tag", by_tag, {}, D::end, Action::stop},
      {"--then over its tag", by_tag, Action::terminate, D::end, Action::terminate},
      {"--then stop", nothing, Action::stop, D::end, Action::stop},
      {"stopped is ended too", state(InstanceState::stopped), {}, D::end, Action::terminate},
      {"stopped is stopped", state(InstanceState::stopped), Action::stop, D::is_going, Action::stop},
      {"shutting down", state(InstanceState::shutting_down), {}, D::is_going, Action::terminate},
      {"terminated", state(InstanceState::terminated), {}, D::is_going, Action::terminate},
      {"protected", is_protected, {}, D::is_protected, Action::terminate},
      {"protected, of termination only", is_protected, Action::stop, D::end, Action::stop},
      {"managed", managed, {}, D::managed, Action::terminate},
      {"a tag that can't be understood", unclear, {}, D::then_unclear, Action::terminate},
      {"and --then", unclear, Action::terminate, D::end, Action::terminate},
      {"going, and another would follow", going_persistent, {}, D::cancel, Action::terminate},
  };
  for (const auto& each : cases) {
    auto made = found();
    each.change(made);
    const auto step = decide_stop(made, each.then);
    EXPECT_EQ(step.decision, each.decision) << each.what;
    EXPECT_EQ(step.action, each.action) << each.what;
  }
}

TEST(StopLines, TellWhatItIsAndWhatIsLost) {
  auto made = found();
  EXPECT_EQ(text_of(made),
            "i-0123456789abcdef0 (train-7b) in us-east-1 of 111122223333: g5.xlarge, running for 76h, owner "
            "vision, "
            "curfew job 'train'\n"
            "is TERMINATED, with any instance-store disks and with vol-1 (/dev/sda1)\n"
            "what stays, and goes on costing money: vol-2 (/dev/sdb)\n"
            "its curfew job is told, and saves what it can while the machine shuts down; what isn't saved by "
            "then is "
            "lost\n");
  made.volumes.reset();
  EXPECT_NE(text_of(made).find("could not be read"), std::string::npos);
  EXPECT_NE(text_of(made, Action::stop).find("go on costing money"), std::string::npos);
}

TEST(StopLines, TellWhatElseHasToBeKnown) {
  auto made = found();
  made.spot_request = "sir-abcd1234";
  EXPECT_EQ(text_of(made).find("sir-"), std::string::npos) << "it launches nothing";
  made.persistent = true;
  EXPECT_NE(text_of(made).find("its persistent spot request sir-abcd1234 is cancelled first"),
            std::string::npos);
  EXPECT_EQ(text_of(made, Action::stop).find("sir-"), std::string::npos);
  made.machine.group = "gpu workers";
  EXPECT_NE(
      text_of(made, {}, "ops")
          .find("aws autoscaling update-auto-scaling-group --region us-east-1 --auto-scaling-group-name 'gpu "
                "workers' --min-size 0 --desired-capacity 0 --profile ops\n"),
      std::string::npos)
      << text_of(made, {}, "ops");
  made.machine.protected_from_end = true;
  EXPECT_NE(text_of(made).find("IS NOT ENDED"), std::string::npos);
  EXPECT_NE(text_of(made).find("--no-disable-api-termination\n"), std::string::npos);
  made.machine.managed_by = "eks.amazonaws.com";
  EXPECT_NE(text_of(made).find("managed by eks.amazonaws.com"), std::string::npos);
}

TEST(StopLines, TellOfARequestAndOfATagThatIsUnclear) {
  auto made = found();
  made.spot_request = "sir-abcd1234";
  made.persistent = true;
  made.machine.state = InstanceState::terminated;
  EXPECT_NE(
      text_of(made).find("is terminated already, but its persistent spot request sir-abcd1234 is cancelled"),
      std::string::npos)
      << text_of(made);
  made = found();
  made.machine.ignored_tags = {"curfew:then"};
  EXPECT_NE(text_of(made).find("IS NOT ENDED: its tag curfew:then"), std::string::npos) << text_of(made);
  made.machine.protected_from_end = true;
  made.role = "arn:aws:iam::2:role/x";
  EXPECT_NE(text_of(made, {}, "ops").find("with credentials of account 111122223333"), std::string::npos);
  EXPECT_EQ(text_of(made, {}, "ops").find("--profile"), std::string::npos) << "it leads to another account";
}

TEST(StopLines, AreHarmlessWhateverTheTagsHold) {
  for (const auto& name : hostile_names()) {
    auto made = found();
    made.machine.name = name;
    made.machine.owner = name;
    made.machine.job = name;
    made.machine.group = name;
    for (const auto& line : stop_lines(made, decide_stop(made, {}), k_now, "")) {
      EXPECT_EQ(printable(line, line.size() + 1), line);
      EXPECT_LT(line.size(), 2'000U);
    }
  }
}

TEST(StopQuestion, CountsWhatIsToBeEnded) {
  const StopStep terminate{StopDecision::end, Action::terminate};
  const StopStep stop{StopDecision::end, Action::stop};
  const StopStep is_protected{StopDecision::is_protected, Action::terminate};
  EXPECT_EQ(stop_question({terminate}), "Terminate 1 instance?");
  EXPECT_EQ(stop_question({terminate, terminate, is_protected}), "Terminate 2 instances?");
  EXPECT_EQ(stop_question({stop}), "Stop 1 instance?");
  EXPECT_EQ(stop_question({stop, terminate}), "Terminate 1 instance and stop 1 instance?");
  EXPECT_EQ(stop_question({is_protected}), "");
  const StopStep cancel{StopDecision::cancel, Action::terminate};
  EXPECT_EQ(stop_question({cancel, is_protected}), "Cancel 1 spot request?");
  EXPECT_EQ(stop_question({cancel, stop, cancel}), "Stop 1 instance and cancel 2 spot requests?");
}

TEST(MissingLines, SayWhereItMayBe) {
  Findings findings;
  EXPECT_TRUE(missing_lines(findings).empty());
  findings.unread = {{"111122223333", "eu-west-1", RegionReading::Outcome::failed, "timed out"}};
  EXPECT_TRUE(missing_lines(findings).empty()) << "all were found elsewhere";
  findings.missing = {"i-1"};
  EXPECT_EQ(missing_lines(findings),
            (std::vector<std::string>{"i-1 was not found, but not all regions could be read",
                                      "not read: eu-west-1 of 111122223333: timed out"}));
  findings.unread.clear();
  EXPECT_EQ(missing_lines(findings),
            (std::vector<std::string>{
                "i-1 runs in no region that was asked (curfew ps --all shows jobs that are over)"}));
}

}  // namespace
}  // namespace curfew::watch
