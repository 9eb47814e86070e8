#include "watch/enforcement.hpp"

#include <set>

#include <gtest/gtest.h>

#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

// Past its deadline, with nothing that speaks against ending it.
Machine overdue() {
  auto made = machine();
  made.launched = k_now - 5h;
  made.deadline = Deadline{k_now - 1s};
  return made;
}

struct Case {
  const char* what;
  std::function<void(Machine&)> change;
  Enforcement enforcement;
};

TEST(Enforceable, OnlyWhatIsPastItsOwnDeadlineAndWasLaunchedUnderCurfew) {
  const Case cases[] = {
      {"overdue", [](Machine&) {}, Enforcement::end},
      {"at its deadline", [](Machine& m) { m.deadline = Deadline{k_now}; }, Enforcement::not_due},
      {"before it", [](Machine& m) { m.deadline = Deadline{k_now + 1h}; }, Enforcement::not_due},
      {"no deadline", [](Machine& m) { m.deadline.reset(); }, Enforcement::no_deadline},
      {"malformed",
       [](Machine& m) {
         m.deadline = Deadline{{}, "1999"};
       },
       Enforcement::malformed_deadline},
      {"no job", [](Machine& m) { m.job.reset(); }, Enforcement::no_job},
      {"an empty job tag is one", [](Machine& m) { m.job = ""; }, Enforcement::end},
      {"launched at its deadline", [](Machine& m) { m.launched = k_now - 1s; },
       Enforcement::launched_after_deadline},
      {"launched after it", [](Machine& m) { m.deadline = Deadline{k_now - 6h}; },
       Enforcement::launched_after_deadline},
      {"kept",
       [](Machine& m) {
         m.keep = Keep{"demo", {}, false};
       },
       Enforcement::kept},
      {"kept until tomorrow",
       [](Machine& m) {
         m.keep = Keep{"demo", k_now + 24h, false};
       },
       Enforcement::kept},
      {"kept until yesterday",
       [](Machine& m) {
         m.keep = Keep{"demo", k_now - 24h, false};
       },
       Enforcement::end},
      {"kept until nobody knows",
       [](Machine& m) {
         m.keep = Keep{"demo until x", {}, true};
       },
       Enforcement::kept},
      {"in a group", [](Machine& m) { m.group = "workers"; }, Enforcement::in_group},
      {"managed", [](Machine& m) { m.managed_by = "eks.amazonaws.com"; }, Enforcement::managed},
      {"protected", [](Machine& m) { m.protected_from_end = true; }, Enforcement::is_protected},
      {"not protected", [](Machine& m) { m.protected_from_end = false; }, Enforcement::end},
      {"then=stop", [](Machine& m) { m.then_stop = true; }, Enforcement::end},
      {"then=something", [](Machine& m) { m.ignored_tags = {"curfew:then"}; }, Enforcement::then_unclear},
      {"dear and old alone",
       [](Machine& m) {
         m.deadline.reset();
         run_for(m, 720h);
       },
       Enforcement::no_deadline},
  };
  for (const auto& each : cases) {
    auto made = overdue();
    each.change(made);
    EXPECT_EQ(enforceable(made, k_now), each.enforcement) << each.what;
  }
}

TEST(Enforceable, NothingThatDoesntRun) {
  for (const auto state : {InstanceState::pending, InstanceState::shutting_down, InstanceState::terminated,
                           InstanceState::stopping, InstanceState::stopped, InstanceState::unknown}) {
    auto made = overdue();
    made.state = state;
    EXPECT_EQ(enforceable(made, k_now), Enforcement::not_running) << name_of(state);
  }
}

TEST(StillEnforceable, WhateverChangedSinceSpeaksAgainstIt) {
  const Case cases[] = {
      {"nothing changed", [](Machine&) {}, Enforcement::end},
      {"a name changed", [](Machine& m) { m.name = "other"; }, Enforcement::end},
      {"later", [](Machine& m) { m.deadline = Deadline{k_now + 1h}; }, Enforcement::deadline_moved},
      {"later, but past still", [](Machine& m) { m.deadline = Deadline{k_now - 1ms}; },
       Enforcement::deadline_moved},
      {"earlier", [](Machine& m) { m.deadline = Deadline{k_now - 1h}; }, Enforcement::deadline_moved},
      {"malformed now",
       [](Machine& m) {
         m.deadline = Deadline{{}, "x"};
       },
       Enforcement::deadline_moved},
      {"taken off", [](Machine& m) { m.deadline.reset(); }, Enforcement::deadline_moved},
      {"started again", [](Machine& m) { m.launched = k_now - 1min; }, Enforcement::started_again},
      {"gone", [](Machine& m) { m.state = InstanceState::shutting_down; }, Enforcement::not_running},
      {"kept now",
       [](Machine& m) {
         m.keep = Keep{"wait", {}, false};
       },
       Enforcement::kept},
      {"its job taken off", [](Machine& m) { m.job.reset(); }, Enforcement::no_job},
      {"found to be protected", [](Machine& m) { m.protected_from_end = true; }, Enforcement::is_protected},
      {"to be stopped, and not known to be protected", [](Machine& m) { m.then_stop = true; },
       Enforcement::protection_unknown},
      {"to be stopped, and not protected",
       [](Machine& m) {
         m.then_stop = true;
         m.protected_from_end = false;
       },
       Enforcement::end},
      {"another id", [](Machine& m) { m.id = "i-0f"; }, Enforcement::became_another},
      {"another account", [](Machine& m) { m.account = "999999999999"; }, Enforcement::became_another},
      {"another region", [](Machine& m) { m.region = "eu-west-1"; }, Enforcement::became_another},
  };
  for (const auto& each : cases) {
    auto again = overdue();
    each.change(again);
    EXPECT_EQ(still_enforceable(overdue(), again, k_now), each.enforcement) << each.what;
  }
}

TEST(Enforcement, EachHasANameAndWordsAndWhatIsLeftAloneIsToldOnly) {
  std::set<std::string_view> names;
  std::set<std::string> words;
  std::size_t left_alone = 0;
  auto made = overdue();
  made.managed_by = "eks.amazonaws.com";
  made.group = "work\ners";
  made.keep = Keep{"demo", k_now + 24h, false};
  for (int i = 0; i <= static_cast<int>(Enforcement::became_another); ++i) {
    const auto enforcement = static_cast<Enforcement>(i);
    names.insert(name_of(enforcement));
    words.insert(describe(enforcement, made));
    left_alone += is_left_alone(enforcement) ? 1U : 0U;
    EXPECT_EQ(describe(enforcement, made).find('\n'), std::string::npos);
  }
  EXPECT_EQ(names.size(), 16U);
  EXPECT_EQ(words.size(), 16U);
  EXPECT_EQ(left_alone, 12U);
  EXPECT_EQ(describe(Enforcement::kept, made),
            "kept by its tag curfew:keep until 2026-11-27T14:00:00Z: demo");
  EXPECT_EQ(describe(Enforcement::in_group, made),
            "the Auto Scaling group 'work\\x0aers' would replace it: lower its capacity");
}

}  // namespace
}  // namespace curfew::watch
