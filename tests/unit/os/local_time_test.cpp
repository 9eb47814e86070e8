#include "os/local_time.hpp"

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace curfew::os {
namespace {

class LocalTimeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* zone = std::getenv("TZ")) before_ = zone;
  }
  void TearDown() override {
    if (before_) ::setenv("TZ", before_->c_str(), 1);
    else ::unsetenv("TZ");
  }

 private:
  std::optional<std::string> before_;
};

TEST_F(LocalTimeTest, is_what_a_clock_there_shows) {
  const WallTime time = *parse_utc("2026-07-01T23:30:00Z");
  for (const auto& [zone, text] : {std::pair{"CET-1CEST,M3.5.0,M10.5.0/3", "Thu 2026-07-02 01:30:00 CEST"},
                                   std::pair{"<-0330>3:30", "Wed 2026-07-01 20:00:00 -0330"},
                                   std::pair{"UTC", ""}, std::pair{"GMT0", ""}}) {
    ::setenv("TZ", zone, 1);
    EXPECT_EQ(format_local(time), text) << zone;
  }
}

}  // namespace
}  // namespace curfew::os
