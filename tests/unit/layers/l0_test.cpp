#include "layers/l0.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "layers/l2.hpp"
#include "os/files.hpp"
#include "support/fake_power.hpp"

namespace curfew::layers {
namespace {

WallTime wall(std::int64_t seconds) { return WallTime{Seconds{seconds}}; }
BootTime boot(std::int64_t seconds) { return BootTime{Seconds{seconds}}; }

TEST(LeftToL0, goes_by_the_boot_clock_within_a_boot_and_by_the_wall_clock_after_another) {
  const L0Record record{{wall(10'000), boot(500)}, "a", false};
  struct Case {
    const char* name;
    job::Now now;
    Seconds left;
  };
  const Case cases[] = {
      {"as armed", {wall(9'900), boot(400), "a"}, Seconds{100}},
      {"wall clock jumped ahead: not yet", {wall(99'999), boot(400), "a"}, Seconds{100}},
      {"wall clock set back: no time won", {wall(1), boot(501), "a"}, Seconds{-1}},
      {"rebooted", {wall(9'990), boot(3), "b"}, Seconds{10}},
      {"rebooted too late", {wall(10'001), boot(3), "b"}, Seconds{-1}},
  };
  for (const auto& c : cases) EXPECT_EQ(left_to_l0(record, c.now), c.left) << c.name;
}

TEST(L0Record, survives_the_way_through_its_file) {
  const L0Record record{
      {WallTime{Millis{1'700'000'000'123}}, BootTime{Millis{77}}}, "boot", true, "i-1", true};
  const auto read = l0_record_from_json(to_json(record));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->at.wall, record.at.wall);
  EXPECT_EQ(read->at.boot, record.at.boot);
  EXPECT_EQ(read->boot_id, "boot");
  EXPECT_TRUE(read->marks_ended && read->every_boot);
  for (const auto* bad : {"", "{}", "[]", "{\"at_wall_ms\":\"soon\"}"})
    EXPECT_FALSE(l0_record_from_json(bad)) << bad;
}

TEST(Units, are_what_the_design_says) {
  const auto timer = l0_timer_unit(wall(0), Seconds{90});
  for (const auto* line : {"DefaultDependencies=no\n", "OnCalendar=1970-01-01 00:00:00 UTC\n",
                           "OnActiveSec=90s\n", "Persistent=true\n", "AccuracySec=1s\n"})
    EXPECT_NE(timer.find(line), std::string::npos) << line;
  EXPECT_EQ(timer.find("Conflicts="), std::string::npos);
  EXPECT_NE(l0_timer_unit(wall(0), Seconds{-5}).find("OnActiveSec=0s\n"), std::string::npos);

  const auto service = l0_service_unit({});
  for (const auto* line : {"DefaultDependencies=no\n", "ConditionPathExists=|!/var/lib/curfew/ended\n",
                           "ConditionPathExists=|/run/curfew/armed\n", "systemctl poweroff -ff"})
    EXPECT_NE(service.find(line), std::string::npos) << line;

  const auto guard = guard_unit({}, {true, Seconds{1'000}});
  for (const auto* line :
       {"Type=notify\n", "NotifyAccess=main\n", "WatchdogSec=30\n", "Restart=always\n", "RestartSec=1\n",
        "StartLimitIntervalSec=600\n", "StartLimitBurst=5\n", "StartLimitAction=poweroff-force\n",
        "RestartPreventExitStatus=0\n", "TimeoutStopSec=1000\n", "OOMScoreAdjust=-1000\n",
        "After=network.target remote-fs.target\n"})
    EXPECT_NE(guard.find(line), std::string::npos) << line;
  EXPECT_EQ(guard.find("FailureAction"), std::string::npos);
  EXPECT_EQ(guard_unit({}, {false, Seconds{1}}).find("poweroff"), std::string::npos);

  const auto job = job_unit({});
  for (const auto* line :
       {"Before=curfew.service\n", "Delegate=yes\n", "OOMPolicy=continue\n", "TasksMax=infinity\n"})
    EXPECT_NE(job.find(line), std::string::npos) << line;
}

TEST(Units, quote_what_systemd_would_expand) {
  Places places;
  places.program = "/opt/100% \"x\"/$HOME";
  EXPECT_NE(guard_unit(places, {}).find("ExecStart=\"/opt/100%% \\\"x\\\"/$$HOME\" guard"), std::string::npos)
      << guard_unit(places, {});
}

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    path = testing::TempDir() + "layers.XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    places = {path + "/bin/curfew", path, path, path + "/units", path + "/units"};
  }
  std::string path;
  Places places;
};

TEST_F(Folder, l0_without_systemd_is_a_scheduled_shutdown_that_can_be_read_back_and_cancelled) {
  const test::FakePower power;
  const L0 l0{places, false, power};
  EXPECT_FALSE(l0.verify().armed);
  ASSERT_TRUE(l0.arm({{wall(9'000), boot(200)}, "a", true}, {wall(8'900), boot(100), "a"}));
  EXPECT_TRUE(l0.verify().armed);
  EXPECT_EQ(l0.verify().next, wall(9'000));
  ASSERT_TRUE(l0.move_for_ending(true, {wall(8'950), boot(150), "a"}));
  EXPECT_EQ(l0.verify().next, wall(8'950) + k_l0_while_ending);
  ASSERT_TRUE(l0.disarm());
  EXPECT_FALSE(l0.verify().armed);
}

TEST_F(Folder, a_program_is_installed_once_and_replaced_when_it_changed) {
  const auto program = path + "/new";
  ASSERT_TRUE(os::replace_file(program, "one", 0755, os::Sync::no));
  ASSERT_TRUE(install_program(program, places.program));
  EXPECT_EQ(*os::read_file(places.program), "one");
  ASSERT_TRUE(os::replace_file(program, "three", 0755, os::Sync::no));
  ASSERT_TRUE(install_program(program, places.program));
  EXPECT_EQ(*os::read_file(places.program), "three");
  EXPECT_EQ(::access(places.program.c_str(), X_OK), 0);
  EXPECT_TRUE(install_program(places.program, places.program));  // it runs from there already
  EXPECT_FALSE(install_program(path + "/none", places.program));
}

}  // namespace
}  // namespace curfew::layers
