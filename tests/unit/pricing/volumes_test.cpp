#include "pricing/volumes.hpp"

#include <gtest/gtest.h>

namespace curfew::pricing {
namespace {

TEST(Volumes, AreTakenAsEc2DescribesThem) {
  const auto volumes = volumes_from({{"vol-1", "gp3", 100, 16000, 1000}, {"vol-2", "st1", 500, {}, {}}});
  ASSERT_EQ(volumes.size(), 2U);
  EXPECT_EQ(volumes[0].type, "gp3");
  EXPECT_EQ(volumes[0].gib, 100U);
  EXPECT_EQ(volumes[0].iops, 16000U);
  EXPECT_EQ(volumes[0].throughput, 1000U);
  EXPECT_FALSE(volumes[0].assumed);
  EXPECT_FALSE(volumes[1].iops);
}

constexpr std::uint64_t k_gib = 1ULL << 30U;

TEST(Volumes, SeenFromInsideTheirTypeIsAssumed) {
  const auto volumes = volumes_from({{"nvme0n1", 100 * k_gib, true}, {"nvme1n1", 5 * k_gib + 1, true}}, {});
  ASSERT_TRUE(volumes);
  ASSERT_EQ(volumes->size(), 2U);
  for (const auto& volume : *volumes) {
    EXPECT_EQ(volume.type, "gp3");
    EXPECT_TRUE(volume.assumed);
    EXPECT_FALSE(volume.iops);
  }
  EXPECT_EQ(volumes->at(0).gib, 100U);
  EXPECT_EQ(volumes->at(1).gib, 6U);
}

TEST(Volumes, InstanceStoresAreLeftOut) {
  const std::vector<os::BlockDevice> disks{{"xvda", 8 * k_gib, false}, {"xvdb", 80 * k_gib, false}};
  for (const auto* device : {"sdb", "xvdb", "/dev/sdb"}) {
    const auto volumes = volumes_from(disks, {device});
    ASSERT_TRUE(volumes && volumes->size() == 1) << device;
    EXPECT_EQ(volumes->at(0).gib, 8U);
  }
  for (const auto* device : {"", "b/", "sd", "sdc", "nvme0n1"})
    EXPECT_EQ(volumes_from(disks, {device})->size(), 2U);
  // What says of itself that it's a volume is one.
  EXPECT_EQ(volumes_from({{"nvme0n1", k_gib, true}}, {"nvme0n1"})->size(), 1U);
}

TEST(Volumes, NoneSeenIsUnknown) {
  EXPECT_FALSE(volumes_from(std::vector<os::BlockDevice>{}, {}));
  EXPECT_FALSE(volumes_from({{"xvdb", k_gib, false}}, {"sdb"}));
}

}  // namespace
}  // namespace curfew::pricing
