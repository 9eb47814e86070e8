// The client against a server on loopback.
#include "net/http.hpp"

#include <cstdlib>
#include <memory>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "support/http_server.hpp"
#include "support/run.hpp"

namespace curfew::net {
namespace {

using test::Peer;
using test::Server;

class HttpTest : public testing::Test {
 protected:
  HttpTest() { make({}); }
  void make(ClientOptions options) { client_ = make_http_client(io_.get_executor(), std::move(options)); }
  Result<Response> send(Request request,
                        Limits limits = Limits{Millis{2'000}, Millis{2'000}, Millis{5'000}, 1U << 20U}) {
    return test::run(io_, client_->send(std::move(request), limits));
  }
  Result<Response> get(const std::string& url) { return send(request_to("GET", url)); }
  static Request request_to(const char* method, const std::string& url) {
    Request request;
    request.method = method;
    request.url = *parse_url(url);
    return request;
  }

  boost::asio::io_context io_;
  std::unique_ptr<HttpClient> client_;
};

// An open, unnamed file of random-looking bytes.
struct TempFile {
  explicit TempFile(std::size_t size) {
    FILE* file = std::tmpfile();
    fd = fileno(file);
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 7 + i / 251);
    EXPECT_EQ(pwrite(fd, text.data(), size, 0), static_cast<ssize_t>(size));
  }
  ~TempFile() { close(fd); }
  int fd = -1;
  std::string text;
};

std::size_t content_length(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
}

constexpr const char* k_ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Test: Yes\r\n\r\nok";

TEST_F(HttpTest, KeepsTheConnectionForTheNextRequest) {
  Server server([](Peer& peer) {
    while (!peer.read_head().empty()) peer.write(k_ok);
  });
  for (int i = 0; i < 3; ++i) {
    const auto response = get(server.url());
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "ok");
    EXPECT_EQ(response->header("x-test"), "Yes");
    EXPECT_EQ(response->header("x-none"), "");
  }
  EXPECT_EQ(server.connections(), 1);
  client_.reset();
}

TEST_F(HttpTest, ReplacesAnIdleConnectionThatThePeerClosed) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.write(k_ok);
  });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get(server.url()));
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(HttpTest, ReplacesAConnectionThatDiesAsTheNextRequestArrives) {
  std::atomic<int> number = 0;
  Server server([&](Peer& peer) {
    const int mine = number++;
    peer.read_head();
    peer.write(k_ok);
    if (mine == 0) {
      peer.read_head();  // takes the second request and hangs up on it
      peer.reset();
      return;
    }
    peer.wait_for_end();
  });
  ASSERT_TRUE(get(server.url()));
  const auto second = get(server.url());
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(server.connections(), 2);
  client_.reset();
}

TEST_F(HttpTest, DoesNotRepeatARequestOnAFreshConnection) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.reset();
  });
  const auto response = get(server.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, ClosesWhenThePeerAsks) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    peer.wait_for_end();
  });
  ASSERT_TRUE(get(server.url()));
  ASSERT_TRUE(get(server.url()));
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpTest, SkipsAnyNumberOfInterimReplies) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.write(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: "
        "x\r\n\r\n");
    peer.write(k_ok);
  });
  const auto response = get(server.url());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "ok");
}

TEST_F(HttpTest, GivesUpOnEndlessInterimReplies) {
  Server server([](Peer& peer) {
    peer.read_head();
    for (int i = 0; i < 1000 && peer.write("HTTP/1.1 100 Continue\r\n\r\n"); ++i) {
    }
    peer.wait_for_end();
  });
  const auto response = get(server.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::invalid_input);
}

TEST_F(HttpTest, ReadsChunkedAndUnboundedBodies) {
  Server chunked([](Peer& peer) {
    peer.read_head();
    peer.write(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: "
        "x\r\n\r\n");
  });
  Server until_close([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\n\r\nall of it");
  });
  auto response = get(chunked.url());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "Wikipedia");
  response = get(until_close.url());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "all of it");
}

TEST_F(HttpTest, HandsABodyOnPieceByPiece) {
  for (const auto* status : {"200 OK", "503 Slow Down"}) {
    Server server([status](Peer& peer) {
      peer.read_head();
      peer.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 " + std::string(status) +
                 "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      peer.write("4\r\ndefg\r\n0\r\n\r\n");
    });
    auto request = request_to("GET", server.url());
    std::string taken;
    request.take = [&](std::string_view piece) { taken += piece; };
    const auto response = send(std::move(request));
    ASSERT_TRUE(response) << response.error().text();
    const bool success = response->status == 200;
    EXPECT_EQ(taken, success ? "abcdefg" : "") << "what a failure says is its caller's";
    EXPECT_EQ(response->body, success ? "" : "abcdefg");
  }
}

