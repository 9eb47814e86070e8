#include "notify/message.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace curfew::notify {
namespace {

Facts ended() {
  Facts facts;
  facts.event = Event::ended;
  facts.instance = "i-0123456789abcdef0 (g5.xlarge, us-east-1)";
  facts.command = "python train.py --epochs 50";
  facts.why = "the command ended with exit code 1";
  facts.outcome = "the machine terminates";
  facts.exit_code = 1;
  facts.ran = std::chrono::minutes{95};
  facts.stop_at = WallTime{Seconds{1'795'500'000}};
  facts.end_at = WallTime{Seconds{1'795'500'900}};
  facts.cost = Micros{1'590'000};
  return facts;
}

std::string slack_text(const Facts& facts) {
  return std::string(boost::json::parse(slack_json(text_of(facts))).as_object().at("text").as_string());
}

TEST(Message, says_what_ended_and_what_it_cost) {
  EXPECT_EQ(text_of(ended()),
            "curfew ended the job on i-0123456789abcdef0 (g5.xlarge, us-east-1)\n"
            "Why: the command ended with exit code 1\n"
            "Command: python train.py --epochs 50\n"
            "Exit code: 1\n"
            "Ran for: 1h35m\n"
            "Machine gone by: " +
                format_utc(*ended().end_at) +
                "\n"
                "Next: the machine terminates\n"
                "Cost: $1.59");
  EXPECT_EQ(subject_of(ended()), "curfew ended the job on i-0123456789abcdef0 (g5.xlarge, us-east-1)");
}

TEST(Message, never_takes_an_unknown_cost_for_none) {
  auto facts = ended();
  facts.cost.reset();
  EXPECT_NE(text_of(facts).find("Cost: unknown"), std::string::npos);
  facts.event = Event::started;
  EXPECT_EQ(text_of(facts).find("Cost"), std::string::npos);
}

TEST(Message, has_a_headline_for_each_event) {
  for (const auto event :
       {Event::started, Event::stop_is_near, Event::stalled, Event::save_failing, Event::ended}) {
    Facts facts;
    facts.event = event;
    EXPECT_TRUE(text_of(facts).starts_with("curfew "));
    EXPECT_TRUE(subject_of(facts).ends_with("this machine")) << subject_of(facts);
    EXPECT_FALSE(name_of(event).empty());
  }
}

TEST(Message, lets_nothing_in_it_come_alive_in_slack) {
  auto facts = ended();
  facts.command = "a <!channel> && b <https://evil|click> &lt;";
  facts.why = "tag \"\x1b[31mred\"\r\nInjected: line\tx\x7f\x07";
  const auto text = slack_text(facts);
  EXPECT_NE(text.find("Command: a &lt;!channel&gt; &amp;&amp; b &lt;https://evil|click&gt; &amp;lt;\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("Why: tag \"[31mred\"  Injected: line x\n"), std::string::npos) << text;
  EXPECT_EQ(text.find_first_of("<>\x1b\r\t\x7f"), std::string::npos);
}

TEST(Message, is_valid_text_whatever_it_is_made_of) {
  auto facts = ended();
  facts.command = "caf\xc3\xa9 \xff\xfe \xe2\x80\xae \xc2\x9b \xed\xa0\x80";
  const auto text = slack_text(facts);  // throws where it's no UTF-8
  EXPECT_NE(text.find("caf\xc3\xa9 \\xff\\xfe"), std::string::npos) << text;
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
}

TEST(Message, is_bounded_and_cut_between_characters) {
  for (const std::string piece : {"x", "<", "&", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xff", "\n"}) {
    auto facts = ended();
    for (auto* field : {&facts.command, &facts.why, &facts.instance, &facts.outcome}) {
      field->clear();
      for (int i = 0; i < 20'000; ++i) *field += piece;
    }
    EXPECT_LE(text_of(facts).size(), k_longest_text);
    const auto text = slack_text(facts);
    EXPECT_LE(text.size(), k_longest_text);
    const auto subject = subject_of(facts);
    EXPECT_LE(subject.size(), k_longest_subject);
    for (const char c : subject) EXPECT_TRUE(c >= ' ' && c <= '~') << subject;
  }
  auto facts = ended();
  facts.command = std::string(200, '<');
  facts.why = facts.outcome = std::string(400, '&');
  facts.instance = std::string(100, '>');
  const auto text = slack_text(facts);
  EXPECT_GT(text.size(), k_longest_text - 10);
  EXPECT_TRUE(text.ends_with(";…")) << text.substr(text.size() - 20);
}

TEST(Message, has_a_subject_of_one_ascii_line) {
  auto facts = ended();
  facts.instance = "caf\xc3\xa9\n\xf0\x9f\x98\x80";
  EXPECT_EQ(subject_of(facts), "curfew ended the job on caf? ?");
}

}  // namespace
}  // namespace curfew::notify
