// A session on a fake transport and a fake clock, with keys from the environment.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/session.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_http.hpp"
#include "support/run.hpp"

namespace curfew::aws {

struct SessionFixture {
  SessionFixture() { make(); }

  void make() {
    const ReadFile none = [](const std::string& path) -> Result<std::string> {
      return fail(ErrorKind::not_found, "read " + path, "no such file");
    };
    session = std::make_unique<Session>(http, clock, environment, SessionOptions{}, none);
    session->random = [] { return 0.5; };
    session->sleep = [this](Millis pause) -> Awaitable<void> {
      pauses.push_back(pause);
      clock.advance(pause);
      co_return;
    };
    session->note = [this](const std::string& line) { notes.push_back(line); };
  }

  test::FakeHttp http;
  test::FakeClock clock;
  net::Environment environment{{"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
                               {"AWS_SECRET_ACCESS_KEY", "verysecret"},
                               {"AWS_SESSION_TOKEN", "tokensecret"},
                               {"AWS_REGION", "us-east-1"}};
  std::unique_ptr<Session> session;
  std::vector<Millis> pauses;
  std::vector<std::string> notes;
};

}  // namespace curfew::aws
