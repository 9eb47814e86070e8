#include "setup/policies.hpp"

#include <gtest/gtest.h>

namespace curfew::setup {
namespace {

const Place k_place{"aws", "123456789012", "us-east-1"};

TEST(Policies, AreTheSameHoweverTheyAreWritten) {
  const std::string_view one = R"({"Statement": [{"Action": ["a", "b"], "Resource": "r"}], "Version": "1"})";
  for (const char* const same :
       {R"({"Version": "1", "Statement": {"Resource": ["r"], "Action": ["b", "a"]}})",
        R"({"Version":"1","Statement":[{"Action":["a","b"],"Resource":"r"}]})"})
    EXPECT_TRUE(is_same_policy(one, same)) << same;
  for (const char* const other :
       {R"({"Version": "1", "Statement": {"Resource": ["r"], "Action": ["b"]}})",
        R"({"Version": "1", "Statement": {"Resource": ["r"], "Action": ["a", "b"], "Condition": {}}})", "{}",
        "", "[]", "{"})
    EXPECT_FALSE(is_same_policy(one, other)) << other;
  EXPECT_FALSE(is_same_policy("", "")) << "no policy is like another";
}

TEST(Policies, TellTheirPlaces) {
  const JobPlaces places{{{"models", "runs"}, {"all", ""}}, {{"corpus", "images"}}};
  const auto found = places_in(instance_policy(k_place, places));
  ASSERT_EQ(found.results.size(), 2U);
  EXPECT_EQ(found.results[0].text(), "s3://all/");
  EXPECT_EQ(found.results[1].text(), "s3://models/runs");
  ASSERT_EQ(found.data.size(), 1U);
  EXPECT_EQ(found.data[0].text(), "s3://corpus/images");
  for (
      const char* const none :
      {"", "{}", "[]", R"({"Statement": 1})", R"({"Statement": [1, {"Sid": 2}, {"Sid": "OtherData"}]})",
       R"({"Statement": [{"Sid": "OtherData", "Resource": [1, "x", "arn:aws:s3:::b/a*/*", "arn:aws:s3:::B/*"]}]})"}) {
    const auto empty = places_in(none);
    EXPECT_TRUE(empty.results.empty() && empty.data.empty()) << none;
  }
}

TEST(Policies, TakeNoPlaceThatIsAPattern) {
  EXPECT_EQ(parse_place("s3://models/runs/")->key, "runs");
  EXPECT_EQ(parse_place("s3://models")->key, "");
  for (const char* const bad : {"s3://models/*", "s3://models/a?", "s3://models/${aws:username}", "models/x",
                                "s3://mod*/x", "s3://models/a b", "s3://models/\"}"})
    EXPECT_FALSE(parse_place(bad)) << bad;
}

TEST(Policies, FitIntoARole) {
  JobPlaces places;
  for (int i = 0; i < 20; ++i)
    places.results.push_back({"bucket-" + std::to_string(i), "some/prefix/of/results"});
  // "The total size of all inline policies of a role is at most 10,240 characters."
  EXPECT_LT(instance_policy(k_place, places).size(), 10'240U);
  EXPECT_LT(scheduler_trust(k_place).size(), 2'048U);
}

TEST(Policies, AreIndentedForPeople) {
  EXPECT_EQ(indented(R"({"a":[1,"x"],"b":{},"c":[]})"),
            "{\n  \"a\": [\n    1,\n    \"x\"\n  ],\n  \"b\": {},\n  \"c\": []\n}\n");
  EXPECT_EQ(indented("no JSON"), "no JSON\n");
  EXPECT_TRUE(is_same_policy(indented(launcher_policy(k_place)), launcher_policy(k_place)));
}

}  // namespace
}  // namespace curfew::setup
