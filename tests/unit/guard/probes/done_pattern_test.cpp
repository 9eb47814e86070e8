#include "guard/probes/done_pattern.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

bool found(std::string_view pattern, std::initializer_list<std::string_view> chunks) {
  auto done = DonePattern::compile(pattern).value();
  bool result = false;
  for (const auto chunk : chunks) result = done.feed(chunk);
  return result;
}

TEST(DonePattern, finds_a_line) {
  EXPECT_TRUE(found("Training finished", {"epoch 50\nTraining finished in 3 h\n"}));
  EXPECT_TRUE(found("^epoch 50/\\d+$", {"epoch 50/50\n"}));
  EXPECT_FALSE(found("^epoch 50/\\d+$", {"epoch 50/50 going on\n"}));
  EXPECT_TRUE(found("^\\[(rank0|main)\\]: done$", {"[main]: done\n"}));
  EXPECT_TRUE(found("^a|b$|c+d", {"xxb\n"}));
  EXPECT_TRUE(found("^a|b$|c+d", {"accd!\n"}));
  EXPECT_FALSE(found("^a|b$|c+d", {"xaxbx\n"}));
  EXPECT_TRUE(found("(loss|acc) *= *[0-9.]+$", {"final acc = 0.97\n"}));
  EXPECT_TRUE(found("finished", {"fin", "ish", "ed", "\n"}));
  EXPECT_TRUE(found("finished", {"finished\r\n"}));
  EXPECT_TRUE(found("finished", {"", "finished\n", "more\n"}));  // and stays found
}

TEST(DonePattern, counts_a_line_once_it_has_ended) {
  EXPECT_FALSE(found("^epoch 5$", {"epoch 5"}));
  EXPECT_FALSE(found("^epoch 5$", {"epoch 5", "0\n"}));
  EXPECT_TRUE(found("^epoch 5$", {"epoch 5", "\n"}));
}

TEST(DonePattern, takes_a_carriage_return_for_the_end_of_a_line) {
  EXPECT_TRUE(found("^100%$", {" 99%\r100%\r"}));
  EXPECT_FALSE(found("99%.*100%", {" 99%\r100%\r"}));
}

TEST(DonePattern, never_finds_across_lines) { EXPECT_FALSE(found("one.two", {"one\ntwo\n"})); }

TEST(DonePattern, looks_at_the_beginning_of_a_long_line_only) {
  const std::string filler(k_longest_line, '.');
  EXPECT_FALSE(found("done", {filler, "done\n"}));
  EXPECT_TRUE(found("done", {"done", filler, filler, "\n"}));
  EXPECT_TRUE(found("done", {filler, filler, "\ndone\n"}));
}

TEST(DonePattern, after_missing_output_begins_at_the_next_line) {
  auto done = DonePattern::compile("^done$").value();
  EXPECT_FALSE(done.feed("not "));
  done.skip();
  EXPECT_FALSE(done.feed("done\n"));
  EXPECT_TRUE(done.feed("done\n"));
}

TEST(DonePattern, takes_any_bytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_FALSE(found("d[o0]ne", {bytes, bytes}));
  EXPECT_TRUE(found("fertig: gr\xc3\xbc\xc3\x9f", {"fertig: gr\xc3\xbc\xc3\x9f"
                                                   "e\n"}));
}

TEST(DonePattern, refuses_what_is_no_pattern_and_says_why) {
  struct Case {
    std::string pattern;
    const char* why;
  };
  const Case cases[] = {
      {"", "empty"},
      {"[a", "[ isn't closed"},
      {"(a", "( or )"},
      {"a)", "( or )"},
      {"a)(b", "( or )"},
      {"*a", "follows nothing"},
      {"a{2", "{ isn't closed"},
      {"[z-a]", "wrong way round"},
      {"(a)\\1", "refers back"},
      {"a{2000}", "repeats"},
      {"(((a{100}){100}){100})", "repeats"},
      {"a{99999999999}", "repeats"},
      {"a{99999999999999999999999999}", "repeats"},
      {"a{2,1000}b{2,}c{500}", "repeats"},
      {"x*", "empty line"},
      {"^$", "empty line"},
      {"a\nb", "line's end"},
      {std::string(k_longest_pattern + 1, 'a'), "longer"},
  };
  for (const auto& c : cases) {
    const auto done = DonePattern::compile(c.pattern);
    ASSERT_FALSE(done) << c.pattern;
    EXPECT_EQ(done.error().kind, ErrorKind::invalid_input) << c.pattern;
    EXPECT_NE(done.error().text().find(c.why), std::string::npos) << done.error().text();
  }
}

TEST(DonePattern, takes_repeats_that_are_not_too_many) {
  EXPECT_TRUE(found("^={20,80} done \\{3\\}$", {std::string(40, '=') + " done {3}\n"}));
  EXPECT_TRUE(found("[{]x{2}", {"{xx\n"}));
}

TEST(DonePattern, is_not_held_up_by_patterns_and_lines_made_to_hang_it) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string line = std::string(k_longest_line, 'a') + "\n";
  // Without a text that a match must hold, so that each line is searched.
  for (const auto* pattern : {"(a+)+[b]", "(a|aa)+[b]", ".*.*.*[b]"})
    EXPECT_FALSE(found(pattern, {line})) << pattern;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
}

TEST(DonePattern, knows_what_text_a_match_must_hold) {
  struct Case {
    const char* pattern;
    const char* literal;
  };
  const Case cases[] = {
      {"plain text", "plain text"},
      {"^Done\\.$", "Done."},
      {"epoch \\d+ done", "epoch "},
      {"ab+c", "ab"},
      {"abc*d", "ab"},
      {"abc?", "ab"},
      {"abc{0,2}def", "def"},
      {"a(bc|de)fgh", "fgh"},
      {"a[xyz|]+bc", "bc"},
      {"one|two", ""},
      {"\\x41BC", ""},
      {"(all|of|it)", ""},
      {"a(b\\)c)de", "de"},
      {"[\\]]abc", "abc"},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(detail::needed_literal(c.pattern), c.literal) << c.pattern;
}

}  // namespace
}  // namespace curfew::guard
