#include "setup/tries.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "unit/setup/account_fixture.hpp"

namespace curfew::setup {
namespace {

constexpr WallTime k_now{Millis{1'800'000'000'123}};

Error error_of(const std::string& code, ErrorKind kind = ErrorKind::refused,
               const std::string& cause = "no") {
  return {kind, "ask", code + ": " + cause, "", code};
}
const Error k_denied = error_of("AccessDeniedException");
const Error k_late{ErrorKind::timed_out, "ask", "no answer", "", ""};

// What a try came to: "ok making schedules", …, joined.
std::string grades(const std::vector<Check>& checks) {
  std::string all;
  for (const auto& check : checks) {
    const char* const grade = check.grade == Grade::ok        ? "ok "
                              : check.grade == Grade::unknown ? "unknown "
                              : check.grade == Grade::warning ? "warning "
                                                              : "FAILED ";
    all += (all.empty() ? "" : ", ") + std::string(grade) + check.what.substr(0, check.what.find(' '));
  }
  return all;
}

std::string texts(const std::vector<Check>& checks) {
  std::string all;
  for (const auto& check : checks) all += text_of(check);
  return all;
}

struct Schedules {
  std::vector<Status> creates{Status{}};  // the last answers for all that follow
  Status updated;
  Status removed;
  Result<aws::Schedule> found = fail(error_of("ResourceNotFoundException", ErrorKind::not_found));
  std::vector<aws::EndSchedule> sent;
  int removes = 0;

