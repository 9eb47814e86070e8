#include "guard/probes/jupyter.hpp"

#include <gtest/gtest.h>

#include "support/fake_http.hpp"
#include "support/run.hpp"

namespace curfew::guard {
namespace {

constexpr const char* k_kernels =
    R"([{"id":"a","name":"python3","last_activity":"2026-11-24T17:00:00.123456Z","execution_state":"idle","connections":1},)"
    R"({"id":"b","name":"python3","last_activity":"2026-11-24T17:30:00Z","execution_state":"busy","connections":0}])";
constexpr const char* k_terminals = R"([{"name":"1","last_activity":"2026-11-24T17:45:00Z"}])";

TEST(JupyterServer, is_what_the_address_bar_has) {
  struct Case {
    const char* url;
    const char* shown;  // empty: refused
    const char* token;
  };
  const Case cases[] = {
      {"http://127.0.0.1:8888/lab?token=secret", "http://127.0.0.1:8888/", "secret"},
      {"http://localhost:8888/?x=1&token=sec%2Bret#here", "http://localhost:8888/", "sec+ret"},
      {"http://[::1]:8888", "http://[::1]:8888/", "from-env"},
      {"https://hub.example.com/user/me/lab/tree/work.ipynb", "https://hub.example.com/user/me/", "from-env"},
      {"https://hub.example.com/labor", "https://hub.example.com/labor/", "from-env"},
      {"https://hub.example.com/?token=", "https://hub.example.com/", "from-env"},
      {"http://10.0.0.1:8888/?token=secret", "", ""},
      {"http://localhost.example.com/?token=secret", "", ""},
      {"ftp://127.0.0.1/?token=secret", "", ""},
      {"127.0.0.1:8888?token=secret", "", ""},
      {"http://127.0.0.1:8888/#token=secret\n", "http://127.0.0.1:8888/", "from-env"},
      {"http://127.0.0.1:8888/?token=secret%0d%0aX: y", "", ""},
      {"http://127.0.0.1:8888/?token=secret%zz", "", ""},
  };
  for (const auto& c : cases) {
    const auto server = parse_jupyter(c.url, "from-env");
    ASSERT_EQ(server.has_value(), *c.shown != '\0') << c.url;
    if (!server) {
      EXPECT_EQ(server.error().text().find("secret"), std::string::npos) << server.error().text();
      continue;
    }
    EXPECT_EQ(server->shown(), c.shown) << c.url;
    EXPECT_EQ(server->token, c.token) << c.url;
  }
}

TEST(JupyterReplies, tell_who_is_busy_and_when_it_was_last_used) {
  const auto activity = parse_jupyter_replies(k_kernels, k_terminals);
  ASSERT_TRUE(activity) << activity.error().text();
  EXPECT_EQ(activity->kernels, 2U);
  EXPECT_EQ(activity->busy, 1U);
  EXPECT_EQ(activity->terminals, 1U);
  EXPECT_EQ(format_utc(activity->last.value()), "2026-11-24T17:45:00Z");
  EXPECT_FALSE(parse_jupyter_replies("[]", "").value().last);
}

TEST(JupyterReplies, are_refused_where_they_are_something_else) {
  for (const std::string text :
       {"", "{}", "[1]", "<html>", "[{}]", R"([{"last_activity":"yesterday","execution_state":"idle"}])",
        R"([{"last_activity":"2026-11-24T17:00:00Z"}])", R"([{"last_activity":1,"execution_state":"idle"}])"})
    EXPECT_FALSE(parse_jupyter_replies(text, "")) << text;
  EXPECT_FALSE(parse_jupyter_replies("[]", "[{}]"));
}

TEST(ReadJupyter, asks_for_kernels_and_terminals_with_the_token_in_a_header) {
  test::FakeHttp http;
  http.then(200, k_kernels);
  http.then(200, k_terminals);
  const auto activity =
      test::run(read_jupyter(http, parse_jupyter("http://127.0.0.1:8888/lab?token=secret", "").value()));
  ASSERT_TRUE(activity) << activity.error().text();
  EXPECT_EQ(activity->busy, 1U);
  ASSERT_EQ(http.requests.size(), 2U);
  EXPECT_EQ(http.requests[0].url.target, "/api/kernels");
  EXPECT_EQ(http.requests[1].url.target, "/api/terminals");
  EXPECT_EQ(test::header_of(http.requests[0], "Authorization"), "token secret");
  EXPECT_LE(http.limits_seen[0].total, Millis{5'000});
  EXPECT_LE(http.limits_seen[0].body, 1U << 20U);
}

TEST(ReadJupyter, does_without_terminals) {
  test::FakeHttp http;
  http.then(200, "[]");
  http.then(404, "{}");
  const auto activity = test::run(read_jupyter(http, parse_jupyter("http://127.0.0.1:8888", "").value()));
  ASSERT_TRUE(activity);
  EXPECT_EQ(test::header_of(http.requests[0], "Authorization"), "");
}

TEST(ReadJupyter, failures_are_unknown_and_never_show_the_token) {
  struct Case {
    int status;
    ErrorKind kind;
  };
  for (const Case& c : {Case{302, ErrorKind::refused}, Case{401, ErrorKind::refused},
                        Case{403, ErrorKind::refused}, Case{500, ErrorKind::unavailable}}) {
    test::FakeHttp http;
    http.then(c.status, "secret");
    const auto activity =
        test::run(read_jupyter(http, parse_jupyter("http://127.0.0.1:8888/?token=secret", "").value()));
    ASSERT_FALSE(activity);
    EXPECT_EQ(activity.error().kind, c.kind) << c.status;
    EXPECT_EQ(activity.error().text().find("secret"), std::string::npos) << activity.error().text();
  }
  test::FakeHttp dead;
  EXPECT_FALSE(test::run(read_jupyter(dead, parse_jupyter("http://127.0.0.1:8888", "").value())));
}

TEST(JupyterUse, is_seen_by_comparing_replies) {
  const auto at = [](long time) { return BootTime{Millis{time}}; };
  JupyterActivity idle;
  idle.last = WallTime{Millis{1'000}};
  auto use = with_jupyter({}, idle, at(10));
  EXPECT_EQ(use.last, at(10));
  use = with_jupyter(use, idle, at(20));
  EXPECT_EQ(use.last, at(10));
  JupyterActivity busy = idle;
  busy.busy = 1;
  use = with_jupyter(use, busy, at(30));
  EXPECT_EQ(use.last, at(30));
  idle.last = WallTime{Millis{2'000}};
  use = with_jupyter(use, idle, at(40));
  EXPECT_EQ(use.last, at(40));
  use = with_jupyter(use, idle, at(50));
  EXPECT_EQ(use.last, at(40));
}

}  // namespace
}  // namespace curfew::guard
