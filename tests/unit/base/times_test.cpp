#include "base/times.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace curfew {
namespace {

using namespace std::chrono_literals;

TEST(Duration, reads_what_people_write) {
  struct Case {
    const char* text;
    Seconds seconds;
  };
  for (const auto& [text, seconds] : {Case{"90s", 90s},
                                      {"5m", 5min},
                                      {"4h", 4h},
                                      {"1h30m", 90min},
                                      {"2d", 48h},
                                      {"1.5h", 90min},
                                      {"1d2h3m4s", 26h + 3min + 4s},
                                      {"0h30m", 30min},
                                      {".5h", 30min},
                                      {"0.5s", 1s},
                                      {"366d", 366h * 24},
                                      {"007s", 7s},
                                      {"100000s", 100000s}}) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().text();
    EXPECT_EQ(*parsed, seconds) << text;
  }
}

TEST(Duration, refuses_what_could_mean_two_things_or_nothing) {
  for (const char* text : {"",
                           "4",
                           "h",
                           "-4h",
                           "+4h",
                           "0s",
                           "0h0m",
                           "0.4s",
                           "4x",
                           "4h4h",
                           "30m1h",
                           "4 h",
                           " 4h",
                           "4h ",
                           "1e3s",
                           "nan",
                           "inf",
                           "0x10s",
                           "1..5h",
                           ".h",
                           "4H",
                           "4hours",
                           "367d",
                           "366d1s",
                           "99999999999999999999s",
                           "999999999999999999d",
                           "4h\n",
                           "4\xc3\xa9",
                           "١s",
                           "4h30"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_input) << text;
    EXPECT_FALSE(parsed.error().hint.empty()) << text;
  }
  EXPECT_FALSE(parse_duration(std::string_view{"4h\0", 3}));
  EXPECT_FALSE(parse_duration(std::string(100'000, '9') + "s"));
}

TEST(Duration, hours_are_a_number) {
  EXPECT_EQ(parse_hours("4").value(), 4h);
  EXPECT_EQ(parse_hours("0.5").value(), 30min);
  for (const char* text : {"", "4h", "-1", "0", "0.0001", "8785", "1e2", "1,5", "99999999999999999999"}) {
    const auto parsed = parse_hours(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().what, "hours '" + std::string(text) + "'");
    EXPECT_EQ(parsed.error().hint, "write it as 4 or 0.5; 8784 (a year) is the most");
  }
}

TEST(Duration, is_written_as_it_is_read) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(59s), "59s");
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(3601s), "1h1s");
  EXPECT_EQ(format_duration(90min), "1h30m");
  EXPECT_EQ(format_duration(48h), "48h");
  EXPECT_EQ(format_duration(-90s), "-1m30s");
  EXPECT_EQ(format_duration(Seconds::min()), "-2562047788015215h30m8s");
  EXPECT_EQ(format_duration(Seconds::max()), "2562047788015215h30m7s");
  for (Seconds duration = 1s; duration < 100'000s; duration += 997s)
    EXPECT_EQ(parse_duration(format_duration(duration)).value(), duration);
}

TEST(Utc, reads_a_time_with_a_zone) {
  struct Case {
    const char* text;
    const char* utc;
  };
  for (const auto& [text, utc] : {Case{"2026-11-24T18:00Z", "2026-11-24T18:00:00Z"},
                                  {"2026-11-24 18:00z", "2026-11-24T18:00:00Z"},
                                  {"2026-11-24t18:00:30+01:00", "2026-11-24T17:00:30Z"},
                                  {"2026-11-24T18:00:30.999Z", "2026-11-24T18:00:30Z"},
                                  {"2026-11-24T18:00-0930", "2026-11-25T03:30:00Z"},
                                  {"2026-11-24T00:15-00:30", "2026-11-24T00:45:00Z"},
                                  {"2028-02-29T00:00Z", "2028-02-29T00:00:00Z"},
                                  {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
                                  {"1970-01-01T00:00Z", "1970-01-01T00:00:00Z"},
                                  {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"}}) {
    const auto parsed = parse_utc(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(format_utc(*parsed), utc) << text;
  }
}

TEST(Utc, refuses_what_is_no_time_or_has_no_zone) {
  for (const char* text : {"",
                           "2026-11-24",
                           "2026-11-24T18:00",
                           "2026-11-24T18:00:00",
                           "18:00Z",
                           "2026-02-29T00:00Z",
                           "2026-13-01T00:00Z",
                           "2026-00-01T00:00Z",
                           "2026-11-31T00:00Z",
                           "2026-11-24T24:00Z",
                           "2026-11-24T18:60Z",
                           "2026-11-24T18:00:61Z",
                           "2026-11-24T18:00:00.Z",
                           "2026-11-24T18:00+24:00",
                           "2026-11-24T18:00+01:60",
                           "2026-11-24T18:00+1",
                           "1969-12-31T23:59Z",
                           "2026-11-24T18:00ZZ",
                           " 2026-11-24T18:00Z",
                           "2026-1-24T18:00Z",
                           "-026-11-24T18:00Z",
                           "2026-11-24T-1:00Z",
                           "2026-11-24T18:00 Z",
                           "now",
                           "99999-11-24T18:00Z",
                           "2026-11-24T18:00:0"}) {
    EXPECT_FALSE(parse_utc(text)) << text;
  }
}

TEST(Utc, is_written_for_rfc3339_and_for_systemd) {
  const auto time = parse_utc("2026-11-24T18:00:05Z").value();
  EXPECT_EQ(format_utc(time + 999ms), "2026-11-24T18:00:05Z");
  EXPECT_EQ(format_systemd(time), "2026-11-24 18:00:05 UTC");
  EXPECT_EQ(format_utc(WallTime{-1ms}), "1969-12-31T23:59:59Z");
}

}  // namespace
}  // namespace curfew
