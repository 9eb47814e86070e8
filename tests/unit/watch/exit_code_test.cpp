#include "watch/exit_code.hpp"

#include <gtest/gtest.h>

namespace curfew::watch {
namespace {

TEST(ExitCode, OfEachStyle) {
  struct Case {
    std::size_t critical;
    std::size_t warning;
    bool unread;
    int count;
    int nagios;
    int zero;
  };
  const Case cases[] = {
      {0, 0, false, 0, 0, 0},
      {0, 1, false, 1, 1, 0},
      {1, 0, false, 1, 2, 0},
      {3, 4, false, 7, 2, 0},
      {0, 100, false, 100, 1, 0},
      {0, 101, false, 100, 1, 0},
      {200, 100, false, 100, 2, 0},
      {0, 256, false, 100, 1, 0},
      {256, 256, false, 100, 2, 0},
      {0, 1ULL << 40, false, 100, 1, 0},
      // Whatever was found.
      {0, 0, true, 101, 3, 101},
      {0, 5, true, 101, 3, 101},
      {5, 0, true, 101, 2, 101},
      {256, 0, true, 101, 2, 101},
  };
  for (const auto& each : cases) {
    Totals totals;
    totals.critical = each.critical;
    totals.warning = each.warning;
    EXPECT_EQ(exit_code(ExitStyle::count, totals, each.unread), each.count)
        << each.critical << ' ' << each.warning;
    EXPECT_EQ(exit_code(ExitStyle::nagios, totals, each.unread), each.nagios)
        << each.critical << ' ' << each.warning;
    EXPECT_EQ(exit_code(ExitStyle::zero, totals, each.unread), each.zero)
        << each.critical << ' ' << each.warning;
  }
}

TEST(ExitCode, OfNothingRead) {
  EXPECT_EQ(exit_code_of_failure(ExitStyle::count, k_exit_no_credentials), 102);
  EXPECT_EQ(exit_code_of_failure(ExitStyle::zero, k_exit_bad_usage), 103);
  EXPECT_EQ(exit_code_of_failure(ExitStyle::nagios, k_exit_no_credentials), 3);
}

TEST(ExitStyle, IsReadByName) {
  EXPECT_EQ(parse_exit_style("count").value(), ExitStyle::count);
  EXPECT_EQ(parse_exit_style("nagios").value(), ExitStyle::nagios);
  EXPECT_EQ(parse_exit_style("zero").value(), ExitStyle::zero);
  for (const char* name : {"", "Count", "nagios ", "1"}) {
    const auto style = parse_exit_style(name);
    ASSERT_FALSE(style) << name;
    EXPECT_EQ(style.error().kind, ErrorKind::invalid_input);
  }
}

TEST(ExitCode, OfWhatCouldNotBeEndedIsToldInEachStyle) {
  Totals totals;
  totals.critical = 1;  // it still needs attention
  EXPECT_EQ(exit_code(ExitStyle::count, totals, false, true), 1);
  EXPECT_EQ(exit_code(ExitStyle::nagios, totals, false, true), 2);
  EXPECT_EQ(exit_code(ExitStyle::zero, totals, false, true), 101);
  EXPECT_EQ(exit_code(ExitStyle::zero, totals, false, false), 0);
}

}  // namespace
}  // namespace curfew::watch