  ScheduleCalls calls() {
    return {[this](const aws::EndSchedule& wanted) {
              sent.push_back(wanted);
              return creates[std::min(sent.size(), creates.size()) - 1];
            },
            [this](const aws::EndSchedule&) { return updated; }, [this] { return found; },
            [this] {
              ++removes;
              return removed;
            }};
  }
};

TEST(TrySchedule, MakesOneThatNeverEndsAnything) {
  Schedules schedules;
  const auto checks = try_schedule(schedules.calls(), k_place, k_now);
  EXPECT_EQ(grades(checks), "ok making, ok moving, ok deleting");
  ASSERT_EQ(schedules.sent.size(), 1U);
  const auto& sent = schedules.sent[0];
  EXPECT_FALSE(sent.enabled);
  EXPECT_EQ(sent.name, "curfew-doctor");
  EXPECT_EQ(sent.instance, "i-00000000000000000");
  EXPECT_GT(sent.start, k_now + std::chrono::hours{23});
  EXPECT_EQ(sent.role, "arn:aws:iam::123456789012:role/curfew-scheduler");
  EXPECT_NE(aws::end_body(sent, "us-east-1").find("\"State\":\"DISABLED\""), std::string::npos);
  EXPECT_EQ(schedules.removes, 1);
}

TEST(TrySchedule, NamesWhatIsMissingAndWhatIsLeft) {
  const Result<aws::Schedule> none = fail(error_of("ResourceNotFoundException", ErrorKind::not_found));
  aws::Schedule ours;
  ours.enabled = false;
  ours.input = aws::end_input("i-00000000000000000");
  auto anothers = ours;
  anothers.enabled = true;
  const struct {
    std::vector<Status> creates;
    Status updated, removed;
    Result<aws::Schedule> found;
    const char* grades;
    const char* says;
    int removes;
  } cases[] = {
      {{fail(k_denied)}, {}, {}, none, "FAILED making", "iam:PassRole", 0},
      {{fail(error_of("ValidationException", ErrorKind::invalid_input, "The execution role must allow"))},
       {},
       {},
       none,
       "FAILED making",
       "curfew setup --apply",
       0},
      // It may have been made.
      {{fail(k_late)}, {}, {}, ours, "unknown making, ok deleting", "no answer", 1},
      {{fail(k_late)}, {}, {}, none, "unknown making", "no answer", 0},
      {{fail(k_late)}, {}, {}, anothers, "unknown making", "no answer", 0},
      {{fail(k_late)},
       {},
       {},
       fail(k_late),
       "unknown making, warning deleting",
       "delete-schedule --name curfew-doctor",
       0},
      {{fail(k_late)},
       {},
       fail(k_late),
       ours,
       "unknown making, unknown deleting",
       "delete-schedule --name curfew-doctor",
       1},
      {{Status{}},
       fail(k_denied),
       {},
       none,
       "ok making, warning moving, ok deleting",
       "scheduler:UpdateSchedule",
       1},
      {{Status{}}, fail(k_late), {}, none, "ok making, unknown moving, ok deleting", "no answer", 1},
      {{Status{}},
       {},
       fail(k_denied),
       none,
       "ok making, ok moving, warning deleting",
       "scheduler:DeleteSchedule",
       1},
      {{Status{}},
       {},
       fail(k_denied),
       none,
       "ok making, ok moving, warning deleting",
       "delete-schedule --name curfew-doctor",
       1},
  };
  for (const auto& one : cases) {
    Schedules schedules;
    schedules.creates = one.creates;
    schedules.updated = one.updated;
    schedules.removed = one.removed;
    schedules.found = one.found;
    const auto checks = try_schedule(schedules.calls(), k_place, k_now);
    EXPECT_EQ(grades(checks), one.grades) << one.says;
    EXPECT_NE(texts(checks).find(one.says), std::string::npos) << texts(checks);
    EXPECT_EQ(schedules.removes, one.removes) << one.grades << one.says;
  }
}

TEST(TrySchedule, RemovesWhatAnInterruptedRunHasLeftAndNothingElse) {
  const Status conflict = fail(error_of("ConflictException", ErrorKind::conflict));
  Schedules schedules;
  schedules.creates = {conflict, Status{}};
  aws::Schedule found;
  found.enabled = false;
  found.input = aws::end_input(k_no_instance);
  schedules.found = found;
  EXPECT_EQ(grades(try_schedule(schedules.calls(), k_place, k_now)), "ok making, ok moving, ok deleting");
  ASSERT_EQ(schedules.sent.size(), 2U);
  EXPECT_NE(schedules.sent[0].client_token, schedules.sent[1].client_token);

  for (const bool is_enabled : {true, false}) {
    Schedules theirs;
    theirs.creates = {conflict};
    found.enabled = is_enabled;
    found.input = aws::end_input(is_enabled ? k_no_instance : "i-0123456789abcdef0");
    theirs.found = found;
    EXPECT_EQ(grades(try_schedule(theirs.calls(), k_place, k_now)), "unknown making");
    EXPECT_EQ(theirs.removes, 0) << is_enabled;
  }
}

TEST(TryObject, NamesWhatIsMissingAndWhatIsLeft) {
  const Error denied = error_of("AccessDenied");
  const struct {
    Status put;
    Result<std::string> read;  // empty: what was put
    Status removed;
    const char* grades;
    const char* says;
    int removes;
  } cases[] = {
      {{}, "", {}, "ok writing, ok reading, ok deleting", "gone again", 1},
      {fail(denied), "", {}, "FAILED writing", "s3:PutObject", 0},
      {fail(k_late), "", {}, "unknown writing, ok deleting", "no answer", 1},
      {{}, fail(denied), {}, "ok writing, FAILED reading, ok deleting", "s3:GetObject", 1},
      {{}, "else", {}, "ok writing, unknown reading, ok deleting", "written over", 1},
      {{},
       "",
       fail(denied),
       "ok writing, ok reading, warning deleting",
       "aws s3 rm s3://curfew-123456789012-us-east-1/jobs/curfew-doctor",
       1},
  };
  for (const auto& one : cases) {
    std::string body;
    int removes = 0;
    const ObjectCalls calls{
        [&](const std::string& text) {
          body = text;
          return one.put;
        },
        [&] { return one.read && one.read->empty() ? Result<std::string>(body) : one.read; },
        [&] {
          ++removes;
          return one.removed;
        }};
    const auto checks = try_object(calls, k_place, k_now);
    EXPECT_EQ(grades(checks), one.grades);
    EXPECT_NE(texts(checks).find(one.says), std::string::npos) << texts(checks);
    EXPECT_EQ(removes, one.removes) << one.grades;
    EXPECT_LT(body.size(), 100U);
  }
}

const DryRun& asked_for(const std::vector<DryRun>& all, const std::string& action) {
  return *std::find_if(all.begin(), all.end(), [&](const DryRun& one) { return one.action == action; });
}

TEST(DryRuns, AreNeverAskedToEndWhatLives) {
  const auto none = dry_runs({});
  const auto living = dry_runs({"i-0123456789abcdef0", ""});
  const auto ended = dry_runs({"i-0123456789abcdef0", "i-0fedcba9876543210"});
  for (const char* const action : {"TerminateInstances", "StopInstances"}) {
    EXPECT_EQ(asked_for(none, action).form[0].second, k_no_instance);
    EXPECT_EQ(asked_for(living, action).form[0].second, k_no_instance);
    EXPECT_EQ(asked_for(ended, action).form[0].second, "i-0fedcba9876543210");
    EXPECT_FALSE(asked_for(living, action).is_definite);
    EXPECT_TRUE(asked_for(ended, action).is_definite);
  }
  EXPECT_FALSE(asked_for(none, "CreateTags").is_definite);
  EXPECT_TRUE(asked_for(living, "CreateTags").is_definite);
}

TEST(DryRuns, CountAsDeniedOnlyWhenThatIsSure) {
  const Error no = error_of("UnauthorizedOperation");
  const struct {
    bool is_definite;
    Status answer;
    Allowed allowed;
  } cases[] = {
      {true, {}, Allowed::yes},
      {false, {}, Allowed::yes},
      {true, fail(no), Allowed::no},
      {false, fail(no), Allowed::unknown},
      {false,
       fail(error_of("UnauthorizedOperation", ErrorKind::refused,
                     "with an explicit deny in a service control policy")),
       Allowed::no},
      {true, fail(error_of("InvalidInstanceID.NotFound", ErrorKind::not_found)), Allowed::unknown},
      {true, fail(error_of("RequestExpired")), Allowed::unknown},
      {true, fail(k_late), Allowed::unknown},
  };
  for (const auto& one : cases)
    EXPECT_EQ(judge({"X", {}, one.is_definite, Grade::failed, ""}, one.answer), one.allowed)
        << (one.answer ? "" : one.answer.error().text());
}

TEST(DryRuns, AreTold) {
  const Status no = fail(error_of("UnauthorizedOperation"));
  const auto text = texts(checks_of({{{"A", {}, true, Grade::failed, "curfew launch"}, {}},
                                     {{"B", {}, true, Grade::failed, "curfew launch"}, {}},
                                     {{"C", {}, true, Grade::failed, "curfew launch"}, no},
                                     {{"D", {}, true, Grade::warning, "curfew stop"}, no},
                                     {{"E", {}, false, Grade::failed, "curfew stop"}, no}}));
  EXPECT_EQ(text.substr(0, text.find('\n')), "ok       EC2's dry run: allows A, B");
  EXPECT_NE(text.find("FAILED   ec2:C: UnauthorizedOperation: no; the permission is missing"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("warning  ec2:D"), std::string::npos) << text;
  EXPECT_NE(text.find("unknown  ec2:E"), std::string::npos) << text;
}

}  // namespace
}  // namespace curfew::setup
