#include <gtest/gtest.h>

#include "net/http.hpp"
#include "net/wire.hpp"

namespace curfew::net {
namespace {

struct Good {
  const char* text;
  const char* host;
  int port;
  const char* target;
  const char* authority;
};

TEST(Url, IsReadAsWritten) {
  const Good cases[] = {
      {"http://a", "a", 80, "/", "a"},
      {"HTTPS://A.Example/", "a.example", 443, "/", "a.example"},
      {"https://a:443/x", "a", 443, "/x", "a"},
      {"http://a:443/x", "a", 443, "/x", "a:443"},
      {"http://a?x=1", "a", 80, "/?x=1", "a"},
      {"http://a/b//../c?d=%20&e", "a", 80, "/b//../c?d=%20&e", "a"},
      {"http://127.0.0.1:5000", "127.0.0.1", 5000, "/", "127.0.0.1:5000"},
      {"http://[fd00:ec2::254]/latest", "fd00:ec2::254", 80, "/latest", "[fd00:ec2::254]"},
      {"http://[::1]:8080", "::1", 8080, "/", "[::1]:8080"},
  };
  for (const auto& c : cases) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error().text();
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
    EXPECT_EQ(url->target, c.target) << c.text;
    EXPECT_EQ(url->authority(), c.authority) << c.text;
  }
}

TEST(Url, RefusesWhatItCantUse) {
  for (const auto* text : {"",
                           "a",
                           "ftp://a",
                           "http:/a",
                           "http://",
                           "http://:80",
                           "http://u:p@a",
                           "http://a/#f",
                           "http://a:0",
                           "http://a:",
                           "http://a:65536",
                           "http://a:8x",
                           "http://a b",
                           "http://a\r\nX: y",
                           "http://[::1",
                           "http://[x]",
                           "http://[::1]x",
                           "http://-a",
                           "http://a/\x80",
                           "http://a\\b",
                           "http://::1",
                           "http://a:99999999999999999999"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
  EXPECT_FALSE(parse_url("http://a/" + std::string(9000, 'x')));
  EXPECT_FALSE(parse_url("http://" + std::string(300, 'x')));
}

TEST(Url, NeverShowsAPassword) {
  const auto url = parse_url("http://user:hunter2@host/");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().text().find("hunter2"), std::string::npos);
}

TEST(Wire, RefusesWhatWouldBreakALine) {
  Request request;
  request.url = *parse_url("http://a/");
  EXPECT_TRUE(is_well_formed(request));
  request.headers = {{"X", "fine value"}};
  EXPECT_TRUE(is_well_formed(request));
  for (const auto& header : {Header{"X", "a\r\nY: b"}, Header{"X", "a\nb"}, Header{"", "a"},
                             Header{"X Y", "a"}, Header{"X:", "a"}, Header{"X", std::string("a\0b", 3)}}) {
    request.headers = {header};
    EXPECT_FALSE(is_well_formed(request)) << header.name;
  }
  request.headers.clear();
  for (const auto* target : {"", "x", "/a b", "/a\r\nX"}) {
    request.url.target = target;
    EXPECT_FALSE(is_well_formed(request)) << target;
  }
}

TEST(Wire, WritesTheHead) {
  Request request;
  request.method = "PUT";
  request.url = *parse_url("http://a:81/x?y");
  request.headers = {{"X", "1"}};
  request.body = std::string("abc");
  EXPECT_EQ(head_of(request, {}), "PUT /x?y HTTP/1.1\r\nHost: a:81\r\nX: 1\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(
      head_of(request, {true, "Basic eA==", true}),
      "PUT http://a:81/x?y HTTP/1.1\r\nHost: a:81\r\nX: 1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
      "Proxy-Authorization: Basic eA==\r\n\r\n");
  request.body = std::string();
  EXPECT_NE(head_of(request, {}).find("Content-Length: 0"), std::string::npos);
  request.method = "GET";
  EXPECT_EQ(head_of(request, {}).find("Content-Length"), std::string::npos);
}

}  // namespace
}  // namespace curfew::net
