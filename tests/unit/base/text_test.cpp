#include "base/text.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace curfew {
namespace {

TEST(Nearest, finds_what_was_meant) {
  const std::vector<std::string> commands{"run", "status", "stop", "check", "doctor", "extend", "launch"};
  struct Case {
    const char* word;
    std::optional<std::string> meant;
  };
  for (const auto& [word, meant] : {Case{"rnu", "run"},
                                    {"ru", "run"},
                                    {"statsu", "status"},
                                    {"stat", "status"},
                                    {"chekc", "check"},
                                    {"lanch", "launch"},
                                    {"docter", "doctor"},
                                    {"", {}},
                                    {"x", {}},
                                    {"xy", {}},
                                    {"ls", {}},
                                    {"python", {}},
                                    {"terminate", {}}})
    EXPECT_EQ(nearest(word, commands), meant) << word;
  EXPECT_EQ(nearest("run", {}), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'a'), commands), std::nullopt);
}

TEST(Printable, passes_text_and_escapes_what_could_act) {
  struct Case {
    std::string text, shown;
  };
  for (const auto& [text, shown] :
       {Case{"plain text", "plain text"},
        {"", ""},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5"},
        {"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"\x7f", "\\x7f"},
        {std::string("a\0b", 3), "a\\x00b"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"},  // C1's own CSI
        {"\xe2\x80\xae"
         "gpj",
         "\\xe2\\x80\\xaegpj"},               // right-to-left override
        {"\xd8\x9c", "\\xd8\\x9c"},           // Arabic letter mark
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},  // line separator
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc3", "\\xc3"},  // cut off
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xc0\xaf", "\\xc0\\xaf"},  // overlong
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // past U+10FFFF
        {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"}})
    EXPECT_EQ(printable(text), shown);
}

TEST(Printable, is_cut_between_characters) {
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(printable("a\xe2\x82\xac"
                      "b",
                      2),
            "a\xe2\x82\xac...");
  EXPECT_LE(printable(std::string(1 << 20, '\x1b')).size(), 210U);
}

TEST(Bytes, are_written_in_the_unit_that_fits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(300 * 1024), "300 KiB");
  EXPECT_EQ(format_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(5ULL << 40), "5.0 TiB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "16777216 TiB");
}

TEST(ShellQuoted, is_what_one_would_type) {
  const auto quoted = [](std::vector<std::string> argv) { return shell_quoted(argv); };
  EXPECT_EQ(quoted({}), "");
  EXPECT_EQ(quoted({"python3", "train.py", "--lr=1e-3"}), "python3 train.py --lr=1e-3");
  EXPECT_EQ(quoted({"sh", "-c", "echo $HOME; ls *"}), "sh -c 'echo $HOME; ls *'");
  EXPECT_EQ(quoted({"echo", "it's", ""}), "echo 'it'\\''s' ''");
}

TEST(Split, keeps_empty_parts) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split("a:b", ':'), (Parts{"a", "b"}));
  EXPECT_EQ(split("", ':'), (Parts{""}));
  EXPECT_EQ(split(":", ':'), (Parts{"", ""}));
  EXPECT_EQ(split("a::b:", ':'), (Parts{"a", "", "b", ""}));
}

TEST(Trimmed, takes_white_space_from_both_ends) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(ParseNumber, takes_whole_non_negative_numbers_alone) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("007"), 7U);
  EXPECT_EQ(parse_number("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "1e3", "١"})
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
}

}  // namespace
}  // namespace curfew
