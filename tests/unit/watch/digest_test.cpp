#include "watch/digest.hpp"

#include <gtest/gtest.h>

#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

constexpr Seconds k_again = 24h;

Machine forgotten(const std::string& id, Seconds duration = 72h) {
  auto made = machine(id);
  run_for(made, duration);
  made.deadline.reset();
  made.gpus = {false, 0U};
  made.name = "train-" + id;
  return made;
}

Digest digest(const Report& report, const Told* before = nullptr) {
  return digest_of(report, {}, before, k_again);
}
std::string text_of(const Digest& made) { return made.message ? made.message->text : "(none)"; }
bool says(const Digest& made, const std::string& words) {
  return text_of(made).find(words) != std::string::npos;
}
Report later(Report report, Seconds by) {
  report.at += by;
  for (auto& each : report.machines) each.launched += by;  // as long, so that nothing changes by itself
  return report;
}

TEST(Digest, tells_what_needs_attention_worst_first) {
  auto fine = machine("i-fine");
  const auto made = digest(report_of({fine, forgotten("i-two", 3h), forgotten("i-old")}));
  EXPECT_EQ(text_of(made),
            "curfew check: 1 CRITICAL, 1 WARNING, 3 instances for $3.066 an hour\n"
            "Account 111122223333, 2 regions read (eu-west-1, us-east-1), 2026-11-26T14:00:00Z\n"
            "CRITICAL i-old (train-i-old, g5.xlarge, us-east-1) 72h, cost $73.58: running for 72h, more than "
            "6h (--crit); has cost $73.58, more than $20.00 (--crit-cost)\n"
            "WARNING i-two (train-i-two, g5.xlarge, us-east-1) 3h, cost $3.07: running for 3h, more than 2h "
            "(--warn)");
  EXPECT_EQ(made.message->subject, "curfew check: 1 CRITICAL, 1 WARNING, 3 instances for $3.066 an hour");
}

TEST(Digest, is_none_where_there_is_nothing_to_tell) {
  EXPECT_FALSE(digest(report_of({machine()})).message);
  EXPECT_FALSE(digest(empty_report()).message);
  const Told nothing;
  EXPECT_FALSE(digest(report_of({machine()}), &nothing).message);
}

TEST(Digest, does_not_repeat_what_has_not_changed) {
  const Told nothing;
  const auto report = report_of({forgotten("i-old"), forgotten("i-new", 3h)});
  const auto first = digest(report, &nothing);
  ASSERT_TRUE(first.message);
  EXPECT_TRUE(says(first, "NEW CRITICAL i-old"));
  const auto second = digest(later(report, 1h), &first.told);
  EXPECT_FALSE(second.message) << text_of(second);
  EXPECT_EQ(second.told, first.told);
  // The costs grow meanwhile, which is no news.
  auto dearer = later(report, 1h);
  for (auto& each : dearer.machines) each.cost.so_far = Micros{80'000'000};
  dearer.machines[1].cost.so_far = Micros{3'100'000};
  EXPECT_FALSE(digest(dearer, &first.told).message);
}

TEST(Digest, tells_what_is_new_worse_or_of_another_reason) {
  const auto first =
      digest(report_of({forgotten("i-a", 3h), forgotten("i-b", 3h), forgotten("i-c")}), nullptr);
  auto worse = forgotten("i-a", 7h);
  auto other = forgotten("i-b", 3h);
  other.deadline = Deadline{{}, "soon"};
  const auto now = digest(report_of({worse, other, forgotten("i-c"), forgotten("i-d", 3h)}), &first.told);
  EXPECT_TRUE(says(now, "\nWORSE CRITICAL i-a ")) << text_of(now);
  EXPECT_TRUE(says(now, "\nCHANGED WARNING i-b "));
  EXPECT_TRUE(says(now, "\nNEW WARNING i-d "));
  EXPECT_FALSE(says(now, "i-c"));
  EXPECT_TRUE(says(now, "1 other needs attention as told before"));
  // Less bad for the same reasons can't be; for fewer it's another reason.
  const auto better =
      digest(report_of({forgotten("i-a", 3h), other, forgotten("i-c"), forgotten("i-d", 3h)}), &now.told);
  EXPECT_TRUE(says(better, "CHANGED WARNING i-a ")) << text_of(better);
}

