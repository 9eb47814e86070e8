// The notifier with the real client, against servers on loopback.
#include "notify/notifier.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "support/fake_http.hpp"
#include "support/http_server.hpp"
#include "support/run.hpp"

namespace curfew::notify {
namespace {

using test::Peer;
using test::Server;
using namespace std::chrono_literals;

constexpr const char* k_secret = "/services/T0SECRET/B0SECRET/verysecret";
constexpr const char* k_ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string answer(int status, const std::string& headers = {}, const std::string& body = "no") {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class FakeSns final : public aws::Sns {
 public:
  std::deque<Result<std::string>> answers;
  std::vector<std::string> published;
  bool hangs = false;

  Awaitable<Result<std::string>> publish(aws::Topic topic, std::string subject,
                                         std::string message) override {
    published.push_back(topic.name + "|" + subject + "|" + message);
    if (hangs) {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 1h);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    if (answers.empty()) co_return std::string("id");
    auto next = std::move(answers.front());
    answers.pop_front();
    co_return next;
  }
};

class FakeMailer final : public Mailer {
 public:
  std::deque<Status> answers;
  std::vector<std::string> sent;

  Awaitable<Status> send(Mailbox to, Message message, Millis limit) override {
    EXPECT_GT(limit, Millis{2'000}) << "more than a webhook has";
    sent.push_back(to.address + "|" + message.subject + "|" + message.text);
    if (answers.empty()) co_return Status{};
    auto next = std::move(answers.front());
    answers.pop_front();
    co_return next;
  }
};

class NotifierTest : public testing::Test {
 protected:
  ~NotifierTest() override {
    for (const auto& line : reports_) {
      for (const auto* secret : {"SECRET", "services", "verysecret", "123456789012"})
        EXPECT_EQ(line.find(secret), std::string::npos) << line;
      for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
    }
  }

  void make(const std::vector<std::string>& places, net::HttpClient* client = nullptr) {
    std::vector<Target> targets;
    for (const auto& place : places) targets.push_back(*parse_target(place));
    Means means{client != nullptr ? *client : *http_, sns_, clock_,
                [this](const std::string& line) { reports_.push_back(line); }, mails_ ? &mailer_ : nullptr};
    means.parameter = [this](std::string name) { return read(std::move(name)); };
    notifier_ = std::make_unique<Notifier>(io_->get_executor(), std::move(means), std::move(targets), pace_);
  }
  Awaitable<Result<std::string>> read(std::string name) {
    read_.push_back(name);
    if (parameters_.empty()) {  // silence
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 1h);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    auto next = parameters_.front();
    if (parameters_.size() > 1) parameters_.pop_front();
    co_return next;
  }
  void notify(Event event, const std::string& why = {}) {
    Facts facts;
    facts.event = event;
    facts.why = why;
    notifier_->notify(message_of(facts));
  }
  std::size_t flush(Millis limit = 10s) { return test::run(*io_, notifier_->flush(clock_.boot() + limit)); }
  // Without hurrying anything.
  void run_until_sent() {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (notifier_->waiting() > 0 && std::chrono::steady_clock::now() < end) {
      io_->restart();
      io_->run_one_for(10ms);
    }
    EXPECT_EQ(notifier_->waiting(), 0U);
  }
  // Closes what is still under way, for a server's end waits for it.
  void leave() {
    notifier_.reset();
    http_.reset();
    io_.reset();
  }
  [[nodiscard]] bool said(const std::string& words) const {
    for (const auto& line : reports_)
      if (line.find(words) != std::string::npos) return true;
    return false;
  }

  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>();
  os::SystemClock clock_;
  std::unique_ptr<net::HttpClient> http_ = net::make_http_client(io_->get_executor(), {});
  FakeSns sns_;
  FakeMailer mailer_;
  bool mails_ = true;
  std::deque<Result<std::string>> parameters_;  // what is read in turn, the last for ever
  std::vector<std::string> read_;
  Pace pace_{Millis{2'000}, 3, Millis{20'000}, Millis{5}, Millis{50}};
  std::vector<std::string> reports_;
  std::unique_ptr<Notifier> notifier_;
};

// Answers each request with the next of its texts, the last for ever; keeps what came.
struct Hook {
  explicit Hook(std::vector<std::string> texts)
      : answers(std::move(texts)), server([this](Peer& peer) { serve(peer); }) {}
  void serve(Peer& peer) {
    for (std::string head; !(head = peer.read_head()).empty();) {
      const auto at = head.find("Content-Length: ");
      const auto length = at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
      const auto body = peer.read_exactly(length);
      std::string text;
      {
        const std::lock_guard guard(lock);
        heads.push_back(head);
        bodies.push_back(body);
        text = answers.at(std::min(bodies.size(), answers.size()) - 1);
      }
      if (text.empty()) return peer.wait_for_end();  // silence
      peer.write(text);
    }
  }
  std::size_t count() {
    const std::lock_guard guard(lock);
    return bodies.size();
  }
  std::string body(std::size_t number) {
    const std::lock_guard guard(lock);
    return bodies.at(number);
  }
  [[nodiscard]] std::string url() const { return server.url(k_secret); }

  std::mutex lock;
  std::vector<std::string> answers;
  std::vector<std::string> heads;
  std::vector<std::string> bodies;
  Server server;
};

TEST_F(NotifierTest, reads_a_parameter_once_and_tells_what_it_names) {
  Hook hook({k_ok});
  parameters_.push_back(fail(ErrorKind::unavailable, "read ssm:/curfew/slack", "no answer"));
  parameters_.push_back(hook.url() + "\n");
  make({"ssm:/curfew/slack"});
  notify(Event::started);
  notify(Event::ended, "done");
  EXPECT_EQ(flush(), 0U);
  EXPECT_EQ(hook.count(), 2U);
  EXPECT_EQ(read_, (std::vector<std::string>{"/curfew/slack", "/curfew/slack"})) << "tried again, then kept";
  EXPECT_TRUE(reports_.empty());
  leave();
}

TEST_F(NotifierTest, reads_a_parameter_anew_where_its_place_is_gone) {
  Hook hook({answer(404), k_ok});
  parameters_.emplace_back(hook.url());
  make({"ssm:/curfew/slack"});
  notify(Event::started);
  notify(Event::ended, "done");
  EXPECT_EQ(flush(), 0U);
  EXPECT_EQ(hook.count(), 2U);
  EXPECT_EQ(read_.size(), 2U);
  EXPECT_TRUE(said("to ssm:/curfew/slack failed: it answered 404"));
  leave();
}

TEST_F(NotifierTest, says_why_a_parameter_cannot_be_used_and_never_what_it_holds) {
  parameters_.push_back(fail(ErrorKind::refused, "read ssm:/curfew/slack", "AccessDeniedException"));
  parameters_.emplace_back("hooks.slack.com" + std::string(k_secret));
  parameters_.emplace_back("ssm:/SECRET");
  make({"ssm:/curfew/slack"});
  for (int i = 0; i < 3; ++i) notify(Event::started);
  EXPECT_EQ(flush(), 0U);
  EXPECT_EQ(read_.size(), 3U);
  EXPECT_TRUE(said("AccessDeniedException"));
  EXPECT_TRUE(said("what the parameter holds can't be used: it names none"));
  EXPECT_TRUE(said("it names another parameter"));
  leave();
}

TEST_F(NotifierTest, waits_for_no_parameter) {
  pace_.each_try = Millis{50};
  make({"ssm:/curfew/slack"});
  notify(Event::ended, "done");
  const auto began = clock_.boot();
  EXPECT_EQ(flush(3s), 0U);
  EXPECT_LT(clock_.boot() - began, 2s);
  EXPECT_TRUE(said("SSM didn't answer in time"));
  leave();
}

TEST_F(NotifierTest, posts_json_to_the_hook_in_order) {
  Hook hook({k_ok});
  make({hook.url()});
  notify(Event::started);
  notify(Event::stalled, "no output");
  notify(Event::ended, "done");
  EXPECT_EQ(notifier_->waiting(), 3U);
  EXPECT_EQ(flush(), 0U);
  ASSERT_EQ(hook.count(), 3U);
  EXPECT_TRUE(hook.heads[0].starts_with(std::string("POST ") + k_secret + " HTTP/1.1\r\n")) << hook.heads[0];
  EXPECT_NE(hook.heads[0].find("Content-Type: application/json"), std::string::npos);
  const auto text = boost::json::parse(hook.body(2)).as_object().at("text").as_string();
  EXPECT_NE(text.find("Why: done"), std::string::npos);
  EXPECT_NE(hook.body(0).find("started"), std::string::npos);
  EXPECT_TRUE(reports_.empty()) << reports_[0];
  leave();
}

TEST_F(NotifierTest, tries_again_after_a_server_error) {
  Hook hook({answer(500), answer(503), k_ok});
  make({hook.url()});
  notify(Event::started);
  run_until_sent();
  EXPECT_EQ(hook.count(), 3U);
  EXPECT_TRUE(reports_.empty());
  leave();
}

TEST_F(NotifierTest, gives_up_after_its_tries_and_goes_on_with_the_next) {
  Hook hook({answer(500), answer(500), answer(500), k_ok});
  make({hook.url()});
  notify(Event::started);
  notify(Event::ended);
  run_until_sent();
  EXPECT_EQ(hook.count(), 4U);
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_TRUE(said("a notification (started) to http://127.0.0.1:")) << reports_[0];
  EXPECT_TRUE(said("failed 3 times: it answered 500 (no)")) << reports_[0];
  leave();
}

TEST_F(NotifierTest, honours_retry_after_up_to_its_bound) {
  pace_ = Pace{Millis{2'000}, 2, Millis{20'000}, Millis{1}, Millis{300}};
  Hook hook({answer(429, "Retry-After: 3600\r\n"), k_ok});
  make({hook.url()});
  const auto began = std::chrono::steady_clock::now();
  notify(Event::started);
  run_until_sent();
  EXPECT_GE(std::chrono::steady_clock::now() - began, 300ms);
  EXPECT_EQ(hook.count(), 2U);
  EXPECT_TRUE(reports_.empty());
  leave();
}

TEST_F(NotifierTest, does_not_follow_a_redirect) {
  Hook other({k_ok});
  Hook hook({answer(307, "Location: " + other.url() + "\r\n")});
  make({hook.url()});
  notify(Event::started);
  run_until_sent();
  EXPECT_EQ(hook.count(), 1U);
  EXPECT_EQ(other.count(), 0U);
  EXPECT_TRUE(said("it answered 307, a redirect, which is not followed"));
  leave();
}

TEST_F(NotifierTest, does_not_repeat_what_is_refused) {
  Hook hook({answer(404, "", "no_service"), answer(403, "", std::string("bad ") + k_secret),
             answer(400, "", "\x1b[31mverysecret"), answer(410, "", "verysecret")});
  make({hook.url()});
  for (int i = 0; i < 4; ++i) notify(Event::started);
  run_until_sent();
  EXPECT_EQ(hook.count(), 4U);
  ASSERT_EQ(reports_.size(), 4U);
  EXPECT_TRUE(said("it answered 404 (no_service)"));
  EXPECT_TRUE(reports_[1].ends_with("it answered 403"));
  EXPECT_TRUE(reports_[3].ends_with("it answered 410"));
  leave();
}

TEST_F(NotifierTest, gives_up_on_a_hook_that_hangs) {
  pace_ = Pace{Millis{100}, 2, Millis{20'000}, Millis{1}, Millis{10}};
  Hook hook({""});
  make({hook.url()});
  const auto began = std::chrono::steady_clock::now();
  notify(Event::started);
  run_until_sent();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(hook.count(), 2U);
  EXPECT_TRUE(said("failed 2 times"));
  leave();
}

TEST_F(NotifierTest, reads_no_huge_reply) {
  Hook hook({"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(5'000, 'x')});
  make({hook.url()});
  notify(Event::started);
  run_until_sent();
  EXPECT_EQ(hook.count(), 1U);
  EXPECT_TRUE(said("larger than 4.0 KiB")) << reports_.at(0);
  leave();
}

TEST_F(NotifierTest, flushes_no_longer_than_it_may) {
  pace_ = Pace{Millis{60'000}, 5, Millis{120'000}, Millis{1'000}, Millis{60'000}};
  Hook hook({""});
  make({hook.url()});
  notify(Event::started);
  notify(Event::ended);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(flush(200ms), 2U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
  EXPECT_TRUE(said("notifications to http://127.0.0.1:"));
  EXPECT_TRUE(said("not sent in time: 2"));
  EXPECT_EQ(flush(-1s), 2U);
  leave();
}

TEST_F(NotifierTest, cuts_its_pauses_short_when_flushed) {
  pace_ = Pace{Millis{2'000}, 5, Millis{120'000}, Millis{60'000}, Millis{60'000}};
  Hook hook({answer(500), k_ok});
  make({hook.url()});
  notify(Event::started);
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (hook.count() == 0 && std::chrono::steady_clock::now() < end) io_->run_one_for(10ms);
  EXPECT_EQ(flush(5s), 0U);
  EXPECT_EQ(hook.count(), 2U);
  leave();
}

TEST_F(NotifierTest, has_a_lane_for_each_target) {
  pace_ = Pace{Millis{60'000}, 5, Millis{120'000}, Millis{1'000}, Millis{60'000}};
  Hook hangs({""});
  Hook works({k_ok});
  make({hangs.url(), works.url(), "sns:arn:aws:sns:us-east-1:123456789012:alerts"});
  notify(Event::ended, "done");
  EXPECT_EQ(flush(500ms), 1U);
  EXPECT_EQ(works.count(), 1U);
  ASSERT_EQ(sns_.published.size(), 1U);
  EXPECT_TRUE(sns_.published[0].starts_with("alerts|curfew ended the job on this machine|curfew ended"))
      << sns_.published[0];
  leave();
}

TEST_F(NotifierTest, drops_the_oldest_that_is_not_final) {
  pace_ = Pace{Millis{60'000}, 5, Millis{120'000}, Millis{1'000}, Millis{60'000}};
  test::FakeHttp http;
  http.fallback = [](const net::Request&) -> Result<net::Response> { return net::Response{200, {}, {}}; };
  make({"https://hooks.slack.com" + std::string(k_secret)}, &http);
  notify(Event::ended, "first");
  for (std::size_t i = 0; i < k_longest_queue; ++i) notify(Event::stalled, "number " + std::to_string(i));
  EXPECT_EQ(notifier_->waiting(), k_longest_queue);
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_TRUE(said("a notification (stalled) to https://hooks.slack.com/… was dropped: 50 wait already"));
  EXPECT_EQ(flush(), 0U);
  ASSERT_EQ(http.requests.size(), k_longest_queue);
  EXPECT_NE(test::body_of(http.requests.front()).find("first"), std::string::npos);
  EXPECT_NE(test::body_of(http.requests.at(1)).find("number 1"), std::string::npos);
  EXPECT_NE(test::body_of(http.requests.back()).find("number 49"), std::string::npos);
}

TEST_F(NotifierTest, publishes_to_sns_and_judges_its_errors) {
  make({"sns:arn:aws:sns:us-east-1:123456789012:alerts"});
  sns_.answers = {fail(ErrorKind::unavailable, "Publish", "throttled"), std::string("id"),
                  fail(ErrorKind::refused, "Publish", "AuthorizationError")};
  notify(Event::started);
  notify(Event::ended);
  run_until_sent();
  EXPECT_EQ(sns_.published.size(), 3U);
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_TRUE(said("(ended) to SNS topic alerts in us-east-1 failed: Publish: AuthorizationError"))
      << reports_[0];
}

TEST_F(NotifierTest, waits_for_sns_no_longer_than_for_others) {
  pace_ = Pace{Millis{50}, 2, Millis{20'000}, Millis{1}, Millis{10}};
  make({"sns:arn:aws:sns:us-east-1:123456789012:alerts"});
  sns_.hangs = true;
  notify(Event::started);
  run_until_sent();
  EXPECT_EQ(sns_.published.size(), 2U);
  EXPECT_TRUE(said("failed 2 times: SNS didn't answer in time"));
}

TEST_F(NotifierTest, may_go_while_it_sends) {
  Hook hook({answer(500)});
  make({hook.url(), "sns:arn:aws:sns:us-east-1:123456789012:alerts"});
  sns_.hangs = true;
  notify(Event::started);
  io_->run_for(50ms);
  notifier_.reset();
  const auto reported = reports_.size();
  io_->restart();
  io_->run_for(100ms);
  EXPECT_EQ(reports_.size(), reported);
  leave();
}

TEST_F(NotifierTest, lets_the_client_connect_only_where_the_scheme_may_go) {
  test::FakeHttp http;
  http.fallback = [](const net::Request&) -> Result<net::Response> { return net::Response{200, {}, {}}; };
  make({"https://hooks.slack.com/x", "http://localhost/x"}, &http);
  notify(Event::started);
  EXPECT_EQ(flush(), 0U);
  ASSERT_EQ(http.requests.size(), 2U);
  for (const auto& request : http.requests) {
    ASSERT_NE(request.allowed, nullptr);
    const bool plain = request.url.scheme == "http";
    EXPECT_EQ(request.allowed(boost::asio::ip::make_address("10.0.0.1")), !plain);
    EXPECT_TRUE(request.allowed(boost::asio::ip::make_address("127.0.0.1")));
    EXPECT_FALSE(request.allowed(boost::asio::ip::make_address("169.254.169.254")));
  }
  for (const auto& limits : http.limits_seen) EXPECT_EQ(limits.body, 4096U);
}

TEST_F(NotifierTest, mails_and_tries_again_only_what_may_work_later) {
  mailer_.answers.push_back(fail(ErrorKind::unavailable, "run sendmail", "it ended with exit code 75"));
  make({"mailto:a@b.org"});
  notify(Event::started);
  run_until_sent();
  ASSERT_EQ(mailer_.sent.size(), 2U);
  EXPECT_TRUE(mailer_.sent[1].starts_with("a@b.org|curfew started on ")) << mailer_.sent[1];
  EXPECT_TRUE(reports_.empty());
  mailer_.answers.push_back(fail(ErrorKind::timed_out, "run sendmail", "did not end within 30s"));
  notify(Event::started);
  run_until_sent();
  EXPECT_EQ(mailer_.sent.size(), 3U) << "what hung may have been sent";
  EXPECT_TRUE(said("to mail to a@b.org failed: run sendmail: did not end within 30s"));
}

TEST_F(NotifierTest, says_that_mail_is_not_sent_from_here) {
  mails_ = false;
  make({"mailto:a@b.org"});
  notify(Event::started);
  run_until_sent();
  EXPECT_TRUE(said("failed: mail isn't sent from here"));
}

}  // namespace
}  // namespace curfew::notify
