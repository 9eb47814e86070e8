#include "watch/tags.hpp"

#include <gtest/gtest.h>

#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

WallTime at(const char* text) { return parse_utc(text).value(); }

TEST(Keep, IsReadByItsGrammar) {
  struct Case {
    const char* value;
    std::optional<Keep> keep;
  };
  const Case cases[] = {
      {"demo", Keep{"demo", {}, false}},
      {"", Keep{"", {}, false}},
      {"  two words ", Keep{"two words", {}, false}},
      {"demo until 2026-12-01", Keep{"demo", at("2026-12-02T00:00Z"), false}},
      {"demo until 2026-12-01T18:00Z", Keep{"demo", at("2026-12-01T18:00Z"), false}},
      {"demo until 2026-12-01 18:00+01:00", Keep{"demo", at("2026-12-01T17:00Z"), false}},
      {"until 2026-12-31", Keep{"", at("2027-01-01T00:00Z"), false}},
      {"demo UNTIL 2026-12-01", Keep{"demo", at("2026-12-02T00:00Z"), false}},
      {"kept until then until 2026-12-01", Keep{"kept until then", at("2026-12-02T00:00Z"), false}},
      {"untilted screens", Keep{"untilted screens", {}, false}},
      {"it runs, in until-mode", Keep{"it runs, in until-mode", {}, false}},
      // Kept for ever because of a slip is what must not happen.
      {"demo until", Keep{"demo until", {}, true}},
      {"demo until next week", Keep{"demo until next week", {}, true}},
      {"demo until 2026-13-01", Keep{"demo until 2026-13-01", {}, true}},
      {"demo until 2026-12-01 or so", Keep{"demo until 2026-12-01 or so", {}, true}},
      {"demo until 2026-12-01T18:00", Keep{"demo until 2026-12-01T18:00", {}, true}},
      {"demo until 01.12.2026", Keep{"demo until 01.12.2026", {}, true}},
      {"no", {}},
      {"False", {}},
      {"off", {}},
      {"0", {}},
      {"no way", Keep{"no way", {}, false}},
  };
  for (const auto& each : cases) {
    const auto keep = parse_keep(each.value);
    ASSERT_EQ(keep.has_value(), each.keep.has_value()) << each.value;
    if (!keep) continue;
    EXPECT_EQ(keep->reason, each.keep->reason) << each.value;
    EXPECT_EQ(keep->until, each.keep->until) << each.value;
    EXPECT_EQ(keep->malformed, each.keep->malformed) << each.value;
  }
}

TEST(TakeTags, FillsInWhatTheySay) {
  Machine made;
  take_tags(made, tags_of({{"Name", "train-7b"},
                           {"owner", "vision"},
                           {"aws:createdBy", "IAMUser:AIDA:alice"},
                           {"aws:autoscaling:groupName", "workers"},
                           {"curfew:job", ""},
                           {"curfew:deadline", " 2026-11-26T18:00Z "},
                           {"curfew:then", "stop"},
                           {"curfew:schedule", "none"},
                           {"curfew:keep", "demo"},
                           {"curfew:warn", "12h"},
                           {"curfew:crit", "2d"},
                           {"curfew:warn-cost", "$50"},
                           {"curfew:crit-cost", "100.50"}}));
  EXPECT_EQ(made.name, "train-7b");
  EXPECT_EQ(made.owner, "vision");
  EXPECT_EQ(made.launched_by, "IAMUser:AIDA:alice");
  EXPECT_EQ(made.group, "workers");
  EXPECT_EQ(made.job, "");
  EXPECT_EQ(made.deadline.value().at, at("2026-11-26T18:00Z"));
  EXPECT_TRUE(made.then_stop);
  EXPECT_EQ(made.schedule, ScheduleState::none);
  EXPECT_EQ(made.keep.value().reason, "demo");
  EXPECT_EQ(made.overrides.warn, Seconds{12h});
  EXPECT_EQ(made.overrides.crit, Seconds{48h});
  EXPECT_EQ(made.overrides.warn_cost, Micros{50'000'000});
  EXPECT_EQ(made.overrides.crit_cost, Micros{100'500'000});
  EXPECT_TRUE(made.ignored_tags.empty());
}

TEST(TakeTags, OfNoneLeavesAllUnsaid) {
  Machine made;
  take_tags(made, tags_of({}));
  EXPECT_EQ(made.name, "");
  EXPECT_FALSE(made.job);
  EXPECT_FALSE(made.deadline);
  EXPECT_FALSE(made.keep);
  EXPECT_FALSE(made.then_stop);
  EXPECT_EQ(made.schedule, ScheduleState::not_asked);
}

TEST(TakeTags, CurfewsOwnOwnerComesFirstAndEmptyOnesDontCount) {
  Machine made;
  take_tags(made, tags_of({{"curfew:owner", " "}, {"owner", "a"}, {"Owner", "b"}}));
  EXPECT_EQ(made.owner, "a");
  take_tags(made, tags_of({{"curfew:owner", "c"}, {"owner", "a"}}));
  EXPECT_EQ(made.owner, "c");
}

TEST(TakeTags, WhatCantBeUnderstoodIsKeptApart) {
  for (const char* deadline : {"", "tomorrow", "2026-11-26T18:00", "2026-11-26", "1764180000"}) {
    Machine made;
    take_tags(made, tags_of({{"curfew:deadline", deadline}}));
    ASSERT_TRUE(made.deadline) << deadline;
    EXPECT_FALSE(made.deadline->at) << deadline;
    EXPECT_EQ(made.deadline->raw, deadline);
  }
  Machine made;
  take_tags(made, tags_of({{"curfew:warn", "12"}, {"curfew:crit", "never"}, {"curfew:crit-cost", "-5"}}));
  EXPECT_EQ(made.ignored_tags, (std::vector<std::string>{"curfew:warn", "curfew:crit", "curfew:crit-cost"}));
  EXPECT_FALSE(made.overrides.warn);
}

TEST(TakeTags, ThenIsReadWhateverItsCaseAndSpaces) {
  for (const auto& [value, stops, unclear] : {std::tuple{"stop", true, false},
                                              {"Stop", true, false},
                                              {" stop ", true, false},
                                              {"terminate", false, false},
                                              {"TERMINATE ", false, false},
                                              {"halt", false, true},
                                              {"", false, true},
                                              {"stop it", false, true}}) {
    Machine made;
    take_tags(made, tags_of({{"curfew:then", value}}));
    EXPECT_EQ(made.then_stop, stops) << value;
    EXPECT_EQ(is_then_unclear(made), unclear) << value;
  }
  EXPECT_FALSE(is_then_unclear(machine()));
}

TEST(WantsSchedule, OnlyWhatRunsWithADeadlineAndDidntSayNone) {
  auto made = machine();
  EXPECT_TRUE(wants_schedule(made));
  made.schedule = ScheduleState::none;
  EXPECT_FALSE(wants_schedule(made));
  made = machine();
  made.state = InstanceState::stopped;
  EXPECT_FALSE(wants_schedule(made));
  made = machine();
  made.deadline = Deadline{{}, "soon"};
  EXPECT_FALSE(wants_schedule(made));
  made.deadline.reset();
  EXPECT_FALSE(wants_schedule(made));
}

}  // namespace
}  // namespace curfew::watch
