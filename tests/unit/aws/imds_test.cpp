#include "aws/imds.hpp"

#include <gtest/gtest.h>

#include "support/fake_clock.hpp"
#include "support/fake_http.hpp"
#include "support/run.hpp"

namespace curfew::aws {
namespace {

class ImdsTest : public testing::Test {
 protected:
  std::unique_ptr<Imds> make(const net::Environment& environment = {}) {
    return make_imds(http_, clock_, environment);
  }
  test::FakeHttp http_;
  test::FakeClock clock_;
};

TEST_F(ImdsTest, FetchesATokenOnceAndGoesThroughNoProxy) {
  const auto imds = make();
  http_.then(200, "tok\n");
  http_.then(200, "g5.xlarge");
  http_.then(404);
  EXPECT_EQ(**test::run(imds->get("meta-data/instance-type")), "g5.xlarge");
  EXPECT_FALSE(*test::run(imds->get("meta-data/spot/instance-action")));
  ASSERT_EQ(http_.requests.size(), 3U);
  EXPECT_EQ(http_.requests[0].method, "PUT");
  EXPECT_EQ(http_.requests[0].url.target, "/latest/api/token");
  EXPECT_EQ(test::header_of(http_.requests[0], "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(http_.requests[1].url.host, "169.254.169.254");
  EXPECT_EQ(test::header_of(http_.requests[1], "X-aws-ec2-metadata-token"), "tok");
  for (const auto& request : http_.requests) EXPECT_TRUE(request.direct);
  for (const auto& limits : http_.limits_seen) EXPECT_LE(limits.total, Seconds{2});
}

TEST_F(ImdsTest, RenewsARefusedTokenOnce) {
  const auto imds = make();
  http_.then(200, "old");
  http_.then(401);
  http_.then(200, "new");
  http_.then(200, "x");
  EXPECT_EQ(**test::run(imds->get("meta-data/x")), "x");
  EXPECT_EQ(test::header_of(http_.requests[3], "X-aws-ec2-metadata-token"), "new");
  http_.then(401);
  http_.then(200, "newer");
  http_.then(401);
  EXPECT_EQ(test::run(imds->get("meta-data/x")).error().kind, ErrorKind::refused);
}

TEST_F(ImdsTest, RenewsAnOldToken) {
  const auto imds = make();
  http_.then(200, "a");
  http_.then(200, "x");
  EXPECT_TRUE(test::run(imds->get("meta-data/x")));
  clock_.advance(std::chrono::hours{6});
  http_.then(200, "b");
  http_.then(200, "x");
  EXPECT_TRUE(test::run(imds->get("meta-data/x")));
  EXPECT_EQ(http_.requests.size(), 4U);
}

TEST_F(ImdsTest, GoesWhereTheVariablesSay) {
  const auto host = [&](const net::Environment& environment) {
    http_.requests.clear();
    http_.then(500);
    (void)test::run(make(environment)->get("x"));
    return http_.requests.empty() ? "nobody" : http_.requests[0].url.host + http_.requests[0].url.target;
  };
  EXPECT_EQ(host({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/sub/"}}),
            "127.0.0.1/sub/latest/api/token");
  EXPECT_EQ(host({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}}), "fd00:ec2::254/latest/api/token");
  EXPECT_EQ(host({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "nonsense"}}), "nobody");
  EXPECT_EQ(test::run(make({{"AWS_EC2_METADATA_DISABLED", "TRUE"}})->get("x")).error().kind,
            ErrorKind::refused);
}

TEST_F(ImdsTest, RefusesATokenThatIsNone) {
  const auto imds = make();
  for (const auto& bad :
       {std::string(), std::string("a b"), std::string("a\r\nX: y"), std::string(2000, 'x')}) {
    http_.then(200, bad);
    EXPECT_FALSE(test::run(imds->get("x")));
  }
  http_.then(403);
  EXPECT_EQ(test::run(imds->get("x")).error().kind, ErrorKind::refused);
}

std::string identity(const std::string& name = {}, const std::string& value = {}) {
  std::map<std::string, std::string> fields{
      {"instanceId", "\"i-0123456789abcdef0\""},   {"region", "\"us-west-2\""},
      {"availabilityZone", "\"us-west-2b\""},      {"instanceType", "\"g5.xlarge\""},
      {"accountId", "\"123456789012\""},           {"imageId", "\"ami-01234567\""},
      {"pendingTime", "\"2026-11-24T17:00:00Z\""}, {"kernelId", "null"}};
  if (!name.empty()) fields[name] = value;
  std::string json = "{";
  for (const auto& [key, text] : fields) json += (json.size() > 1 ? ",\"" : "\"") + key + "\":" + text;
  return json + "}";
}

TEST(Identity, IsRead) {
  const auto got = parse_identity(identity());
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->instance_id, "i-0123456789abcdef0");
  EXPECT_EQ(got->launched, *parse_utc("2026-11-24T17:00:00Z"));
  EXPECT_TRUE(parse_identity(identity("availabilityZone", "\"us-west-2-lax-1a\"")));
  EXPECT_TRUE(parse_identity(identity("instanceType", "\"u-6tb1.metal\"")));
  EXPECT_TRUE(parse_identity(identity("imageId", "null")));
}

TEST(Identity, IsRefusedWhereAPartIsOdd) {
  const std::pair<const char*, const char*> cases[] = {{"instanceId", "\"i-123\""},
                                                       {"instanceId", "\"i-0123456789ABCDEF0\""},
                                                       {"instanceId", "7"},
                                                       {"instanceId", "\"i-01234567\\u0000\""},
                                                       {"region", "\"evil.com/\""},
                                                       {"availabilityZone", "\"eu-west-1a\""},
                                                       {"availabilityZone", "\"us-west-2\""},
                                                       {"instanceType", "\"g5 xlarge\""},
                                                       {"instanceType", "\"metal\""},
                                                       {"accountId", "\"12345\""},
                                                       {"imageId", "\"ami\""},
                                                       {"pendingTime", "\"yesterday\""}};
  for (const auto& [name, value] : cases)
    EXPECT_FALSE(parse_identity(identity(name, value))) << name << value;
  for (const auto* bad : {"", "null", "[]", "{", "{}", "[[[[[[[[[[[[[[[[[["})
    EXPECT_FALSE(parse_identity(bad)) << bad;
}

TEST(SpotAction, IsReadAndChecked) {
  const auto got = parse_spot_action(R"({"action": "terminate", "time": "2026-11-24T18:02:00Z"})");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->action, SpotActionKind::terminate);
  EXPECT_EQ(got->time, *parse_utc("2026-11-24T18:02:00Z"));
  EXPECT_EQ(parse_spot_action(R"({"action":"hibernate","time":"2026-11-24T18:02:00Z"})")->action,
            SpotActionKind::hibernate);
  for (const auto* bad : {"", "{}", R"({"action":"explode","time":"2026-11-24T18:02:00Z"})",
                          R"({"action":"stop"})", R"({"action":"stop","time":"soon"})"})
    EXPECT_FALSE(parse_spot_action(bad)) << bad;
}

// As on AWS's page "View scheduled events for your instances".
std::string event(const std::string& name = {}, const std::string& value = {}) {
  std::map<std::string, std::string> fields{
      {"NotBefore", "\"21 Jan 2019 09:00:43 GMT\""}, {"Code", "\"system-reboot\""},
      {"Description", "\"scheduled reboot\""},       {"EventId", "\"instance-event-0d59937288b749b32\""},
      {"NotAfter", "\"21 Jan 2019 09:17:23 GMT\""},  {"State", "\"active\""}};
  if (!name.empty()) fields[name] = value;
  std::string json = "{";
  for (const auto& [key, text] : fields) json += (json.size() > 1 ? ",\"" : "\"") + key + "\" : " + text;
  return json + "}";
}

TEST(Maintenance, IsRead) {
  const auto got = parse_maintenance("[" + event() + ",\n" + event("State", "\"completed\"") + "," +
                                     event("NotBefore", "\"2 Jan 2027 09:00:43 GMT\"") + "," +
                                     event("Code", "\"a-word-of-tomorrow\"") + "]");
  ASSERT_TRUE(got) << got.error().text();
  ASSERT_EQ(got->size(), 4U);
  EXPECT_EQ((*got)[0].id, "instance-event-0d59937288b749b32");
  EXPECT_EQ((*got)[0].code, "system-reboot");
  EXPECT_EQ((*got)[0].not_before, *parse_utc("2019-01-21T09:00:43Z"));
  EXPECT_TRUE((*got)[0].active);
  EXPECT_FALSE((*got)[1].active);
  EXPECT_EQ((*got)[2].not_before, *parse_utc("2027-01-02T09:00:43Z"));
  EXPECT_EQ((*got)[3].code, "a-word-of-tomorrow");
  EXPECT_TRUE(parse_maintenance("[]")->empty());
}

TEST(Maintenance, IsRefusedWhereAPartIsOdd) {
  const std::pair<const char*, const char*> cases[] = {{"EventId", "\"\""},
                                                       {"EventId", "7"},
                                                       {"EventId", "\"\\u001b[31m\""},
                                                       {"Code", "null"},
                                                       {"Code", "\"System Reboot\""},
                                                       {"State", "\"\""},
                                                       {"State", "[]"},
                                                       {"NotBefore", "\"\""},
                                                       {"NotBefore", "1"},
                                                       {"NotBefore", "\"2019-01-21T09:00:43Z\""},
                                                       {"NotBefore", "\"32 Jan 2019 09:00:43 GMT\""}};
  for (const auto& [name, value] : cases)
    EXPECT_FALSE(parse_maintenance("[" + event(name, value) + "]")) << name << value;
  EXPECT_FALSE(parse_maintenance("[" + event("EventId", "\"" + std::string(65, 'a') + "\"") + "]"));
  std::string many = "[" + event();
  for (int i = 0; i < 32; ++i) many += "," + event();
  for (const auto& bad : {std::string(), std::string("null"), std::string("{}"), std::string("[1]"),
                          std::string("[[[[[[[[[[[["), event(), many + "]"})
    EXPECT_FALSE(parse_maintenance(bad)) << bad;
}

TEST_F(ImdsTest, ReadsMaintenance) {
  const auto imds = make();
  http_.then(200, "t");
  http_.then(200, "[" + event() + "]");
  http_.then(404);
  http_.then(500);
  EXPECT_EQ(test::run(read_maintenance(*imds))->size(), 1U);
  EXPECT_EQ(http_.requests[1].url.target, "/latest/meta-data/events/maintenance/scheduled");
  EXPECT_TRUE(test::run(read_maintenance(*imds))->empty());
  EXPECT_FALSE(test::run(read_maintenance(*imds)));
}

TEST_F(ImdsTest, ReadsTags) {
  const auto imds = make();
  http_.then(200, "t");
  http_.then(200, "Name\ncurfew:deadline\nbad key\n../../user-data\nodd");
  http_.then(200, "job 1");
  http_.then(200, "2026-11-24T18:00:00Z");
  http_.then(200, "line\nbreak");
  const auto tags = test::run(read_tags(*imds));
  ASSERT_TRUE(tags && *tags) << tags.error().text();
  EXPECT_EQ(**tags, (Tags{{"Name", "job 1"}, {"curfew:deadline", "2026-11-24T18:00:00Z"}}));
  EXPECT_EQ(http_.requests[3].url.target, "/latest/meta-data/tags/instance/curfew:deadline");
  http_.then(404);
  EXPECT_FALSE(*test::run(read_tags(*imds)));
  http_.then(500);
  EXPECT_FALSE(test::run(read_tags(*imds)));
}

TEST_F(ImdsTest, ReadsThePublicAddress) {
  const auto imds = make();
  http_.then(200, "t");
  http_.then(200, "203.0.113.7\n");
  EXPECT_EQ(**test::run(read_public_ipv4(*imds)), "203.0.113.7");
  EXPECT_EQ(http_.requests.back().url.target, "/latest/meta-data/public-ipv4");
  http_.then(404);
  EXPECT_FALSE(*test::run(read_public_ipv4(*imds)));
  for (const auto* bad :
       {"", "203.0.113", "203.0.113.256", "203.0.113.07", "203.0.113.7.1", "a.b.c.d", "::1", "<p>"}) {
    http_.then(200, bad);
    EXPECT_FALSE(test::run(read_public_ipv4(*imds))) << bad;
  }
  http_.then(500);
  EXPECT_FALSE(test::run(read_public_ipv4(*imds)));
}

TEST_F(ImdsTest, ReadsWhichDevicesAreInstanceStores) {
  const auto imds = make();
  http_.then(200, "t");
  http_.then(200, "ami\nebs1\nephemeral0\nephemeral1\nephemeral../x\nephemeral\nroot\nswap");
  http_.then(200, "sdb");
  http_.then(200, std::string(65, 'x'));
  EXPECT_EQ(*test::run(read_instance_stores(*imds)), std::vector<std::string>{"sdb"});
  ASSERT_EQ(http_.requests.size(), 4U);
  EXPECT_EQ(http_.requests[2].url.target, "/latest/meta-data/block-device-mapping/ephemeral0");
  http_.then(404);
  EXPECT_TRUE(test::run(read_instance_stores(*imds))->empty());
  std::string many;
  for (int i = 0; i < 25; ++i) many += "ephemeral" + std::to_string(i) + "\n";
  http_.then(200, many);
  for (int i = 0; i < 25; ++i) http_.then(200, "sdb");
  EXPECT_FALSE(test::run(read_instance_stores(*imds)));
}

TEST_F(ImdsTest, ReadsOneTagLifeCycleAndNotices) {
  const auto imds = make();
  http_.then(200, "t");
  http_.then(200, "value");
  EXPECT_EQ(**test::run(read_tag(*imds, "curfew:deadline")), "value");
  EXPECT_FALSE(test::run(read_tag(*imds, "a/b")));
  http_.then(200, "spot");
  EXPECT_EQ(*test::run(read_life_cycle(*imds)), LifeCycle::spot);
  http_.then(404);
  EXPECT_FALSE(*test::run(read_spot_action(*imds)));
  http_.then(200, R"({"action":"stop","time":"2026-11-24T18:02:00Z"})");
  EXPECT_EQ((*test::run(read_spot_action(*imds)))->action, SpotActionKind::stop);
  http_.then(200, R"({"noticeTime":"2026-11-24T18:00:00Z"})");
  EXPECT_EQ(**test::run(read_rebalance(*imds)), *parse_utc("2026-11-24T18:00:00Z"));
  http_.then(200, identity());
  EXPECT_EQ(test::run(read_identity(*imds))->account, "123456789012");
}

}  // namespace
}  // namespace curfew::aws
