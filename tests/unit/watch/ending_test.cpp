// Ending one instance, whatever EC2 answers.
#include "watch/ending.hpp"

#include <gtest/gtest.h>

#include "support/run.hpp"
#include "unit/watch/fake_account.hpp"

namespace curfew::watch {
namespace {

using namespace test;

class EndingTest : public ::testing::Test {
 protected:
  EndingTest() { region.instances[k_id] = listed_instance(k_id, clock.now - std::chrono::hours{5}); }

  Act end(Action action = Action::terminate, std::string spot_request = {}) {
    FakeEc2 ec2(region);
    FakeInventory inventory(region, {}, clock);
    Act act;
    act.action = action;
    act.instance = k_id;
    act.account = k_account;
    act.region = "us-east-1";
    Ending ending = base;
    ending.act = std::move(act);
    ending.spot_request = std::move(spot_request);
    return curfew::test::run(end_instance(ec2, inventory, std::move(ending), limits, log));
  }
  // From the n-th time on that it's asked, the answer is that.
  void withdraw(unsigned n, Error why) {
    base.may_still = [this, n, why = std::move(why)]() -> Awaitable<Status> {
      return answer_once(++asked < n ? Status{} : Status(fail(Error{why})));
    };
  }
  static Awaitable<Status> answer_once(Status status) { co_return status; }

