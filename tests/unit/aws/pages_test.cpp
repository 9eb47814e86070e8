#include "aws/pages.hpp"

#include <gtest/gtest.h>

namespace curfew::aws {
namespace {

// What tokens of one walk mean, in order; the last of them may be an error.
TEST(PageRule, SaysWhatAPagesTokenMeans) {
  const std::string longest(PageRule::k_longest_token, 't');
  struct Case {
    const char* name;
    std::vector<std::string> tokens;
    std::string last;  // "ask", "none", or what the error says
  };
  const Case cases[] = {
      {"the only page", {""}, "none"},
      {"a second page", {"a"}, "ask"},
      {"the last of three", {"a", "b", ""}, "none"},
      {"the same token twice", {"a", "a"}, "a second time"},
      {"a token of long ago", {"a", "b", "c", "a"}, "a second time"},
      {"a token that differs in case", {"a", "A"}, "ask"},
      {"a token with a NUL", {std::string("a\0b", 3), std::string("a\0c", 3)}, "ask"},
      {"the longest token", {longest}, "ask"},
      {"a token that is too long", {longest + "t"}, "longer than 8 KiB"},
      {"as many pages as may be", {"a", "b", "c", "d", ""}, "none"},
      {"one more", {"a", "b", "c", "d", "e"}, "more than 5 pages"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    PageRule rule("DescribeInstances in us-east-1", 5);
    for (std::size_t i = 0; i < c.tokens.size(); ++i) {
      const auto next = rule.after(c.tokens[i]);
      if (i + 1 < c.tokens.size()) {
        ASSERT_TRUE(next) << next.error().text();
        EXPECT_EQ(*next, NextPage::ask);
      } else if (c.last == "ask" || c.last == "none") {
        ASSERT_TRUE(next) << next.error().text();
        EXPECT_EQ(*next, c.last == "ask" ? NextPage::ask : NextPage::none);
      } else {
        ASSERT_FALSE(next);
        EXPECT_EQ(next.error().kind, ErrorKind::unavailable);
        EXPECT_NE(next.error().text().find(c.last), std::string::npos) << next.error().text();
        EXPECT_TRUE(next.error().text().starts_with("DescribeInstances in us-east-1: "));
      }
    }
  }
}

TEST(PageRule, NeverGoesOnForEver) {
  PageRule rule("list");
  std::size_t pages = 1;
  while (rule.after(std::to_string(pages))) ++pages;
  EXPECT_EQ(pages, PageRule::k_most_pages);
}

}  // namespace
}  // namespace curfew::aws
