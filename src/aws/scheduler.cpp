// GetSchedule, ListSchedules, CreateSchedule, UpdateSchedule, DeleteSchedule: REST with JSON.
#include "aws/scheduler.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "aws/core/call.hpp"
#include "aws/core/endpoints.hpp"
#include "aws/imds.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"
#include "os/json.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 1U << 20U};
constexpr Millis k_total{30'000};

constexpr std::size_t k_longest_name = 64;
constexpr std::size_t k_longest_expression = 256;
constexpr std::size_t k_longest_arn = 1'600;
constexpr std::size_t k_longest_timezone = 50;
constexpr std::size_t k_longest_input = 262'144;   // of a target
constexpr std::size_t k_most_schedules = 100;      // of a page
constexpr double k_last_second = 253'402'300'799;  // of the year 9999

bool is_printable(std::string_view text, std::size_t longest) {
  return text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

tl::unexpected<Error> unavailable(Error error) {
  error.kind = ErrorKind::unavailable;
  return fail(std::move(error));
}

Result<boost::json::object> parse_object(std::string_view json) {
  boost::system::error_code failed;
  auto value = boost::json::parse(json, failed);
  if (failed || !value.is_object())
    return fail(ErrorKind::unavailable, "read the reply", "it is cut, or no JSON object");
  return std::move(value.as_object());
}

bool has(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && !value->is_null();
}

// Seconds since 1970, with or without a fraction; nothing where it's missing or null.
Result<std::optional<WallTime>> time_of(const boost::json::object& object, std::string_view name) {
  if (!has(object, name)) return std::nullopt;
  boost::system::error_code failed;
  const auto seconds = object.at(name).to_number<double>(failed);
  if (failed || !(seconds >= 0 && seconds <= k_last_second)) return odd(name, "no time");
  return WallTime{Millis{std::llround(seconds * 1'000)}};
}

Result<bool> is_enabled(std::string_view state) {
  if (state != "ENABLED" && state != "DISABLED") return odd("State", state);
  return state == "ENABLED";
}

Result<ScheduleName> name_in(os::JsonReader& reader) {
  ScheduleName found;
  found.name = reader.text("Name");
  found.group = reader.text("GroupName");
  const auto state = reader.text("State");
  if (!reader.status()) return unavailable(reader.status().error());
  if (!is_schedule_name(found.name)) return odd("Name", found.name);
  if (!is_schedule_name(found.group)) return odd("GroupName", found.group);
  const auto enabled = is_enabled(state);
  if (!enabled) return fail(enabled.error());
  found.enabled = *enabled;
  return found;
}

class RestScheduler final : public Scheduler, public ScheduleMaker {
 public:
  RestScheduler(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<Schedule>> schedule(std::string name, std::string group) override {
    const auto what = "GetSchedule " + printable(name, k_longest_name) + " in " + region_;
    if (!is_schedule_name(name) || !is_schedule_name(group))
      co_return fail(ErrorKind::invalid_input, what, "that is no schedule's name, or no group's");
    auto call = call_for(
        what, "/schedules/" + net::percent_encode(name) + "?groupName=" + net::percent_encode(group));
    if (!call) co_return fail(std::move(call).error());
    Schedule schedule;
    call->read = [&schedule, &name, &group](net::Response& response) -> Status {
      auto read = parse_schedule(response.body);
      if (!read) return fail(std::move(read).error());
      if (read->name != name) return odd("Name", read->name);
      if (read->group != group) return odd("GroupName", read->group);
      schedule = std::move(*read);
      return {};
    };
    auto response = co_await perform(session_, std::move(*call));
    if (!response) co_return fail(std::move(response).error().error);
    co_return std::move(schedule);
  }

  Awaitable<Result<SchedulePage>> schedules(std::string prefix, std::string group,
                                            std::string token) override {
    const auto what = "ListSchedules in " + region_;
    std::string target = "/schedules?MaxResults=100";
    for (const auto& [name, value] : {std::pair{"NamePrefix", &prefix}, std::pair{"ScheduleGroup", &group}}) {
      if (value->empty()) continue;
      if (!is_schedule_name(*value))
        co_return fail(ErrorKind::invalid_input, what,
                       "\"" + printable(*value, k_longest_name) + "\" is no schedule's name, or no group's");
      target.append("&").append(name).append("=").append(net::percent_encode(*value));
    }
    if (!token.empty()) target += "&NextToken=" + net::percent_encode(token);
    auto call = call_for(what, std::move(target));
    if (!call) co_return fail(std::move(call).error());
    SchedulePage page;
    call->read = [&page](net::Response& response) -> Status {
      auto read = parse_schedules(response.body);
      if (!read) return fail(std::move(read).error());
      page = std::move(*read);
      return {};
    };
    auto response = co_await perform(session_, std::move(*call));
    if (!response) co_return fail(std::move(response).error().error);
    co_return std::move(page);
  }

  Awaitable<Status> create_schedule(EndSchedule wanted) override {
    return send("CreateSchedule", "POST", std::move(wanted));
  }

  Awaitable<Status> update_schedule(EndSchedule wanted) override {
    return send("UpdateSchedule", "PUT", std::move(wanted));
  }

  Awaitable<Status> delete_schedule(std::string name, std::string group) override {
    const auto what = "DeleteSchedule " + printable(name, k_longest_name) + " in " + region_;
    if (!is_schedule_name(name) || !is_schedule_name(group))
      co_return fail(ErrorKind::invalid_input, what, "that is no schedule's name, or no group's");
    auto call = call_for(
        what, "/schedules/" + net::percent_encode(name) + "?groupName=" + net::percent_encode(group));
    if (!call) co_return fail(std::move(call).error());
    call->request.method = "DELETE";
    const auto response = co_await perform(session_, std::move(*call));
    if (!response && response.error().error.kind != ErrorKind::not_found)
      co_return fail(Error{response.error().error});
    co_return Status{};
  }

 private:
  Awaitable<Status> send(std::string call_name, std::string method, EndSchedule wanted) {
    const auto what = call_name + " " + printable(wanted.name, k_longest_name) + " in " + region_;
    if (!is_schedule_name(wanted.name) || !is_schedule_name(wanted.group) || !is_instance_id(wanted.instance))
      co_return fail(ErrorKind::invalid_input, what, "that is no schedule's name, or no instance's id");
    auto call = call_for(what, "/schedules/" + net::percent_encode(wanted.name));
    if (!call) co_return fail(std::move(call).error());
    call->request.method = method;
    call->request.headers.push_back({"Content-Type", "application/json"});
    call->request.body = end_body(wanted, region_);
    const auto response = co_await perform(session_, std::move(*call));
    if (!response) co_return fail(Error{response.error().error});
    co_return Status{};
  }

  Result<Call> call_for(const std::string& what, std::string target) const {
    auto endpoint = session_.endpoint("scheduler", region_);
    if (!endpoint) return fail(std::move(endpoint).error().within(what));
    Call call;
    call.what = what;
    call.service = "scheduler";
    call.region = region_;
    call.limits = k_limits;
    call.total = k_total;
    call.request.url = std::move(endpoint->url);
    auto& path = call.request.url.target;
    path = (path == "/" ? std::string() : path) + target;
    return call;
  }

  Session& session_;
  std::string region_;
};

}  // namespace

std::string end_target(std::string_view region, bool stops) {
  return "arn:" + std::string(partition_of(region).name) +
         ":scheduler:::aws-sdk:ec2:" + (stops ? "stopInstances" : "terminateInstances");
}

std::string end_input(std::string_view instance) {
  return boost::json::serialize(boost::json::object{{"InstanceIds", boost::json::array{instance}}});
}

std::string end_body(const EndSchedule& wanted, std::string_view region) {
  namespace json = boost::json;
  const auto seconds = [](WallTime time) {
    return std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count();
  };
  json::object target{
      {"Arn", end_target(region, wanted.stops)},
      {"RoleArn", wanted.role},
      {"Input", end_input(wanted.instance)},
      // The next call is ten minutes away.
      {"RetryPolicy", json::object{{"MaximumEventAgeInSeconds", 600}, {"MaximumRetryAttempts", 10}}}};
  json::object body{{"ActionAfterCompletion", "DELETE"},
                    {"ClientToken", wanted.client_token},
                    {"Description", wanted.description},
                    {"EndDate", seconds(wanted.end)},
                    {"FlexibleTimeWindow", json::object{{"Mode", "OFF"}}},
                    {"GroupName", wanted.group},
                    {"ScheduleExpression", k_end_every},
                    {"ScheduleExpressionTimezone", "UTC"},
                    {"StartDate", seconds(wanted.start)},
                    {"State", wanted.enabled ? "ENABLED" : "DISABLED"},
                    {"Target", std::move(target)}};
  return json::serialize(body);
}

bool is_schedule_name(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_name && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Result<Schedule> parse_schedule(std::string_view json) {
  const auto object = parse_object(json);
  if (!object) return fail(object.error());
  os::JsonReader reader(*object, "the schedule");
  auto named = name_in(reader);
  if (!named) return fail(std::move(named).error());
  Schedule schedule;
  schedule.name = std::move(named->name);
  schedule.group = std::move(named->group);
  schedule.enabled = named->enabled;
  schedule.expression = reader.text("ScheduleExpression");
  if (has(*object, "ScheduleExpressionTimezone"))
    schedule.timezone = reader.text("ScheduleExpressionTimezone");
  const auto target_object = reader.object("Target");
  os::JsonReader target(target_object, "the schedule's target");
  schedule.target = target.text("Arn");
  for (const auto& [name, text] : {std::pair{"RoleArn", &schedule.role}, std::pair{"Input", &schedule.input}})
    if (has(target_object, name)) *text = target.text(name);
  for (const auto* one : {&reader, &target})
    if (!one->status()) return unavailable(one->status().error());
  if (schedule.expression.empty() || !is_printable(schedule.expression, k_longest_expression))
    return odd("ScheduleExpression", schedule.expression);
  if (!is_printable(schedule.timezone, k_longest_timezone))
    return odd("ScheduleExpressionTimezone", schedule.timezone);
  if (!schedule.target.starts_with("arn:") || !is_printable(schedule.target, k_longest_arn))
    return odd("Arn", schedule.target);
  if (!is_printable(schedule.role, k_longest_arn)) return odd("RoleArn", schedule.role);
  if (schedule.input.size() > k_longest_input) return odd("Input", "longer than any");
  for (const auto& [name, time] :
       {std::pair{"StartDate", &schedule.start}, std::pair{"EndDate", &schedule.end}}) {
    const auto read = time_of(*object, name);
    if (!read) return fail(read.error());
    *time = *read;
  }
  return schedule;
}

Result<SchedulePage> parse_schedules(std::string_view json) {
  const auto object = parse_object(json);
  if (!object) return fail(object.error());
  os::JsonReader reader(*object, "the list of schedules");
  const auto schedules = reader.array("Schedules");
  SchedulePage page;
  if (has(*object, "NextToken")) page.next = reader.text("NextToken");
  if (!reader.status()) return unavailable(reader.status().error());
  if (schedules.size() > k_most_schedules) return odd("Schedules", "longer than a page");
  for (const auto& schedule : schedules) {
    if (!schedule.is_object()) return odd("Schedules", "a list of something else");
    os::JsonReader one(schedule.get_object(), "one of the schedules");
    auto named = name_in(one);
    if (!named) return fail(std::move(named).error());
    page.schedules.push_back(std::move(*named));
  }
  return page;
}

std::unique_ptr<Scheduler> make_scheduler(Session& session, std::string region) {
  return std::make_unique<RestScheduler>(session, std::move(region));
}

std::unique_ptr<ScheduleMaker> make_schedule_maker(Session& session, std::string region) {
  return std::make_unique<RestScheduler>(session, std::move(region));
}

}  // namespace curfew::aws
