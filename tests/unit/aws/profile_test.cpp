#include "aws/core/profile.hpp"

#include <gtest/gtest.h>

namespace curfew::aws {
namespace {

TEST(Ini, IsReadAsBotocoreReadsIt) {
  const auto ini = parse_ini(
      "\xef\xbb\xbf# comment\r\n; another\r\n\r\n[default]\r\nRegion = us-east-1\r\nkey=a=b # kept\r\n"
      "[profile  two words ]\nregion: eu-west-1\n[profile 'quoted name']\nregion = x\n"
      "[services s]\ns3 =\n  endpoint_url = http://s3\n\tother = 1\nec2 =\n  endpoint_url = http://ec2\n"
      "[default]\nregion = second\n");
  ASSERT_TRUE(ini) << ini.error().text();
  EXPECT_EQ(ini->at("default").at("region"), "second");
  EXPECT_EQ(ini->at("default").at("key"), "a=b # kept");
  EXPECT_EQ(ini->at("profile two words").at("region"), "eu-west-1");
  EXPECT_EQ(ini->at("profile quoted name").at("region"), "x");
  EXPECT_EQ(ini->at("services s").at("s3"), "\nendpoint_url = http://s3\nother = 1");
}

TEST(Ini, NamesTheLineButNotItsText) {
  for (const auto* text :
       {"[default]\nsecret-text\n", "[default]\n=secret-text", "\n[secret-text", "\nkey = secret-text"}) {
    const auto ini = parse_ini(text);
    ASSERT_FALSE(ini) << text;
    EXPECT_NE(ini.error().text().find("line 2"), std::string::npos) << ini.error().text();
    EXPECT_EQ(ini.error().text().find("secret-text"), std::string::npos);
  }
  EXPECT_FALSE(parse_ini(std::string("[a]\nb=\0c", 8)));
  EXPECT_FALSE(parse_ini(std::string((1U << 20U) + 1, '\n')));
}

Ini ini(const char* text) { return *parse_ini(text); }

TEST(Profile, IsWhatBothFilesSayAndTheCredentialsFileWins) {
  const auto files = std::make_shared<const ProfileFiles>(ProfileFiles{
      "c", "k",
      ini("[profile p]\naws_access_key_id=C\nregion=us-west-2\nservices=s\nsts_regional_endpoints=legacy\n"
          "[services s]\ns3 =\n  endpoint_url = http://s3\n[default]\nregion=d\n"),
      ini("[p]\naws_access_key_id=A\n[q]\n")});
  const auto profile = profile_from("p", files);
  EXPECT_TRUE(profile.found);
  EXPECT_EQ(profile.region, "us-west-2");
  EXPECT_EQ(profile.service_endpoints.at("s3"), "http://s3");
  EXPECT_EQ(profile.sts_regional_endpoints, "legacy");
  EXPECT_EQ(files->merged("p")->at("aws_access_key_id"), "A");
  EXPECT_EQ(files->in_config("p")->at("aws_access_key_id"), "C");
  EXPECT_EQ(profile_from("default", files).region, "d");
  EXPECT_TRUE(profile_from("q", files).found);
  EXPECT_FALSE(profile_from("r", files).found);
  EXPECT_FALSE(files->merged("r"));
}

TEST(Profile, IsLookedForWhereTheVariablesSay) {
  std::map<std::string, std::string> files{
      {"/home/u/.aws/config", "[default]\nregion=from-home\n[profile p]\nregion=from-p\n"},
      {"/other", "[default]\nregion=from-other\n"}};
  const ReadFile read = [&](const std::string& path) -> Result<std::string> {
    if (path == "/forbidden") return fail(ErrorKind::refused, "read " + path, "permission denied");
    if (const auto found = files.find(path); found != files.end()) return found->second;
    return fail(ErrorKind::not_found, "read " + path, "no such file");
  };
  const auto region = [&](const net::Environment& environment, const std::string& name = {}) {
    const auto profile = load_profile(environment, name, read);
    return profile ? profile->region : "error: " + profile.error().text();
  };
  EXPECT_EQ(region({{"HOME", "/home/u"}}), "from-home");
  EXPECT_EQ(region({{"HOME", "/home/u"}, {"AWS_PROFILE", "p"}}), "from-p");
  EXPECT_EQ(region({{"HOME", "/home/u"}, {"AWS_PROFILE", "p"}}, "default"), "from-home");
  EXPECT_EQ(region({{"HOME", "/home/u"}, {"AWS_CONFIG_FILE", "/other"}}), "from-other");
  EXPECT_EQ(region({{"HOME", "/home/u"}, {"AWS_CONFIG_FILE", "~/.aws/config"}}), "from-home");
  EXPECT_EQ(region({}), "");
  EXPECT_TRUE(region({{"HOME", "/home/u"}, {"AWS_PROFILE", "missing"}}).starts_with("error:"));
  EXPECT_TRUE(region({{"AWS_CONFIG_FILE", "/forbidden"}}).starts_with("error:"));
}

}  // namespace
}  // namespace curfew::aws