TEST(Digest, reminds_of_all_at_once) {
  const Told nothing;
  const auto old = report_of({forgotten("i-old")});
  const auto first = digest(old, &nothing);
  const auto both = report_of({forgotten("i-old"), forgotten("i-new")});
  const auto second = digest(later(both, 10h), &first.told);
  EXPECT_FALSE(says(second, "i-old"));
  EXPECT_FALSE(digest(later(both, 23h), &second.told).message);
  const auto reminder = digest(later(both, 24h), &second.told);
  EXPECT_TRUE(says(reminder, "STILL CRITICAL i-old") && says(reminder, "STILL CRITICAL i-new"))
      << text_of(reminder);
  EXPECT_FALSE(digest(later(both, 47h), &reminder.told).message);
  // A clock that was set back doesn't silence it.
  EXPECT_TRUE(digest(later(both, -1h), &reminder.told).message);
}

TEST(Digest, says_that_all_is_clear_once) {
  const auto first = digest(report_of({forgotten("i-old")}));
  const auto clear = digest(empty_report(), &first.told);
  ASSERT_TRUE(clear.message);
  EXPECT_TRUE(clear.message->text.starts_with("curfew check: all clear, nothing needs attention"))
      << text_of(clear);
  EXPECT_TRUE(says(clear, "\nGONE: i-old (train-i-old, us-east-1)"));
  EXPECT_TRUE(clear.told.instances.empty());
  EXPECT_FALSE(digest(empty_report(), &clear.told).message);
  auto kept = forgotten("i-old");
  kept.keep = Keep{"demo", {}, false};
  EXPECT_TRUE(says(digest(report_of({kept}), &first.told), "NO LONGER NEEDS ATTENTION: i-old"));
}

TEST(Digest, takes_nothing_for_gone_that_was_not_read) {
  const auto first = digest(report_of({forgotten("i-old")}));
  for (const auto outcome :
       {RegionReading::Outcome::failed, RegionReading::Outcome::ignored, RegionReading::Outcome::denied}) {
    auto report = empty_report();
    report.regions[0].outcome = outcome;
    const auto now = digest(report, &first.told);
    EXPECT_FALSE(says(now, "GONE")) << text_of(now);
    EXPECT_EQ(now.told.instances.size(), 1U);
  }
  auto elsewhere = empty_report();
  elsewhere.regions = {{"111122223333", "eu-west-1"}};
  EXPECT_FALSE(digest(elsewhere, &first.told).message);
  // But not for ever.
  EXPECT_TRUE(digest(later(elsewhere, 31 * 24h), &first.told).told.instances.empty());
}

TEST(Digest, tells_what_could_not_be_read_and_that_it_can_again) {
  auto report = empty_report();
  report.regions[1].outcome = RegionReading::Outcome::failed;
  report.regions[1].error = "not authorized, request 1234";
  report.notes.push_back({"the schedules in us-east-1 could not be read: timed out", true});
  report.notes.push_back({"no permission for pricing:GetProducts", false});
  const Told nothing;
  const auto first = digest(report, &nothing);
  EXPECT_TRUE(says(first, "curfew check: nothing needs attention in what was read, NOT ALL COULD BE READ"));
  EXPECT_TRUE(says(first, "\nNOT READ: eu-west-1 of 111122223333: not authorized, request 1234"))
      << text_of(first);
  EXPECT_TRUE(says(first, "\nNOT READ: the schedules in us-east-1 could not be read: timed out"));
  EXPECT_FALSE(says(first, "pricing"));
  report.regions[1].error = "not authorized, request 5678";
  EXPECT_FALSE(digest(report, &first.told).message) << "the same with another number";
  EXPECT_TRUE(digest(later(report, 24h), &first.told).message);
  const auto mended = digest(empty_report(), &first.told);
  EXPECT_TRUE(says(mended, "all clear") && says(mended, "NO LONGER UNREAD: eu-west-1 of 111122223333"))
      << text_of(mended);
}

