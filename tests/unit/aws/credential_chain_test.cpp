// The whole chain against botocore's, and what goes beyond a table: where STS is asked, what is kept from sight.

#include <fstream>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "net/encoding.hpp"
#include "unit/aws/chain_fixture.hpp"

namespace curfew::aws {
namespace {

std::map<std::string, std::string> fields_of(std::string_view query) {
  std::map<std::string, std::string> fields;
  for (const auto part : split(query, '&'))
    if (const auto at = part.find('='); at != std::string_view::npos)
      fields[std::string(part.substr(0, at))] = net::percent_decode(part.substr(at + 1)).value_or("?");
  return fields;
}

std::string key_that_signed(const net::Request& request) {
  const auto header = test::header_of(request, "Authorization");
  const auto from = header.find("Credential=");
  if (from == std::string::npos) return "-";
  return header.substr(from + 11, header.find('/', from) - from - 11);
}

std::string region_in(std::string_view host) {
  const auto parts = split(host, '.');
  return parts.size() > 3 ? std::string(parts[parts.size() - 3]) : std::string(host);
}

constexpr const char* k_machine_document =
    R"({"Code":"Success","AccessKeyId":"NAME","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"})";

// STS, the SSO portal, IMDS and ECS's service, as the script that made the cases plays them.
class Aws {
 public:
  Result<net::Response> operator()(const net::Request& request) {
    if (request.url.host.starts_with("sts.")) return role(request);
    if (request.url.host.starts_with("portal.sso.")) return sso(request);
    if (request.url.host == "169.254.170.2")
      return net::Response{200, {}, replaced(k_machine_document, "NAME", "AKCONTAINER")};
    if (request.url.target == "/latest/api/token") return net::Response{200, {}, "imds-token"};
    if (request.url.target.ends_with("/security-credentials/")) return net::Response{200, {}, "r"};
    return net::Response{200, {}, replaced(k_machine_document, "NAME", "AKINSTANCE")};
  }

  std::vector<std::string> calls;

 private:
  Result<net::Response> role(const net::Request& request) {
    auto fields = fields_of(test::body_of(request));
    const auto action = fields["Action"];
    fields.erase("Action");
    fields.erase("Version");
    if (fields["RoleSessionName"].starts_with("curfew-")) fields["RoleSessionName"] = "-";
    auto line = region_in(request.url.host) + " " + action + " by " + key_that_signed(request) + ":";
    for (const auto& [name, value] : fields) line += " " + name + "=" + value;
    calls.push_back(line);
    auto key = "AK" + fields["RoleArn"].substr(fields["RoleArn"].find('/') + 1);
    for (auto& c : key) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return net::Response{
        200,
        {},
        "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + key +
            "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
            "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" +
            action + "Result></" + action + "Response>"};
  }

