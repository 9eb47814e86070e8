// A transport that answers from a list and keeps what it was asked.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "net/http.hpp"

namespace curfew::test {

class FakeHttp final : public net::HttpClient {
 public:
  using Answer = std::function<Result<net::Response>(const net::Request&)>;

  // In order; when none is left, `fallback` answers, or a refused connection.
  void then(int status, std::string body = {}, std::vector<net::Header> headers = {}) {
    net::Response response{status, std::move(headers), std::move(body)};
    answers_.push_back([response](const net::Request&) -> Result<net::Response> { return response; });
  }
  void then(Error error) {
    answers_.push_back([error](const net::Request&) -> Result<net::Response> { return fail(error); });
  }
  void then(Answer answer) { answers_.push_back(std::move(answer)); }
  Answer fallback;

  net::Awaitable<Result<net::Response>> send(net::Request request, net::Limits limits) override {
    requests.push_back(request);
    limits_seen.push_back(limits);
    Answer answer = fallback;
    if (!answers_.empty()) {
      answer = std::move(answers_.front());
      answers_.pop_front();
    }
    if (answer) {
      auto response = answer(request);
      if (response && request.take && response->status / 100 == 2)
        request.take(std::exchange(response->body, std::string()));
      co_return std::move(response);
    }
    co_return fail(ErrorKind::unavailable, request.method + " " + request.url.host,
                   "nobody answers in this test");
  }

  [[nodiscard]] std::size_t unused() const { return answers_.size(); }

  std::vector<net::Request> requests;
  std::vector<net::Limits> limits_seen;

 private:
  std::deque<Answer> answers_;
};

// The value of a request's header; empty where it has none.
inline std::string header_of(const net::Request& request, std::string_view name) {
  for (const auto& header : request.headers)
    if (header.name == name) return header.value;
  return {};
}

inline std::string body_of(const net::Request& request) {
  const auto* text = std::get_if<std::string>(&request.body);
  return text != nullptr ? *text : std::string();
}

}  // namespace curfew::test
