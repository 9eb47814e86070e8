// DescribeAlarms, PutMetricAlarm, ListMetrics by the Query protocol.
#include "aws/cloudwatch.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "aws/core/query.hpp"
#include "aws/core/xml.hpp"
#include "aws/pages.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 1U << 20U};
constexpr Millis k_total{30'000};

// The API reference's bounds.
constexpr std::size_t k_most_alarms = 100;
constexpr std::size_t k_most_actions = 5;
constexpr std::size_t k_most_metrics = 500;
constexpr std::size_t k_most_dimensions = 30;
constexpr std::size_t k_longest_name = 255;
constexpr std::size_t k_longest_value = 1'024;
constexpr std::size_t k_longest_word = 64;
constexpr std::size_t k_longest_description = 4'096;  // 1,024 characters
constexpr std::uint64_t k_most_seconds = 604'800;     // period × periods: a week
constexpr std::size_t k_most_pages = 20;

// "50.0", "1.0E7" as Java writes it.
Result<double> real_in(const pugi::xml_node& node, const char* name) {
  const auto text = child_view(node, name);
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return odd(name, text);
  return value;
}

// Without an exponent.
std::string text_of(double value) {
  std::array<char, 400> buffer{};
  const auto [end, failed] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return failed == std::errc() ? std::string(buffer.data(), end) : std::string();
}

Result<Dimensions> dimensions_in(const pugi::xml_node& node) {
  Dimensions dimensions;
  for (const auto& member : node.child("Dimensions").children("member")) {
    auto name = child_text(member, "Name");
    auto value = child_text(member, "Value");
    if (!is_ascii(name, k_longest_name)) return odd("Name", name);
    if (!is_ascii(value, k_longest_value)) return odd("Value", value);
    if (dimensions.size() >= k_most_dimensions) return odd("Dimensions", "more than there may be");
    dimensions.emplace_back(std::move(name), std::move(value));
  }
  return dimensions;
}

Result<std::vector<std::string>> actions_in(const pugi::xml_node& node, const char* name) {
  std::vector<std::string> actions;
  for (const auto& member : node.child(name).children("member")) {
    const auto action = trimmed(member.text().get());
    if (!is_ascii(action, k_longest_value)) return odd(name, action);
    if (actions.size() >= k_most_actions) return odd(name, "more than there may be");
    actions.emplace_back(action);
  }
  return actions;
}

Result<bool> flag_in(const pugi::xml_node& node, const char* name) {
  const auto text = child_view(node, name);
  if (text != "true" && text != "false") return odd(name, text);
  return text == "true";
}

// What a metric alarm has and others don't.
Status read_metric(const pugi::xml_node& member, MetricAlarm& alarm) {
  alarm.metric.name = child_text(member, "MetricName");
  if (alarm.metric.name.empty()) return {};
  alarm.metric.name_space = child_text(member, "Namespace");
  alarm.statistic = child_text(member, "Statistic");  // empty: a percentile
  alarm.comparison = child_text(member, "ComparisonOperator");
  alarm.treat_missing_data = child_text(member, "TreatMissingData");
  for (const auto& [name, value, longest] : {std::tuple{"MetricName", &alarm.metric.name, k_longest_name},
                                             {"Namespace", &alarm.metric.name_space, k_longest_name},
                                             {"ComparisonOperator", &alarm.comparison, k_longest_word}})
    if (!is_ascii(*value, longest)) return odd(name, *value);
  for (const auto& [name, value] :
       {std::pair{"Statistic", &alarm.statistic}, {"TreatMissingData", &alarm.treat_missing_data}})
    if (!value->empty() && !is_ascii(*value, k_longest_word)) return odd(name, *value);
  auto dimensions = dimensions_in(member);
  if (!dimensions) return fail(std::move(dimensions).error());
  alarm.metric.dimensions = std::move(*dimensions);
  for (const auto& [name, into] : {std::pair{"Period", &alarm.period},
                                   {"EvaluationPeriods", &alarm.evaluation_periods},
                                   {"DatapointsToAlarm", &alarm.datapoints_to_alarm}}) {
    const auto number = number_in(member, name, k_most_seconds);
    if (!number) return fail(number.error());
    *into = number->value_or(0);
  }
  if (!member.child("Threshold")) return {};  // anomaly detection
  const auto threshold = real_in(member, "Threshold");
  if (!threshold) return fail(threshold.error());
  alarm.threshold = *threshold;
  return {};
}

Result<MetricAlarm> alarm_from(const pugi::xml_node& member) {
  MetricAlarm alarm;
  alarm.name = child_text(member, "AlarmName");
  if (alarm.name.empty() || alarm.name.size() > k_longest_description) return odd("AlarmName", alarm.name);
  alarm.description = member.child("AlarmDescription").text().get();
  if (alarm.description.size() > k_longest_description) return odd("AlarmDescription", alarm.description);
  alarm.state = child_text(member, "StateValue");
  if (alarm.state != "OK" && alarm.state != "ALARM" && alarm.state != "INSUFFICIENT_DATA")
    return odd("StateValue", alarm.state);
  const auto enabled = flag_in(member, "ActionsEnabled");
  if (!enabled) return fail(enabled.error());
  alarm.actions_enabled = *enabled;
  for (const auto& [name, into] : {std::pair{"OKActions", &alarm.ok_actions},
                                   {"AlarmActions", &alarm.alarm_actions},
                                   {"InsufficientDataActions", &alarm.insufficient_data_actions}}) {
    auto actions = actions_in(member, name);
    if (!actions) return fail(std::move(actions).error());
    *into = std::move(*actions);
  }
  if (auto read = read_metric(member, alarm); !read) return fail(std::move(read).error());
  return alarm;
}

void add_list(Form& form, const std::string& name, const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    form.emplace_back(name + ".member." + std::to_string(i + 1), values[i]);
}

void add_dimensions(Form& form, const Dimensions& dimensions) {
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    const auto member = "Dimensions.member." + std::to_string(i + 1);
    form.emplace_back(member + ".Name", dimensions[i].first);
    form.emplace_back(member + ".Value", dimensions[i].second);
  }
}

