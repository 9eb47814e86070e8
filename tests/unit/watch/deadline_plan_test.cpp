// What is done from outside to an instance's end, in which order, and what is refused.
#include "watch/deadline_plan.hpp"

#include <functional>

#include "base/text.hpp"
#include "layers/l3.hpp"
#include "unit/watch/deadline_fixture.hpp"
#include "unit/watch/hostile.hpp"

namespace curfew::watch {
namespace {

using namespace test;

std::string order(const DeadlinePlan& plan) {
  std::string text;
  for (const auto& change : plan.changes) {
    if (!text.empty()) text += ", ";
    if (change.kind == Change::Kind::make_schedule) text += "make " + format_utc(change.schedule.start);
    if (change.kind == Change::Kind::move_schedule) text += "move " + format_utc(change.schedule.start);
    for (const auto& [key, value] : change.tags)
      text += (text.ends_with(", ") || text.empty() ? "" : " ") + key + "=" + value;
  }
  return text;
}

std::string told(const DeadlinePlan& plan) {
  std::string text = plan.refused;
  for (const auto& line : plan.lines) text += "\n" + line;
  return text;
}

TEST(PlanGuard, GivesAScheduleThenTheTags) {
  const auto plan = plan_guard(bare(), guard_wish(), {}, k_now, "t-1");
  EXPECT_EQ(plan.refused, "");
  EXPECT_EQ(order(plan),
            "make 2026-11-26T18:05:00Z, curfew:job=train-7b curfew:deadline=2026-11-26T18:00:00Z "
            "curfew:then=stop curfew:schedule=armed");
  const auto& schedule = plan.changes.front().schedule;
  EXPECT_TRUE(schedule.stops);
  EXPECT_EQ(schedule.name, "curfew-i-0123456789abcdef0");
  EXPECT_EQ(schedule.role, k_scheduler);
  EXPECT_EQ(schedule.client_token, "t-1");
  EXPECT_NE(told(plan).find("its disks go on costing money: vol-1, vol-2"), std::string::npos) << told(plan);
  EXPECT_NE(told(plan).find("2026-11-26T18:05:00Z (in 4h5m)"), std::string::npos) << told(plan);
}

TEST(PlanGuard, EndsAsItIsToldAndAsItCan) {
  struct Case {
    const char* what;
    std::function<void(FoundInstance&, GuardWish&)> change;
    const char* then;
  };
  const Case cases[] = {
      {"on demand", [](auto&, auto&) {}, "stop"},
      {"spot", [](auto& it, auto&) { it.machine.lifecycle = Lifecycle::spot; }, "terminate"},
      {"by its tag", [](auto& it, auto&) { it.then = Action::terminate; }, "terminate"},
      {"--then over its tag",
       [](auto& it, auto& wish) { it.then = Action::terminate, wish.then = Action::stop; }, "stop"},
      {"--then", [](auto&, auto& wish) { wish.then = Action::terminate; }, "terminate"},
      {"protected, of termination only", [](auto& it, auto&) { it.machine.protected_from_end = true; },
       "stop"},
  };
  for (const auto& each : cases) {
    auto it = bare();
    auto wish = guard_wish();
    each.change(it, wish);
    const auto plan = plan_guard(it, wish, {}, k_now, "t");
    EXPECT_EQ(plan.refused, "") << each.what;
    ASSERT_EQ(plan.changes.size(), 2U) << each.what;
    EXPECT_EQ(plan.changes[1].tags[2].second, each.then) << each.what;
    EXPECT_EQ(plan.changes[0].schedule.stops, std::string(each.then) == "stop") << each.what;
  }
}

TEST(PlanGuard, RefusesWhatItWouldNotEnd) {
  struct Case {
    const char* says;
    std::function<void(FoundInstance&, GuardWish&, ScheduleSeen&)> change;
  };
  const Case cases[] = {
      {"it is stopped", [](auto& it, auto&, auto&) { it.machine.state = InstanceState::stopped; }},
      {"it is pending", [](auto& it, auto&, auto&) { it.machine.state = InstanceState::pending; }},
      {"managed by eks", [](auto& it, auto&, auto&) { it.machine.managed_by = "eks.amazonaws.com"; }},
      {"Auto Scaling group workers would replace it",
       [](auto& it, auto&, auto&) { it.machine.group = "workers"; }},
      {"persistent spot request sir-1 would launch another",
       [](auto& it, auto&, auto&) { it.persistent = true, it.spot_request = "sir-1"; }},
      {"guarded already, and to be gone by 2026-11-26T15:00:00Z",
       [](auto& it, auto&, auto&) { it.machine.deadline = Deadline{k_now + 1h}; }},
      {"can only be terminated",
       [](auto& it, auto& wish, auto&) {
         it.machine.lifecycle = Lifecycle::spot;
         wish.then = Action::stop;
       }},
      {"protected from termination",
       [](auto& it, auto& wish, auto&) {
         it.machine.protected_from_end = true;
         wish.then = Action::terminate;
       }},
      {"neither stop nor terminate",
       [](auto& it, auto&, auto&) { it.machine.ignored_tags = {"curfew:then"}; }},
      {"beyond its tag curfew:max-deadline=2026-11-26T16:00:00Z",
       [](auto& it, auto&, auto&) { it.max_deadline = Deadline{k_now + 2h}; }},
      {"max-deadline can't be read",
       [](auto& it, auto&, auto&) {
         it.max_deadline = Deadline{{}, "soon"};
       }},
      {"isn't known: denied",
       [](auto&, auto&, auto& seen) {
         seen = {ScheduleSeen::State::unknown, {}, "denied"};
       }},
      {"isn't as curfew makes them",
       [](auto& it, auto&, auto& seen) {
         seen = seen_at(it, k_now + 1h);
         seen.schedule.input = "{}";
       }},
      {"is of account 999999999999",
       [](auto&, auto& wish, auto&) { wish.scheduler_role = "arn:aws:iam::999999999999:role/x"; }},
      {"it has a schedule",
       [](auto& it, auto& wish, auto& seen) {
         wish.schedule = false;
         seen = seen_at(it, k_now + 1h);
       }},
  };
  for (const auto& each : cases) {
    auto it = bare();
    auto wish = guard_wish();
    ScheduleSeen seen;
    each.change(it, wish, seen);
    const auto plan = plan_guard(it, wish, seen, k_now, "t", "ops");
    EXPECT_NE(plan.refused.find(each.says), std::string::npos) << each.says << ": " << plan.refused;
    EXPECT_TRUE(plan.changes.empty()) << each.says;
  }
}

TEST(PlanGuard, AgainFinishesWhatWasBrokenOffOrIsOver) {
  // Its schedule is there, and no tag yet.
  auto it = bare();
  auto plan = plan_guard(it, guard_wish(), seen_at(it, k_now + 1h), k_now, "t");
  EXPECT_EQ(order(plan).substr(0, 25), "move 2026-11-26T18:05:00Z") << order(plan);
  // It was ended, and somebody has started it again: the schedule would stop it once more.
  it.machine.deadline = Deadline{k_now - 30min};
  it.machine.job = "nightly";
  it.then = Action::stop;
  plan = plan_guard(it, guard_wish(), seen_at(it, k_now - 30min, true), k_now, "t");
  EXPECT_EQ(plan.refused, "");
  EXPECT_EQ(order(plan).substr(0, 25), "move 2026-11-26T18:05:00Z") << order(plan);
  EXPECT_EQ(plan.changes[1].tags[0].second, "nightly") << "its job's name stays";
  EXPECT_NE(told(plan).find("which is past, is replaced"), std::string::npos) << told(plan);
}

TEST(PlanGuard, WithoutAScheduleSaysSo) {
  auto wish = guard_wish();
  wish.schedule = false;
  wish.scheduler_role.clear();
  const auto plan = plan_guard(bare(), wish, {}, k_now, "t");
  EXPECT_EQ(order(plan),
            "curfew:job=train-7b curfew:deadline=2026-11-26T18:00:00Z curfew:then=stop curfew:schedule=none");
  EXPECT_NE(told(plan).find("WITHOUT A SCHEDULE"), std::string::npos);
}

TEST(PlanGuard, SaysWhatIsNotKnown) {
  auto it = bare();
  it.machine.lifecycle = Lifecycle::spot;
  it.machine.keep = Keep{"demo"};
  const auto text = told(plan_guard(it, guard_wish(), {}, k_now, "t"));
  for (const char* says : {"protected from termination isn't known",
                           "persistent, and so launches another, isn't known", "curfew:keep holds"})
    EXPECT_NE(text.find(says), std::string::npos) << says << text;
}

TEST(PlanMove, LaterIsTheScheduleThenTheTagAndEarlierTheReverse) {
  struct Case {
    const char* what;
    MoveWish wish;
    const char* order;
  };
  const auto by = [](Seconds time) { return MoveWish{.by = time}; };
  const auto to = [](WallTime time) { return MoveWish{.to = time}; };
  const Case cases[] = {
      {"later", by(2h), "move 2026-11-26T19:05:00Z, curfew:deadline=2026-11-26T19:00:00Z"},
      {"earlier", by(-30min), "curfew:deadline=2026-11-26T16:30:00Z, move 2026-11-26T16:35:00Z"},
      {"later, to a time", to(k_now + 3h + 30s),
       "move 2026-11-26T17:06:00Z, curfew:deadline=2026-11-26T17:00:30Z"},
      {"earlier, to a time", to(k_now + 10min),
       "curfew:deadline=2026-11-26T14:10:00Z, move 2026-11-26T14:15:00Z"},
      {"where it is", to(k_now + 3h), ""},
  };
  for (const auto& each : cases) {
    const auto it = guarded();
    const auto plan = plan_move(it, each.wish, seen_at(it, k_now + 3h), k_now, "t");
    EXPECT_EQ(plan.refused, "") << each.what;
    EXPECT_EQ(order(plan), each.order) << each.what;
  }
}

TEST(PlanMove, KeepsTheRoleAndWhatTheScheduleDoes) {
  auto it = guarded();
  it.machine.then_stop = false;  // whatever the tag has become
  auto seen = seen_at(it, k_now + 3h, true);
  seen.schedule.role = "arn:aws:iam::111122223333:role/another";
  seen.schedule.enabled = false;
  const auto plan = plan_move(it, {.by = 1h}, seen, k_now, "t");
  ASSERT_EQ(plan.changes.size(), 2U);
  EXPECT_TRUE(plan.changes[0].schedule.stops);
  EXPECT_EQ(plan.changes[0].schedule.role, "arn:aws:iam::111122223333:role/another");
  EXPECT_EQ(plan.changes[0].before.start, seen.schedule.start);
  EXPECT_TRUE(plan.changes[0].before.stops);
  // One that was disabled is armed again, though nothing else is to be moved.
  EXPECT_EQ(plan_move(it, {.to = k_now + 3h}, seen, k_now, "t").changes.size(), 1U);
}

TEST(PlanMove, RefusesAndSaysWhatToDo) {
  struct Case {
    const char* says;
    std::function<void(FoundInstance&, MoveWish&, ScheduleSeen&)> change;
  };
  const Case cases[] = {
      {"it is stopped", [](auto& it, auto&, auto&) { it.machine.state = InstanceState::stopped; }},
      {"it has no deadline", [](auto& it, auto&, auto&) { it.machine.deadline.reset(); }},
      {"can't be read, 'soon'",
       [](auto& it, auto&, auto&) {
         it.machine.deadline = Deadline{{}, "soon"};
       }},
      {"beyond its tag curfew:max-deadline=2026-11-26T17:00:00Z",
       [](auto& it, auto&, auto&) { it.max_deadline = Deadline{k_now + 3h}; }},
      {"max-deadline can't be read",
       [](auto& it, auto&, auto&) {
         it.max_deadline = Deadline{{}, "x"};
       }},
      {"is past: `curfew stop i-0123456789abcdef0` ends it now",
       [](auto&, auto& wish, auto&) { wish.by = Seconds{-5h}; }},
      {"less than 2 minutes ahead", [](auto&, auto& wish, auto&) { wish.by = Seconds{-3h + 1min}; }},
      {"more than a year ahead", [](auto&, auto& wish, auto&) { wish = {.to = k_now + 24h * 367}; }},
      {"isn't known: denied",
       [](auto&, auto&, auto& seen) {
         seen = {ScheduleSeen::State::unknown, {}, "denied"};
       }},
      {"isn't as curfew makes them",
       [](auto&, auto&, auto& seen) { seen.schedule.expression = "rate(1 minute)"; }},
      {"is missing: --scheduler-role ARN makes it anew", [](auto&, auto&, auto& seen) { seen = {}; }},
      {"is of account 999999999999",
       [](auto&, auto& wish, auto& seen) {
         seen = {};
         wish.scheduler_role = "arn:aws:iam::999999999999:role/x";
       }},
  };
  for (const auto& each : cases) {
    auto it = guarded();
    auto seen = seen_at(it, k_now + 3h);
    MoveWish wish{.by = 2h};
    each.change(it, wish, seen);
    const auto plan = plan_move(it, wish, seen, k_now, "t");
    EXPECT_NE(plan.refused.find(each.says), std::string::npos) << each.says << ": " << plan.refused;
    EXPECT_TRUE(plan.changes.empty()) << each.says;
  }
  auto it = guarded();
  it.max_deadline = Deadline{{}, "x"};
  EXPECT_EQ(plan_move(it, {.by = -1h}, seen_at(it, k_now + 3h), k_now, "t").refused, "")
      << "earlier is always allowed";
}

TEST(PlanMove, MakesAMissingScheduleOrDoesWithout) {
  auto it = guarded();
  const MoveWish made{.by = 2h, .scheduler_role = k_scheduler};
  EXPECT_EQ(order(plan_move(it, made, {}, k_now, "t")),
            "make 2026-11-26T19:05:00Z, curfew:deadline=2026-11-26T19:00:00Z, curfew:schedule=armed");
  const MoveWish earlier{.by = -1h, .scheduler_role = k_scheduler};
  EXPECT_EQ(order(plan_move(it, earlier, {}, k_now, "t")),
            "curfew:deadline=2026-11-26T16:00:00Z, make 2026-11-26T16:05:00Z, curfew:schedule=armed");
  const MoveWish without{.by = 2h, .schedule = false};
  EXPECT_EQ(order(plan_move(it, without, {}, k_now, "t")), "curfew:deadline=2026-11-26T19:00:00Z");
  it.machine.schedule = ScheduleState::none;
  EXPECT_EQ(order(plan_move(it, {.by = 2h}, {}, k_now, "t")), "curfew:deadline=2026-11-26T19:00:00Z");
}

// ---- wherever it breaks off

// What would end it, after the first so many changes.
struct Held {
  std::optional<WallTime> schedule;  // what AWS calls from then on
  std::optional<WallTime> deadline;  // by which its guard is gone, having saved
  bool has_guard = false;

