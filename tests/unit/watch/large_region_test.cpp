// Regions whose list has many pages: read in parts at once, and never less than whole.
#include <set>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/fake_clock.hpp"
#include "support/run.hpp"
#include "unit/watch/scripted_account.hpp"
#include "watch/region.hpp"

namespace curfew::watch {
namespace {

std::vector<std::string> fleet_of(std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(fmt::format("i-{:017x}", i * 2'654'435'761U));
  return ids;
}

class LargeRegion : public ::testing::Test {
 protected:
  FakeReads reads;
  RegionFindings found;

  Script& script() { return reads.regions["us-east-1"]; }
  void read() {
    boost::asio::io_context io{1};
    test::FakeClock clock;
    pricing::PriceCache prices;
    RegionQuery query{"us-east-1", {}, clock.wall(), 60s};
    const auto reading = [&]() -> net::Awaitable<bool> {
      auto work = read_region(reads, query, clock, prices, found);
      co_await std::move(work);
      co_return true;
    };
    EXPECT_TRUE(test::run(io, reading()));
  }
  void expect_all(const char* when) {
    EXPECT_FALSE(found.error) << when << ": " << found.error->text();
    std::set<std::string> ids;
    for (const auto& machine : found.machines) ids.insert(machine.id);
    EXPECT_EQ(ids.size(), found.machines.size()) << when;
    EXPECT_EQ(ids, std::set<std::string>(script().fleet.begin(), script().fleet.end())) << when;
  }
  [[nodiscard]] std::size_t calls(bool of_parts) {
    const auto& all = script().lists;
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const auto& one) { return (one.front() != ':') == of_parts; }));
  }
};

TEST_F(LargeRegion, is_read_in_parts_at_once) {
  script().fleet = fleet_of(9'000);
  read();
  expect_all("parts");
  EXPECT_EQ(calls(false), 1U) << "the first page of the region's own list";
  EXPECT_EQ(script().most_at_once, 4U);
}

TEST_F(LargeRegion, of_one_page_is_asked_for_once) {
  script().fleet = fleet_of(1'000);
  read();
  expect_all("one page");
  EXPECT_EQ(script().lists, std::vector<std::string>{":"});
}

TEST_F(LargeRegion, is_read_page_after_page_where_it_can_not_be_parted) {
  for (const auto ends : {Script::Ends::none_found, Script::Ends::refused}) {
    script() = {};
    found = {};
    script().fleet = fleet_of(4'500);
    script().ends = ends;
    read();
    expect_all(ends == Script::Ends::refused ? "refused" : "none found");
    EXPECT_EQ(calls(false), 5U);
  }
}

// Whether the parts would have told it nobody knows then.
TEST_F(LargeRegion, is_read_page_after_page_where_an_instance_of_the_first_has_gone) {
  script().fleet = fleet_of(2'500);
  script().gone = {script().fleet[17]};
  read();
  expect_all("gone");
  EXPECT_EQ(calls(false), 3U);
}

}  // namespace
}  // namespace curfew::watch
