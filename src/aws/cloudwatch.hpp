// CloudWatch: alarms on a metric, and which metrics there are; behind an interface for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"

namespace curfew::aws {

using Dimensions = std::vector<std::pair<std::string, std::string>>;  // name, value

struct Metric {
  std::string name_space;
  std::string name;
  Dimensions dimensions;
  friend bool operator==(const Metric&, const Metric&) = default;
};

// An alarm on one metric, under the API's own names. Of other kinds (metric maths, PromQL, anomaly detection) only the
// name, the actions and the description are here, and `metric` has no name.
struct MetricAlarm {
  std::string name;
  std::string description;  // UTF-8 of whoever wrote it
  bool actions_enabled = true;
  std::vector<std::string> ok_actions;
  std::vector<std::string> alarm_actions;  // ARNs, at most five each
  std::vector<std::string> insufficient_data_actions;
  Metric metric;
  std::string statistic;     // "Maximum"
  std::uint64_t period = 0;  // seconds
  std::uint64_t evaluation_periods = 0;
  std::uint64_t datapoints_to_alarm = 0;  // 0: as many as evaluation_periods
  double threshold = 0;
  std::string comparison;          // "GreaterThanThreshold"
  std::string treat_missing_data;  // "missing"; empty: the same
  std::string state;               // "OK", "ALARM", "INSUFFICIENT_DATA"; not sent
  friend bool operator==(const MetricAlarm&, const MetricAlarm&) = default;
};

struct MetricPage {
  std::vector<Metric> metrics;
  std::string next;  // a token; empty: the last page
};

// Each call ends within 30 s once there are credentials. Error.code is CloudWatch's own: "AccessDenied", "LimitExceeded".
class CloudWatch {
 public:
  virtual ~CloudWatch() = default;
  // The metric alarm of that name; nothing where there's none.
  [[nodiscard]] virtual Awaitable<Result<std::optional<MetricAlarm>>> alarm(std::string name) = 0;
  // Makes it, or replaces the one of that name as a whole (its state stays).
  [[nodiscard]] virtual Awaitable<Status> put_metric_alarm(MetricAlarm alarm) = 0;
  // Whether exactly this metric, with these dimensions and no more, has had data within the last two weeks.
  [[nodiscard]] virtual Awaitable<Result<bool>> has_metric(Metric metric) = 0;
};

// The session must outlive it.
[[nodiscard]] std::unique_ptr<CloudWatch> make_cloudwatch(Session& session, std::string region);

// Pure; for cloudwatch.cpp and its tests.
[[nodiscard]] Result<std::vector<MetricAlarm>> parse_alarms(std::string_view xml);
[[nodiscard]] Result<MetricPage> parse_metrics(std::string_view xml);

}  // namespace curfew::aws
