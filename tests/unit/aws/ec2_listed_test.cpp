#include "aws/ec2_listed.hpp"

#include <gtest/gtest.h>

namespace curfew::aws {
namespace {

TEST(TagList, KeepsOrderAndBytes) {
  TagList tags;
  EXPECT_EQ(tags.size(), 0U);
  EXPECT_EQ(tags.begin(), tags.end());
  EXPECT_FALSE(tags.find("Name"));
  tags.add("Name", "a,b \x1b[2J");
  tags.add("empty", "");
  tags.add("Na", "shorter key");
  tags.add("Name", "twice");
  EXPECT_EQ(tags.size(), 4U);
  std::vector<std::string> told;
  for (const auto tag : tags) told.push_back(std::string(tag.key) + "=" + std::string(tag.value));
  EXPECT_EQ(told, (std::vector<std::string>{"Name=a,b \x1b[2J", "empty=", "Na=shorter key", "Name=twice"}));
  EXPECT_EQ(tags.find("Name"), "a,b \x1b[2J");
  EXPECT_EQ(tags.find("empty"), "");
  EXPECT_FALSE(tags.find("name"));
  EXPECT_FALSE(tags.find("a,b"));
  EXPECT_FALSE(tags.find(""));
}

TEST(TagList, ANulEndsAText) {
  TagList tags;
  tags.add(std::string_view("key\0x", 5), std::string_view("value\0y", 7));
  tags.add("next", "1");
  EXPECT_EQ(tags.find("key"), "value");
  EXPECT_EQ(tags.find("next"), "1");
  EXPECT_EQ(tags.size(), 2U);
}

TEST(TagList, MovesAndCopiesWithItsTexts) {
  TagList tags;
  tags.add("k", "v");
  const TagList copy = tags;
  const TagList moved = std::move(tags);
  EXPECT_EQ(copy.find("k"), "v");
  EXPECT_EQ(moved.find("k"), "v");
  EXPECT_EQ(copy, moved);
}

TEST(InstanceState, IsNamedAsByEc2) {
  for (const auto* name : {"pending", "running", "shutting-down", "terminated", "stopping", "stopped"}) {
    const auto state = instance_state_from(name);
    ASSERT_TRUE(state) << name;
    EXPECT_EQ(name_of(*state), name);
  }
  for (const auto* name : {"", "Running", "rebooting", "shutting_down"})
    EXPECT_FALSE(instance_state_from(name)) << name;
  EXPECT_EQ(name_of(InstanceState::shutting_down), "shutting-down");
  EXPECT_EQ(name_of(BoughtAs::on_demand), "on-demand");
  EXPECT_EQ(name_of(BoughtAs::capacity_block), "capacity-block");
  EXPECT_EQ(name_of(BoughtAs::other), "other");
  EXPECT_EQ(name_of(Tenancy::shared), "default");
  EXPECT_EQ(name_of(Tenancy::other), "other");
}

TEST(AutoScalingGroup, IsInATag) {
  ListedInstance instance;
  EXPECT_EQ(auto_scaling_group(instance), "");
  instance.tags.add("aws:autoscaling:groupName", "workers");
  EXPECT_EQ(auto_scaling_group(instance), "workers");
}

}  // namespace
}  // namespace curfew::aws
