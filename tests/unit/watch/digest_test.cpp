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

TEST(Digest, always_tells_acts) {
  Act done;
  done.instance = "i-ended";
  done.region = "us-east-1";
  done.name = "train";
  done.why = "past its deadline";
  done.done = true;
  done.outcome = "shutting-down";
  Act failed = done;
  failed.action = Action::stop;
  failed.instance = "i-not";
  failed.done = false;
  failed.outcome = "UnauthorizedOperation";
  const Told nothing;
  const auto made = digest_of(empty_report(), {done, failed}, &nothing, k_again);
  EXPECT_TRUE(says(made, "\nTERMINATED i-ended (train, us-east-1): past its deadline; shutting-down"))
      << text_of(made);
  EXPECT_TRUE(
      says(made, "\nFAILED TO STOP i-not (train, us-east-1): past its deadline; UnauthorizedOperation"));
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
