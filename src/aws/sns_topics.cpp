// CreateTopic, ListSubscriptionsByTopic, Subscribe.
#include "aws/sns_topics.hpp"

#include <iterator>

#include "aws/core/query.hpp"
#include "aws/core/xml.hpp"
#include "aws/pages.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 1U << 20U};
constexpr Millis k_total{30'000};

constexpr std::size_t k_subscriptions_a_page = 100;  // what SNS gives
constexpr std::size_t k_most_pages = 50;
constexpr std::size_t k_longest_endpoint = 2'048;
constexpr std::size_t k_longest_protocol = 20;
constexpr std::size_t k_longest_arn = 1'024;

class QuerySnsTopics final : public SnsTopics {
 public:
  explicit QuerySnsTopics(Session& session) : session_(session) {}

  Awaitable<Status> create_topic(Topic topic) override {
    Query query = query_for("CreateTopic", "CreateTopic " + topic.name, topic);
    query.form = {{"Name", topic.name}};
    auto asking = ask(session_, std::move(query), k_limits, k_total, parse_created_topic);
    auto arn = co_await std::move(asking);
    if (!arn) co_return fail(std::move(arn).error());
    if (*arn != topic.arn()) co_return odd("TopicArn", *arn);
    co_return Status{};
  }

  Awaitable<Result<std::vector<Subscription>>> subscriptions(Topic topic) override {
    const std::string what = "ListSubscriptionsByTopic " + topic.name;
    const auto end = session_.clock.boot() + k_total;
    std::vector<Subscription> found;
    PageRule rule(what, k_most_pages);
    for (std::string token;;) {
      const auto left = end - session_.clock.boot();
      if (left <= Millis{0})
        co_return fail(ErrorKind::timed_out, what, "not all pages came within 30 seconds");
      Query query = query_for("ListSubscriptionsByTopic", what, topic);
      query.form = {{"TopicArn", topic.arn()}};
      if (!token.empty()) query.form.emplace_back("NextToken", token);
      auto asking = ask(session_, std::move(query), k_limits, left, parse_subscriptions);
      auto page = co_await std::move(asking);
      if (!page) co_return fail(std::move(page).error());
      std::move(page->subscriptions.begin(), page->subscriptions.end(), std::back_inserter(found));
      const auto next = rule.after(page->next);
      if (!next) co_return fail(Error{next.error()});
      if (*next == NextPage::none) co_return found;
      token = std::move(page->next);
    }
  }

  Awaitable<Status> subscribe_email(Topic topic, std::string address) override {
    Query query = query_for("Subscribe", "Subscribe " + printable(address) + " to " + topic.name, topic);
    query.form = {{"TopicArn", topic.arn()}, {"Protocol", "email"}, {"Endpoint", std::move(address)}};
    auto asking = ask(session_, std::move(query), k_limits, k_total, parse_subscribed);
    auto subscribed = co_await std::move(asking);
    if (!subscribed) co_return fail(std::move(subscribed).error());
    co_return Status{};
  }

 private:
  static Query query_for(std::string action, std::string what, const Topic& topic) {
    return {std::move(what), "sns", topic.region, "2010-03-31", std::move(action), {}};
  }

  Session& session_;
};

}  // namespace

Result<std::string> parse_created_topic(std::string_view text) {
  const auto xml = Xml::parse(text, "CreateTopicResponse");
  if (!xml) return fail(xml.error());
  auto arn = child_text(xml->root().child("CreateTopicResult"), "TopicArn");
  if (!parse_topic_arn(arn)) return odd("TopicArn", arn);
  return arn;
}

Result<SubscriptionPage> parse_subscriptions(std::string_view text) {
  const auto xml = Xml::parse(text, "ListSubscriptionsByTopicResponse");
  if (!xml) return fail(xml.error());
  const auto result = xml->root().child("ListSubscriptionsByTopicResult");
  const auto list = result.child("Subscriptions");
  // An empty list is written all the same: without it, this is another reply.
  if (!list) return odd("Subscriptions", "missing");
  SubscriptionPage page;
  for (const auto& member : list.children("member")) {
    Subscription one{child_text(member, "Protocol"), child_text(member, "Endpoint"), false};
    if (!is_ascii(one.protocol, k_longest_protocol)) return odd("Protocol", one.protocol);
    if (!is_ascii(one.endpoint, k_longest_endpoint)) return odd("Endpoint", one.endpoint);
    const auto arn = child_text(member, "SubscriptionArn");
    if (arn == "Deleted") continue;
    one.confirmed = arn != "PendingConfirmation";
    if (one.confirmed && (!arn.starts_with("arn:") || !is_ascii(arn, k_longest_arn)))
      return odd("SubscriptionArn", arn);
    if (page.subscriptions.size() >= k_subscriptions_a_page)
      return odd("Subscriptions", "more than a page holds");
    page.subscriptions.push_back(std::move(one));
  }
  page.next = child_text(result, "NextToken");
  return page;
}

Result<std::string> parse_subscribed(std::string_view text) {
  const auto xml = Xml::parse(text, "SubscribeResponse");
  if (!xml) return fail(xml.error());
  auto arn = child_text(xml->root().child("SubscribeResult"), "SubscriptionArn");
  // The API reference spells it "pending confirmation", the answer "PendingConfirmation" or the former.
  const bool pending = arn == "pending confirmation" || arn == "PendingConfirmation";
  if (!pending && (!arn.starts_with("arn:") || !is_ascii(arn, k_longest_arn)))
    return odd("SubscriptionArn", arn);
  return arn;
}

std::unique_ptr<SnsTopics> make_sns_topics(Session& session) {
  return std::make_unique<QuerySnsTopics>(session);
}

}  // namespace curfew::aws
