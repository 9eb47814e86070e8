// SNS's side of setting up: topics and who hears of them, behind an interface for tests. Publishing is in sns.hpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/session.hpp"
#include "aws/sns.hpp"
#include "base/result.hpp"

namespace curfew::aws {

struct Subscription {
  std::string protocol;  // "email"
  std::string endpoint;  // an address, a URL, an ARN; printable ASCII
  bool confirmed = false;
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

struct SubscriptionPage {
  std::vector<Subscription> subscriptions;
  std::string next;  // a token; empty: the last page
};

// Each call ends within 30 s once there are credentials. Error.code is SNS's own: "NotFound", "AuthorizationError".
class SnsTopics {
 public:
  virtual ~SnsTopics() = default;
  // Idempotent: a topic of that name is left as it is. Its default policy lets alarms of the same account publish.
  [[nodiscard]] virtual Awaitable<Status> create_topic(Topic topic) = 0;
  // All of them, or an error; not_found where there's no such topic.
  [[nodiscard]] virtual Awaitable<Result<std::vector<Subscription>>> subscriptions(Topic topic) = 0;
  // SNS writes to the address, whose owner has to follow the link within two days.
  [[nodiscard]] virtual Awaitable<Status> subscribe_email(Topic topic, std::string address) = 0;
};

// Each topic is spoken to in its own region; the session must outlive it.
[[nodiscard]] std::unique_ptr<SnsTopics> make_sns_topics(Session& session);

// Pure; for sns_topics.cpp and its tests. The topic's ARN in a CreateTopicResponse.
[[nodiscard]] Result<std::string> parse_created_topic(std::string_view xml);
[[nodiscard]] Result<SubscriptionPage> parse_subscriptions(std::string_view xml);
// "pending confirmation", or the subscription's ARN.
[[nodiscard]] Result<std::string> parse_subscribed(std::string_view xml);

}  // namespace curfew::aws
