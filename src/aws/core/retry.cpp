// Standard retry mode (SDKs and Tools Reference Guide, "Retry behavior").
#include "aws/core/retry.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr int k_cost = 14;
constexpr int k_throttled_cost = 5;
constexpr int k_give_back = 1;
constexpr double k_base_ms = 50;
constexpr double k_throttled_base_ms = 1'000;
constexpr double k_longest_ms = 20'000;
constexpr double k_longest_extra_ms = 5'000;

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

Retryable retryable(const Failure& failure) {
  static constexpr std::array<std::string_view, 14> k_throttled{"Throttling",
                                                                "ThrottlingException",
                                                                "ThrottledException",
                                                                "RequestThrottledException",
                                                                "TooManyRequestsException",
                                                                "ProvisionedThroughputExceededException",
                                                                "TransactionInProgressException",
                                                                "RequestLimitExceeded",
                                                                "BandwidthLimitExceeded",
                                                                "LimitExceededException",
                                                                "RequestThrottled",
                                                                "SlowDown",
                                                                "PriorRequestNotComplete",
                                                                "EC2ThrottledException"};
  // InternalError and ServiceUnavailable count also where they come in a reply of status 200, as S3 sends them.
  static constexpr std::array<std::string_view, 6> k_transient{
      "RequestTimeout",  "RequestTimeoutException", "InternalError",
      "InternalFailure", "ServiceUnavailable",      "Unavailable"};
  if (!failure.can_be_sent_again) return Retryable::no;
  if (holds(k_throttled, failure.code) || failure.status == 429) return Retryable::throttled;
  if (holds(k_transient, failure.code)) return Retryable::transient;
  switch (failure.status) {
    case 0:
    case 500:
    case 502:
    case 503:
    case 504: return Retryable::transient;
    default: return Retryable::no;
  }
}

std::optional<int> RetryQuota::take(Retryable why) {
  const int cost = why == Retryable::throttled ? k_throttled_cost : k_cost;
  if (why == Retryable::no || left_ < cost) return {};
  left_ -= cost;
  return cost;
}

void RetryQuota::give_back(int taken) {
  left_ = std::min(k_capacity, left_ + (taken > 0 ? taken : k_give_back));
}

Millis retry_delay(const Failure& failure, int attempt, double random) {
  const double base = retryable(failure) == Retryable::throttled ? k_throttled_base_ms : k_base_ms;
  double delay = random * std::min(std::ldexp(base, std::clamp(attempt - 1, 0, 30)), k_longest_ms);
  if (const auto asked = parse_number(failure.retry_after))
    delay = std::max(delay, std::min(static_cast<double>(*asked), delay + k_longest_extra_ms));
  return Millis{static_cast<Millis::rep>(std::lround(delay))};
}

Result<int> max_attempts_from(std::string_view text) {
  if (text.empty()) return k_default_attempts;
  const auto number = parse_number(text);
  if (!number || *number < 1 || *number > 100)
    return fail(ErrorKind::invalid_input, "read AWS_MAX_ATTEMPTS", "it is no number from 1 to 100");
  return static_cast<int>(*number);
}

bool is_clock_skew(std::string_view code) {
  static constexpr std::array<std::string_view, 6> k_codes{
      "RequestTimeTooSkewed",      "RequestExpired",        "RequestInTheFuture",
      "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"};
  return holds(k_codes, code);
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> k_months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // "Tue, 24 Nov 2026 18:00:00 GMT": the only form that a server may send (RFC 9110, 5.6.7).
  if (text.size() != 29 || text.substr(25) != " GMT" || text.substr(3, 2) != ", ") return {};
  const auto number = [&](std::size_t at, std::size_t length) {
    const auto value = parse_number(text.substr(at, length));
    return value ? static_cast<int>(*value) : -1;
  };
  const auto month = std::find(k_months.begin(), k_months.end(), text.substr(8, 3)) - k_months.begin() + 1;
  const int hour = number(17, 2);
  const int minute = number(20, 2);
  const int second = number(23, 2);
  const std::chrono::year_month_day date{std::chrono::year{number(12, 4)},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(std::max(0, number(5, 2)))}};
  if (!date.ok() || number(12, 4) < 1970 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60)
    return {};
  return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         Seconds{second};
}

}  // namespace curfew::aws