Form form_of(const MetricAlarm& alarm) {
  Form form{{"AlarmName", alarm.name}};
  if (!alarm.description.empty()) form.emplace_back("AlarmDescription", alarm.description);
  form.emplace_back("ActionsEnabled", alarm.actions_enabled ? "true" : "false");
  add_list(form, "OKActions", alarm.ok_actions);
  add_list(form, "AlarmActions", alarm.alarm_actions);
  add_list(form, "InsufficientDataActions", alarm.insufficient_data_actions);
  form.emplace_back("MetricName", alarm.metric.name);
  form.emplace_back("Namespace", alarm.metric.name_space);
  form.emplace_back("Statistic", alarm.statistic);
  add_dimensions(form, alarm.metric.dimensions);
  form.emplace_back("Period", std::to_string(alarm.period));
  form.emplace_back("EvaluationPeriods", std::to_string(alarm.evaluation_periods));
  if (alarm.datapoints_to_alarm != 0)
    form.emplace_back("DatapointsToAlarm", std::to_string(alarm.datapoints_to_alarm));
  form.emplace_back("Threshold", text_of(alarm.threshold));
  form.emplace_back("ComparisonOperator", alarm.comparison);
  if (!alarm.treat_missing_data.empty()) form.emplace_back("TreatMissingData", alarm.treat_missing_data);
  return form;
}

Result<bool> parse_nothing(std::string_view text) {
  const auto xml = Xml::parse(text, "PutMetricAlarmResponse");
  if (!xml) return fail(xml.error());
  return true;
}

