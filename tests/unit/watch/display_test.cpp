#include "watch/display.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "watch/render.hpp"

namespace curfew::watch {
namespace {

TEST(Columns, AreCountedAsATerminalDrawsThem) {
  EXPECT_EQ(columns_of(""), 0U);
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("äöü"), 3U);
  EXPECT_EQ(columns_of("学習"), 4U);
  EXPECT_EQ(columns_of("e\u0301"), 1U);
  EXPECT_EQ(columns_of("🚀"), 2U);
}

TEST(Shortened, NeverCutsACharacterAndNeverIsWider) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "ab…");
  EXPECT_EQ(shortened("äöüß", 3), "äö…");
  EXPECT_EQ(shortened("学習学習", 5), "学習…");
  EXPECT_EQ(shortened("学習学習", 4), "学…");
  EXPECT_EQ(shortened("学習", 1), "…");
  EXPECT_EQ(shortened("学習", 0), "");
  for (std::size_t columns = 0; columns < 12; ++columns)
    EXPECT_LE(columns_of(shortened("ä学x🚀e\u0301z学", columns)), columns);
}

TEST(Padded, FillsUpToColumns) {
  EXPECT_EQ(padded("学", 4, false), "学  ");
  EXPECT_EQ(padded("学", 4, true), "  学");
  EXPECT_EQ(padded("long", 2, false), "long");
}

TEST(Wrapped, BreaksAtSpacesAndLongWordsAnywhere) {
  EXPECT_EQ(wrapped("one two three", 0), "one two three\n");
  EXPECT_EQ(wrapped("one two three", 80), "one two three\n");
  EXPECT_EQ(wrapped("one two three", 8), "one two\n  three\n");
  EXPECT_EQ(wrapped("abcdefghijkl", 8), "abcdefgh\n  ijkl\n");
  EXPECT_EQ(wrapped("a 学学学学学", 8), "a\n  学学学\n  学学\n");
  EXPECT_EQ(wrapped("", 8), "\n");
  for (std::size_t columns = 5; columns < 30; ++columns) {
    const auto text = wrapped(
        "one 学学学学学学学学学学学学 twothreefourfivesixseven  eight " + std::string(40, 'x'), columns);
    for (const auto line : split(text, '\n')) EXPECT_LE(columns_of(line), columns) << text;
  }
}

TEST(ValidUtf8, ReplacesWhatIsNot) {
  EXPECT_EQ(valid_utf8("ä学🚀"), "ä学🚀");
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a\ufffd"
            "b");
  EXPECT_EQ(valid_utf8("\xc3"), "\ufffd");                                // cut
  EXPECT_EQ(valid_utf8("\xc0\xaf"), "\ufffd\ufffd");                      // overlong
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");            // a surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), "\ufffd\ufffd\ufffd\ufffd");  // beyond Unicode
  EXPECT_LE(valid_utf8(std::string(10'000, 'x')).size(), k_longest_shown + 3);
  EXPECT_LE(valid_utf8(std::string(10'000, '\xff')).size(), k_longest_shown + 6);
}

TEST(SafeJson, EscapesWhatATerminalWouldActOn) {
  EXPECT_EQ(safe_json("{\"a\":\"ä学\"}"), "{\"a\":\"ä学\"}");
  EXPECT_EQ(safe_json("\"\x7f\""), "\"\\u007f\"");
  EXPECT_EQ(safe_json("\"\u009b31m\""), "\"\\u009b31m\"");
  EXPECT_EQ(safe_json("\"\u202e\u2066\u200f\u2028\ufeff\""), "\"\\u202e\\u2066\\u200f\\u2028\\ufeff\"");
}

}  // namespace
}  // namespace curfew::watch
