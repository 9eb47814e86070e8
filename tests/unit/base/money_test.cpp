#include "base/money.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace curfew {
namespace {

using namespace std::chrono_literals;

TEST(Money, cost_is_rounded_once_half_up) {
  EXPECT_EQ(cost_of({1'006'000}, 1h).count, 1'006'000);
  EXPECT_EQ(cost_of({1'006'000}, 90s).count, 25'150);
  EXPECT_EQ(cost_of({1}, 1799s).count, 0);
  EXPECT_EQ(cost_of({1}, 1800s).count, 1);
  EXPECT_EQ(cost_of({1'000'000}, 0s).count, 0);
  EXPECT_EQ(cost_of({1'000'000}, -1h).count, 0);
}

TEST(Money, a_year_of_the_dearest_rate_does_not_overflow) {
  const Micros billion = parse_dollars("1000000000").value();
  EXPECT_EQ(cost_of(billion, k_max_duration).count, billion.count * 24 * 366);
  constexpr Micros k_most{std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(cost_of(billion, 100 * k_max_duration), k_most);
  EXPECT_EQ(cost_of(k_most, Seconds::max()), k_most);
}

TEST(Money, reads_dollars) {
  struct Case {
    const char* text;
    std::int64_t micros;
  };
  for (const auto& [text, micros] : {Case{"5", 5'000'000},
                                     {"$5", 5'000'000},
                                     {"5.00", 5'000'000},
                                     {"1.006", 1'006'000},
                                     {"0.000001", 1},
                                     {"$0.5", 500'000},
                                     {"1000000000", 1'000'000'000'000'000}}) {
    const auto parsed = parse_dollars(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->count, micros) << text;
  }
}

TEST(Money, refuses_what_is_no_amount) {
  for (const char* text : {"",
                           "$",
                           "0",
                           "0.000000",
                           "-5",
                           "+5",
                           "5.",
                           ".5",
                           "5.0000001",
                           "1,006",
                           "5e3",
                           "$$5",
                           "5 ",
                           "5$",
                           "1000000001",
                           "99999999999999999999",
                           "1.99999999999999999999",
                           "1.2.3",
                           "NaN",
                           "٥"})
    EXPECT_FALSE(parse_dollars(text)) << text;
}

TEST(Money, an_error_shows_no_control_characters) {
  const auto parsed = parse_dollars("\x1b[2J5");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().text().find('\x1b'), std::string::npos);
}

TEST(Money, is_written_in_cents_or_as_small_as_it_is) {
  EXPECT_EQ(format_dollars({0}), "$0.00");
  EXPECT_EQ(format_dollars({1}), "$0.000001");
  EXPECT_EQ(format_dollars({1'300}), "$0.0013");
  EXPECT_EQ(format_dollars({9'999}), "$0.009999");
  EXPECT_EQ(format_dollars({10'000}), "$0.01");
  EXPECT_EQ(format_dollars({14'999}), "$0.01");
  EXPECT_EQ(format_dollars({15'000}), "$0.02");
  EXPECT_EQ(format_dollars({999'999}), "$1.00");
  EXPECT_EQ(format_dollars({72'430'000}), "$72.43");
  EXPECT_EQ(format_dollars({-72'430'000}), "-$72.43");
  EXPECT_EQ(format_dollars({-1}), "-$0.000001");
  EXPECT_EQ(format_dollars({std::numeric_limits<std::int64_t>::max()}), "$9223372036854.78");
  EXPECT_EQ(format_dollars({std::numeric_limits<std::int64_t>::min()}), "-$9223372036854.78");
}

TEST(FormatLimit, never_rounds_what_somebody_typed) {
  EXPECT_EQ(format_limit({5'000'000}), "$5.00");
  EXPECT_EQ(format_limit({25'000}), "$0.025");
  EXPECT_EQ(format_limit({12'345'678}), "$12.345678");
  EXPECT_EQ(format_limit({1'500'000}), "$1.50");
  EXPECT_EQ(format_limit({1}), "$0.000001");
  EXPECT_EQ(format_limit({-5'000'000}), "-$5.00");
}

}  // namespace
}  // namespace curfew
