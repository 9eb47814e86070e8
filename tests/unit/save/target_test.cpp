// --save's argument and the keys that files get.
#include "save/target.hpp"

#include <gtest/gtest.h>

namespace curfew::save {
namespace {

TEST(ParseTarget, splits_source_from_place) {
  struct Case {
    const char* text;
    const char* source;
    const char* bucket;
    const char* key;
  };
  for (const auto& test : std::vector<Case>{
           {"results.txt=s3://my-bucket", "results.txt", "my-bucket", ""},
           {"results.txt=s3://my-bucket/", "results.txt", "my-bucket", ""},
           {"model/=s3://my-bucket/run-7", "model/", "my-bucket", "run-7"},
           {"model/=s3://my-bucket/run-7/", "model/", "my-bucket", "run-7/"},
           {".=s3://my-bucket/a/b c", ".", "my-bucket", "a/b c"},
           {"lr=0.1/out=s3://my-bucket/lr=0.1", "lr=0.1/out", "my-bucket", "lr=0.1"},
           {"a=s3://first/x=s3://second/y", "a=s3://first/x", "second", "y"},
           {"/abs/out=s3://my-bucket/x", "/abs/out", "my-bucket", "x"},
           {"../out=s3://my-bucket/x", "../out", "my-bucket", "x"},
       }) {
    const auto target = parse_target(test.text);
    ASSERT_TRUE(target) << test.text << ": " << target.error().text();
    EXPECT_EQ(target->source, test.source);
    EXPECT_EQ(target->to.bucket, test.bucket);
    EXPECT_EQ(target->to.key, test.key);
  }
}

TEST(ParseTarget, refuses_what_can_not_be_meant) {
  for (const std::string text :
       {"", "results", "results=", "results=my-bucket/x", "results=https://my-bucket/x", "=s3://my-bucket/x",
        "results=s3://", "results=s3:///x", "results=s3://Bad_Bucket!/x", "/=s3://my-bucket/x",
        "//=s3://my-bucket/x", "/.=s3://my-bucket/x", "/usr/..=s3://my-bucket/x", "/../=s3://my-bucket/x",
        "out=s3://my-bucket/\xff"}) {
    const auto target = parse_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().kind, ErrorKind::invalid_input) << text;
    EXPECT_NE(target.error().cause, "") << text;
  }
  EXPECT_FALSE(parse_target("out=s3://my-bucket/" + std::string(1025, 'k')));
}

TEST(KeyOf, a_folder_goes_below_its_prefix_with_or_without_a_slash) {
  for (const char* prefix : {"run", "run/"})
    EXPECT_EQ(key_of({"b", prefix}, false, "a/b.pt")->text, "run/a/b.pt");
  EXPECT_EQ(key_of({"b", ""}, false, "a/b.pt")->text, "a/b.pt");
}

TEST(KeyOf, a_file_goes_to_the_prefix_itself_or_below_one_that_ends_in_a_slash) {
  EXPECT_EQ(key_of({"b", "run/best.pt"}, true, "model.pt")->text, "run/best.pt");
  EXPECT_EQ(key_of({"b", "run/"}, true, "model.pt")->text, "run/model.pt");
  EXPECT_EQ(key_of({"b", ""}, true, "model.pt")->text, "model.pt");
}

TEST(KeyOf, names_stay_as_they_are_unless_they_are_no_utf8) {
  struct Case {
    std::string name;
    std::string key;
    bool escaped;
  };
  for (const auto& test : std::vector<Case>{
           {"a b+c%20\"'\n.txt", "a b+c%20\"'\n.txt", false},
           {"\xc3\xa9t\xc3\xa9/\xf0\x9f\x8e\x89", "\xc3\xa9t\xc3\xa9/\xf0\x9f\x8e\x89", false},
           {"caf\xe9", "caf%E9", true},
           {"100%\xff/\xc3\xa9", "100%25%FF/\xc3\xa9", true},
           {"\xc0\xaf", "%C0%AF", true},                // overlong
           {"\xed\xa0\x80", "%ED%A0%80", true},         // surrogate
           {"\xf4\x90\x80\x80", "%F4%90%80%80", true},  // beyond U+10FFFF
           {"cut\xe2\x82", "cut%E2%82", true},
       }) {
    const auto key = key_of({"b", ""}, false, test.name);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->text, test.key);
    EXPECT_EQ(key->escaped, test.escaped) << test.key;
  }
}

TEST(KeyOf, refuses_a_key_that_s3_would_not_take) {
  EXPECT_TRUE(key_of({"b", ""}, false, std::string(1024, 'k')));
  const auto key = key_of({"b", ""}, false, std::string(1025, 'k'));
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().cause.find("1025 bytes"), std::string::npos);
  EXPECT_FALSE(key_of({"b", "p"}, false, std::string(400, '\xff')));
}

}  // namespace
}  // namespace curfew::save