TEST(Digest, tells_that_nothing_could_be_read_at_all) {
  Report report;
  report.at = k_now;
  report.notes.push_back({"find AWS credentials: the token has expired", true});
  const auto first = digest(report_of({forgotten("i-old")}));
  const auto made = digest(report, &first.told);
  EXPECT_TRUE(text_of(made).starts_with("curfew check: NOTHING COULD BE READ\n")) << text_of(made);
  EXPECT_EQ(made.told.instances.size(), 1U);
  EXPECT_FALSE(digest(report, &made.told).message);
}

Act act_on(const std::string& id, bool done, const std::string& outcome) {
  Act act;
  act.at = k_now;
  act.account = "111122223333";
  act.instance = id;
  act.region = "us-east-1";
  act.name = "train";
  act.why = "past its deadline";
  act.done = done;
  act.outcome = outcome;
  return act;
}
Digest with_acts(const std::vector<Act>& acts, const Told* before, Report report = empty_report()) {
  report.enforced = Enforced{Enforced::Mode::on, {}, acts, {}};
  return digest_of(report, acts, before, k_again);
}
const std::string k_refused =
    "TerminateInstances i-not in us-east-1: UnauthorizedOperation: You are not authorized. Encoded: ";

TEST(Digest, always_tells_what_was_done) {
  const Told nothing;
  auto failed = act_on("i-not", false, "UnauthorizedOperation");
  failed.action = Action::stop;
  const auto done = act_on("i-ended", true, "shutting-down");
  const auto made = with_acts({done, failed}, &nothing);
  EXPECT_TRUE(says(made, "\nTERMINATED i-ended (train, us-east-1): past its deadline; shutting-down"))
      << text_of(made);
  EXPECT_TRUE(
      says(made, "\nFAILED TO STOP i-not (train, us-east-1): past its deadline; UnauthorizedOperation"));
  const auto again = with_acts({done}, &made.told);
  EXPECT_TRUE(says(again, "\nTERMINATED i-ended ")) << "somebody started it again";
  EXPECT_FALSE(digest(later(empty_report(), 1h), &made.told).message);
}

TEST(Digest, does_not_repeat_an_act_that_fails_as_it_did) {
  const Told nothing;
  const auto first = with_acts({act_on("i-not", false, k_refused + "abc")}, &nothing);
  EXPECT_TRUE(says(first, "\nFAILED TO TERMINATE i-not ")) << text_of(first);
  const auto at = [](Seconds after) { return later(empty_report(), after); };
  const auto second = with_acts({act_on("i-not", false, k_refused + "xyz")}, &first.told, at(10min));
  EXPECT_FALSE(second.message) << text_of(second);
  // Read without --enforce, or not read at all, it's not forgotten.
  EXPECT_EQ(digest(at(1h), &second.told).told.failures, first.told.failures);
  auto unread = at(1h);
  unread.regions[0].outcome = RegionReading::Outcome::failed;
  EXPECT_EQ(with_acts({}, &second.told, unread).told.failures, first.told.failures);
  EXPECT_TRUE(with_acts({}, &second.told, at(1h)).told.failures.empty()) << "there was nothing to end";
  EXPECT_TRUE(with_acts({act_on("i-not", true, "shutting-down")}, &second.told).told.failures.empty());

  const auto otherwise = with_acts({act_on("i-not", false, "not tried: no answer")}, &second.told, at(1h));
  EXPECT_TRUE(says(otherwise, "\nFAILED TO TERMINATE i-not ")) << text_of(otherwise);
  auto stop = act_on("i-not", false, k_refused);
  stop.action = Action::stop;
  EXPECT_TRUE(says(with_acts({stop}, &second.told, at(1h)), "\nFAILED TO STOP i-not "));
  const auto two =
      with_acts({act_on("i-not", false, k_refused), act_on("i-two", false, k_refused)}, &second.told, at(1h));
  EXPECT_TRUE(says(two, "\nFAILED TO TERMINATE i-two ")) << text_of(two);
  EXPECT_FALSE(says(two, "TERMINATE i-not "));

  const auto reminder = with_acts({act_on("i-not", false, k_refused)}, &second.told, at(24h));
  EXPECT_TRUE(says(reminder, "\nSTILL FAILED TO TERMINATE i-not ")) << text_of(reminder);
  EXPECT_FALSE(with_acts({act_on("i-not", false, k_refused)}, &reminder.told, at(47h)).message);
  EXPECT_TRUE(with_acts({act_on("i-not", false, k_refused)}, nullptr).message) << "nothing is remembered";
}

