#include "aws/s3_bucket.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

std::string error(const std::string& code) {
  return "<Error><Code>" + code + "</Code><Message>so it is</Message></Error>";
}

class S3BucketTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<S3Bucket> bucket_in(const std::string& region) {
    return make_s3_bucket(*session, "curfew-123456789012-" + region, region, "123456789012");
  }
  std::unique_ptr<S3Bucket> bucket_ = bucket_in("us-east-1");
};

TEST_F(S3BucketTest, IsLookedForAsOneOfThisAccount) {
  http.then(200);
  EXPECT_EQ(*test::run(bucket_->is_there()), true);
  EXPECT_EQ(http.requests.at(0).method, "HEAD");
  EXPECT_EQ(test::header_of(http.requests.at(0), "x-amz-expected-bucket-owner"), "123456789012");
  http.then(404);
  EXPECT_EQ(*test::run(bucket_->is_there()), false);
  http.then(403);
  const auto theirs = test::run(bucket_->is_there());
  ASSERT_FALSE(theirs);
  EXPECT_EQ(theirs.error().kind, ErrorKind::refused);
}

TEST_F(S3BucketTest, IsMadeInItsRegion) {
  http.then(200);
  EXPECT_TRUE(test::run(bucket_->create()));
  EXPECT_EQ(test::body_of(http.requests.at(0)), "") << "us-east-1 may not be named";
  EXPECT_EQ(test::header_of(http.requests.at(0), "x-amz-expected-bucket-owner"), "")
      << "there is no owner yet";
  http.then(200);
  const auto ireland = bucket_in("eu-west-1");
  EXPECT_TRUE(test::run(ireland->create()));
  EXPECT_NE(test::body_of(http.requests.at(1)).find("<LocationConstraint>eu-west-1<"), std::string::npos);
  EXPECT_EQ(http.requests.at(1).url.host, "curfew-123456789012-eu-west-1.s3.eu-west-1.amazonaws.com");
  http.then(409, error("BucketAlreadyOwnedByYou"));
  EXPECT_TRUE(test::run(bucket_->create()));
  http.then(409, error("BucketAlreadyExists"));
  EXPECT_FALSE(test::run(bucket_->create())) << "it's somebody else's";
}

TEST_F(S3BucketTest, WhatWasNeverSetIsEmpty) {
  for (const char* const code :
       {"NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError", "OwnershipControlsNotFoundError",
        "NoSuchLifecycleConfiguration", "NoSuchBucketPolicy"})
    http.then(404, error(code));
  EXPECT_TRUE(test::run(bucket_->tags())->empty());
  EXPECT_FALSE(*test::run(bucket_->is_public_access_blocked()));
  EXPECT_EQ(*test::run(bucket_->encryption()), "");
  EXPECT_EQ(*test::run(bucket_->ownership()), "");
  EXPECT_TRUE(test::run(bucket_->lifecycle())->empty());
  EXPECT_EQ(*test::run(bucket_->policy()), "");
  http.then(404, error("NoSuchBucket"));
  EXPECT_FALSE(test::run(bucket_->tags())) << "that's another matter";
  http.then(403, error("AccessDenied"));
  EXPECT_FALSE(test::run(bucket_->policy()));
}

TEST_F(S3BucketTest, SettingsGoWithAChecksum) {
  for (int i = 0; i < 6; ++i) http.then(200);
  EXPECT_TRUE(test::run(bucket_->put_tags({{"curfew:made-by", "curfew-setup"}})));
  EXPECT_TRUE(test::run(bucket_->block_public_access()));
  EXPECT_TRUE(test::run(bucket_->encrypt()));
  EXPECT_TRUE(test::run(bucket_->enforce_owner()));
  EXPECT_TRUE(test::run(bucket_->put_lifecycle({})));
  EXPECT_TRUE(test::run(bucket_->put_policy("{}")));
  const std::vector<std::string> targets{"/?tagging=",           "/?publicAccessBlock=", "/?encryption=",
                                         "/?ownershipControls=", "/?lifecycle=",         "/?policy="};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    EXPECT_EQ(http.requests.at(i).url.target, targets[i]);
    EXPECT_NE(test::header_of(http.requests.at(i), "x-amz-checksum-sha256"), "") << targets[i];
    EXPECT_EQ(test::header_of(http.requests.at(i), "x-amz-expected-bucket-owner"), "123456789012");
  }
}

