// TLS and proxies, against servers on loopback.
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "net/http.hpp"
#include "support/http_server.hpp"
#include "support/run.hpp"

namespace curfew::net {
namespace {

using test::Peer;
using test::Server;

constexpr const char* k_ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class TlsTest : public testing::Test {
 protected:
  TlsTest() : authority_(test::make_identity("", nullptr)) {
    ca_file_ = testing::TempDir() + "curfew-test-ca-" + std::to_string(getpid()) + ".pem";
    std::ofstream(ca_file_) << test::pem_of(authority_);
    options_.ca_file = ca_file_;
  }
  ~TlsTest() override { std::remove(ca_file_.c_str()); }

  test::ContextPtr context_for(const std::string& names, int days = 2) {
    return test::server_context(test::make_identity(names, &authority_, days));
  }
  Result<Response> get(const std::string& url) {
    boost::asio::io_context io;
    const auto client = make_http_client(io.get_executor(), options_);
    Request request;
    request.url = *parse_url(url);
    const Limits limits{Millis{2'000}, Millis{2'000}, Millis{5'000}, 1U << 20U};
    return test::run(io, client->send(std::move(request), limits));
  }

  test::Identity authority_;
  std::string ca_file_;
  ClientOptions options_;
};

void answer(Peer& peer) {
  while (!peer.read_head().empty()) peer.write(k_ok);
}

TEST_F(TlsTest, TrustsTheGivenAuthorityAndSendsTheName) {
  const auto context = context_for("DNS:localhost,IP:127.0.0.1");
  std::string sni = "unset";
  {
    Server server(
        [&](Peer& peer) {
          sni = peer.sni();
          answer(peer);
        },
        context.get());
    const auto response = get(server.url());
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body, "ok");
  }
  EXPECT_EQ(sni, "localhost");
}

TEST_F(TlsTest, KeepsConnectionsAndReadsLargeReplies) {
  const auto context = context_for("IP:127.0.0.1");
  const std::string large(900'000, 'x');
  Server server(
      [&](Peer& peer) {
        while (!peer.read_head().empty())
          peer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n" +
                     large);
      },
      context.get());
  boost::asio::io_context io;
  auto client = make_http_client(io.get_executor(), options_);
  for (int i = 0; i < 3; ++i) {
    Request request;
    request.url = *parse_url("https://127.0.0.1:" + std::to_string(server.port()) + "/");
    const auto response = test::run(io, client->send(std::move(request), Limits{}));
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body.size(), large.size());
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(TlsTest, SendsALargeFileWithAndWithoutExpectBeingAnswered) {
  const auto context = context_for("IP:127.0.0.1");
  constexpr std::size_t k_size = 3'000'000;
  FILE* file = std::tmpfile();
  const std::string text(k_size, 'f');
  ASSERT_EQ(pwrite(fileno(file), text.data(), k_size, 0), static_cast<ssize_t>(k_size));
  for (const bool answers : {true, false}) {
    std::string got;
    {
      Server server(
          [&](Peer& peer) {
            const auto head = peer.read_head();
            if (answers) peer.write("HTTP/1.1 100 Continue\r\n\r\n");
            got = peer.read_exactly(k_size);
            peer.write(k_ok);
          },
          context.get());
      boost::asio::io_context io;
      const auto client = make_http_client(io.get_executor(), options_);
      Request request;
      request.method = "PUT";
      request.url = *parse_url("https://127.0.0.1:" + std::to_string(server.port()) + "/");
      request.body = FileSlice{fileno(file), 0, k_size};
      const auto response = test::run(io, client->send(std::move(request), Limits{}));
      ASSERT_TRUE(response) << response.error().text();
    }
    EXPECT_TRUE(got == text) << answers;
  }
  std::fclose(file);
}

TEST_F(TlsTest, RefusesACertificateForAnotherName) {
  for (const auto* names :
       {"DNS:example.com", "IP:127.0.0.2", "DNS:*.localhost", "DNS:localhost.example.com"}) {
    const auto context = context_for(names);
    Server server(answer, context.get());
    const auto response = get(server.url());
    ASSERT_FALSE(response) << names;
    EXPECT_EQ(response.error().kind, ErrorKind::refused) << names << ": " << response.error().text();
  }
}

TEST_F(TlsTest, RefusesAnExpiredCertificateAndAForeignAuthority) {
  const auto expired = context_for("DNS:localhost", -1);
  Server old(answer, expired.get());
  auto response = get(old.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::refused);
  EXPECT_NE(response.error().text().find("expired"), std::string::npos) << response.error().text();

  const auto stranger = test::make_identity("", nullptr);
  const auto foreign = test::server_context(test::make_identity("DNS:localhost", &stranger));
  Server other(answer, foreign.get());
  response = get(other.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::refused);
  EXPECT_NE(response.error().hint.find("AWS_CA_BUNDLE"), std::string::npos);
}

TEST_F(TlsTest, RefusesOldVersions) {
  const auto context = context_for("DNS:localhost");
  SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
  Server server(answer, context.get());
  EXPECT_FALSE(get(server.url()));
}

TEST_F(TlsTest, SaysThatThePeerSpeaksNoTls) {
  Server server([](Peer& peer) { peer.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); });
  const auto response = get("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::refused) << response.error().text();
}

TEST_F(TlsTest, GivesUpOnAHandshakeThatNeverEnds) {
  Server server([](Peer& peer) { peer.wait_for_end(); });
  const auto response = get("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::timed_out) << response.error().text();
}

TEST_F(TlsTest, TakesABodyThatEndsWithoutGoodbyeForCut) {
  const auto context = context_for("DNS:localhost");
  Server server(
      [](Peer& peer) {
        peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\n\r\nhalf of");
        peer.reset();
      },
      context.get());
  const auto response = get(server.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::unavailable);
}

TEST_F(TlsTest, RefusesAFileWithoutCertificates) {
  std::ofstream(ca_file_) << "nothing";
  const auto response = get("https://127.0.0.1:1/");
  ASSERT_FALSE(response);
  EXPECT_NE(response.error().text().find(ca_file_), std::string::npos);
}

TEST_F(TlsTest, GoesThroughAProxyByConnect) {
  const auto context = context_for("DNS:secret.example");
  std::string asked;
  std::string inner;
  std::string sni;
  {
    Server proxy([&](Peer& peer) {
      asked = peer.read_head();
      peer.write("HTTP/1.1 200 Connection established\r\n\r\n");
      peer.start_tls(context.get());
      sni = peer.sni();
      inner = peer.read_head();
      peer.write(k_ok);
    });
    options_.https_proxy = "http://user:pass@127.0.0.1:" + std::to_string(proxy.port());
    const auto response = get("https://secret.example/path");
    ASSERT_TRUE(response) << response.error().text();
  }
  EXPECT_TRUE(asked.starts_with("CONNECT secret.example:443 HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("Proxy-Authorization: Basic dXNlcjpwYXNz"), std::string::npos);
  EXPECT_TRUE(inner.starts_with("GET /path HTTP/1.1\r\nHost: secret.example\r\n")) << inner;
  EXPECT_EQ(inner.find("Proxy-Authorization"), std::string::npos);
  EXPECT_EQ(sni, "secret.example");
}

TEST_F(TlsTest, SaysWhatTheProxyRefused) {
  Server proxy([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  options_.https_proxy = "127.0.0.1:" + std::to_string(proxy.port());
  const auto response = get("https://secret.example/");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::refused);
}

TEST_F(TlsTest, AsksAProxyForPlainHttpInAbsoluteForm) {
  std::string asked;
  {
    Server proxy([&](Peer& peer) {
      asked = peer.read_head();
      peer.write(k_ok);
    });
    options_.http_proxy = "http://u:p@127.0.0.1:" + std::to_string(proxy.port());
    ASSERT_TRUE(get("http://plain.example:8080/path?q"));
  }
  EXPECT_TRUE(
      asked.starts_with("GET http://plain.example:8080/path?q HTTP/1.1\r\nHost: plain.example:8080\r\n"))
      << asked;
  EXPECT_NE(asked.find("Proxy-Authorization: Basic dTpw"), std::string::npos);
}

}  // namespace
}  // namespace curfew::net
