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

TEST(Profile, TakesKeysFromTheCredentialsFileFirst) {
  const auto config =
      ini("[profile p]\naws_access_key_id=C\naws_secret_access_key=cs\nregion=us-west-2\nservices=s\n"
          "[services s]\ns3 =\n  endpoint_url = http://s3\n");
  const auto credentials = ini("[p]\naws_access_key_id=A\naws_secret_access_key=as\naws_session_token=at\n");
  const auto profile = profile_from("p", config, credentials);
  ASSERT_TRUE(profile.found && profile.keys);
  EXPECT_EQ(profile.keys->access_key, "A");
  EXPECT_EQ(profile.keys->session_token, "at");
  EXPECT_EQ(profile.region, "us-west-2");
  EXPECT_EQ(profile.service_endpoints.at("s3"), "http://s3");
  EXPECT_EQ(profile_from("p", config, {}).keys->access_key, "C");
  EXPECT_FALSE(profile_from("q", config, credentials).found);
  EXPECT_FALSE(profile_from("p", {}, ini("[p]\naws_access_key_id=A\n")).keys);
}

TEST(Profile, SaysWhatItNeedsThatIsNotBuiltIn) {
  for (const auto* key : {"role_arn", "sso_session", "sso_start_url", "credential_process",
                          "web_identity_token_file", "login_session"}) {
    const auto config = ini(("[profile p]\n" + std::string(key) + " = x\n").c_str());
    EXPECT_EQ(profile_from("p", config, {}).needs, key);
  }
  const auto both = "[profile p]\naws_access_key_id=A\naws_secret_access_key=S\n";
  EXPECT_EQ(profile_from("p", ini((std::string(both) + "credential_process=x\n").c_str()), {}).needs, "");
  EXPECT_EQ(profile_from("p", ini((std::string(both) + "role_arn=x\n").c_str()), {}).needs, "role_arn");
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
