#include "watch/assess.hpp"

#include <gtest/gtest.h>

#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

Machine made_by(const std::function<void(Machine&)>& change) {
  auto made = machine();
  change(made);
  return made;
}

struct Case {
  const char* what;
  std::function<void(Machine&)> change;
  Severity severity;
  std::vector<Cause> causes;
};

void expect(const std::vector<Case>& cases, const Thresholds& thresholds) {
  for (const auto& each : cases) {
    const auto assessment = assess(made_by(each.change), thresholds, k_now);
    EXPECT_EQ(assessment.severity, each.severity) << each.what;
    EXPECT_EQ(assessment.causes, each.causes) << each.what;
    EXPECT_EQ(assessment.needs_attention(), each.severity != Severity::ok) << each.what;
  }
}

TEST(Assess, ByTimeAndCost) {
  expect({{"an hour old", [](Machine&) {}, Severity::ok, {}},
          {"at --warn", [](Machine& m) { m.launched = k_now - 2h; }, Severity::ok, {}},
          {"past --warn",
           [](Machine& m) { m.launched = k_now - 2h - 1s; },
           Severity::warning,
           {Cause::past_warn}},
          {"a part of a second past", [](Machine& m) { m.launched = k_now - 2h - 1ms; }, Severity::ok, {}},
          {"at --crit", [](Machine& m) { m.launched = k_now - 6h; }, Severity::warning, {Cause::past_warn}},
          {"past --crit",
           [](Machine& m) { m.launched = k_now - 6h - 1s; },
           Severity::critical,
           {Cause::past_crit}},
          {"launched in the future", [](Machine& m) { m.launched = k_now + 24h; }, Severity::ok, {}},
          {"at --warn-cost",
           [](Machine& m) { m.cost.so_far = Micros{5'000'000 - 10'959 - 5'000}; },
           Severity::ok,
           {}},
          {"past it by volumes",
           [](Machine& m) { m.cost.so_far = Micros{5'000'000 - 10'959}; },
           Severity::warning,
           {Cause::past_warn_cost}},
          {"past --crit-cost",
           [](Machine& m) { m.cost.so_far = Micros{20'000'000}; },
           Severity::critical,
           {Cause::past_crit_cost}},
          {"both",
           [](Machine& m) { run_for(m, 72h); },
           Severity::critical,
           {Cause::past_crit, Cause::past_crit_cost}},
          {"price unknown",
           [](Machine& m) {
             m.cost = {};
             m.launched = k_now - 1h;
           },
           Severity::ok,
           {}},
          {"its volumes alone",
           [](Machine& m) {
             m.cost.so_far.reset();
             m.cost.ebs_so_far = Micros{30'000'000};
           },
           Severity::critical,
           {Cause::past_crit_cost}},
          {"at most",
           [](Machine& m) {
             m.cost.so_far = Micros{6'000'000};
             m.cost.at_most = m.cost.so_far_at_most = true;
           },
           Severity::warning,
           {Cause::past_warn_cost}}},
         usual_thresholds());
}

TEST(Assess, WithoutThresholdsOnlyWhatItsTagsSay) {
  expect({{"old and dear", [](Machine& m) { run_for(m, 1000h); }, Severity::ok, {}},
          {"past its deadline",
           [](Machine& m) { m.deadline = Deadline{k_now - 1s}; },
           Severity::critical,
           {Cause::past_deadline}}},
         {});
}

TEST(Assess, ByItsDeadlineAndSchedule) {
  expect(
      {{"at its deadline", [](Machine& m) { m.deadline = Deadline{k_now}; }, Severity::ok, {}},
       {"past it",
        [](Machine& m) { m.deadline = Deadline{k_now - 1ms}; },
        Severity::critical,
        {Cause::past_deadline}},
       {"malformed",
        [](Machine& m) {
          m.deadline = Deadline{{}, "soon"};
        },
        Severity::warning,
        {Cause::malformed_deadline}},
       {"a GPU without one", [](Machine& m) { m.deadline.reset(); }, Severity::warning, {Cause::unguarded}},
       {"a GPU of a type that's new",
        [](Machine& m) {
          m.deadline.reset();
          m.gpus = {true, std::nullopt};
        },
        Severity::warning,
        {Cause::unguarded}},
       {"no GPU",
        [](Machine& m) {
          m.deadline.reset();
          m.gpus = {};
        },
        Severity::ok,
        {}},
       {"without its schedule",
        [](Machine& m) { m.schedule = ScheduleState::missing; },
        Severity::warning,
        {Cause::no_schedule}},
       {"none, on purpose", [](Machine& m) { m.schedule = ScheduleState::none; }, Severity::ok, {}},
       {"no permission to look", [](Machine& m) { m.schedule = ScheduleState::refused; }, Severity::ok, {}},
       {"could not be asked", [](Machine& m) { m.schedule = ScheduleState::failed; }, Severity::ok, {}},
       {"not asked", [](Machine& m) { m.schedule = ScheduleState::not_asked; }, Severity::ok, {}},
       {"missing, but there's no deadline for it",
        [](Machine& m) {
          m.schedule = ScheduleState::missing;
          m.deadline.reset();
          m.gpus = {};
        },
        Severity::ok,
        {}},
       {"worst first",
        [](Machine& m) {
          run_for(m, 72h);
          m.deadline = Deadline{k_now - 1h};
          m.schedule = ScheduleState::missing;
        },
        Severity::critical,
        {Cause::past_deadline, Cause::past_crit, Cause::past_crit_cost, Cause::no_schedule}}},
      usual_thresholds());
}

TEST(Assess, ItsOwnThresholdsComeFirst) {
  expect({{"later",
           [](Machine& m) {
             m.launched = k_now - 5h;
             m.overrides.warn = 6h;
           },
           Severity::ok,
           {}},
          {"the other stays",
           [](Machine& m) {
             m.launched = k_now - 7h;
             m.overrides.warn = 10h;
           },
           Severity::critical,
           {Cause::past_crit}},
          {"earlier", [](Machine& m) { m.overrides.crit = 30min; }, Severity::critical, {Cause::past_crit}},
          {"dearer",
           [](Machine& m) {
             m.cost.so_far = Micros{90'000'000};
             m.overrides.crit_cost = Micros{100'000'000};
             m.overrides.warn_cost = Micros{100'000'000};
           },
           Severity::ok,
           {}},
          {"cheaper",
           [](Machine& m) { m.overrides.warn_cost = Micros{1'000'000}; },
           Severity::warning,
           {Cause::past_warn_cost}}},
         usual_thresholds());
}

TEST(Assess, OnlyWhatRuns) {
  for (const auto state : {InstanceState::pending, InstanceState::shutting_down, InstanceState::terminated,
                           InstanceState::stopping, InstanceState::stopped, InstanceState::unknown}) {
    auto made = machine();
    run_for(made, 720h);
    made.deadline = Deadline{k_now - 1h};
    made.state = state;
    EXPECT_EQ(assess(made, usual_thresholds(), k_now).severity, Severity::ok) << name_of(state);
  }
}

TEST(Assess, KeptIsNotAlarmedAboutUntilItsDate) {
  struct Kept {
    const char* what;
    Keep keep;
    bool holds;
  };
  const Kept cases[] = {{"for ever", {"demo", {}, false}, true},
                        {"until tomorrow", {"demo", k_now + 24h, false}, true},
                        {"until just now", {"demo", k_now, false}, false},
                        {"until yesterday", {"demo", k_now - 24h, false}, false},
                        {"nobody knows until when", {"demo until then", {}, true}, false}};
  for (const auto& each : cases) {
    auto made = machine();
    run_for(made, 720h);
    made.deadline = Deadline{k_now - 1h};
    made.keep = each.keep;
    const auto assessment = assess(made, usual_thresholds(), k_now);
    EXPECT_EQ(assessment.kept, each.holds) << each.what;
    EXPECT_EQ(assessment.severity, each.holds ? Severity::ok : Severity::critical) << each.what;
    EXPECT_EQ(assessment.causes.empty(), each.holds) << each.what;
  }
  auto made = machine();
  made.keep = Keep{"demo until then", {}, true};
  EXPECT_EQ(assess(made, usual_thresholds(), k_now).causes, std::vector{Cause::malformed_keep});
}

TEST(Describe, SaysWhyInWords) {
  auto made = machine();
  run_for(made, 72h);
  made.deadline = Deadline{k_now - 90min};
  made.schedule = ScheduleState::missing;
  made.overrides.crit_cost = Micros{50'000'000};
  EXPECT_EQ(
      describe(assess(made, usual_thresholds(), k_now), made, usual_thresholds(), k_now),
      "past its deadline 2026-11-26T12:30:00Z for 1h30m; running for 72h, more than 6h (--crit); has cost "
      "$73.58, more than $50.00 (its tag curfew:crit-cost); no schedule curfew-i-0123456789abcdef0 ends it "
      "at "
      "its deadline (the tag curfew:schedule=none, where that is meant)");

  made = machine();
  made.launched = k_now - 3h;
  made.cost.so_far = Micros{6'000'000};
  made.cost.at_most = made.cost.so_far_at_most = true;
  made.deadline = Deadline{{}, "so\033on"};
  made.keep = Keep{"x until y", {}, true};
  EXPECT_EQ(
      describe(assess(made, usual_thresholds(), k_now), made, usual_thresholds(), k_now),
      "running for 3h, more than 2h (--warn); has cost at most $6.02, more than $5.00 (--warn-cost); its tag "
      "curfew:deadline is no time with a zone: 'so\\x1bon'; its tag curfew:keep has no date after \"until\": "
      "'x "
      "until y'");

  made = machine();
  made.deadline.reset();
  EXPECT_EQ(describe(Cause::unguarded, made, {}, k_now), "unguarded: 1 GPU and no deadline");
  made.gpus = {true, 8U};
  EXPECT_EQ(describe(Cause::unguarded, made, {}, k_now), "unguarded: 8 GPUs and no deadline");
  made.gpus = {true, std::nullopt};
  EXPECT_EQ(describe(Cause::unguarded, made, {}, k_now), "unguarded: a GPU type and no deadline");
  made.cost = {};
  made.cost.ebs_so_far = Micros{6'000'000};
  EXPECT_EQ(describe(Cause::past_warn_cost, made, usual_thresholds(), k_now),
            "has cost at least $6.00, more than $5.00 (--warn-cost)");
}

TEST(Cause, EachHasANameAndASeverity) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Cause::malformed_keep); ++i) {
    const auto cause = static_cast<Cause>(i);
    names.insert(name_of(cause));
    EXPECT_EQ(severity_of(cause), i < 3 ? Severity::critical : Severity::warning) << name_of(cause);
  }
  EXPECT_EQ(names.size(), 9U);
}

}  // namespace
}  // namespace curfew::watch