  void take(const Change& change) {
    if (change.kind != Change::Kind::set_tags) schedule = change.schedule.start;
    for (const auto& [key, value] : change.tags)
      if (key == "curfew:deadline") deadline = *parse_utc(value);
  }
  [[nodiscard]] WallTime gone() const {
    auto first = WallTime::max();
    if (schedule) first = std::min(first, *schedule);
    if (has_guard && deadline) first = std::min(first, *deadline);
    return first;
  }
};

TEST(CutPoints, EachPrefixOfAMoveEndsItByTheOldOrTheNewTimeAndNoGuardIsCutShort) {
  for (const bool has_guard : {true, false}) {
    for (const Seconds by : {Seconds{2h}, Seconds{-30min}, Seconds{1min}, Seconds{-1min}}) {
      const auto it = guarded();
      const WallTime old = *it.machine.deadline->at;
      const auto plan = plan_move(it, {.by = by}, seen_at(it, old), k_now, "t");
      ASSERT_EQ(plan.changes.size(), 2U);
      const auto bound = [&](WallTime end) { return has_guard ? end : layers::l3_start(end); };
      for (std::size_t cut = 0; cut <= plan.changes.size(); ++cut) {
        Held held{layers::l3_start(old), old, has_guard};
        for (std::size_t i = 0; i < cut; ++i) held.take(plan.changes[i]);
        EXPECT_TRUE(held.gone() == bound(old) || held.gone() == bound(old + by))
            << by.count() << " cut " << cut;
        // What goes by the tag has until the tag's time.
        EXPECT_GE(*held.schedule, *held.deadline) << by.count() << " cut " << cut;
        // The same command again comes to the end.
        auto again = it;
        again.machine.deadline = Deadline{*held.deadline};
        auto seen = seen_at(it, old);
        seen.schedule.start = *held.schedule;
        seen.schedule.end = *held.schedule + layers::k_l3_lasts;
        if (cut == plan.changes.size()) continue;  // it was told that it's done
        const auto rest = plan_move(again, {.by = by}, seen, k_now, "t2");
        EXPECT_EQ(rest.refused, "");
        for (const auto& change : rest.changes) held.take(change);
        EXPECT_EQ(held.deadline, old + by) << by.count() << " cut " << cut;
        EXPECT_EQ(held.schedule, layers::l3_start(old + by)) << by.count() << " cut " << cut;
      }
    }
  }
}

TEST(CutPoints, EachPrefixOfGuardingEndsItByThenOrHasChangedNothing) {
  const auto plan = plan_guard(bare(), guard_wish(), {}, k_now, "t");
  const WallTime by = layers::l3_start(k_now + 4h);
  Held held;
  EXPECT_EQ(held.gone(), WallTime::max()) << "nothing was changed";
  for (const auto& change : plan.changes) {
    held.take(change);
    EXPECT_EQ(held.gone(), by);
  }
}

TEST(DeadlineLines, AreFitToBeShown) {
  const auto check = [](const DeadlinePlan& plan) {
    for (const char c : told(plan))
      ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ') << told(plan);
  };
  for (const auto& name : hostile_names()) {
    auto it = guarded();
    it.machine.deadline = Deadline{{}, name};
    it.machine.name = it.machine.owner = it.machine.group = name;
    it.machine.job = name;
    check(plan_guard(it, guard_wish(), {}, k_now, "t"));
    check(plan_move(it, {.by = 1h}, {}, k_now, "t"));
    it.machine.group.clear();
    check(plan_guard(it, guard_wish(), {ScheduleSeen::State::unknown, {}, name}, k_now, "t"));
    check(plan_guard(it, guard_wish(), {}, k_now, "t"));
  }
}

}  // namespace
}  // namespace curfew::watch