TEST(Digest, tells_later_what_a_place_did_not_take) {
  const auto before = digest(report_of({forgotten("i-old")})).told;
  const auto first = with_acts({act_on("i-ended", true, "shutting-down"), act_on("i-not", false, k_refused)},
                               &before, report_of({forgotten("i-old")}));
  ASSERT_EQ(first.missed.untold.size(), 2U);
  EXPECT_TRUE(first.told.untold.empty());
  EXPECT_EQ(first.missed.instances, before.instances);
  EXPECT_EQ(told_from_json(to_json({{place_key("x"), first.missed}})).value().at(place_key("x")),
            first.missed);

  // It fails again, and isn't told twice for that; the place doesn't take that either.
  auto again = act_on("i-not", false, k_refused);
  again.at = k_now + 1h;
  const auto second = with_acts({again}, &first.missed, later(empty_report(), 1h));
  ASSERT_EQ(second.missed.untold.size(), 2U) << text_of(second);
  EXPECT_EQ(second.missed.untold.back().at, again.at);

  const auto third = digest(later(empty_report(), 2h), &second.missed);
  EXPECT_TRUE(says(third,
                   "\nTERMINATED i-ended (train, us-east-1): past its deadline; shutting-down (at "
                   "2026-11-26T14:00:00Z, not told then)"))
      << text_of(third);
  EXPECT_TRUE(says(third, "\nFAILED TO TERMINATE i-not ") && says(third, "GONE: i-old"));
  EXPECT_TRUE(third.told.untold.empty());
  EXPECT_FALSE(with_acts({again}, &third.told, later(empty_report(), 3h)).message);
}

TEST(Digest, keeps_no_more_acts_than_it_may) {
  Told told;
  std::vector<Act> acts{act_on("i-not", false, k_refused)};
  for (std::size_t i = 0; i < k_most_untold; ++i)
    acts.push_back(act_on("i-" + std::to_string(i), true, "gone"));
  told = with_acts(acts, &told).missed;
  ASSERT_EQ(told.untold.size(), k_most_untold);
  EXPECT_EQ(told.more_untold, 1U);
  EXPECT_TRUE(told.untold.front().done) << "what failed makes room";
  told = with_acts({act_on("i-more", true, "gone")}, &told).missed;
  EXPECT_EQ(told.untold.back().instance.id, "i-more");
  EXPECT_EQ(told.untold.front().instance.id, "i-1");
  EXPECT_EQ(told.more_untold, 2U);
  const auto made = digest(empty_report(), &told);
  EXPECT_TRUE(says(made, " more acts")) << text_of(made);
  EXPECT_EQ(made.told.more_untold, 0U);
  std::vector<Act> many;
  for (std::size_t i = 0; i <= k_most_told_failures; ++i)
    many.push_back(act_on("i-" + std::to_string(i), false, k_refused));
  EXPECT_TRUE(told_from_json(to_json({{place_key("x"), with_acts(many, &told).told}})));
}

