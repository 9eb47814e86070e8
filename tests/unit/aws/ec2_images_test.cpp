#include "aws/ec2_images.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_image = "ami-0123456789abcdef0";

std::string item(const std::string& id, const std::string& created,
                 const std::string& architecture = "x86_64", const std::string& state = "available") {
  return "<item><imageId>" + id + "</imageId><imageState>" + state + "</imageState><architecture>" +
         architecture + "</architecture><name>train</name><creationDate>" + created +
         "</creationDate></item>";
}
std::string page(const std::string& items, const std::string& token = "") {
  return "<DescribeImagesResponse><imagesSet>" + items + "</imagesSet><nextToken>" + token +
         "</nextToken></DescribeImagesResponse>";
}

class Ec2ImagesTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ec2Images> images_ = make_ec2_images(*session, "us-east-1");
};

TEST_F(Ec2ImagesTest, reads_what_an_image_brings_along) {
  http.then(200,
            "<DescribeImagesResponse><imagesSet><item><imageId>ami-0123456789abcdef0</imageId>"
            "<imageState>available</imageState><architecture>x86_64</architecture><name>Deep Learning</name>"
            "<rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping>"
            "<item><deviceName>/dev/sda1</deviceName><ebs><volumeSize>45</volumeSize></ebs></item>"
            "<item><deviceName>/dev/sdb</deviceName><virtualName>ephemeral0</virtualName></item>"
            "</blockDeviceMapping></item></imagesSet></DescribeImagesResponse>");
  const auto image = test::run(images_->image(k_image));
  ASSERT_TRUE(image) << image.error().text();
  EXPECT_EQ(image->root_device, "/dev/sda1");
  EXPECT_EQ(image->state, "available");
  EXPECT_FALSE(image->created);
  ASSERT_EQ(image->devices.size(), 2U);
  EXPECT_EQ(image->devices[0].gib, 45U);
  EXPECT_TRUE(image->devices[0].is_ebs);
  EXPECT_FALSE(image->devices[1].is_ebs);
}

TEST_F(Ec2ImagesTest, takes_the_youngest_that_fits) {
  http.then(200, page(item("ami-1", "2026-01-05T10:00:00.000Z") + item("ami-2", "2026-03-01T00:00:00.000Z"),
                      "more"));
  http.then(200, page("", "and more"));
  http.then(200, page(item("ami-3", "2025-12-31T10:00:00.000Z") +
                      item("ami-4", "2026-04-01T10:00:00.000Z", "arm64") +
                      item("ami-5", "2026-04-01T10:00:00.000Z", "x86_64", "pending") + item("ami-6", "")));
  const auto newest = test::run(images_->newest({{"self", "amazon"}, "train-*"}, "x86_64"));
  ASSERT_TRUE(newest) << newest.error().text();
  EXPECT_EQ(newest->id, "ami-2");
  const auto asked = test::body_of(http.requests.at(0));
  for (const char* const part :
       {"Owner.1=self&Owner.2=amazon", "Filter.1.Name=name&Filter.1.Value.1=train-%2A",
        "Filter.2.Name=architecture&Filter.2.Value.1=x86_64",
        "Filter.3.Name=state&Filter.3.Value.1=available"})
    EXPECT_NE(asked.find(part), std::string::npos) << asked;
  EXPECT_NE(test::body_of(http.requests.at(2)).find("NextToken=and%20more"), std::string::npos);
}

TEST_F(Ec2ImagesTest, takes_no_part_of_a_list_for_the_list) {
  http.then(200, page(item("ami-1", "2026-01-05T10:00:00.000Z"), "more"));
  http.then(
      403,
      "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>"
      "</Response>");
  const auto newest = test::run(images_->newest({{"self"}, "train-*"}, "x86_64"));
  ASSERT_FALSE(newest);
  EXPECT_EQ(newest.error().code, "UnauthorizedOperation");
}

TEST_F(Ec2ImagesTest, says_whose_it_looked_for) {
  http.then(200, page(""));
  const auto newest = test::run(images_->newest({{"self", "amazon"}, "train-*"}, "x86_64"));
  ASSERT_FALSE(newest);
  EXPECT_EQ(newest.error().kind, ErrorKind::not_found);
  EXPECT_NE(newest.error().text().find("belongs to self or amazon"), std::string::npos)
      << newest.error().text();
  EXPECT_FALSE(test::run(images_->newest({{}, "train-*"}, "x86_64")))
      << "without an owner it may be anybody's";
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST(Ec2Images, believes_no_broken_reply) {
  EXPECT_TRUE(parse_images(page("")));
  for (const auto& reply :
       {std::string("<x/>"), page(item("evil", "")), std::string("<DescribeImagesResponse/>")})
    EXPECT_FALSE(parse_images(reply)) << reply;
}

TEST(Ec2Images, are_named_by_patterns_of_trusted_owners) {
  struct Case {
    const char* text;
    std::vector<std::string> owners;
    const char* name;
  };
  for (const auto& c :
       {Case{"train-*", {"self", "amazon"}, "train-*"}, Case{"self:train", {"self"}, "train"},
        Case{"amazon:Deep Learning Base (Ubuntu 22.04) ????????",
             {"amazon"},
             "Deep Learning Base (Ubuntu 22.04) ????????"},
        Case{"099720109477:ubuntu/images/hvm-ssd/*", {"099720109477"}, "ubuntu/images/hvm-ssd/*"}}) {
    const auto pattern = parse_image_pattern(c.text);
    ASSERT_TRUE(pattern) << c.text;
    EXPECT_EQ(pattern->owners, c.owners) << c.text;
    EXPECT_EQ(pattern->name, c.name);
  }
  for (const std::string bad :
       {"ubuntu", "auto", "", "*", "**?", "self:", "self:*", "all:train", "aws-marketplace:x",
        "12345:train-*", "a:b:c*", "train\n*", "train\\*", "ssm:/x"})
    EXPECT_FALSE(parse_image_pattern(bad)) << bad;
  EXPECT_FALSE(parse_image_pattern(std::string(128, 'a') + "*"));
}

}  // namespace
}  // namespace curfew::aws
