#include "pricing/amount.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace curfew::pricing {
namespace {

constexpr Micros k_most{std::numeric_limits<std::int64_t>::max()};

TEST(Amount, IsShownWithWhatIsKnownOfIt) {
  struct Case {
    Amount amount;
    Mark mark;
    const char* text;
    const char* hourly;
  };
  for (const auto& [amount, mark, text, hourly] : {
           Case{{}, Mark::exact, "$0.00", "$0.00"},
           Case{Amount::exact({1'006'000}), Mark::exact, "$1.01", "$1.006"},
           Case{Amount::at_least({5'000'000}), Mark::at_least, "at least $5.00", "at least $5.000"},
           Case{Amount::at_most({3'020'000}), Mark::at_most, "at most $3.02", "at most $3.020"},
           Case{{{2'000'000}, Micros{3'000'000}}, Mark::at_most, "at most $3.00", "at most $3.000"},
           Case{Amount::unknown(), Mark::unknown, "price unknown", "price unknown"},
       }) {
    EXPECT_EQ(amount.mark(), mark) << text;
    EXPECT_EQ(describe(amount), text);
    EXPECT_EQ(describe_hourly(amount), hourly);
  }
}

TEST(Amount, KeepsItsBoundsInSums) {
  const auto exact = Amount::exact({10});
  const auto least = Amount::at_least({20});
  const auto most = Amount::at_most({40});
  const auto unknown = Amount::unknown();
  struct Case {
    Amount a, b, sum;
  };
  for (const auto& [a, b, sum] : {
           Case{exact, exact, Amount::exact({20})},
           Case{exact, least, Amount::at_least({30})},
           Case{exact, most, {{10}, Micros{50}}},
           Case{exact, unknown, Amount::at_least({10})},
           Case{least, least, Amount::at_least({40})},
           // What is at most 40 may be nothing: no more than 20 is sure.
           Case{least, most, Amount::at_least({20})},
           Case{most, most, Amount::at_most({80})},
           Case{most, unknown, unknown},
           Case{unknown, unknown, unknown},
       }) {
    EXPECT_EQ(a + b, sum);
    EXPECT_EQ(b + a, sum);
  }
  EXPECT_EQ((exact + most).mark(), Mark::at_most);
  EXPECT_EQ((exact + most).shown(), Micros{50});
  EXPECT_EQ((exact + unknown).shown(), Micros{10});
}

TEST(Amount, StopsAtWhatMicrosCanHold) {
  const auto most = Amount::exact(k_most);
  EXPECT_EQ(most + Amount::exact({1}), most);
  EXPECT_EQ(most + most, most);
  EXPECT_EQ(most * 730, most);
  EXPECT_EQ(cost_of(most, Seconds{7'200}), most);
}

TEST(Amount, OfAnHourlyPriceKeepsItsBounds) {
  EXPECT_EQ(cost_of(Amount::exact({3'600}), Seconds{10}), Amount::exact({10}));
  EXPECT_EQ(cost_of(Amount::at_most({3'600}), Seconds{10}), Amount::at_most({10}));
  EXPECT_EQ(cost_of(Amount::at_least({3'600}), Seconds{10}), Amount::at_least({10}));
  EXPECT_EQ(cost_of(Amount::unknown(), Seconds{10}), Amount::unknown());
  EXPECT_EQ(Amount::at_least({7}) * 24, Amount::at_least({168}));
}

}  // namespace
}  // namespace curfew::pricing
