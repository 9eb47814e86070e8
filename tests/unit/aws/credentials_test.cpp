#include "aws/core/credentials.hpp"

#include <gtest/gtest.h>

#include "support/fake_clock.hpp"
#include "support/fake_http.hpp"
#include "support/run.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_document =
    R"({"Code":"Success","AccessKeyId":"ASIA1","SecretAccessKey":"s3cret","Token":"t0ken","Expiration":"2026-11-24T19:00:00Z"})";

class CredentialsTest : public testing::Test {
 protected:
  std::unique_ptr<CredentialsSource> make(net::Environment environment, Result<Profile> profile = empty(),
                                          bool explicit_profile = false) {
    imds_ = make_imds(http_, clock_, environment);
    return make_credentials({http_, clock_, *imds_, std::move(environment), std::move(profile),
                             explicit_profile,
                             [this](const std::string&) -> Result<std::string> { return file_; }});
  }
  static Result<Credentials> get(CredentialsSource& source) { return test::run(source.get()); }
  static Profile with_keys() {
    ProfileFiles files;
    files.credentials = *parse_ini("[default]\naws_access_key_id=FROMPROFILE\naws_secret_access_key=s\n");
    return profile_from("default", std::make_shared<const ProfileFiles>(std::move(files)));
  }
  static Profile empty() { return profile_from("default", std::make_shared<const ProfileFiles>()); }

  test::FakeHttp http_;
  test::FakeClock clock_;
  std::unique_ptr<Imds> imds_;
  std::string file_ = "Bearer from-file\n";
};

const net::Environment k_keys{{"AWS_ACCESS_KEY_ID", "FROMENV"}, {"AWS_SECRET_ACCESS_KEY", "x"}};

TEST_F(CredentialsTest, EnvironmentComesBeforeTheProfileUnlessThatIsNamed) {
  EXPECT_EQ(get(*make(k_keys, with_keys()))->access_key, "FROMENV");
  EXPECT_EQ(get(*make(k_keys, with_keys(), true))->access_key, "FROMPROFILE");
  EXPECT_EQ(get(*make({}, with_keys()))->access_key, "FROMPROFILE");
  // What is wrong with the profile doesn't matter to who doesn't need it.
  EXPECT_TRUE(get(*make(k_keys, fail(ErrorKind::not_found, "use the profile", "no such"))));
  EXPECT_FALSE(get(*make({}, fail(ErrorKind::not_found, "use the profile", "no such"))));
}

TEST_F(CredentialsTest, HalfAPairOfKeysIsAnError) {
  const auto got = get(*make({{"AWS_ACCESS_KEY_ID", "FROMENV"}}, with_keys()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::refused);
}

TEST_F(CredentialsTest, KeysWithALineBreakAreRefusedUnseen) {
  auto environment = k_keys;
  environment["AWS_SECRET_ACCESS_KEY"] = "hunter2\n";
  const auto got = get(*make(environment));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().text().find("hunter2"), std::string::npos);
}

