#include "guard/probes/output_watch.hpp"

#include <boost/asio/io_context.hpp>

#include "support/run.hpp"
#include "unit/guard/probes/folder.hpp"

namespace curfew::guard {
namespace {

TEST(OutputWatch, finds_the_line_in_a_long_output_across_looks_and_rotations) {
  const Folder folder;
  boost::asio::io_context io{1};
  OutputWatch watch(io.get_executor(), folder.at("output.log"),
                    DonePattern::compile("^all (was|is) done$").value());
  EXPECT_FALSE(test::run(io, watch.look()).value().done);
  std::string flood;
  while (flood.size() < (3U << 20U)) flood += "epoch after epoch, and no end to it\n";
  folder.append("output.log", flood + "all was ");
  const auto first = test::run(io, watch.look()).value();
  EXPECT_FALSE(first.done);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.bytes, 1U << 20U);
  std::filesystem::rename(folder.at("output.log"), folder.at("output.log.1"));
  folder.append("output.log", "done\n");
  OutputWatch::Seen seen{false, true, 0};
  for (int i = 0; i < 10 && seen.more; ++i) seen = test::run(io, watch.look()).value();
  EXPECT_TRUE(seen.done);
  EXPECT_TRUE(test::run(io, watch.look()).value().done);
}

}  // namespace
}  // namespace curfew::guard
