// EC2's replies made in a test, row by row.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "aws/ec2_inventory_replies.hpp"
#include "base/result.hpp"

namespace curfew::test {

// An element's text replaced, or where it's "-", the element left out.
struct Change {
  const char* name = "";
  std::string text;
};
using Elements = std::vector<std::pair<std::string, std::string>>;

inline std::string item(const Elements& elements, const Change& change = {}) {
  std::string xml = "<item>";
  for (const auto& [name, text] : elements) {
    const auto& value = name == change.name ? change.text : text;
    if (value != "-") xml += "<" + name + ">" + value + "</" + name + ">";
  }
  return xml + "</item>";
}

inline std::string reply(const std::string& action, const std::string& list, const std::string& items,
                         const std::string& more = {}) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<" + action +
         "Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><" + list +
         ">" + items + "</" + list + ">" + more + "</" + action + "Response>";
}

// A reply's whole text, by pieces as they may come from the network.
template <class Reader>
auto read_page(Reader reader, std::string_view text, std::size_t piece = std::string_view::npos) {
  for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
    reader->take(text.substr(at, piece));
  return reader->finish();
}
inline auto parse_regions(std::string_view text) { return read_page(aws::regions_reader(), text); }
inline auto parse_instances(std::string_view text) { return read_page(aws::instances_reader(), text); }
inline auto parse_volumes(std::string_view text) { return read_page(aws::volumes_reader(), text); }
inline auto parse_spot_prices(std::string_view text) { return read_page(aws::spot_prices_reader(), text); }

template <class Page>
void expect_refused(const Page& page, const std::string& why) {
  ASSERT_FALSE(page) << why;
  EXPECT_EQ(page.error().kind, ErrorKind::unavailable) << why;
  for (const char c : page.error().text()) EXPECT_GE(static_cast<unsigned char>(c), 0x20U) << why;
  EXPECT_LT(page.error().text().size(), 300U) << why;
}

}  // namespace curfew::test