TEST_F(CredentialsTest, AsksTheContainersService) {
  http_.then(200, k_document);
  const auto source = make({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1"},
                            {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc"}});
  const auto got = get(*source);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->session_token, "t0ken");
  EXPECT_EQ(http_.requests[0].url.host, "169.254.170.2");
  EXPECT_EQ(http_.requests[0].url.target, "/v2/credentials/1");
  EXPECT_EQ(test::header_of(http_.requests[0], "Authorization"), "Basic abc");

  http_.then(200, k_document);
  EXPECT_TRUE(get(*make({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
                         {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"}})));
  EXPECT_EQ(test::header_of(http_.requests[1], "Authorization"), "Bearer from-file");

  http_.then(403, "no");
  EXPECT_EQ(get(*make({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/x"}})).error().kind,
            ErrorKind::refused);
}

TEST(ContainerUrl, IsNeverPlainHttpToTheNetwork) {
  for (const auto* good :
       {"https://anywhere.example/x", "http://localhost:8080/", "http://127.0.0.9/", "http://[::1]/",
        "http://169.254.170.2/", "http://169.254.170.23/", "http://[fd00:ec2::23]/"})
    EXPECT_TRUE(container_url({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", good}})) << good;
  for (const auto* bad : {"http://example.com/", "http://10.0.0.1/", "http://127.0.0.1.evil.com/",
                          "http://127.evil/", "nonsense", "http://169.254.169.254/"})
    EXPECT_FALSE(container_url({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", bad}})) << bad;
  EXPECT_FALSE(*container_url({}));
}

TEST_F(CredentialsTest, TakesTheInstancesRoleLast) {
  http_.then(200, "imds-token");
  http_.then(200, "my-role\n");
  http_.then(200, k_document);
  const auto got = get(*make({}));
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->access_key, "ASIA1");
  EXPECT_EQ(got->source, "instance role my-role");
  EXPECT_EQ(http_.requests[2].url.target, "/latest/meta-data/iam/security-credentials/my-role");
}

TEST_F(CredentialsTest, SaysWhatToDoWhereThereAreNone) {
  http_.then(200, "imds-token");
  http_.then(404);
  const auto got = get(*make({}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::refused);
  EXPECT_NE(got.error().hint.find("instance profile"), std::string::npos);
  EXPECT_FALSE(get(*make({{"AWS_EC2_METADATA_DISABLED", "true"}})));
}

TEST_F(CredentialsTest, SaysByCodeThatThereHaveBeenNoneYet) {
  const auto source = make({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}});
  http_.then(500);
  const auto none = get(*source);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(none.error().code, k_no_credentials);
  http_.then(200, k_document);
  ASSERT_TRUE(get(*source));
  clock_.advance(std::chrono::hours{10});
  http_.then(500);
  const auto expired = get(*source);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, "") << "there were some: it's the service that fails";
}

TEST_F(CredentialsTest, DoesNotLetAnOddRoleNameIntoAUrl) {
  http_.then(200, "imds-token");
  http_.then(200, "../../user-data");
  EXPECT_FALSE(get(*make({})));
  EXPECT_EQ(http_.requests.size(), 2U);
}

TEST_F(CredentialsTest, AreRenewedBeforeTheyExpireAndOldOnesServeUntilThen) {
  const auto source = make({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}});
  http_.then(200, k_document);
  ASSERT_TRUE(get(*source));
  clock_.advance(std::chrono::minutes{49});
  ASSERT_TRUE(get(*source));
  EXPECT_EQ(http_.requests.size(), 1U);  // kept

  clock_.advance(std::chrono::minutes{2});
  http_.then(500);
  ASSERT_TRUE(get(*source));  // the service is down, the old ones are still good
  ASSERT_TRUE(get(*source));
  EXPECT_EQ(http_.requests.size(), 2U);  // and isn't asked again at once

  clock_.advance(std::chrono::minutes{10});
  http_.then(500);
  EXPECT_FALSE(get(*source));  // now they have expired
  std::string later = k_document;
  later.replace(later.find("19:00"), 5, "23:00");
  http_.then(200, later);
  EXPECT_TRUE(get(*source));
  EXPECT_EQ(http_.requests.size(), 4U);
  source->forget();  // also of what is new: it may have been replaced in the same second
  http_.then(200, later);
  EXPECT_TRUE(get(*source));
  EXPECT_EQ(http_.requests.size(), 5U);
}

TEST_F(CredentialsTest, ThatLiveShortlyAreNotFetchedForEachCall) {
  const auto source = make({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}});
  std::string document = k_document;
  document.replace(document.find("19:00"), 5,
                   "18:06");  // 6 minutes: less than is left when others are renewed
  http_.then(200, document);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get(*source));
  EXPECT_EQ(http_.requests.size(), 1U);
  clock_.advance(std::chrono::minutes{3});
  document.replace(document.find("18:06"), 5, "18:12");
  http_.then(200, document);
  ASSERT_TRUE(get(*source));
  EXPECT_EQ(http_.requests.size(), 2U);
  // Expired by a clock that is wrong: used all the same, and not fetched for each call.
  clock_.advance(std::chrono::hours{10});
  http_.then(200, document);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get(*source));
  EXPECT_EQ(http_.requests.size(), 3U);
}

TEST(CredentialsDocument, IsCheckedAndNeverShown) {
  EXPECT_TRUE(parse_credentials_document(k_document, "x"));
  for (const auto* bad :
       {"", "[]", "{", "{}", R"({"AccessKeyId":"A"})", R"({"AccessKeyId":"A","SecretAccessKey":7})",
        R"({"AccessKeyId":"A","SecretAccessKey":"hunter2\n"})",
        R"({"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"tomorrow"})",
        R"({"Code":"Failed","AccessKeyId":"A","SecretAccessKey":"hunter2"})"}) {
    const auto got = parse_credentials_document(bad, "x");
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().text().find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace curfew::aws