TEST_F(S3BucketTest, ObjectsThatCouldNotBeDeletedAreNamed) {
  http.then(200, "<DeleteResult/>");
  EXPECT_TRUE(test::run(bucket_->delete_objects({"a&b", "<c>"})));
  EXPECT_NE(
      test::body_of(http.requests.at(0)).find("<Key>a&amp;b</Key></Object><Object><Key>&lt;c&gt;</Key>"),
      std::string::npos);
  http.then(200, "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>");
  const auto denied = test::run(bucket_->delete_objects({"a", "b"}));
  ASSERT_FALSE(denied);
  EXPECT_NE(denied.error().text().find("1 could not be, the first a: AccessDenied"), std::string::npos);
  EXPECT_FALSE(test::run(bucket_->delete_objects({})));
  EXPECT_FALSE(test::run(bucket_->delete_objects(std::vector<std::string>(1001, "k"))));
}

TEST(Lifecycle, IsReadAndWrittenAsItWas) {
  const std::string theirs =
      "<Rule><ID>theirs</ID><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></"
      "Filter>"
      "<Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule>";
  const std::string ours =
      "<Rule><ID>curfew-jobs</ID><Filter><Prefix>jobs/</Prefix></Filter><Status>Enabled</Status>"
      "<Expiration><Days>90</Days></Expiration></Rule>";
  const auto rules =
      parse_lifecycle("<LifecycleConfiguration>" + theirs + ours + "</LifecycleConfiguration>");
  ASSERT_TRUE(rules) << rules.error().text();
  ASSERT_EQ(rules->size(), 2U);
  EXPECT_FALSE(rules->at(0).plain);
  EXPECT_EQ(rules->at(0).xml, theirs);
  LifecycleRule same;
  same.id = "curfew-jobs";
  same.prefix = "jobs/";
  same.expire_days = 90;
  EXPECT_EQ(rules->at(1), same);
  EXPECT_EQ(*parse_lifecycle(lifecycle_body({same})), (std::vector<LifecycleRule>{same}));
  EXPECT_NE(lifecycle_body(*rules).find(theirs), std::string::npos);
}

TEST(Lifecycle, WhatDiffersIsSeen) {
  const auto rule = [](const std::string& inner) {
    const auto rules = parse_lifecycle("<LifecycleConfiguration><Rule><ID>x</ID>" + inner +
                                       "</Rule></LifecycleConfiguration>");
    return rules ? rules->at(0) : LifecycleRule{};
  };
  const auto plain =
      rule("<Filter><Prefix/></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>");
  EXPECT_TRUE(plain.plain);
  for (const char* const other :
       {"<Filter><Prefix/></Filter><Status>Disabled</Status><Expiration><Days>1</Days></Expiration>",
        "<Filter><Prefix>a</Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>",
        "<Filter><Prefix/></Filter><Status>Enabled</Status><Expiration><Days>2</Days></Expiration>",
        "<Filter><Prefix/></Filter><Status>Enabled</Status><Expiration><Date>2030-01-01</Date></Expiration>",
        "<Filter><Prefix/></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>"
        "<Transition><Days>1</Days></Transition>"})
    EXPECT_NE(rule(other), plain) << other;
}

TEST(BucketReplies, AreRefusedWhereTheyAreNone) {
  EXPECT_FALSE(parse_bucket_tags("<html/>"));
  EXPECT_FALSE(parse_public_access_block(""));
  EXPECT_FALSE(
      *parse_public_access_block("<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
                                 "</PublicAccessBlockConfiguration>"));
  EXPECT_FALSE(parse_encryption("<x/>"));
  EXPECT_FALSE(parse_ownership("<x/>"));
  EXPECT_FALSE(parse_bucket_policy("<html>"));
  EXPECT_FALSE(parse_bucket_policy(""));
  EXPECT_FALSE(
      parse_lifecycle("<LifecycleConfiguration><Rule><Expiration><Days>soon</Days></Expiration></Rule>"
                      "</LifecycleConfiguration>"));
}

}  // namespace
}  // namespace curfew::aws
