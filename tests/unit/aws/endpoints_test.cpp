#include "aws/core/endpoints.hpp"

#include <gtest/gtest.h>

#include "aws/s3.hpp"

namespace curfew::aws {
namespace {

TEST(Endpoints, FollowThePartition) {
  struct Case {
    const char* region;
    const char* partition;
    const char* host;
  };
  const Case cases[] = {
      {"us-east-1", "aws", "ec2.us-east-1.amazonaws.com"},
      {"mx-central-1", "aws", "ec2.mx-central-1.amazonaws.com"},
      {"cn-north-1", "aws-cn", "ec2.cn-north-1.amazonaws.com.cn"},
      {"us-gov-west-1", "aws-us-gov", "ec2.us-gov-west-1.amazonaws.com"},
      {"eusc-de-east-1", "aws-eusc", "ec2.eusc-de-east-1.amazonaws.eu"},
      {"us-iso-east-1", "aws-iso", "ec2.us-iso-east-1.c2s.ic.gov"},
      {"us-isob-east-1", "aws-iso-b", "ec2.us-isob-east-1.sc2s.sgov.gov"},
      {"eu-isoe-west-1", "aws-iso-e", "ec2.eu-isoe-west-1.cloud.adc-e.uk"},
      {"us-isof-south-1", "aws-iso-f", "ec2.us-isof-south-1.csp.hci.ic.gov"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(partition_of(c.region).name, c.partition);
    const auto endpoint = endpoint_for("ec2", c.region, {}, "");
    ASSERT_TRUE(endpoint) << c.region;
    EXPECT_EQ(endpoint->url.host, c.host);
    EXPECT_EQ(endpoint->url.scheme, "https");
    EXPECT_FALSE(endpoint->custom);
  }
}

TEST(Endpoints, LetNothingButARegionIntoAHostName) {
  for (const auto* bad : {"", "us", "evil.com/", "us-east-1.evil.com", "us east", "US-EAST-1", "-us-east-1",
                          "us-east-1-", "us-east-1\n", "abcdefghijklmnopqrstuvwxyzabcdefgh"}) {
    EXPECT_FALSE(is_region(bad)) << bad;
    EXPECT_FALSE(endpoint_for("ec2", bad, {}, "")) << bad;
  }
}

TEST(Endpoints, TheUsersOwnComeFirst) {
  const net::Environment all{{"AWS_ENDPOINT_URL", "http://general:1"},
                             {"AWS_ENDPOINT_URL_EC2", "http://own:2/base/"}};
  EXPECT_EQ(endpoint_for("ec2", "us-east-1", all, "http://profile:3")->url.host, "own");
  EXPECT_EQ(endpoint_for("ec2", "us-east-1", all, "")->url.target, "/base");
  EXPECT_EQ(endpoint_for("s3", "us-east-1", all, "http://profile:3")->url.host, "general");
  EXPECT_EQ(endpoint_for("s3", "us-east-1", {}, "http://profile:3")->url.host, "profile");
  EXPECT_TRUE(endpoint_for("s3", "us-east-1", {}, "http://profile:3")->custom);
  auto ignored = all;
  ignored["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(endpoint_for("ec2", "us-east-1", ignored, "http://profile")->url.host,
            "ec2.us-east-1.amazonaws.com");
  EXPECT_FALSE(endpoint_for("ec2", "us-east-1", {{"AWS_ENDPOINT_URL", "nonsense"}}, ""));
  EXPECT_FALSE(endpoint_for("ec2", "us-east-1", {{"AWS_ENDPOINT_URL", "http://a/?x"}}, ""));
}

TEST(Endpoints, ServicesWithANameOfTheirOwnAreFound) {
  EXPECT_EQ(endpoint_for("monitoring", "us-east-1", {}, "")->url.host, "monitoring.us-east-1.amazonaws.com");
  EXPECT_EQ(endpoint_for("budgets", "us-east-1", {}, "")->url.host, "budgets.amazonaws.com");
  const net::Environment own{{"AWS_ENDPOINT_URL_CLOUDWATCH", "http://own"},
                             {"AWS_ENDPOINT_URL_MONITORING", "http://nobodys"}};
  EXPECT_EQ(endpoint_for("monitoring", "us-east-1", own, "")->url.host, "own");
  EXPECT_EQ(settings_name_of("monitoring"), "cloudwatch");
  EXPECT_EQ(settings_name_of("ec2"), "ec2");
}

TEST(Endpoints, BucketsStandInTheHostNameWhereTheyFit) {
  const auto aws = *endpoint_for("s3", "eu-west-1", {}, "");
  const auto own = *endpoint_for("s3", "eu-west-1", {{"AWS_ENDPOINT_URL", "http://127.0.0.1:5000"}}, "");
  EXPECT_EQ(s3_url(aws, "bucket", "a b/c").host, "bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(s3_url(aws, "bucket", "a b/c").target, "/a%20b/c");
  EXPECT_EQ(s3_url(aws, "bucket", "").target, "/");
  EXPECT_EQ(s3_url(aws, "dotted.bucket", "k").host, "s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(s3_url(aws, "dotted.bucket", "k").target, "/dotted.bucket/k");
  EXPECT_EQ(s3_url(own, "bucket", "/k").target, "/bucket//k");
  EXPECT_EQ(s3_url(own, "bucket", "").target, "/bucket");
}

TEST(S3Location, IsReadAsWritten) {
  const auto full = parse_s3_url("s3://my-bucket/some/prefix/");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->bucket, "my-bucket");
  EXPECT_EQ(full->key, "some/prefix/");
  EXPECT_EQ(full->text(), "s3://my-bucket/some/prefix/");
  EXPECT_EQ(parse_s3_url("s3://abc")->key, "");
  EXPECT_EQ(parse_s3_url("s3://abc//x y%20?#")->key, "/x y%20?#");
  for (const auto* bad :
       {"", "s3://", "s3:///key", "S3://abc", "http://abc", "s3://ab/k", "s3://Abc", "s3://a_b_c",
        "s3://-abc", "s3://abc-", "s3://a..b", "s3://192.168.0.1/k", "s3://abc\n/k", "abc/key"})
    EXPECT_FALSE(parse_s3_url(bad)) << bad;
  EXPECT_FALSE(parse_s3_url("s3://" + std::string(64, 'a')));
  EXPECT_FALSE(parse_s3_url("s3://abc/" + std::string(1025, 'k')));
}

}  // namespace
}  // namespace curfew::aws