TEST_F(HttpTest, BoundsABodyThatIsHandedOnToo) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 10 && peer.write("400\r\n" + std::string(1024, 'x') + "\r\n"); ++i) continue;
  });
  auto request = request_to("GET", server.url());
  std::size_t taken = 0;
  request.take = [&](std::string_view piece) { taken += piece.size(); };
  const auto response = send(std::move(request), Limits{Millis{2'000}, Millis{2'000}, Millis{5'000}, 4096});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::invalid_input);
  EXPECT_LE(taken, 4096U);
}

TEST_F(HttpTest, ReadsARequestByteByByte) {
  Server server([](Peer& peer) {
    peer.read_head();
    for (const char c : std::string(k_ok)) peer.write(std::string(1, c));
  });
  const auto response = get(server.url());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "ok");
}

TEST_F(HttpTest, RefusesLargerRepliesThanAskedFor) {
  for (const auto* reply :
       {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n", "HTTP/1.1 200 OK\r\n\r\n"}) {
    Server server([&](Peer& peer) {
      peer.read_head();
      peer.write(reply);
      while (peer.write(std::string(65536, 'x'))) {
      }
    });
    const auto response = get(server.url());
    ASSERT_FALSE(response) << reply;
    EXPECT_EQ(response.error().kind, ErrorKind::invalid_input) << response.error().text();
  }
  Server headers([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\n");
    while (peer.write("X: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  const auto response = get(headers.url());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::invalid_input);
}

TEST_F(HttpTest, RefusesWhatIsNoHttp) {
  for (const auto* reply :
       {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    Server server([&](Peer& peer) {
      peer.read_head();
      peer.write(reply);
      peer.wait_for_end();
    });
    const auto response = get(server.url());
    ASSERT_FALSE(response) << reply;
    EXPECT_EQ(response.error().kind, ErrorKind::invalid_input) << reply << response.error().text();
  }
}

TEST_F(HttpTest, TakesACutBodyForAFailure) {
  for (const auto* reply :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    Server server([&](Peer& peer) {
      peer.read_head();
      peer.write(reply);
    });
    const auto response = get(server.url());
    ASSERT_FALSE(response) << reply;
    EXPECT_EQ(response.error().kind, ErrorKind::unavailable) << response.error().text();
  }
  Server reset([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.reset();
  });
  EXPECT_EQ(get(reset.url()).error().kind, ErrorKind::unavailable);
}

TEST_F(HttpTest, AnswersHeadWithoutABody) {
  Server server([](Peer& peer) {
    while (!peer.read_head().empty()) peer.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
  });
  for (int i = 0; i < 2; ++i) {
    const auto response = send(request_to("HEAD", server.url()));
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->header("Content-Length"), "99999999999");
  }
  EXPECT_EQ(server.connections(), 1);
  client_.reset();
}

TEST_F(HttpTest, GivesUpOnASilentPeerAtTheIdleLimit) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.wait_for_end();
  });
  const auto began = std::chrono::steady_clock::now();
  const auto response =
      send(request_to("GET", server.url()), {Millis{1'000}, Millis{200}, Millis{60'000}, 1000});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - began, Seconds{5});
}

TEST_F(HttpTest, GivesUpOnADribblingPeerAtTheTotalLimit) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (peer.write("x")) std::this_thread::sleep_for(Millis{10});
  });
  const auto began = std::chrono::steady_clock::now();
  const auto response =
      send(request_to("GET", server.url()), {Millis{1'000}, Millis{60'000}, Millis{300}, 1U << 20U});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - began, Seconds{5});
}