  Result<net::Response> sso(const net::Request& request) {
    const auto& target = request.url.target;
    EXPECT_TRUE(target.starts_with("/federation/credentials?")) << target;
    const auto fields = fields_of(target.substr(target.find('?') + 1));
    auto line = region_in(request.url.host) + " GetRoleCredentials by " +
                test::header_of(request, "x-amz-sso_bearer_token") + ":";
    for (const auto& [name, value] : fields) line += " " + name + "=" + value;
    calls.push_back(line);
    return net::Response{
        200,
        {},
        R"({"roleCredentials":{"accessKeyId":"AKSSO","secretAccessKey":"s","sessionToken":"t","expiration":4070908800000}})"};
  }
};

// Made by make_credential_cases.py with botocore's chain.
TEST_F(ChainTest, FindsWhatBotocoreFinds) {
  std::ifstream file(CURFEW_TEST_DATA "/credential_cases.jsonl");
  ASSERT_TRUE(file);
  int seen = 0;
  for (std::string line; std::getline(file, line); ++seen) {
    const auto value = boost::json::parse(line);
    const auto& one = value.as_object();
    SCOPED_TRACE(std::string(one.at("name").as_string()));
    net::Environment environment{{"PATH", "/usr/bin:/bin"}};
    for (const auto& [name, text] : one.at("environment").as_object())
      environment[std::string(name)] = replaced(std::string(text.as_string()), "@HOME@", home_);
    Files files;
    for (const auto& [name, text] : one.at("files").as_object())
      files[home_ + "/" + std::string(name)] = replaced(std::string(text.as_string()), "@HOME@", home_);
    Aws aws;
    http_.fallback = [&aws](const net::Request& request) { return aws(request); };
    const auto got = get(environment, files, std::string(one.at("profile").as_string()));
    const std::string expected(one.at("outcome").as_string());
    if (expected.starts_with("error")) {
      EXPECT_FALSE(got) << got->access_key << " where botocore raises " << expected;
      continue;
    }
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->access_key, expected);
    std::vector<std::string> calls;
    for (const auto& call : one.at("calls").as_array()) calls.emplace_back(call.as_string());
    EXPECT_EQ(aws.calls, calls);
  }
  EXPECT_GT(seen, 70);
}

const std::string k_base = "[profile base]\naws_access_key_id = AKBASE\naws_secret_access_key = hunter2\n";
const std::string k_role =
    k_base + "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = base\n";

TEST_F(ChainTest, AnErrorNamesTheProfileAndTheFileAndNoSecret) {
  struct Case {
    std::string config;
    const char* profile;
    const char* says;
  };
  const std::string role = "role_arn = arn:aws:iam::123456789012:role/a\n";
  const std::vector<Case> cases{
      {k_base + "[profile a]\n" + role + "source_profile = bas\n", "a",
       "its source_profile \"bas\" is in neither file"},
      {k_base + "[profile a]\n" + role + "source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n", "a",
       "aws configure export-credentials --profile a --format env"},
      {"[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role + "source_profile = a\n", "a",
       "\"a\" -> \"b\" -> \"a\""},
      {"[profile a]\nlogin_session = x\n", "a", "credential_process = aws configure export-credentials"},
      {k_base + "[profile a]\nrole_arn = hunter\nsource_profile = base\n", "a", "no role's ARN"},
      {k_base + "[profile a]\n" + role + "source_profile = base\nrole_session_name = a b\n", "a",
       "STS takes no such name"},
      {"[profile a]\ncredential_process = \"hunter2\n", "a", "a quote in it isn't closed"},
      {"[profile a]\ncredential_process = /bin/false hunter2\n", "a", "exit code 1"},
      {"[profile a]\ncredential_process = sh -c 'echo hunter2 >&2; echo hunter2; exit 3'\n", "a",
       "exit code 3"},
      {"[profile a]\ncredential_process = echo hunter2\n", "a", "no JSON object"},
      {"[profile a]\ncredential_process = no-such-program-here\n", "a", "no folder of PATH has it"},
      {"[profile a]\ncredential_process = head -c 70000 /dev/zero\n", "a", "more than 64.0 KiB"},
      {"[profile a]\naws_access_key_id = AK\naws_secret_access_key = hunter2 x\n", "a",
       "a character that no key has"},
      {"[profile a]\nsso_account_id = 123456789012\nsso_role_name = R\nsso_start_url = https://s\nsso_region "
       "= us-east-1\n",
       "a", "aws sso login --profile a"},
      {"[profile a]\nsso_account_id = 12\nsso_role_name = R\nsso_start_url = https://s\nsso_region = "
       "us-east-1\n",
       "a", "isn't of 12 digits"},
  };
  for (const auto& one : cases) {
    const auto text = refusal({{"PATH", "/usr/bin:/bin"}}, {{k_config, one.config}}, one.profile);
    EXPECT_NE(text.find(one.says), std::string::npos) << text;
    EXPECT_NE(text.find("the profile \""), std::string::npos) << text;
    EXPECT_NE(text.find("(/home/u/.aws/config)"), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  }
}

TEST_F(ChainTest, ARoleThatIsRefusedIsToldWithAllThatLedToIt) {
  http_.then(
      403,
      "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized: hunter2</Message></Error>"
      "</ErrorResponse>");
  const auto config =
      k_role + "[profile top]\nrole_arn = arn:aws:iam::123456789012:role/top\nsource_profile = a\n";
  const auto got = get({}, {{k_config, config}}, "top");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::refused);
  EXPECT_EQ(got.error().code, "AccessDenied");
  const auto text = got.error().text();
  for (const auto* part : {"the profile \"top\" (/home/u/.aws/config)", "take the role of profile a",
                           "AssumeRole arn:aws:iam::123456789012:role/a", "AccessDenied"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST_F(ChainTest, StsIsAskedWhereTheSettingsSay) {
  struct Case {
    net::Environment environment;
    const char* more;  // of the profile
    const char* url;
    const char* scope;  // what the signature is for
  };
  const std::vector<Case> cases{
      {{}, "", "https://sts.us-east-1.amazonaws.com/", "/us-east-1/sts/"},
      {{}, "region = ap-southeast-4\n", "https://sts.ap-southeast-4.amazonaws.com/", "/ap-southeast-4/sts/"},
      {{{"AWS_REGION", "eu-west-1"}},
       "region = x-1\n",
       "https://sts.eu-west-1.amazonaws.com/",
       "/eu-west-1/sts/"},
      {{{"AWS_REGION", "cn-northwest-1"}},
       "",
       "https://sts.cn-northwest-1.amazonaws.com.cn/",
       "/cn-northwest-1/sts/"},
      {{{"AWS_REGION", "us-gov-east-1"}},
       "",
       "https://sts.us-gov-east-1.amazonaws.com/",
       "/us-gov-east-1/sts/"},
      {{{"AWS_REGION", "eusc-de-east-1"}},
       "",
       "https://sts.eusc-de-east-1.amazonaws.eu/",
       "/eusc-de-east-1/sts/"},
      {{{"AWS_REGION", "us-iso-west-1"}}, "", "https://sts.us-iso-west-1.c2s.ic.gov/", "/us-iso-west-1/sts/"},
      {{{"AWS_REGION", "us-isob-east-1"}},
       "",
       "https://sts.us-isob-east-1.sc2s.sgov.gov/",
       "/us-isob-east-1/sts/"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_STS_REGIONAL_ENDPOINTS", "legacy"}},
       "",
       "https://sts.amazonaws.com/",
       "/us-east-1/sts/"},
      {{{"AWS_REGION", "eu-west-1"}},
       "sts_regional_endpoints = legacy\n",
       "https://sts.amazonaws.com/",
       "/us-east-1/sts/"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_STS_REGIONAL_ENDPOINTS", "regional"}},
       "sts_regional_endpoints = legacy\n",
       "https://sts.eu-west-1.amazonaws.com/",
       "/eu-west-1/sts/"},
      {{{"AWS_REGION", "ap-southeast-4"}, {"AWS_STS_REGIONAL_ENDPOINTS", "legacy"}},
       "",
       "https://sts.ap-southeast-4.amazonaws.com/",
       "/ap-southeast-4/sts/"},
      {{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL_STS", "http://127.0.0.1:99"}},
       "",
       "http://127.0.0.1:99/",
       "/eu-west-1/sts/"},
      {{{"AWS_REGION", "eu-west-1"}},
       "services = s\n[services s]\nsts =\n  endpoint_url = http://127.0.0.1:98\n",
       "http://127.0.0.1:98/",
       "/eu-west-1/sts/"},
  };
  for (const auto& one : cases) {
    Aws aws;
    http_.requests.clear();
    http_.fallback = [](const net::Request&) -> Result<net::Response> { return net::Response{403, {}, ""}; };
    EXPECT_FALSE(get(one.environment, {{k_config, k_role + one.more}}, "a"));
    ASSERT_EQ(http_.requests.size(), 1U) << one.url;
    const auto& request = http_.requests[0];
    EXPECT_EQ(request.url.scheme + "://" + request.url.authority() + request.url.target, one.url);
    EXPECT_NE(test::header_of(request, "Authorization").find(one.scope), std::string::npos) << one.url;
  }
}

TEST_F(ChainTest, ARolesOwnPartitionIsAskedWhereNoRegionIsSet) {
  http_.then(403);
  const auto config = replaced(k_role, "arn:aws:", "arn:aws-cn:");
  EXPECT_FALSE(get({}, {{k_config, config}}, "a"));
  EXPECT_EQ(http_.requests.at(0).url.host, "sts.cn-north-1.amazonaws.com.cn");
}

TEST_F(ChainTest, AWebIdentityTokenIsReadAnewAndNeverShown) {
  const net::Environment environment{{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                                     {"AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"},
                                     {"AWS_REGION", "eu-west-1"}};
  Aws aws;
  http_.fallback = [&aws](const net::Request& request) { return aws(request); };
  const auto source = make(environment, {{"/token", "first\n"}});
  ASSERT_TRUE(test::run(source->get()));
  EXPECT_EQ(key_that_signed(http_.requests.at(0)), "-");
  files_["/token"] = "second";
  clock_.advance(Millis{10'000});
  source->forget();
  ASSERT_TRUE(test::run(source->get()));
  ASSERT_EQ(aws.calls.size(), 2U);
  EXPECT_NE(aws.calls[0].find("WebIdentityToken=first"), std::string::npos) << aws.calls[0];
  EXPECT_NE(aws.calls[1].find("WebIdentityToken=second"), std::string::npos) << aws.calls[1];

  http_.fallback = [](const net::Request&) -> Result<net::Response> {
    return net::Response{
        400,
        {},
        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>hunter2 has no issuer</Message>"
        "</Error></ErrorResponse>"};
  };
  const auto text = refusal(environment, {{"/token", "hunter2"}});
  EXPECT_NE(text.find("InvalidIdentityToken"), std::string::npos) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  EXPECT_NE(refusal(environment, {{"/token", "two words"}}).find("no token has"), std::string::npos);
}

}  // namespace
}  // namespace curfew::aws
