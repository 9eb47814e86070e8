// Tried permissions as findings.
#include "setup/tries.hpp"

#include <utility>

#include "aws/core/call.hpp"
#include "setup/outcome.hpp"

namespace curfew::setup {
namespace {

// Far enough from now that it's never due while doctor runs.
constexpr Seconds k_due_after = std::chrono::hours{24};
constexpr Seconds k_due_for = std::chrono::hours{1};

constexpr const char* k_launcher = "see curfew setup --print-policy launcher";
constexpr const char* k_create_schedule =
    "scheduler:CreateSchedule (on schedule/default/curfew-*), or iam:PassRole of the role curfew-scheduler "
    "to "
    "scheduler.amazonaws.com,";

aws::EndSchedule tried_schedule(const Place& place, WallTime now, std::string_view nth) {
  aws::EndSchedule schedule;
  schedule.name = k_tried_schedule;
  schedule.instance = k_no_instance;
  schedule.start = std::chrono::floor<Seconds>(now) + k_due_after;
  schedule.end = schedule.start + k_due_for;
  schedule.role = place.role_arn(k_scheduler_role);
  schedule.client_token =
      "curfew-doctor-" + std::to_string(now.time_since_epoch().count()) + std::string(nth);
  schedule.description = "made by curfew doctor to see whether it may be; disabled; delete it";
  schedule.enabled = false;
  return schedule;
}

// A lack of the permission, or an answer that tells nothing of it.
Check check_of(std::string what, const Error& error, std::string_view permission, Grade lack,
               std::string fix) {
  if (!aws::is_denied(error)) return {Grade::unknown, std::move(what), error.text(), std::move(fix)};
  auto check = failed_check(std::move(what), with_permission(Error{error}, permission), "");
  check.grade = lack;
  check.fix += "; " + std::move(fix);
  return check;
}

bool may_be_there(const Status& made) {
  return made || made.error().kind == ErrorKind::unavailable || made.error().kind == ErrorKind::timed_out;
}

// By an interrupted run.
bool is_left_over(const Result<aws::Schedule>& read) {
  return read && !read->enabled && read->input == aws::end_input(k_no_instance);
}

}  // namespace

std::string left_schedule(const Place& place) {
  return "the schedule " + std::string(k_tried_schedule) + " in " + place.region +
         " may be left. It's disabled, and its instance doesn't exist. The next curfew doctor removes it, "
         "or: "
         "aws scheduler delete-schedule --name " +
         std::string(k_tried_schedule) + " --region " + place.region;
}

std::string left_object(const Place& place) {
  const auto url = "s3://" + place.bucket() + "/" + k_tried_object;
  return url +
         " may be left, a few bytes. The next curfew doctor writes over it and removes it, or: aws s3 rm " +
         url;
}

std::vector<Check> try_schedule(const ScheduleCalls& calls, const Place& place, WallTime now) {
  std::vector<Check> checks;
  auto wanted = tried_schedule(place, now, "");
  auto made = calls.create(wanted);
  if (!made && made.error().kind == ErrorKind::conflict && is_left_over(calls.read()) && calls.remove()) {
    wanted = tried_schedule(place, now, "-2");
    made = calls.create(wanted);
  }
  if (made) {
    checks.push_back(
        {Grade::ok, "making schedules", "one was made, disabled, with the role curfew-scheduler", {}});
  } else {
    auto check = check_of("making schedules", made.error(), k_create_schedule, Grade::failed, k_launcher);
    // What a role that can't be taken is answered with.
    if (made.error().code == "ValidationException") {
      check.grade = Grade::failed;
      check.fix = "curfew setup --apply sets right whom the role curfew-scheduler trusts";
    }
    checks.push_back(std::move(check));
  }
  if (made) {
    const auto moved = calls.update(wanted);
    if (moved) checks.push_back({Grade::ok, "moving schedules", "it was moved", {}});
    else
      checks.push_back(check_of("moving schedules", moved.error(), "scheduler:UpdateSchedule", Grade::warning,
                                "curfew extend needs it (docs/guard.md#rights)"));
  }
  if (!may_be_there(made)) return checks;
  if (!made) {
    const auto there = calls.read();
    if (there ? !is_left_over(there) : there.error().kind == ErrorKind::not_found) return checks;
    if (!there) {
      checks.push_back({Grade::warning, "deleting schedules", there.error().text(), left_schedule(place)});
      return checks;
    }
  }
  const auto removed = calls.remove();
  if (removed) checks.push_back({Grade::ok, "deleting schedules", "it's gone again", {}});
  else
    checks.push_back(check_of("deleting schedules", removed.error(), "scheduler:DeleteSchedule",
                              Grade::warning, left_schedule(place)));
  return checks;
}

std::vector<Check> try_object(const ObjectCalls& calls, const Place& place, WallTime now) {
  std::vector<Check> checks;
  const std::string below = "below the bucket's jobs/";
  const auto body = "curfew doctor, " + std::to_string(now.time_since_epoch().count()) + ": may be deleted\n";
  const auto put = calls.put(body);
  if (put) checks.push_back({Grade::ok, "writing " + below, "an object was put", {}});
  else checks.push_back(check_of("writing " + below, put.error(), "s3:PutObject", Grade::failed, k_launcher));
  if (put) {
    const auto read = calls.read();
    if (!read)
      checks.push_back(check_of("reading " + below, read.error(), "s3:GetObject", Grade::failed, k_launcher));
    else if (*read != body)
      checks.push_back({Grade::unknown, "reading " + below,
                        "it was written over meanwhile: does another doctor run?", "run it again"});
    else checks.push_back({Grade::ok, "reading " + below, "it's as it was put", {}});
  }
  if (!may_be_there(put)) return checks;
  const auto removed = calls.remove();
  // Nothing else that launchers do needs it, and a lifecycle takes what is left.
  if (removed) checks.push_back({Grade::ok, "deleting it", "it's gone again", {}});
  else
    checks.push_back({Grade::warning, "deleting it", removed.error().text(),
                      left_object(place) + ". The bucket's lifecycle deletes it too, in time"});
  return checks;
}

std::vector<DryRun> dry_runs(const LaunchedIds& launched) {
  using enum Grade;
  const auto id_or_none = [](const std::string& id) { return id.empty() ? std::string(k_no_instance) : id; };
  const bool is_there = !launched.any.empty();
  const bool has_ended = !launched.ended.empty();
  const auto ended = id_or_none(launched.ended);
  return {
      {"DescribeInstances", {}, true, failed, "curfew launch and whatever follows it"},
      {"CreateTags",
       {{"ResourceId.1", id_or_none(launched.any)}, {"Tag.1.Key", "curfew:doctor"}, {"Tag.1.Value", "tried"}},
       is_there,
       failed,
       "curfew launch, guard and extend"},
      {"TerminateInstances", {{"InstanceId.1", ended}}, has_ended, failed, "curfew launch and stop"},
      {"StopInstances", {{"InstanceId.1", ended}}, has_ended, warning, "curfew stop --then stop"},
      {"DescribeInstanceAttribute",
       {{"InstanceId", id_or_none(launched.any)}, {"Attribute", "disableApiTermination"}},
       true,
       warning,
       "curfew guard and stop"},
      {"DescribeRegions", {}, true, warning, "curfew guard, extend, stop and check"},
      {"DescribeSpotInstanceRequests", {}, true, warning, "curfew guard and stop, for spot instances"},
      {"CancelSpotInstanceRequests",
       {{"SpotInstanceRequestId.1", "sir-00000000"}},
       false,
       warning,
       "curfew stop, for persistent spot requests"},
  };
}

Allowed judge(const DryRun& asked, const Status& answer) {
  if (answer) return Allowed::yes;
  if (!aws::is_denied(answer.error())) return Allowed::unknown;
  const bool is_explicit = answer.error().cause.find("explicit deny") != std::string::npos;
  return asked.is_definite || is_explicit ? Allowed::no : Allowed::unknown;
}

std::vector<Check> checks_of(const std::vector<DryRunAnswer>& answers) {
  std::vector<Check> checks;
  std::string allowed;
  for (const auto& [asked, answer] : answers) {
    const auto permission = "ec2:" + asked.action;
    switch (judge(asked, answer)) {
      case Allowed::yes: allowed += (allowed.empty() ? "" : ", ") + asked.action; break;
      case Allowed::no:
        checks.push_back({asked.lack, permission, answer.error().cause,
                          "the permission is missing, for " + asked.needed_by + "; " + k_launcher});
        break;
      case Allowed::unknown: {
        Check check{
            Grade::unknown, permission, answer.error().cause + "; which tells nothing of the permission", {}};
        if (aws::is_denied(answer.error())) {
          check.why =
              "EC2 says no to an instance that doesn't exist, which tells nothing: it asks for its tags "
              "first";
          check.fix = "curfew doctor tells it within the hour after an instance of curfew launch has ended";
        }
        checks.push_back(std::move(check));
        break;
      }
    }
  }
  if (!allowed.empty()) checks.insert(checks.begin(), {Grade::ok, "EC2's dry run", "allows " + allowed, {}});
  return checks;
}

}  // namespace curfew::setup