TEST(Digest, tells_that_enforce_refuses) {
  auto report = empty_report();
  const Told nothing;
  report.enforced = Enforced{Enforced::Mode::dry_run, "the clock is wrong", {act_on("i-old", false, "")}, {}};
  EXPECT_FALSE(digest(report, &nothing).message);
  report.enforced->mode = Enforced::Mode::refused;
  const auto first = digest(report, &nothing);
  EXPECT_TRUE(says(first, "\n--enforce ENDED NOTHING of 1 instance: the clock is wrong")) << text_of(first);
  report.enforced->refused = "the clock is more wrong";
  EXPECT_FALSE(digest(later(report, 1h), &first.told).message);
  EXPECT_TRUE(says(digest(later(report, 24h), &first.told), "ENDED NOTHING"));
  EXPECT_TRUE(says(digest(later(report, 1h), &first.missed), "ENDED NOTHING")) << "nobody took it";
  // It's over, and news when it comes again.
  const auto well = with_acts({}, &first.told);
  EXPECT_TRUE(says(digest(report, &well.told), "ENDED NOTHING"));
  const auto without = digest(empty_report(), &first.told);  // --enforce
  EXPECT_FALSE(digest(report, &without.told).message);
  EXPECT_TRUE(digest(report).message);
}

TEST(Digest, takes_no_schedule_for_armed_that_was_not_seen) {
  auto bare = machine("i-bare");
  bare.schedule = ScheduleState::missing;
  auto long_running = machine("i-long");
  run_for(long_running, 3h);
  long_running.schedule = ScheduleState::missing;
  const auto first = digest(report_of({bare, long_running}));
  for (const auto unknown : {ScheduleState::failed, ScheduleState::refused}) {
    bare.schedule = long_running.schedule = unknown;
    const auto now = digest(report_of({bare, long_running}), &first.told);
    EXPECT_FALSE(now.message) << text_of(now);
    EXPECT_EQ(now.told.instances, first.told.instances);
    const auto gone = digest(report_of({bare}), &first.told);
    EXPECT_TRUE(says(gone, "GONE: i-long") && !says(gone, "all clear")) << text_of(gone);
    auto stopped = bare;
    stopped.state = InstanceState::stopped;
    EXPECT_TRUE(
        says(digest(report_of({stopped, long_running}), &first.told), "NO LONGER NEEDS ATTENTION: i-bare"));
  }
  bare.schedule = long_running.schedule = ScheduleState::armed;
  const auto armed = digest(report_of({bare, long_running}), &first.told);
  EXPECT_TRUE(says(armed, "NO LONGER NEEDS ATTENTION: i-bare") && says(armed, "CHANGED WARNING i-long"))
      << text_of(armed);
}

TEST(Digest, takes_nothing_for_read_again_that_was_not) {
  using Outcome = RegionReading::Outcome;
  const std::string other = "222222222222";
  const std::string role = "arn:aws:iam::222222222222:role/check";
  const auto with_other = [&](Outcome outcome) {
    auto report = empty_report();
    report.accounts.push_back({other, role});
    report.regions.push_back({other, "eu-west-1", outcome, "timed out"});
    return report;
  };
  const Told nothing;
  const auto region = digest(with_other(Outcome::failed), &nothing);
  EXPECT_TRUE(says(region, "NOT READ: eu-west-1 of 222222222222")) << text_of(region);
  auto no_role = empty_report();
  no_role.regions.push_back({"", "all regions, by " + role, Outcome::failed, "AccessDenied"});
  const auto locked = digest(no_role, &region.told);
  EXPECT_TRUE(says(locked, "NOT READ: all regions, by arn:")) << text_of(locked);
  EXPECT_FALSE(says(locked, "NO LONGER UNREAD")) << text_of(locked);
  EXPECT_FALSE(digest(empty_report(), &locked.told).message) << "it wasn't asked for";
  const auto half = digest(with_other(Outcome::failed), &locked.told);
  EXPECT_FALSE(half.message) << text_of(half);
  const auto well = digest(with_other(Outcome::read), &half.told);
  EXPECT_TRUE(says(well, "NO LONGER UNREAD: eu-west-1 of 222222222222") &&
              says(well, "NO LONGER UNREAD: all regions, by " + role))
      << text_of(well);
  EXPECT_TRUE(well.told.unread.empty());
  // Not for ever.
  EXPECT_TRUE(digest(later(empty_report(), 31 * 24h), &locked.told).told.unread.empty());

  // Of an account whose regions weren't told, any of them; of one's own whose id wasn't, it or its regions.
  for (const auto& failed : {RegionReading{"111122223333", "all regions", Outcome::failed, "timed out"},
                             RegionReading{"", "all regions", Outcome::failed, "timed out"},
                             RegionReading{"", "eu-west-1", Outcome::failed, "timed out"}}) {
    auto report = with_other(Outcome::read);
    report.regions = {{other, "eu-west-1"}, failed};
    const auto first = digest(report, &nothing);
    ASSERT_TRUE(first.message);
    report.regions.pop_back();
    EXPECT_FALSE(digest(report, &first.told).message) << failed.region;
    EXPECT_TRUE(says(digest(empty_report(), &first.told), "NO LONGER UNREAD: " + failed.region));
  }

  // What a note tells may be hidden by another failure; no credentials are over with the first region.
  auto schedules = empty_report();
  schedules.notes.push_back({"the schedules in us-east-1 could not be read: timed out", true});
  const auto noted = digest(schedules, &nothing);
  EXPECT_FALSE(says(digest(no_role, &noted.told), "NO LONGER UNREAD"));
  EXPECT_TRUE(says(digest(empty_report(), &noted.told), "NO LONGER UNREAD: the schedules in us-east-1"));
  Report blind;
  blind.at = k_now;
  blind.notes.push_back({"find AWS credentials: the token has expired", true});
  const auto none = digest(blind, &nothing);
  EXPECT_TRUE(says(digest(no_role, &none.told), "NO LONGER UNREAD: find AWS credentials"));
}

