#include "guard/launch_watch.hpp"

#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

using Read = Result<LaunchWatch::Tags>;
using TagMap = std::map<std::string, std::string>;

const TagMap k_begun{{"curfew:job", "digits"}, {"curfew:launch", "l-1"}};
const TagMap k_armed{{"curfew:launch", "l-1"}, {"curfew:schedule", "armed"}};

TEST(LaunchWatch, tells_how_a_launch_went_by_the_tags) {
  const struct {
    TagMap tags;
    LaunchState state;
  } cases[] = {
      {{}, LaunchState::not_launched},
      {{{"curfew:job", "digits"}}, LaunchState::not_launched},
      {{{"curfew:schedule", "armed"}}, LaunchState::not_launched},
      {k_begun, LaunchState::unfinished},
      {k_armed, LaunchState::finished},
      {{{"curfew:launch", ""}, {"curfew:schedule", "none"}}, LaunchState::finished},
      {{{"curfew:launch", "l-1"}, {"curfew:schedule", ""}}, LaunchState::unfinished},
      {{{"curfew:launch", "l-1"}, {"curfew:schedule", "Armed"}}, LaunchState::unfinished},
  };
  for (const auto& [tags, state] : cases) {
    std::string shown;
    for (const auto& [key, value] : tags) shown += key + "=" + value + " ";
    EXPECT_EQ(launch_state(tags), state) << shown;
  }
}

struct Watched {
  int looks = 0;
  std::vector<std::string> found;
};

// Each look takes a minute.
Watched watched(std::deque<Read> answers, std::size_t goes_on_for = 99) {
  Watched out;
  const auto ask = [&]() -> Awaitable<Read> {
    ++out.looks;
    Read answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    co_return answer;
  };
  LaunchWatch watch({ask, [&] { return Millis{60'000} * out.looks; },
                     [&] { return static_cast<std::size_t>(out.looks) < goes_on_for; },
                     [&](const std::string& why) { out.found.push_back(why); }, k_launch_patience,
                     Millis{1}});
  boost::asio::io_context io;
  boost::asio::co_spawn(io, watch.run(), k_rethrow);
  io.run();
  return out;
}

TEST(LaunchWatch, waits_five_minutes_for_the_launch) {
  const auto never = watched({LaunchWatch::Tags{k_begun}});
  EXPECT_EQ(never.looks, 5);
  ASSERT_EQ(never.found.size(), 1U);
  EXPECT_EQ(never.found[0],
            "`curfew launch` was not finished: 5m after the boot there is no tag curfew:schedule, and so no "
            "schedule that would end this machine from outside");
  const auto late =
      watched({LaunchWatch::Tags{k_begun}, LaunchWatch::Tags{k_begun}, LaunchWatch::Tags{k_armed}});
  EXPECT_EQ(late.looks, 3);
  EXPECT_TRUE(late.found.empty());
}

TEST(LaunchWatch, takes_what_imds_does_not_tell_for_nothing) {
  const auto silent = fail(ErrorKind::unavailable, "ask IMDS", "this is a test");
  EXPECT_TRUE(watched({silent}, 20).found.empty());
  EXPECT_TRUE(watched({LaunchWatch::Tags{}}, 20).found.empty());
  // Once it tells, however late, it counts.
  const auto again =
      watched({silent, silent, silent, silent, silent, silent, silent, LaunchWatch::Tags{k_begun}});
  EXPECT_EQ(again.looks, 8);
  EXPECT_EQ(again.found.size(), 1U);
}

TEST(LaunchWatch, stops_looking_once_the_job_is_over) {
  const auto over = watched({LaunchWatch::Tags{k_begun}}, 2);
  EXPECT_EQ(over.looks, 2);
  EXPECT_TRUE(over.found.empty());
}

}  // namespace
}  // namespace curfew::guard
