#include "layers/installed.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::layers {
namespace {

TEST(Installed, is_a_unit_that_is_enabled_and_goes_without_a_trace) {
  std::string path = testing::TempDir() + "layers.XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  const Places places{path + "/state/bin/curfew", path + "/state", path + "/run", path + "/units",
                      path + "/runtime",          path + "/stamps"};
  for (const auto& folder : {places.units, places.run, places.timer_stamps})
    std::filesystem::create_directories(folder);
  EXPECT_FALSE(is_installed(places));
  ASSERT_TRUE(install(places, "{\"token\":1}", "/bin/true"));
  EXPECT_TRUE(is_installed(places));
  ASSERT_TRUE(install(places, "{\"token\":2}", "/bin/true"));  // fine to do again
  EXPECT_EQ(*os::read_file(places.installed()), "{\"token\":2}");
  struct stat info {};
  ASSERT_EQ(::stat(places.installed().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::filesystem::read_symlink(places.units + "/multi-user.target.wants/curfew-boot.service"),
            places.units + "/curfew-boot.service");
  EXPECT_EQ(*os::read_file(places.program), *os::read_file("/bin/true"));

  for (const auto* left : {"units/curfew.service", "units/curfew-l0.timer", "units/curfew-l0.service",
                           "stamps/stamp-curfew-l0.timer", "units/own.service", "run/guard.sock"})
    ASSERT_TRUE(os::replace_file(path + "/" + left, "", 0644, os::Sync::no));
  ASSERT_TRUE(remove_units(places));
  ASSERT_TRUE(remove_folders(places));
  EXPECT_FALSE(is_installed(places));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (!entry.is_directory()) files.push_back(entry.path().filename());
  EXPECT_EQ(files, std::vector<std::string>{"own.service"});
  EXPECT_FALSE(os::exists(places.state) || os::exists(places.run));
  EXPECT_TRUE(remove_units(places) && remove_folders(places));
  std::filesystem::remove_all(path);
}

TEST(Installed, has_units_that_count_from_each_boot) {
  const auto timer = l0_boot_timer_unit(Seconds{90});
  for (const auto* line : {"DefaultDependencies=no\n", "OnActiveSec=90s\n", "AccuracySec=1s\n"})
    EXPECT_NE(timer.find(line), std::string::npos) << line;
  // What was missed while the machine was off must not end it at its next start.
  for (const auto* line : {"OnCalendar=", "Persistent="})
    EXPECT_EQ(timer.find(line), std::string::npos) << line;
  EXPECT_NE(l0_service_unit({}).find("ConditionPathExists=|/var/lib/curfew/installed.json\n"),
            std::string::npos);
  const auto unit = boot_unit({});
  for (const auto* line : {"Type=oneshot\n", "RemainAfterExit=yes\n", "WantedBy=multi-user.target\n",
                           "ExecStart=\"/var/lib/curfew/bin/curfew\" boot --state"})
    EXPECT_NE(unit.find(line), std::string::npos) << line;
}

}  // namespace
}  // namespace curfew::layers