  const std::string k_id = "i-0123456789abcdef0";
  const std::string k_request = "sir-abcd1234";
  curfew::test::FakeClock clock;
  FakeRegion region;
  FakeLog log;
  EndingLimits limits = quick_limits();
  Ending base;
  unsigned asked = 0;
};

using Calls = std::vector<std::string>;

TEST_F(EndingTest, is_done_when_it_is_seen_to_be_going) {
  const auto act = end();
  EXPECT_TRUE(act.done);
  EXPECT_EQ(act.outcome, "shutting-down");
  EXPECT_EQ(region.calls, (Calls{"terminate " + k_id}));
  EXPECT_EQ(log.lines, (Calls{"before " + k_id + " terminate by ", "after " + k_id + " done shutting-down"}));
}

TEST_F(EndingTest, stops_where_that_is_asked_for) {
  const auto act = end(Action::stop);
  EXPECT_TRUE(act.done);
  EXPECT_EQ(act.outcome, "stopping");
  EXPECT_EQ(region.calls, (Calls{"stop " + k_id}));
}

TEST_F(EndingTest, without_a_trace_nothing_is_done) {
  log.writable = fail(ErrorKind::no_space, "write the ledger", "disk full");
  const auto act = end();
  EXPECT_FALSE(act.done);
  EXPECT_NE(act.outcome.find("disk full"), std::string::npos) << act.outcome;
  EXPECT_TRUE(region.calls.empty());
}

TEST_F(EndingTest, what_may_pass_is_tried_again_and_what_may_not_is_not) {
  region.end_errors = {k_unavailable, k_unavailable};
  EXPECT_TRUE(end().done);
  EXPECT_EQ(region.calls.size(), 3U);

  region.calls.clear();
  region.instances[k_id].state = aws::InstanceState::running;
  region.end_errors = {k_unavailable, k_unavailable, k_unavailable, k_unavailable};
  auto act = end();
  EXPECT_FALSE(act.done);
  EXPECT_NE(act.outcome.find("503"), std::string::npos) << act.outcome;
  EXPECT_EQ(region.calls.size(), 3U);

  region.calls.clear();
  region.end_errors = {k_denied};
  act = end();
  EXPECT_FALSE(act.done);
  EXPECT_NE(act.outcome.find("not authorized"), std::string::npos) << act.outcome;
  EXPECT_EQ(region.calls.size(), 1U);
  EXPECT_EQ(log.lines.back(), "after " + k_id + " failed " + act.outcome);
}

TEST_F(EndingTest, refusals_that_can_be_mended_say_how) {
  region.end_errors = {
      {ErrorKind::refused, "TerminateInstances", "may not be terminated", "", "OperationNotPermitted"}};
  EXPECT_NE(end().outcome.find("aws ec2 modify-instance-attribute --region us-east-1 --instance-id " + k_id +
                               " --no-disable-api-termination"),
            std::string::npos);
  region.end_errors = {{ErrorKind::invalid_input, "StopInstances", "one-time", "", "UnsupportedOperation"}};
  EXPECT_NE(end(Action::stop).outcome.find("--then terminate"), std::string::npos);

  base.profile = "ops team";
  base.role = "arn:aws:iam::2:role/x";
  region.end_errors = {{ErrorKind::invalid_input, "StopInstances", "one-time", "", "UnsupportedOperation"}};
  auto told = end(Action::stop).outcome;
  EXPECT_NE(told.find("--then terminate --account arn:aws:iam::2:role/x --profile 'ops team'"),
            std::string::npos)
      << told;
  const Error is_protected{ErrorKind::refused, "TerminateInstances", "no", "", "OperationNotPermitted"};
  region.end_errors = {is_protected};
  told = end().outcome;
  EXPECT_NE(told.find("with credentials of account " + k_account + ", aws ec2"), std::string::npos) << told;
  base.role.clear();
  region.end_errors = {is_protected};
  told = end().outcome;
  EXPECT_NE(told.find("--no-disable-api-termination --profile 'ops team'"), std::string::npos) << told;
}

TEST_F(EndingTest, one_that_goes_on_running_is_asked_again) {
  region.ignored_ends = 1;
  EXPECT_TRUE(end().done);
  EXPECT_EQ(region.calls.size(), 2U);
}

TEST_F(EndingTest, one_whose_state_never_changes_is_given_up_in_time_and_told) {
  region.ignored_ends = 1'000'000;
  limits.total = Millis{100};
  const auto act = end();
  EXPECT_FALSE(act.done);
  EXPECT_NE(act.outcome.find("not seen to be shutting down within"), std::string::npos) << act.outcome;
  EXPECT_NE(act.outcome.find("it is running still"), std::string::npos) << act.outcome;
}

TEST_F(EndingTest, a_call_that_hangs_is_given_up_in_time) {
  region.end_hangs = true;
  limits.total = Millis{50};
  EXPECT_FALSE(end().done);
  EXPECT_EQ(log.lines.size(), 2U) << "the outcome stands in the ledger all the same";
}

TEST_F(EndingTest, one_that_vanishes_is_gone_and_one_look_that_fails_is_not_enough_for_that) {
  region.state_errors = {k_not_found};
  EXPECT_EQ(end().outcome, "shutting-down");
  region.instances[k_id].state = aws::InstanceState::running;
  region.state_errors = {k_not_found, k_not_found};
  EXPECT_EQ(end().outcome, "gone");
  region.instances.clear();
  const auto act = end();
  EXPECT_TRUE(act.done);
  EXPECT_EQ(act.outcome, "gone");
}

TEST_F(EndingTest, another_not_found_than_ec2s_own_is_not_gone) {
  const Error proxy{ErrorKind::not_found, "call", "NoSuchRoute", "", "NoSuchRoute"};
  const Error empty{ErrorKind::not_found, "call", "EC2 doesn't know it", "", ""};
  for (const auto& error : {proxy, empty}) {
    region.instances[k_id].state = aws::InstanceState::running;
    region.end_errors = {error, error, error};
    const auto act = end();
    EXPECT_FALSE(act.done) << error.cause;
    EXPECT_NE(act.outcome.find(error.cause), std::string::npos) << act.outcome;

    region.end_errors.clear();
    region.ignored_ends = 1;
    region.state_errors = {error, error, error};
    EXPECT_EQ(end().outcome, "shutting-down") << "asked once more";
  }
}

TEST_F(EndingTest, who_is_told_that_there_is_no_such_id_looks_before_saying_gone) {
  region.end_errors = {k_not_found, k_not_found, k_not_found};
  const auto act = end();
  EXPECT_FALSE(act.done) << act.outcome << ": it runs";
}

TEST_F(EndingTest, may_be_withdrawn_before_each_call_but_the_first) {
  const Error kept{ErrorKind::conflict, "left alone after all", "kept", "", ""};
  withdraw(1, kept);
  EXPECT_TRUE(end().done) << "decided right before";
  EXPECT_EQ(asked, 0U);

  region.calls.clear();
  region.instances[k_id].state = aws::InstanceState::running;
  region.end_errors = {k_unavailable};
  const auto act = end();
  EXPECT_FALSE(act.done);
  EXPECT_EQ(act.outcome, "left alone after all: kept");
  EXPECT_EQ(region.calls.size(), 1U);

  region.calls.clear();
  region.ignored_ends = 1;  // accepted, and nothing comes of it
  EXPECT_FALSE(end().done);
  EXPECT_EQ(region.calls.size(), 1U);
}

TEST_F(EndingTest, whether_it_may_still_be_ended_is_asked_again_where_no_answer_comes) {
  withdraw(1, k_unavailable);
  region.end_errors = {k_unavailable};
  const auto act = end();
  EXPECT_FALSE(act.done);
  EXPECT_EQ(region.calls.size(), 1U) << "not on a guess";
  EXPECT_EQ(asked, 2U);
}

TEST_F(EndingTest, a_request_that_took_its_time_is_no_reason_not_to_ask_again) {
  const Error kept{ErrorKind::conflict, "left alone after all", "kept", "", ""};
  region.requests[k_request] = {k_request, "active", true, k_id};
  withdraw(1, kept);
  auto act = end(Action::terminate, k_request);
  EXPECT_FALSE(act.done);
  EXPECT_EQ(act.outcome,
            "left alone after all: kept; its persistent spot request " + k_request + " is cancelled");
  EXPECT_EQ(region.calls, (Calls{"cancel " + k_request}));

  region.calls.clear();
  region.cancel_states = {"active"};
  act = end(Action::terminate, k_request);
  EXPECT_EQ(act.outcome, "left alone after all: kept");
  EXPECT_EQ(region.calls, (Calls{"cancel " + k_request})) << "nor is it cancelled once more";
}

TEST_F(EndingTest, looking_that_fails_is_looked_past) {
  region.state_errors = {k_unavailable, k_unavailable};
  EXPECT_TRUE(end().done);
  EXPECT_EQ(region.calls.size(), 1U);
}

TEST_F(EndingTest, a_persistent_spot_request_is_cancelled_first_and_another_is_left_alone) {
  region.requests[k_request] = {k_request, "active", true, k_id};
  const auto act = end(Action::terminate, k_request);
  EXPECT_TRUE(act.done);
  EXPECT_EQ(act.outcome, "shutting-down; its persistent spot request " + k_request + " is cancelled");
  EXPECT_EQ(region.calls, (Calls{"cancel " + k_request, "terminate " + k_id}));
  for (const auto& [state, persistent] :
       {std::pair{"active", false}, {"cancelled", true}, {"closed", true}}) {
    region.calls.clear();
    region.instances[k_id].state = aws::InstanceState::running;
    region.requests[k_request] = {k_request, state, persistent, k_id};
    EXPECT_TRUE(end(Action::terminate, k_request).done);
    EXPECT_EQ(region.calls, (Calls{"terminate " + k_id})) << state;
  }
  region.calls.clear();
  region.requests[k_request] = {k_request, "active", true, k_id};
  region.instances[k_id].state = aws::InstanceState::running;
  EXPECT_TRUE(end(Action::stop, k_request).done);
  EXPECT_EQ(region.calls, (Calls{"stop " + k_id})) << "a stopped instance keeps its request";
}

TEST_F(EndingTest, where_a_persistent_request_can_not_be_cancelled_nothing_is_terminated) {
  region.requests[k_request] = {k_request, "active", true, k_id};
  region.cancel_error = k_denied;
  const auto act = end(Action::terminate, k_request);
  EXPECT_FALSE(act.done);
  EXPECT_NE(act.outcome.find(k_request), std::string::npos) << act.outcome;
  EXPECT_EQ(region.calls, (Calls{"cancel " + k_request}));
  region.calls.clear();
  region.cancel_error = k_unavailable;
  EXPECT_FALSE(end(Action::terminate, k_request).done);
  EXPECT_EQ(region.calls.size(), 3U) << "that may pass";
}

TEST_F(EndingTest, a_request_that_may_not_be_read_holds_up_nothing_but_is_told) {
  region.request_error = k_denied;
  const auto act = end(Action::terminate, k_request);
  EXPECT_TRUE(act.done);
  EXPECT_TRUE(act.outcome.starts_with("shutting-down; whether its spot request")) << act.outcome;
}

TEST_F(EndingTest, a_request_that_is_active_after_it_was_cancelled_is_not_cancelled) {
  region.requests[k_request] = {k_request, "active", true, k_id};
  region.cancel_states = {"active", "open"};
  EXPECT_TRUE(end(Action::terminate, k_request).done);
  EXPECT_EQ(region.calls, (Calls{"cancel " + k_request, "cancel " + k_request, "cancel " + k_request,
                                 "terminate " + k_id}));
  region.calls.clear();
  region.cancel_states = {"active", "active", "active"};
  region.instances[k_id].state = aws::InstanceState::running;
  const auto act = end(Action::terminate, k_request);
  EXPECT_FALSE(act.done);
  EXPECT_NE(act.outcome.find("it is active still"), std::string::npos) << act.outcome;
}

TEST_F(EndingTest, a_request_that_nobody_tells_of_holds_up_nothing_but_is_told) {
  const Error empty{ErrorKind::not_found, "call", "no such request", "", ""};
  for (const auto& error : {empty, k_unavailable}) {
    region.instances[k_id].state = aws::InstanceState::running;
    region.request_error = error;
    const auto act = end(Action::terminate, k_request);
    EXPECT_TRUE(act.done) << act.outcome;
    EXPECT_NE(act.outcome.find("is not known: "), std::string::npos) << act.outcome;
  }
  region.request_error =
      Error{ErrorKind::not_found, "call", "no", "", "InvalidSpotInstanceRequestID.NotFound"};
  region.instances[k_id].state = aws::InstanceState::running;
  EXPECT_EQ(end(Action::terminate, k_request).outcome, "shutting-down") << "EC2's own word";

  region.request_hangs = true;
  region.instances[k_id].state = aws::InstanceState::running;
  limits.total = Millis{300};
  auto act = end(Action::terminate, k_request);
  EXPECT_TRUE(act.done) << "a third of the time is for the request: " << act.outcome;
  EXPECT_NE(act.outcome.find("is not known: no answer"), std::string::npos) << act.outcome;

  base.is_spot = true;
  region.instances[k_id].state = aws::InstanceState::running;
  act = end();
  EXPECT_TRUE(act.done);
  EXPECT_NE(act.outcome.find("EC2 doesn't tell its spot request"), std::string::npos) << act.outcome;
}

TEST(IsGoing, ByWhatIsWanted) {
  for (const auto* state : {"shutting-down", "terminated"}) {
    EXPECT_TRUE(is_going(Action::terminate, state));
    EXPECT_TRUE(is_going(Action::stop, state));
  }
  for (const auto* state : {"stopping", "stopped"}) {
    EXPECT_FALSE(is_going(Action::terminate, state));
    EXPECT_TRUE(is_going(Action::stop, state));
  }
  for (const auto* state : {"running", "pending", ""}) {
    EXPECT_FALSE(is_going(Action::terminate, state));
    EXPECT_FALSE(is_going(Action::stop, state));
  }
}

}  // namespace
}  // namespace curfew::watch
