#include "net/environment.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace curfew::net {
namespace {

TEST(Environment, LowerCaseProxiesWin) {
  const auto options = client_options_from({{"HTTPS_PROXY", "http://upper:1"},
                                            {"https_proxy", "http://lower:1"},
                                            {"HTTP_PROXY", "http://plain:1"},
                                            {"NO_PROXY", " a , ,.b,10.0.0.0/8"},
                                            {"SSL_CERT_FILE", "/ssl"}});
  EXPECT_EQ(options.https_proxy, "http://lower:1");
  EXPECT_EQ(options.http_proxy, "http://plain:1");
  EXPECT_EQ(options.no_proxy, (std::vector<std::string>{"a", ".b", "10.0.0.0/8"}));
  EXPECT_EQ(options.ca_file, "/ssl");
}

TEST(Environment, AwsBundleWinsOverOpenSslsOwn) {
  EXPECT_EQ(client_options_from({{"SSL_CERT_FILE", "/ssl"}, {"AWS_CA_BUNDLE", "/aws"}}).ca_file, "/aws");
}

TEST(Environment, CapitalHttpProxyIsNotTrustedInCgi) {
  const Environment cgi{
      {"REQUEST_METHOD", "GET"}, {"HTTP_PROXY", "http://evil"}, {"HTTPS_PROXY", "http://ours"}};
  EXPECT_EQ(client_options_from(cgi).http_proxy, "");
  EXPECT_EQ(client_options_from(cgi).https_proxy, "http://ours");
}

TEST(Proxy, IsReadInEachForm) {
  const auto full = parse_proxy("http://us%40er:p%3Aw@proxy.example:3128/");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->host, "proxy.example");
  EXPECT_EQ(full->port, 3128);
  EXPECT_EQ(full->authorization, "Basic dXNAZXI6cDp3");  // us@er:p:w
  const auto bare = parse_proxy("proxy:8080");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->port, 8080);
  EXPECT_EQ(bare->authorization, "");
  EXPECT_EQ(parse_proxy("http://[::1]:8080")->host, "::1");
}

TEST(Proxy, ErrorsDontShowThePassword) {
  for (const auto* text :
       {"https://user:hunter2@proxy", "socks5://user:hunter2@proxy", "http://user:hunter2@pro xy",
        "http://user:hunter2%@proxy", "http://user:hunter2@proxy:port"}) {
    const auto proxy = parse_proxy(text);
    ASSERT_FALSE(proxy) << text;
    EXPECT_EQ(proxy.error().text().find("hunter2"), std::string::npos) << proxy.error().text();
  }
}

TEST(Proxy, NoProxyNamesHostsDomainsAndNetworks) {
  struct Case {
    const char* entry;
    const char* host;
    bool bypassed;
  };
  const Case cases[] = {
      {"*", "anything", true},
      {"example.com", "example.com", true},
      {"example.com", "EXAMPLE.com", true},
      {"example.com", "a.example.com", true},
      {".example.com", "a.example.com", true},
      {".example.com", "example.com", true},
      {"*.example.com", "a.example.com", true},
      {"example.com", "notexample.com", false},
      {"example.com", "example.com.evil", false},
      {"example.com:443", "example.com", true},
      {"example.com:80", "example.com", false},
      {"10.0.0.0/8", "10.1.2.3", true},
      {"10.0.0.0/8", "11.1.2.3", false},
      {"10.0.0.0/33", "10.0.0.0", false},
      {"10.0.0.0/x", "10.0.0.0", false},
      {"0.0.0.0/0", "10.0.0.0", true},
      {"0.0.0.0/0", "fd00::1", false},
      {"192.168.1.7", "192.168.1.7", true},
      {"192.168.1.7", "192.168.1.70", false},
      {"10.0.0.0/8", "10.example.com", false},
      {"fd00::/8", "fd12::1", true},
      {"fd00::/8", "fe12::1", false},
      {"[fd00::1]", "fd00::1", true},
      {"fd00:0::1", "fd00::1", true},
      {".", "example.com", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(bypasses_proxy({c.entry}, c.host, 443), c.bypassed) << c.entry << " for " << c.host;
}

TEST(Proxy, IsNeverUsedForTheMachinesOwnServices) {
  ClientOptions options;
  options.http_proxy = "http://proxy:3128";
  options.https_proxy = "http://secure-proxy:3128";
  for (const auto* text :
       {"http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://169.254.170.2/", "http://localhost/",
        "http://127.0.0.1:5000/", "https://[::1]/", "http://[fd00:ec2::23]/"}) {
    const auto proxy = proxy_for(options, *parse_url(text));
    ASSERT_TRUE(proxy) << text;
    EXPECT_FALSE(*proxy) << text;
  }
  EXPECT_EQ((*proxy_for(options, *parse_url("http://a/")))->host, "proxy");
  EXPECT_EQ((*proxy_for(options, *parse_url("https://a/")))->host, "secure-proxy");
  options.https_proxy = "socks5://x";
  EXPECT_FALSE(proxy_for(options, *parse_url("https://a/")));
}

TEST(TrustStore, IsFoundWhereDistributionsKeepIt) {
  namespace fs = std::filesystem;
  std::string root = testing::TempDir() + "trustXXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const auto none = find_trust_store("", root);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::refused);
  EXPECT_NE(none.error().hint.find("ca-certificates"), std::string::npos);

  fs::create_directories(root + "/etc/pki/tls/certs");
  std::ofstream(root + "/etc/pki/tls/certs/ca-bundle.crt") << "x";
  EXPECT_EQ(find_trust_store("", root)->file, root + "/etc/pki/tls/certs/ca-bundle.crt");

  fs::create_directories(root + "/etc/ssl/certs");
  std::ofstream(root + "/etc/ssl/certs/ca-certificates.crt") << "x";
  EXPECT_EQ(find_trust_store("", root)->file, root + "/etc/ssl/certs/ca-certificates.crt");

  std::ofstream(root + "/etc/ssl/certs/12345678.0") << "x";
  EXPECT_EQ(find_trust_store("", root)->folder, root + "/etc/ssl/certs");
  EXPECT_FALSE(find_trust_store(root + "/missing", root));
  fs::remove_all(root);
}

}  // namespace
}  // namespace curfew::net
