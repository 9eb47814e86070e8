#include "aws/core/sso.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "os/files.hpp"
#include "unit/aws/chain_fixture.hpp"

namespace curfew::aws {
namespace {

// A home with a token file that is really there, for its renewal replaces it.
class SsoTest : public ChainTest {
 protected:
  SsoTest() {
    home_ = "/tmp/curfew-sso-XXXXXX";
    EXPECT_NE(::mkdtemp(home_.data()), nullptr);
    for (const auto* folder : {"/.aws", "/.aws/sso", "/.aws/sso/cache"})
      ::mkdir((home_ + folder).c_str(), 0700);
    path_ = sso_token_path({"default", "work", {}, {}, {}, {}}, {{"HOME", home_}}).value();
  }
  ~SsoTest() override {
    (void)os::remove_file(path_);
    for (const auto* folder : {"/.aws/sso/cache", "/.aws/sso", "/.aws", ""})
      ::rmdir((home_ + folder).c_str());
  }
  void write(const std::string& token) {
    EXPECT_TRUE(os::replace_file(path_, token, 0600, os::Sync::no));
    token_ = token;
  }
  Result<Credentials> ask() {
    const std::string config =
        "[default]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = R\n"
        "[sso-session work]\nsso_start_url = https://start\nsso_region = eu-west-1\n";
    return get({}, {{home_ + "/.aws/config", config}, {path_, token_}});
  }
  static std::string token(const char* expires, const char* registered = "2027-01-01T00:00:00Z") {
    return std::string(R"({"accessToken":"hunter2","expiresAt":")") + expires +
           R"(","refreshToken":"refresh1","clientId":"client","clientSecret":"hunter3","registrationExpiresAt":")" +
           registered + R"("})";
  }

  std::string path_;
  std::string token_;
};

constexpr const char* k_role_credentials =
    R"({"roleCredentials":{"accessKeyId":"AKSSO","secretAccessKey":"s","sessionToken":"t","expiration":4070908800000}})";

// The clock stands at 18:00.
TEST_F(SsoTest, ATokenNearItsEndIsRenewedAndKeptForTheNextProgram) {
  write(token("2026-11-24T18:10:00Z"));
  http_.then(200, R"({"accessToken":"fresh","expiresIn":3600,"refreshToken":"refresh2"})");
  http_.then(200, k_role_credentials);
  const auto got = ask();
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(http_.requests.at(0).url.host, "oidc.eu-west-1.amazonaws.com");
  EXPECT_EQ(http_.requests.at(0).url.target, "/token");
  EXPECT_NE(test::body_of(http_.requests[0]).find(R"("refreshToken":"refresh1")"), std::string::npos);
  EXPECT_EQ(test::header_of(http_.requests.at(1), "x-amz-sso_bearer_token"), "fresh");
  const auto kept = parse_sso_token(os::read_file(path_).value());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->access_token, "fresh");
  EXPECT_EQ(kept->refresh_token, "refresh2");
  EXPECT_EQ(kept->client_secret, "hunter3");
  EXPECT_EQ(kept->expires, clock_.now + std::chrono::hours{1});
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(SsoTest, ATokenIsLeftAloneWhileItIsGoodOrCannotBeRenewed) {
  for (const auto& text :
       {token("2026-11-24T19:00:00Z"), token("2026-11-24T18:10:00Z", "2026-11-24T17:00:00Z"),
        std::string(R"({"accessToken":"hunter2","expiresAt":"2026-11-24T18:10:00Z"})")}) {
    http_.requests.clear();
    write(text);
    http_.then(200, k_role_credentials);
    const auto got = ask();
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(http_.requests.size(), 1U);
    EXPECT_EQ(os::read_file(path_).value(), text);
  }
}

