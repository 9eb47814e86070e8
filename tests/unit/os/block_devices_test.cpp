#include "os/block_devices.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace curfew::os {
namespace {

// A /sys/block below a folder of its own.
class BlockDevices : public testing::Test {
 protected:
  BlockDevices() {
    std::string name = (std::filesystem::temp_directory_path() / "curfew-block-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(root_ + "/sys/block");
  }
  ~BlockDevices() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  void write(const std::string& name, const std::string& attribute, const std::string& text) const {
    const std::filesystem::path path = root_ + "/sys/block/" + name + "/" + attribute;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // As the kernel pads them.
  void nvme(const std::string& name, std::string model, const std::string& size) const {
    model.resize(40, ' ');
    write(name, "device/model", model + "\n");
    write(name, "size", size + "\n");
  }
  [[nodiscard]] std::string shown() const {
    const auto disks = ebs_disks(root_);
    if (!disks) return "error";
    std::string text;
    for (const auto& disk : *disks)
      text += disk.name + "=" + std::to_string(disk.bytes) + (disk.is_surely_ebs ? "! " : " ");
    return text;
  }

  std::string root_;
};

constexpr const char* k_ebs = "Amazon Elastic Block Store";
constexpr const char* k_store = "Amazon EC2 NVMe Instance Storage";

TEST_F(BlockDevices, OnNitroTheModelTellsAVolumeFromAnInstanceStore) {
  nvme("nvme0n1", k_ebs, "209715200");
  nvme("nvme1n1", k_store, "488281250");
  nvme("nvme10n1", k_ebs, "2048");
  nvme("nvme2n1", "Samsung SSD", "2048");
  EXPECT_EQ(shown(), "nvme0n1=107374182400! nvme10n1=1048576! ");
}

TEST_F(BlockDevices, OnXenEveryDiskMayBeOne) {
  write("xvda", "size", "16777216\n");
  write("xvdf1", "size", "2\n");
  write("sdb", "size", "4\n");
  EXPECT_EQ(shown(), "sdb=2048 xvda=8589934592 xvdf1=1024 ");
}

TEST_F(BlockDevices, LeavesOutWhatIsMadeOfOthers) {
  for (const auto* name : {"loop0", "ram1", "zram0", "dm-0", "md127", "sr0", "nbd0", "nvme0c0n1", "nvme",
                           "nvmen1", "nvme0n", "nvme0n1x", "xvd", "sd", "sdA", "sda1b", "vda"})
    write(name, "size", "2048\n");
  write("sdz", "size", "0\n");
  EXPECT_EQ(shown(), "");
}

TEST_F(BlockDevices, APartOfTheDisksIsNotPassedOffAsAll) {
  for (const auto* size : {"", "-1", "1e3", "99999999999999999999", "137438953473", "many", "\x1b[2J"}) {
    write("xvda", "size", size);
    EXPECT_EQ(shown(), "error") << size;
  }
  write("xvda", "size", "137438953472");  // 64 TiB, the largest there is
  EXPECT_EQ(shown(), "xvda=70368744177664 ");
  write("xvdb", "other", "no size");
  EXPECT_EQ(shown(), "error");
}

TEST_F(BlockDevices, AnNvmeDiskWithoutAModelIsAnError) {
  write("nvme0n1", "size", "2048");
  EXPECT_EQ(shown(), "error");
  write("nvme0n1", "device/model", std::string(1000, 'x'));
  EXPECT_EQ(shown(), "error");
}

TEST_F(BlockDevices, FollowsTheKernelsLinks) {
  std::filesystem::create_directories(root_ + "/sys/devices/vbd-768/block/xvda");
  std::ofstream(root_ + "/sys/devices/vbd-768/block/xvda/size") << "2048\n";
  std::filesystem::create_directory_symlink("../devices/vbd-768/block/xvda", root_ + "/sys/block/xvda");
  EXPECT_EQ(shown(), "xvda=1048576 ");
}

TEST_F(BlockDevices, WithoutAListThereIsAnError) {
  std::filesystem::remove_all(root_ + "/sys");
  EXPECT_EQ(ebs_disks(root_).error().kind, ErrorKind::not_found);
}

TEST_F(BlockDevices, HasABound) {
  for (int i = 0; i < 129; ++i) nvme("nvme" + std::to_string(i) + "n1", k_ebs, "2048");
  EXPECT_EQ(shown(), "error");
}

}  // namespace
}  // namespace curfew::os