TEST_F(HttpTest, SendsBodiesFromMemoryAndFromPartsOfFiles) {
  std::string got;
  std::string head;
  Server server([&](Peer& peer) {
    while (!(head = peer.read_head()).empty()) {
      if (head.find("100-continue") != std::string::npos)
        peer.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
      got = peer.read_exactly(content_length(head));
      peer.write(k_ok);
    }
  });
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{10}, std::size_t{20'000}, std::size_t{3'000'000}}) {
    auto request = request_to("PUT", server.url("/memory"));
    const std::string text(size, 'm');
    request.body = text;
    ASSERT_TRUE(send(std::move(request))) << size;
    EXPECT_TRUE(got == text) << size;
  }
  const TempFile file(3'000'000);
  for (const auto& [offset, length] : {std::pair<std::uint64_t, std::uint64_t>{0, 0},
                                       {5, 100},
                                       {1000, 500'000},
                                       {0, 3'000'000},
                                       {1'234'567, 1'500'000}}) {
    auto request = request_to("PUT", server.url("/file"));
    request.body = FileSlice{file.fd, offset, length};
    const auto response = send(std::move(request));
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_TRUE(got == file.text.substr(offset, length)) << offset << " " << length;
  }
  EXPECT_EQ(server.connections(), 1);
  client_.reset();
}

TEST_F(HttpTest, DoesNotSendALargeFileToAPeerThatRefusesIt) {
  std::size_t received = 0;
  const TempFile file(2'000'000);
  {
    Server server([&](Peer& peer) {
      const auto head = peer.read_head();
      EXPECT_NE(head.find("Expect: 100-continue"), std::string::npos);
      peer.write("HTTP/1.1 307 Elsewhere\r\nContent-Length: 0\r\n\r\n");
      received = peer.read_exactly(1).size();
    });
    auto request = request_to("PUT", server.url());
    request.body = FileSlice{file.fd, 0, 2'000'000};
    const auto response = send(std::move(request));
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->status, 307);
  }  // the server's thread is done with `received`
  EXPECT_EQ(received, 0U);
}

TEST_F(HttpTest, SendsAFileToAPeerThatIgnoresExpect) {
  std::string got;
  Server server([&](Peer& peer) {
    const auto head = peer.read_head();
    got = peer.read_exactly(content_length(head));
    peer.write(k_ok);
  });
  const TempFile file(1'500'000);
  auto request = request_to("PUT", server.url());
  request.body = FileSlice{file.fd, 0, 1'500'000};
  const auto response = send(std::move(request));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_TRUE(got == file.text);
}

TEST_F(HttpTest, SaysThatAFileHasShrunk) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.wait_for_end();
  });
  const TempFile file(1000);
  auto request = request_to("PUT", server.url());
  request.body = FileSlice{file.fd, 0, 2000};
  const auto response = send(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::invalid_input);
}

TEST_F(HttpTest, ReportsARefusalThatComesBeforeTheBodyIsSent) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    peer.wait_for_end();
  });
  auto request = request_to("PUT", server.url());
  request.body = std::string(500'000, 'x');
  const auto response = send(std::move(request));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 413);
}

TEST_F(HttpTest, SaysThatNobodyListens) {
  const int unused = [] {
    Server server([](Peer&) {});
    return server.port();
  }();
  const auto response = get("http://127.0.0.1:" + std::to_string(unused) + "/");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::unavailable);
  EXPECT_NE(response.error().text().find("refused"), std::string::npos) << response.error().text();
}

TEST_F(HttpTest, TriesTheNextAddressOfAName) {
  // localhost has ::1 too on most machines; the server listens on 127.0.0.1 only.
  Server server([](Peer& peer) {
    peer.read_head();
    peer.write(k_ok);
  });
  EXPECT_TRUE(get("http://localhost:" + std::to_string(server.port()) + "/"));
}

TEST_F(HttpTest, ConnectsOnlyToAddressesThatAreAllowed) {
  Server server([](Peer& peer) {
    while (!peer.read_head().empty()) peer.write(k_ok);
  });
  const auto with = [&](const std::string& url, AddressFilter allowed) {
    auto request = request_to("GET", url);
    request.allowed = allowed;
    return send(std::move(request));
  };
  const AddressFilter none = [](const boost::asio::ip::address&) { return false; };
  const AddressFilter v4 = [](const boost::asio::ip::address& address) { return address.is_v4(); };
  const auto by_name = "http://localhost:" + std::to_string(server.port()) + "/";
  for (const auto& url : {server.url(), by_name}) {
    EXPECT_TRUE(with(url, v4)) << url;
    // The connection that is kept from the request before is no way round it.
    const auto refused = with(url, none);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().kind, ErrorKind::refused) << refused.error().text();
  }
  EXPECT_EQ(server.connections(), 2);
  client_.reset();
}

TEST_F(HttpTest, SaysThatANameIsUnknown) {
  const auto response = get("http://no-such-host.invalid/");
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().kind == ErrorKind::unavailable ||
              response.error().kind == ErrorKind::timed_out);
}

TEST_F(HttpTest, CanBeCancelledAtAnyMoment) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.wait_for_end();
  });
  auto client = make_http_client(io_.get_executor(), {});
  bool ended = false;
  {
    boost::asio::io_context io;
    auto other = make_http_client(io.get_executor(), {});
    boost::asio::co_spawn(io, other->send(request_to("GET", server.url()), Limits{}),
                          [&](std::exception_ptr, Result<Response>) { ended = true; });
    io.run_for(Millis{100});
  }  // the io_context goes with the exchange half done
  EXPECT_FALSE(ended);
}

}  // namespace
}  // namespace curfew::net