TEST(Digest, takes_none_of_too_many_for_well) {
  std::deque<Machine> machines;
  for (std::size_t i = 0; i <= k_most_told; ++i) machines.push_back(forgotten("i-" + std::to_string(i)));
  machines.front().cost.so_far = Micros{72'000'000};  // the last one, by its cost
  auto report = report_of(std::move(machines));
  const Told nothing;
  const auto first = digest(report, &nothing);
  EXPECT_EQ(first.told.instances.size(), k_most_told);
  EXPECT_FALSE(first.told.instances.contains({"111122223333", "us-east-1", "i-0"}));
  report.machines.front().cost.so_far = Micros{99'000'000};
  const auto second = digest(report, &first.told);
  EXPECT_FALSE(second.message) << text_of(second);
  EXPECT_EQ(second.told.instances, first.told.instances);
  // A worse one comes before those that were told.
  for (auto& each : report.machines) run_for(each, 3h);
  const auto warned = digest(report, &nothing);
  run_for(report.machines.front(), 72h);
  const auto worse = digest(report, &warned.told);
  EXPECT_TRUE(says(worse, "CRITICAL i-0 ")) << text_of(worse);
  EXPECT_FALSE(says(worse, "NO LONGER")) << text_of(worse);
  EXPECT_EQ(worse.told.instances.size(), k_most_told);
}

TEST(Digest, is_bounded_and_harmless_whatever_the_names_are) {
  std::deque<Machine> machines;
  for (int i = 0; i < 300; ++i) {
    auto each = forgotten("i-" + std::to_string(i));
    each.name = std::string("<!channel> & \x1b[31m\xff\n") + std::string(500, '&');
    machines.push_back(std::move(each));
  }
  auto report = report_of(std::move(machines));
  for (int i = 0; i < 50; ++i)
    report.regions.push_back({"111122223333", "re-gion-" + std::to_string(i), RegionReading::Outcome::failed,
                              std::string(2'000, '<')});
  const auto made = digest(report);
  ASSERT_TRUE(made.message);
  EXPECT_LE(notify::slack_size(made.message->text), notify::k_longest_text);
  EXPECT_TRUE(says(made, "NOT READ: ") && says(made, " more not read") &&
              says(made, " more that need attention"));
  for (const char c : made.message->text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(made.message->text.find('\xff'), std::string::npos);
  EXPECT_LE(made.message->subject.size(), notify::k_longest_subject);
  // What is remembered of it can be read again.
  const auto again = told_from_json(to_json({{place_key("x"), made.told}}));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->at(place_key("x")), made.told);
}

}  // namespace
}  // namespace curfew::watch
