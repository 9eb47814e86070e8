#include "aws/core/retry.hpp"

#include <gtest/gtest.h>

namespace curfew::aws {
namespace {

TEST(Retry, KnowsWhatMayComeRightByItself) {
  struct Case {
    int status;
    const char* code;
    Retryable expected;
  };
  const Case cases[] = {
      {0, "", Retryable::transient},
      {500, "", Retryable::transient},
      {500, "InternalError", Retryable::transient},
      {502, "", Retryable::transient},
      {503, "SlowDown", Retryable::throttled},
      {503, "", Retryable::transient},
      {504, "", Retryable::transient},
      {501, "NotImplemented", Retryable::no},
      {429, "", Retryable::throttled},
      {400, "RequestLimitExceeded", Retryable::throttled},
      {400, "EC2ThrottledException", Retryable::throttled},
      {400, "ThrottlingException", Retryable::throttled},
      {400, "RequestTimeout", Retryable::transient},
      {400, "PriorRequestNotComplete", Retryable::throttled},
      {200, "InternalError", Retryable::transient},
      {200, "SlowDown", Retryable::throttled},
      {400, "", Retryable::no},
      {403, "AccessDenied", Retryable::no},
      {404, "NoSuchKey", Retryable::no},
      {400, "InvalidInstanceID.NotFound", Retryable::no},
      {301, "PermanentRedirect", Retryable::no},
  };
  for (const auto& c : cases)
    EXPECT_EQ(retryable({c.status, c.code, "", true}), c.expected) << c.status << c.code;
  EXPECT_EQ(retryable({0, "", "", false}), Retryable::no);
}

TEST(Retry, WaitsLongerEachTimeUpToTwentySeconds) {
  const Failure transient{500, "", "", true};
  const Failure throttled{400, "Throttling", "", true};
  EXPECT_EQ(retry_delay(transient, 1, 0), Millis{0});
  EXPECT_EQ(retry_delay(transient, 1, 1), Millis{50});
  EXPECT_EQ(retry_delay(transient, 2, 1), Millis{100});
  EXPECT_EQ(retry_delay(transient, 3, 0.5), Millis{100});
  EXPECT_EQ(retry_delay(throttled, 1, 1), Millis{1'000});
  EXPECT_EQ(retry_delay(throttled, 3, 1), Millis{4'000});
  EXPECT_EQ(retry_delay(throttled, 100, 1), Millis{20'000});
}

TEST(Retry, HeedsWhatTheServiceAsksForWithinFiveSeconds) {
  EXPECT_EQ(retry_delay({500, "", "3000", true}, 1, 0), Millis{3'000});
  EXPECT_EQ(retry_delay({500, "", "30000", true}, 1, 1), Millis{5'050});
  EXPECT_EQ(retry_delay({500, "", "10", true}, 1, 1), Millis{50});
  for (const auto* odd : {"-1", "soon", "", "1.5", "99999999999999999999999"})
    EXPECT_EQ(retry_delay({500, "", odd, true}, 1, 1), Millis{50}) << odd;
}

TEST(Retry, QuotaRunsOutAndComesBack) {
  RetryQuota quota;
  int taken = 0;
  while (quota.take(Retryable::transient)) ++taken;
  EXPECT_EQ(taken, 35);                           // 500 / 14
  EXPECT_TRUE(quota.take(Retryable::throttled));  // 10 left, it costs 5
  EXPECT_FALSE(quota.take(Retryable::no));
  quota.give_back(14);
  EXPECT_TRUE(quota.take(Retryable::transient));
  for (int i = 0; i < 1000; ++i) quota.give_back(0);
  EXPECT_EQ(quota.left(), 500);
}

TEST(Retry, ReadsMaxAttempts) {
  EXPECT_EQ(max_attempts_from(""), 3);
  EXPECT_EQ(max_attempts_from("5"), 5);
  for (const auto* bad : {"0", "-1", "x", "101"}) EXPECT_FALSE(max_attempts_from(bad)) << bad;
}

TEST(Retry, ReadsHttpDates) {
  EXPECT_EQ(parse_http_date("Tue, 24 Nov 2026 18:00:05 GMT"), *parse_utc("2026-11-24T18:00:05Z"));
  for (const auto* bad :
       {"", "Tue, 24 Nov 2026 18:00:05", "Tue, 31 Feb 2026 18:00:05 GMT", "Tue, 24 Foo 2026 18:00:05 GMT",
        "Tue, 24 Nov 2026 25:00:05 GMT", "Tuesday, 24-Nov-26 18:00:05 GMT", "Tue, xx Nov 2026 18:00:05 GMT"})
    EXPECT_FALSE(parse_http_date(bad)) << bad;
}

}  // namespace
}  // namespace curfew::aws
