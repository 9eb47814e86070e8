// When a failed call is sent again: the SDKs' standard mode (the default since November 2026). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::aws {

inline constexpr int k_default_attempts = 3;

// What one attempt came to.
struct Failure {
  int status = 0;                 // HTTP; 0 where no reply came
  std::string code;               // AWS's own
  std::string retry_after;        // the header x-amz-retry-after, in ms; may be anything
  bool can_be_sent_again = true;  // false: a malformed request, an oversized reply, a TLS refusal
};

enum class Retryable { no, transient, throttled };
[[nodiscard]] Retryable retryable(const Failure& failure);

// Shared by all calls of a process, so that a service in trouble isn't asked three times as often.
class RetryQuota {
 public:
  // What was taken; nothing where too little is left.
  [[nodiscard]] std::optional<int> take(Retryable why);
  // After a success: what its last retry took, or 1.
  void give_back(int taken);
  [[nodiscard]] int left() const { return left_; }

 private:
  static constexpr int k_capacity = 500;
  int left_ = k_capacity;
};

// The pause before the next attempt; `attempt` counts from 1 and is the one that failed, `random` is in [0, 1).
[[nodiscard]] Millis retry_delay(const Failure& failure, int attempt, double random);

// AWS_MAX_ATTEMPTS; the default where it's unset, an error where it's no number from 1 to 100.
[[nodiscard]] Result<int> max_attempts_from(std::string_view text);

// The codes that a wrong clock of ours may give, among other causes.
[[nodiscard]] bool is_clock_skew(std::string_view code);
// "Tue, 24 Nov 2026 18:00:00 GMT", as in the Date header.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace curfew::aws
