#include "jobs/terminal_text.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace curfew::jobs {
namespace {

std::string all_of(std::string_view text) {
  TerminalText filter;
  auto out = filter.take(text);
  return out + filter.end();
}

TEST(TerminalText, lets_through_what_only_shows) {
  for (const std::string text : {"loss 0.12\n", "\tepoch\r 12%\r\n", "größe 图 🙂\n",
                                 "\033[1;31mred\033[0m plain\033[0m", "\033[38:5:196mx\033[0m"})
    EXPECT_TRUE(all_of(text).starts_with(text)) << all_of(text);
}

TEST(TerminalText, leaves_out_what_acts_on_the_terminal) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"a\033[2Jb", "ab"},                   // clears the screen
      {"a\033[6nb", "ab"},                   // makes it type
      {"a\033[?1049hb", "ab"},               // the other screen
      {"a\033[>4;1mb", "ab"},                // a private sequence that ends as a colour's does
      {"a\033]0;title\007b", "ab"},          // its title
      {"a\033]52;c;ZXZpbA==\033\\b", "ab"},  // the clipboard
      {"a\033]8;;http://x\033\\b", "ab"},    // a link
      {"a\033P$q\"p\033\\b", "ab"},          // a query
      {"a\033cb", "ab"},                     // resets it
      {"a\033(0b", "ab"},                    // its character set
      {"a\033#8b", "ab"},                    // fills it
      {std::string("a\0b", 3), "ab"},
      {"a\007\b\x7f\x0e"
       "b",
       "ab"},
      {"a\xc2\x9b"
       "2Jb",
       "a\xef\xbf\xbd"
       "2Jb"},  // C1's CSI in UTF-8
      {"a\x9b"
       "2Jb",
       "a\xef\xbf\xbd"
       "2Jb"},  // and as a byte
      {"a\xe2\x80\xae"
       "b",
       "a\xef\xbf\xbd"
       "b"},  // right-to-left override
      {"a\xff"
       "b",
       "a\xef\xbf\xbd"
       "b"},
      {"a\033]0;never ended\nb", "a\nb"},
      {"a\033\033[2Jb", "ab"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(all_of(text), shown);
}

TEST(TerminalText, is_the_same_in_any_pieces) {
  const std::string text = "a\033[1;31mb\033]52;c;x\033\\c\xe2\x82\xac\033[2Jd\033[0m\xf0\x9f\x99\x82\n";
  const auto whole = all_of(text);
  EXPECT_EQ(whole,
            "a\033[1;31mbc\xe2\x82\xac"
            "d\033[0m\xf0\x9f\x99\x82\n\033[0m");
  for (std::size_t size = 1; size < text.size(); ++size) {
    TerminalText filter;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size)
      out += filter.take(std::string_view(text).substr(at, size));
    EXPECT_EQ(out + filter.end(), whole) << size;
  }
}

TEST(TerminalText, puts_colours_back_only_where_any_were_set) {
  EXPECT_EQ(all_of("plain"), "plain");
  EXPECT_EQ(all_of("\033[31mred"), "\033[31mred\033[0m");
}

}  // namespace
}  // namespace curfew::jobs
