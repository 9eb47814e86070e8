#include "watch/filter.hpp"

#include <gtest/gtest.h>

#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

using Names = std::vector<std::string>;

TEST(TagFilter, EndsItsKeyAtTheFirstEqualsSign) {
  EXPECT_EQ(parse_tag_filter("team=vision").value().key, "team");
  EXPECT_EQ(parse_tag_filter("team=vision").value().value, "vision");
  EXPECT_EQ(parse_tag_filter("team=a=b").value().value, "a=b");
  EXPECT_EQ(parse_tag_filter("team=").value().value, "");
  EXPECT_FALSE(parse_tag_filter("team").value().value);
  EXPECT_FALSE(parse_tag_filter(""));
  EXPECT_FALSE(parse_tag_filter("=vision"));
}

TEST(States, AreReadByEc2sNames) {
  using enum InstanceState;
  EXPECT_EQ(parse_states("running,stopped").value(), (std::set{running, stopped}));
  EXPECT_EQ(parse_states(" shutting-down , running").value(), (std::set{running, shutting_down}));
  EXPECT_EQ(parse_states("all").value().size(), 7U);
  for (const char* text : {"", "running,", "Running", "unknown", "stoped"})
    EXPECT_FALSE(parse_states(text)) << text;
  EXPECT_EQ(parse_states("stoped").error().hint, "did you mean stopped?");
}

TEST(Matches, ByTagsOfOneKeyAnyOfAllKeysEach) {
  const auto tags = tags_of({{"team", "vision"}, {"stage", ""}});
  struct Case {
    std::vector<TagFilter> filter;
    bool matches;
  };
  const Case cases[] = {
      {{}, true},
      {{{"team", "vision"}}, true},
      {{{"team", "Vision"}}, false},
      {{{"team", "visio"}}, false},
      {{{"team", {}}}, true},
      {{{"stage", {}}}, true},
      {{{"stage", ""}}, true},
      {{{"nobody", {}}}, false},
      {{{"nobody", ""}}, false},
      {{{"team", "speech"}, {"team", "vision"}}, true},
      {{{"team", "vision"}, {"stage", "prod"}}, false},
      {{{"team", "vision"}, {"stage", ""}}, true},
      {{{"team", ""}, {"stage", "vision"}}, false},
  };
  for (const auto& each : cases) {
    Filter filter;
    filter.tags = each.filter;
    EXPECT_EQ(matches(filter, machine(), tags, k_now), each.matches)
        << (each.filter.empty() ? "" : each.filter.front().key);
  }
}

TEST(Matches, ByAgeAndState) {
  Filter filter;
  const auto tags = tags_of({});
  auto made = machine();
  EXPECT_TRUE(matches(filter, made, tags, k_now));
  made.state = InstanceState::pending;
  EXPECT_TRUE(matches(filter, made, tags, k_now));
  made.state = InstanceState::stopped;
  EXPECT_FALSE(matches(filter, made, tags, k_now));
  filter.states = {InstanceState::stopped};
  EXPECT_TRUE(matches(filter, made, tags, k_now));
  filter.older_than = 1h;
  EXPECT_FALSE(matches(filter, made, tags, k_now));
  filter.older_than = 59min;
  EXPECT_TRUE(matches(filter, made, tags, k_now));
}

TEST(ChooseRegions, ReadsAllThatAreEnabledUnlessToldOtherwise) {
  const Names enabled{"us-east-1", "eu-west-1", "ap-south-1"};
  EXPECT_EQ(choose_regions(enabled, {}, {}).value().to_read, (Names{"ap-south-1", "eu-west-1", "us-east-1"}));
  const auto some = choose_regions(enabled, {}, {"eu-west-1", "me-south-1"}).value();
  EXPECT_EQ(some.to_read, (Names{"ap-south-1", "us-east-1"}));
  EXPECT_EQ(some.ignored, Names{"eu-west-1"});
  const auto named = choose_regions(enabled, {"eu-west-1", "eu-west-1", "us-east-1"}, {"us-east-1"}).value();
  EXPECT_EQ(named.to_read, Names{"eu-west-1"});
  EXPECT_EQ(named.ignored, Names{"us-east-1"});
}

TEST(ChooseRegions, RefusesWhatIsntEnabled) {
  const Names enabled{"us-east-1", "eu-west-1"};
  const auto wrong = choose_regions(enabled, {"eu-wset-1"}, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().hint, "did you mean eu-west-1?");
  EXPECT_EQ(choose_regions(enabled, {}, enabled).value().ignored, (Names{"eu-west-1", "us-east-1"}));
  // Where DescribeRegions was refused, the names given are all there is.
  EXPECT_EQ(choose_regions({}, {"eu-west-1"}, {}).value().to_read, Names{"eu-west-1"});
}

TEST(Filter, IsToldInWords) {
  EXPECT_TRUE(describe(Filter{}).empty());
  Filter filter;
  filter.tags = {{"team", "vision"}, {"job", std::nullopt}};
  filter.older_than = Seconds{24 * 3600};
  filter.states = {InstanceState::running, InstanceState::stopped};
  EXPECT_EQ(describe(filter), (Names{"the tag team=vision", "the tag job", "a start more than 24h ago",
                                     "the state running or stopped"}));
  filter = {};
  filter.states = parse_states("all").value();
  EXPECT_TRUE(describe(filter).empty());
}

}  // namespace
}  // namespace curfew::watch
