#include "watch/gpus.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "pricing/list_prices.hpp"

namespace curfew::watch {
namespace {

TEST(Gpus, AreCountedByType) {
  struct Case {
    const char* type;
    bool present;
    std::optional<unsigned> count;
  };
  const Case cases[] = {
      {"g5.xlarge", true, 1U},
      {"g5.12xlarge", true, 4U},
      {"g4dn.metal", true, 8U},
      {"p4d.24xlarge", true, 8U},
      {"p6-b300.48xlarge", true, 8U},
      {"trn1.32xlarge", true, 16U},
      {"trn2.48xlarge", true, 16U},
      {"inf2.48xlarge", true, 12U},
      {"dl1.24xlarge", true, 8U},
      {"g6f.large", true, 1U},  // an eighth of one
      // Not in the table, but of that sort: never none.
      {"g5.96xlarge", true, {}},
      {"g9.xlarge", true, {}},
      {"p7-x1.48xlarge", true, {}},
      {"trn9.", true, {}},
      // Not of that sort, though there's a g or p in them.
      {"t4g.micro", false, 0U},
      {"m6g.large", false, 0U},
      {"c7gn.xlarge", false, 0U},
      {"mac2.metal", false, 0U},
      {"pp5.xlarge", false, 0U},
      // No type at all.
      {"", false, 0U},
      {".", false, 0U},
      {"g5", false, 0U},
      {"g.xlarge", false, 0U},
      {"\xff.\xff", false, 0U},
  };
  for (const auto& each : cases) {
    const auto gpus = gpus_of(each.type);
    EXPECT_EQ(gpus.present, each.present) << each.type;
    EXPECT_EQ(gpus.count, each.count) << each.type;
  }
}

// Against another source. It counts K80 cards (of two GPUs) and Trainium2 boards where AWS counts what a job sees, and
// doesn't know Gaudi.
TEST(Gpus, AgreeWithThePriceListsColumn) {
  const auto lines = pricing::detail::list_lines();
  ASSERT_EQ(split(lines.front(), ',').at(3), "gpus");
  std::size_t seen = 0;
  for (const auto line : lines.subspan(1)) {
    const auto fields = split(line, ',');
    const auto type = fields.at(0);
    const auto count = parse_number(fields.at(3));
    if (!count || type.starts_with("p2.") || type.starts_with("dl1.") || type == "trn2.48xlarge") continue;
    const auto gpus = gpus_of(type);
    EXPECT_EQ(gpus.count, static_cast<unsigned>(*count)) << type;
    EXPECT_EQ(gpus.present, *count > 0) << type;
    seen += *count > 0 ? 1U : 0U;
  }
  EXPECT_GT(seen, 60U);
}

}  // namespace
}  // namespace curfew::watch
