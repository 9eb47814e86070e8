// A deadline that is moved from outside, as the supervisor hears of it.
#include "unit/guard/supervisor_fixture.hpp"

namespace curfew::guard {
namespace {

using namespace test;

class MovedDeadline : public SupervisorTest {
 protected:
  MovedDeadline() {
    spec.on_ec2 = true;
    spec.then = Then::terminate;
    cloud.known.emplace();
    cloud.known->instance_id = "i-0123456789abcdef0";
    cloud.known->region = "us-east-1";
    cloud.known->tags_known = true;
    cloud.known->tags = {{"curfew:deadline", format_utc(end())}};
  }
  // The guard's own: an hour and a minute of grace.
  [[nodiscard]] WallTime end() const { return std::chrono::floor<Seconds>(began + Seconds{3'660}); }
  void move_to(WallTime at) {
    const std::lock_guard lock(cloud.mutex);
    cloud.moved_tags["curfew:deadline"] = format_utc(at);
  }
  bool is_gone_by(WallTime at) {
    return eventually([&] {
      const auto now = saved();
      if (!now || !now->state.times.end_at) return false;
      return std::chrono::abs(now->state.times.end_at->wall - at) <= Seconds{2};
    });
  }

  WallTime began = clock.wall();
};

TEST_F(MovedDeadline, is_followed_later_and_earlier) {
  start();
  EXPECT_TRUE(is_gone_by(end()));
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.held == end(); }));
  move_to(end() + Seconds{7'200});
  EXPECT_TRUE(is_gone_by(end() + Seconds{7'200}));
  move_to(end() - Seconds{600});
  EXPECT_TRUE(is_gone_by(end() - Seconds{600}));
}

TEST_F(MovedDeadline, is_not_followed_beyond_what_the_machine_may_cost) {
  spec.max_cost = Micros{5'000'000};
  spec.cost_bound = CostBound{{}, end() + Seconds{60}, false};
  start();
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.held == end(); }));
  move_to(end() + Seconds{7'200});
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.held == end() + Seconds{7'200}; }));
  EXPECT_TRUE(is_gone_by(end()));
}

}  // namespace
}  // namespace curfew::guard
