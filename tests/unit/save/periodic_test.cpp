// When periodic saves are due, and what is said of them.
#include "save/periodic.hpp"

#include <gtest/gtest.h>

namespace curfew::save {
namespace {

using namespace std::chrono_literals;

constexpr BootTime k_start{1h};
constexpr Millis k_every = 10min;

enum class Do { begin, good, fail, cut, look };

struct Step {
  Millis at;  // after the start
  Do what;
  std::optional<Alert::Kind> alert = {};
};

struct Case {
  const char* name;
  std::vector<Step> steps;
  std::optional<Millis> next;  // after the start, once all steps are done
  std::optional<Millis> good;  // the end of the last good save
};

TEST(Periodic, by_table) {
  using Kind = Alert::Kind;
  const std::vector<Case> cases{
      {"the first is due a period after the start", {}, 10min, {}},
      {"none is due while one runs", {{10min, Do::begin}}, {}, {}},
      {"the next is due a period after the end", {{10min, Do::begin}, {14min, Do::good}}, 24min, 14min},
      {"a failure waits no longer", {{10min, Do::begin}, {14min, Do::fail, Kind::failing}}, 24min, {}},
      {"a save that was cut says nothing", {{10min, Do::begin}, {11min, Do::cut}}, 21min, {}},
      {"a failure is said once, its end once",
       {{10min, Do::begin},
        {11min, Do::good},
        {21min, Do::begin},
        {22min, Do::fail, Kind::failing},
        {32min, Do::begin},
        {33min, Do::fail},
        {43min, Do::begin},
        {44min, Do::good, Kind::well},
        {54min, Do::begin},
        {55min, Do::good},
        {65min, Do::begin},
        {66min, Do::fail, Kind::failing}},
       76min,
       55min},
      {"nothing saved in three periods is said, though nothing failed",
       {{10min, Do::begin},
        {29min, Do::look},
        {30min, Do::look, Kind::stale},
        {31min, Do::look},
        {5h, Do::look},
        {6h, Do::good, Kind::well},
        {6h + 1min, Do::look}},
       6h + 10min,
       6h},
      {"failing and too old are two troubles with one end",
       {{10min, Do::begin},
        {11min, Do::fail, Kind::failing},
        {30min, Do::look, Kind::stale},
        {31min, Do::begin},
        {32min, Do::fail},
        {33min, Do::look},
        {42min, Do::begin},
        {43min, Do::good, Kind::well}},
       53min,
       43min},
      {"a cut save ends no trouble",
       {{10min, Do::begin},
        {11min, Do::fail, Kind::failing},
        {21min, Do::begin},
        {22min, Do::cut},
        {32min, Do::begin},
        {33min, Do::fail}},
       43min,
       {}},
      {"a save that always takes long isn't old for that",
       {{10min, Do::begin},
        {29min, Do::good},
        {39min, Do::begin},
        {59min + 30s, Do::look},
        {64min, Do::good},
        {74min, Do::begin},
        {118min, Do::look},
        {129min, Do::look, Kind::stale}},
       {},
       64min},
  };
  for (const auto& test : cases) {
    Periodic periodic(k_every, k_start);
    for (const auto& step : test.steps) {
      const BootTime now = k_start + step.at;
      std::optional<Alert> alert;
      switch (step.what) {
        case Do::begin: periodic.begin(now); break;
        case Do::good: alert = periodic.end(now, Outcome::good); break;
        case Do::fail: alert = periodic.end(now, Outcome::failed, "why"); break;
        case Do::cut: alert = periodic.end(now, Outcome::cut); break;
        case Do::look: alert = periodic.look(now); break;
      }
      const auto kind = alert ? std::optional(alert->kind) : std::nullopt;
      EXPECT_EQ(kind, step.alert) << test.name << " at " << step.at.count() / 1000 << " s";
    }
    const auto next = periodic.next();
    EXPECT_EQ(next ? std::optional(*next - k_start) : std::nullopt, test.next) << test.name;
    const auto age = periodic.age(k_start + 12h);
    EXPECT_EQ(age ? std::optional(12h - *age) : std::nullopt, test.good) << test.name;
  }
}

TEST(Periodic, is_due_from_its_time_on_and_never_twice) {
  Periodic periodic(k_every, k_start);
  EXPECT_FALSE(periodic.due(k_start));
  EXPECT_FALSE(periodic.due(k_start + k_every - 1ms));
  EXPECT_TRUE(periodic.due(k_start + k_every));
  EXPECT_TRUE(periodic.due(k_start + 5h));
  periodic.begin(k_start + 5h);
  EXPECT_FALSE(periodic.due(k_start + 6h));
  EXPECT_TRUE(periodic.running());
  static_cast<void>(periodic.end(k_start + 7h, Outcome::good));
  EXPECT_FALSE(periodic.due(k_start + 7h));
}

TEST(Periodic, says_what_is_wrong_since_when_and_why) {
  Periodic periodic(k_every, k_start);
  periodic.begin(k_start + 10min);
  EXPECT_EQ(periodic.end(k_start + 11min, Outcome::failed, "out/a: Access\nDenied")->text,
            "saving failed; nothing is saved yet: out/a: Access\\x0aDenied");
  EXPECT_EQ(periodic.look(k_start + 30min)->text,
            "nothing was saved in 30m, with --save-every 10m; the last one failed");
  EXPECT_TRUE(periodic.in_trouble());
  periodic.begin(k_start + 31min);
  EXPECT_EQ(periodic.end(k_start + 32min, Outcome::good)->text,
            "saving works again; it took 32m to the next good save");
  EXPECT_FALSE(periodic.in_trouble());
  EXPECT_EQ(periodic.failures(), 1U);
  EXPECT_EQ(periodic.stale_at(), k_start + 32min + 30min + 1min);
  periodic.begin(k_start + 42min);
  EXPECT_EQ(periodic.look(k_start + 63min)->text,
            "the last good save was 31m ago, with --save-every 10m; one has been running for 21m");
  EXPECT_FALSE(periodic.stale_at());
}

}  // namespace
}  // namespace curfew::save