class QueryCloudWatch final : public CloudWatch {
 public:
  QueryCloudWatch(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::optional<MetricAlarm>>> alarm(std::string name) override {
    Query query = query_for("DescribeAlarms", "DescribeAlarms " + printable(name, k_longest_name));
    query.form = {{"AlarmNames.member.1", name}, {"AlarmTypes.member.1", "MetricAlarm"}};
    auto asking = ask(session_, std::move(query), k_limits, k_total, parse_alarms);
    auto alarms = co_await std::move(asking);
    if (!alarms) co_return fail(std::move(alarms).error());
    const auto found = std::find_if(alarms->begin(), alarms->end(),
                                    [&](const MetricAlarm& each) { return each.name == name; });
    if (found == alarms->end()) co_return std::nullopt;
    co_return std::move(*found);
  }

  Awaitable<Status> put_metric_alarm(MetricAlarm alarm) override {
    Query query = query_for("PutMetricAlarm", "PutMetricAlarm " + printable(alarm.name, k_longest_name));
    query.form = form_of(alarm);
    auto asking = ask(session_, std::move(query), k_limits, k_total, parse_nothing);
    auto put = co_await std::move(asking);
    if (!put) co_return fail(std::move(put).error());
    co_return Status{};
  }

  Awaitable<Result<bool>> has_metric(Metric metric) override {
    const std::string what = "ListMetrics " + metric.name_space + " " + metric.name;
    const auto end = session_.clock.boot() + k_total;
    std::sort(metric.dimensions.begin(), metric.dimensions.end());
    PageRule rule(what, k_most_pages);
    for (std::string token;;) {
      const auto left = end - session_.clock.boot();
      if (left <= Millis{0})
        co_return fail(ErrorKind::timed_out, what, "not all pages came within 30 seconds");
      Query query = query_for("ListMetrics", what);
      query.form = {{"Namespace", metric.name_space}, {"MetricName", metric.name}};
      add_dimensions(query.form, metric.dimensions);
      if (!token.empty()) query.form.emplace_back("NextToken", token);
      auto asking = ask(session_, std::move(query), k_limits, left, parse_metrics);
      auto page = co_await std::move(asking);
      if (!page) co_return fail(std::move(page).error());
      // Metrics with further dimensions match the filter too: the same for each service, each linked account.
      for (auto& each : page->metrics) {
        std::sort(each.dimensions.begin(), each.dimensions.end());
        if (each == metric) co_return true;
      }
      const auto next = rule.after(page->next);
      if (!next) co_return fail(Error{next.error()});
      if (*next == NextPage::none) co_return false;
      token = std::move(page->next);
    }
  }

 private:
  [[nodiscard]] Query query_for(std::string action, std::string what) const {
    return {std::move(what), "monitoring", region_, "2010-08-01", std::move(action), {}};
  }

  Session& session_;
  std::string region_;
};

}  // namespace

Result<std::vector<MetricAlarm>> parse_alarms(std::string_view text) {
  const auto xml = Xml::parse(text, "DescribeAlarmsResponse");
  if (!xml) return fail(xml.error());
  const auto result = xml->root().child("DescribeAlarmsResult");
  if (!result) return odd("DescribeAlarmsResult", "missing");
  std::vector<MetricAlarm> alarms;
  for (const auto& member : result.child("MetricAlarms").children("member")) {
    if (alarms.size() >= k_most_alarms) return odd("MetricAlarms", "more than a page holds");
    auto alarm = alarm_from(member);
    if (!alarm) return fail(std::move(alarm).error());
    alarms.push_back(std::move(*alarm));
  }
  return alarms;
}

Result<MetricPage> parse_metrics(std::string_view text) {
  const auto xml = Xml::parse(text, "ListMetricsResponse");
  if (!xml) return fail(xml.error());
  const auto result = xml->root().child("ListMetricsResult");
  if (!result) return odd("ListMetricsResult", "missing");
  MetricPage page;
  for (const auto& member : result.child("Metrics").children("member")) {
    if (page.metrics.size() >= k_most_metrics) return odd("Metrics", "more than a page holds");
    Metric metric{child_text(member, "Namespace"), child_text(member, "MetricName"), {}};
    if (!is_ascii(metric.name_space, k_longest_name)) return odd("Namespace", metric.name_space);
    if (!is_ascii(metric.name, k_longest_name)) return odd("MetricName", metric.name);
    auto dimensions = dimensions_in(member);
    if (!dimensions) return fail(std::move(dimensions).error());
    metric.dimensions = std::move(*dimensions);
    page.metrics.push_back(std::move(metric));
  }
  page.next = child_text(result, "NextToken");
  return page;
}

std::unique_ptr<CloudWatch> make_cloudwatch(Session& session, std::string region) {
  return std::make_unique<QueryCloudWatch>(session, std::move(region));
}

}  // namespace curfew::aws
