#include "aws/core/row_cutter.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace curfew::aws {
namespace {

struct Cut {
  std::vector<std::string> rows;
  std::string frame;  // or what is wrong
};

Cut cut(std::string_view text, std::size_t piece) {
  Cut cut;
  RowCutter cutter("list", [&](char* row, std::size_t size) -> Status {
    cut.rows.emplace_back(row, size);
    return {};
  });
  for (std::size_t at = 0; at < text.size(); at += piece) cutter.take(text.substr(at, piece));
  auto frame = cutter.frame();
  cut.frame = frame ? *frame : "error: " + frame.error().cause;
  return cut;
}

TEST(RowCutter, CutsTheSameWhereverThePiecesEnd) {
  const std::string text =
      "<?xml version=\"1.0\"?>\n<R><list>\n  <item><a>1</a><b><item>x</item><item/></b></item>\n"
      "  <item></item><item><c>no item> here</c><subitem>2</subitem></item>\n</list><next>n</next></R>\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto got = cut(text, piece);
    EXPECT_EQ(got.rows,
              (std::vector<std::string>{"<item><a>1</a><b><item>x</item><item/></b></item>", "<item></item>",
                                        "<item><c>no item> here</c><subitem>2</subitem></item>"}))
        << piece;
    EXPECT_EQ(got.frame, "<?xml version=\"1.0\"?>\n<R><list>\n</list><next>n</next></R>\n") << piece;
  }
}

TEST(RowCutter, WithoutRowsAllIsTheFrame) {
  for (const auto* text : {"<R><list/></R>", "<R><list></list></R>", "<html>no list</html>", ""}) {
    for (const std::size_t piece : {1U, 100U}) {
      const auto got = cut(text, piece);
      EXPECT_TRUE(got.rows.empty());
      EXPECT_EQ(got.frame, text);
    }
  }
}

TEST(RowCutter, LosesNoRowInSilence) {
  const std::pair<const char*, const char*> cases[] = {
      {"<R><list><item><a/>", "error: it is cut within an item"},
      {"<R><list><item><item></item></list></R>", "error: it is cut within an item"},
      {"<R><list></item></list></R>", "error: it ends an item that it hasn't begun"},
      {"<R><other><item></item></other></R>", "error: it has an item elsewhere than in its list"},
      {"<R><list><item></item></list><list><item></item></list></R>",
       "error: it has an item elsewhere than in its list"},
      {"<R><list><!-- <item></item> --></list></R>", "error: it has an item elsewhere than in its list"},
      {"<R><list><item></item>text<item></item></list></R>",
       "error: it has an item elsewhere than in its list"},
      {"<item></item>", "error: it has an item elsewhere than in its list"},
  };
  for (const auto& [text, why] : cases)
    for (const std::size_t piece : {1U, 3U, 100U}) EXPECT_EQ(cut(text, piece).frame, why) << text;
}

TEST(RowCutter, StopsAtTheFirstRowThatIsRefused) {
  std::size_t rows = 0;
  RowCutter cutter("list", [&](char*, std::size_t) -> Status {
    return ++rows < 2 ? Status() : fail(ErrorKind::unavailable, "read", "bad");
  });
  for (int i = 0; i < 3; ++i)
    cutter.take(i == 0 ? "<R><list><item></item><item></item><item></item>" : "<item></item>");
  EXPECT_EQ(rows, 2U);
  const auto frame = cutter.frame();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().cause, "bad");
}

TEST(RowCutter, HoldsNoMoreThanAFrameMayHave) {
  EXPECT_EQ(cut("<R>" + std::string(2U << 20U, 'x') + "</R>", 1U << 16U).frame,
            "error: it has more than its rows");
}

}  // namespace
}  // namespace curfew::aws