TEST_F(SsoTest, ATokenThatIsAnotherUsersIsNotRenewed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  write(token("2026-11-24T18:10:00Z"));
  ASSERT_EQ(::chown(path_.c_str(), 12345, 12345), 0);
  http_.then(200, k_role_credentials);
  ASSERT_TRUE(ask());
  EXPECT_EQ(test::header_of(http_.requests.at(0), "x-amz-sso_bearer_token"), "hunter2");
}

TEST_F(SsoTest, AnOldTokenServesUntilItHasExpiredAndThenTheLoginIsNamed) {
  write(token("2026-11-24T18:10:00Z"));
  http_.then(400, R"({"error":"invalid_grant"})");
  http_.then(200, k_role_credentials);
  EXPECT_TRUE(ask());
  write(token("2026-11-24T17:59:00Z"));
  http_.then(400, R"({"error":"invalid_grant"})");
  auto got = ask();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::refused);
  EXPECT_EQ(got.error().hint, "run: aws sso login --profile default");

  write(token("2026-11-24T19:00:00Z"));
  http_.then(401, R"({"message":"Session token hunter2 not found"})");
  got = ask();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().hint, "run: aws sso login --profile default");
  EXPECT_EQ(got.error().text().find("hunter"), std::string::npos) << got.error().text();
  http_.then(403, R"({"message":"No access"})");
  EXPECT_NE(ask().error().hint.find("assigned to you in account 123456789012"), std::string::npos);
}

TEST_F(SsoTest, EndpointsCanBeSet) {
  write(token("2026-11-24T19:00:00Z"));
  const std::string config =
      "[default]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = R\n"
      "[sso-session work]\nsso_start_url = https://start\nsso_region = cn-north-1\n";
  const Files files{{home_ + "/.aws/config", config}, {path_, token_}};
  EXPECT_FALSE(get({{"AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:9"}}, files));
  EXPECT_EQ(http_.requests.at(0).url.authority(), "127.0.0.1:9");
  EXPECT_TRUE(http_.requests[0].url.target.starts_with("/federation/credentials?role_name=R&"));
  http_.requests.clear();
  EXPECT_FALSE(get({}, files));
  EXPECT_EQ(http_.requests.at(0).url.host, "portal.sso.cn-north-1.amazonaws.com.cn");
}

TEST(SsoReplies, AreCheckedAndNeverShown) {
  for (const auto* bad :
       {"", "[]", "{}", R"({"accessToken":"hunter2"})", R"({"accessToken":"hunter2","expiresAt":"soon"})",
        R"({"accessToken":"hunter2\n","expiresAt":"2026-11-24T18:00:00Z"})",
        R"({"accessToken":7,"expiresAt":7})"}) {
    const auto got = parse_sso_token(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().text().find("hunter2"), std::string::npos);
  }
  for (
      const auto* bad :
      {"", "{}", R"({"roleCredentials":7})",
       R"({"roleCredentials":{"accessKeyId":"A","secretAccessKey":"hunter2"}})",
       R"({"roleCredentials":{"accessKeyId":"A","secretAccessKey":"hunter2","sessionToken":"t","expiration":"1"}})",
       R"({"roleCredentials":{"accessKeyId":"A","secretAccessKey":"hunter2","sessionToken":"t","expiration":-1}})",
       R"({"roleCredentials":{"accessKeyId":"A","secretAccessKey":"hunter2","sessionToken":"t","expiration":9223372036854775807}})"}) {
    const auto got = parse_sso_credentials(bad, "x");
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().text().find("hunter2"), std::string::npos);
  }
  for (const auto* bad : {"", "{}", R"({"accessToken":"a","expiresIn":0})",
                          R"({"accessToken":"a","expiresIn":1e30})", R"({"expiresIn":60})"})
    EXPECT_FALSE(parse_renewed_token(bad, {}, WallTime{})) << bad;
  SsoToken old;
  old.refresh_token = "stays";
  EXPECT_EQ(parse_renewed_token(R"({"accessToken":"a","expiresIn":60})", old, WallTime{})->refresh_token,
            "stays");
}

}  // namespace
}  // namespace curfew::aws
