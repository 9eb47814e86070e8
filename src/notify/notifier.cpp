// Queues, tries and pauses, a lane for each target.
#include "notify/notifier.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "aws/core/retry.hpp"
#include "base/text.hpp"

namespace curfew::notify {
namespace {

namespace asio = boost::asio;

constexpr std::size_t k_longest_reply = 4U << 10U;
constexpr std::size_t k_longest_word = 60;
constexpr Millis k_look_again{20};  // while flushing
constexpr Millis k_mail_limit{30'000};

// What came of one try.
struct Try {
  bool sent = false;
  bool again = false;           // it may work later
  std::optional<Millis> pause;  // the peer's wish
  std::string why;
};

constexpr auto k_rethrow = [](const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
};

Awaitable<void> pause_for(Millis time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

// A Retry-After: seconds, or a date (RFC 9110, 10.2.3). Nothing where it's neither.
std::optional<Millis> wish_of(std::string_view header, WallTime now) {
  if (const auto seconds = parse_number(trimmed(header)))
    return Millis{static_cast<Millis::rep>(std::min<std::uint64_t>(*seconds, 86'400)) * 1'000};
  if (const auto date = aws::parse_http_date(trimmed(header))) return std::max(Millis{0}, *date - now);
  return {};
}

// Slack says why in a word such as "channel_is_archived". Anything else might quote the secret.
std::string word_in(std::string_view body, const net::Url& url) {
  const auto word = trimmed(body);
  const bool plain =
      !word.empty() && word.size() <= k_longest_word &&
      std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  if (!plain || url.target.find(word) != std::string::npos) return {};
  return " (" + std::string(word) + ")";
}

Try judge(const net::Response& response, const net::Url& url, WallTime now) {
  Try result;
  const int status = response.status;
  result.sent = status / 100 == 2;
  if (result.sent) return result;
  result.again = status == 408 || status == 429 || status / 100 == 5;
  if (status == 429 || status == 503) result.pause = wish_of(response.header("Retry-After"), now);
  result.why = "it answered " + std::to_string(status);
  if (status / 100 == 3) result.why += ", a redirect, which is not followed";
  else result.why += word_in(response.body, url);
  return result;
}

Try judge(const Error& error) {
  Try result;
  result.again = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
  result.why = error.text();
  return result;
}

}  // namespace

// One target with what waits for it. Held by the notifier and by the coroutine that works on it.
struct Notifier::Lane {
  Lane(asio::any_io_executor on, Means given, Target where, Pace at)
      : executor(std::move(on)),
        means(std::move(given)),
        target(std::move(where)),
        pace(at),
        sleep(executor) {}

  asio::any_io_executor executor;
  Means means;
  Target target;
  std::optional<Target> held;  // what its parameter held when it was read last
  Pace pace;
  asio::steady_timer sleep;
  std::deque<Message> queue;
  bool busy = false;       // the coroutine runs
  bool in_flight = false;  // with one that is queued no more
  bool closed = false;     // the notifier is gone
  bool hurried = false;    // flushing: the next pause is cut short

  void push(Message message);
  void report(const std::string& text) const {
    if (!closed && means.report) means.report(text);
  }
  [[nodiscard]] std::size_t waiting() const { return queue.size() + (in_flight ? 1 : 0); }

  static Awaitable<void> work(std::shared_ptr<Lane> lane);
  Awaitable<void> deliver(Message message);
  Awaitable<Try> attempt(const Message& message, Millis limit, Millis left);
  Awaitable<Try> look_up(std::string parameter, Millis limit);
  Awaitable<Try> post(const Webhook& webhook, const Message& message, Millis limit);
  Awaitable<Try> publish(const aws::Topic& topic, const Message& message, Millis limit);
  Awaitable<Try> mail(const Mailbox& mailbox, const Message& message, Millis limit);
  Awaitable<void> rest(Millis time);
};

void Notifier::Lane::push(Message message) {
  if (queue.size() >= k_longest_queue) {
    auto oldest =
        std::find_if(queue.begin(), queue.end(), [](const Message& each) { return !each.is_final; });
    if (oldest == queue.end()) oldest = queue.begin();
    report("a notification (" + oldest->name + ") to " + target.shown() +
           " was dropped: " + std::to_string(k_longest_queue) + " wait already");
    queue.erase(oldest);
  }
  queue.push_back(std::move(message));
}

// By value: the frame keeps the lane alive.
Awaitable<void> Notifier::Lane::work(std::shared_ptr<Lane> lane) {
  while (!lane->queue.empty() && !lane->closed) {
    auto message = std::move(lane->queue.front());
    lane->queue.pop_front();
    lane->in_flight = true;
    co_await lane->deliver(std::move(message));
    lane->in_flight = false;
  }
  lane->busy = false;
}

Awaitable<void> Notifier::Lane::deliver(Message message) {
  const auto end = means.clock.boot() + pace.whole;
  auto pause = pace.first_pause;
  for (int number = 1;; ++number) {
    const Millis limit = std::clamp<Millis>(end - means.clock.boot(), Millis{1}, pace.each_try);
    const auto result = co_await attempt(message, limit, end - means.clock.boot());
    if (result.sent || closed) co_return;
    if (!result.again) held.reset();  // it may hold another by the next
    const auto wanted = std::min(result.pause.value_or(pause), pace.longest_pause);
    if (!result.again || number >= pace.tries || means.clock.boot() + wanted >= end) {
      report("a notification (" + message.name + ") to " + target.shown() + " failed" +
             (number > 1 ? " " + std::to_string(number) + " times" : "") + ": " + result.why);
      co_return;
    }
    co_await rest(wanted);
    if (closed) co_return;
    pause = std::min(pause * 2, pace.longest_pause);
  }
}

// Cut short by flush() and by the end of the notifier.
Awaitable<void> Notifier::Lane::rest(Millis time) {
  if (std::exchange(hurried, false)) co_return;
  sleep.expires_after(time);
  co_await sleep.async_wait(asio::as_tuple(asio::use_awaitable));
  hurried = false;
}

Awaitable<Try> Notifier::Lane::attempt(const Message& message, Millis limit, Millis left) {
  if (const auto* parameter = std::get_if<Parameter>(&target.place); parameter != nullptr && !held) {
    const auto end = means.clock.boot() + limit;
    auto looking = look_up(parameter->name, limit);
    auto looked = co_await std::move(looking);
    if (!held) co_return looked;
    limit = std::max<Millis>(end - means.clock.boot(), Millis{1});
  }
  const auto& place = held ? held->place : target.place;
  if (const auto* webhook = std::get_if<Webhook>(&place)) {
    auto posted = co_await post(*webhook, message, limit);
    co_return posted;
  }
  if (const auto* mailbox = std::get_if<Mailbox>(&place)) {
    auto mailed = co_await mail(*mailbox, message, std::clamp<Millis>(left, Millis{1}, k_mail_limit));
    co_return mailed;
  }
  auto published = co_await publish(std::get<aws::Topic>(place), message, limit);
  co_return published;
}

// Within the try's own limit, as all else: a job's end waits for nobody's SSM.
Awaitable<Try> Notifier::Lane::look_up(std::string parameter, Millis limit) {
  using namespace asio::experimental::awaitable_operators;
  Try result;
  if (!means.parameter) {
    result.why = "parameters aren't read from here";
    co_return result;
  }
  auto reading = means.parameter(std::move(parameter));
  auto racing = std::move(reading) || pause_for(limit);
  auto first = co_await std::move(racing);
  if (first.index() == 1) {
    result.again = true;
    result.why = "SSM didn't answer in time";
    co_return result;
  }
  auto& text = std::get<0>(first);
  if (!text) co_return judge(text.error());
  auto target_there = parse_held(*text);
  if (target_there) held = std::move(*target_there);
  else result.why = "what the parameter holds can't be used: " + target_there.error().cause;
  co_return result;
}

Awaitable<Try> Notifier::Lane::post(const Webhook& webhook, const Message& message, Millis limit) {
  net::Request request;
  request.method = "POST";
  request.url = webhook.url;
  request.allowed = webhook.allowed();
  request.headers.push_back({"Content-Type", "application/json; charset=utf-8"});
  request.headers.push_back({"User-Agent", "curfew/" CURFEW_VERSION});
  request.body = slack_json(message.text);
  const net::Limits limits{limit, limit, limit, k_longest_reply};
  const auto response = co_await means.http.send(std::move(request), limits);
  if (!response) co_return judge(response.error());
  co_return judge(*response, webhook.url, means.clock.wall());
}

Awaitable<Try> Notifier::Lane::publish(const aws::Topic& topic, const Message& message, Millis limit) {
  using namespace asio::experimental::awaitable_operators;
  // Credentials are looked for before the call's own limit begins, which may take longer.
  auto publishing = means.sns.publish(topic, message.subject, message.text);
  auto racing = std::move(publishing) || pause_for(limit);
  auto first = co_await std::move(racing);
  if (first.index() == 1) {
    Try late;
    late.again = true;
    late.why = "SNS didn't answer in time";
    co_return late;
  }
  const auto& published = std::get<0>(first);
  if (!published) co_return judge(published.error());
  Try sent;
  sent.sent = true;
  co_return sent;
}

Awaitable<Try> Notifier::Lane::mail(const Mailbox& mailbox, const Message& message, Millis limit) {
  Try result;
  if (means.mailer == nullptr) {
    result.why = "mail isn't sent from here";
    co_return result;
  }
  auto sending = means.mailer->send(mailbox, message, limit);
  const auto sent = co_await std::move(sending);
  if (!sent) {
    result = judge(sent.error());
    result.again = sent.error().kind == ErrorKind::unavailable;  // what hung may have been sent
  }
  result.sent = sent.has_value();
  co_return result;
}

Notifier::Notifier(asio::any_io_executor executor, Means means, std::vector<Target> targets, Pace pace)
    : clock_(means.clock) {
  for (auto& target : targets)
    lanes_.push_back(std::make_shared<Lane>(executor, means, std::move(target), pace));
}

Notifier::~Notifier() {
  for (const auto& lane : lanes_) {
    lane->closed = true;
    lane->queue.clear();
    lane->sleep.cancel();
  }
}

void Notifier::notify(Message message) {
  for (const auto& lane : lanes_) {
    lane->push(message);
    if (std::exchange(lane->busy, true)) continue;
    asio::co_spawn(lane->executor, Lane::work(lane), k_rethrow);
  }
}

std::size_t Notifier::waiting() const {
  std::size_t count = 0;
  for (const auto& lane : lanes_) count += lane->waiting();
  return count;
}

Awaitable<std::size_t> Notifier::flush(BootTime until) {
  for (const auto& lane : lanes_) {
    lane->hurried = lane->busy;
    lane->sleep.cancel();
  }
  while (waiting() > 0) {
    const Millis pause = std::min<Millis>(until - clock_.boot(), k_look_again);
    if (pause <= Millis{0}) break;
    co_await pause_for(pause);
  }
  for (const auto& lane : lanes_) {
    lane->hurried = false;
    if (lane->waiting() > 0)
      lane->report("notifications to " + lane->target.shown() +
                   " not sent in time: " + std::to_string(lane->waiting()));
  }
  co_return waiting();
}

}  // namespace curfew::notify
