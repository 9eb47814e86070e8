// SNS: Publish, behind an interface for tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// A standard topic. "arn:aws:sns:us-east-1:123456789012:alerts"; the partition is the region's own.
struct Topic {
  std::string region;
  std::string account;
  std::string name;
  [[nodiscard]] std::string arn() const;
};
// Refuses ARNs of other things, and FIFO topics: neither mail nor a telephone can subscribe to one. Pure.
[[nodiscard]] Result<Topic> parse_topic_arn(std::string_view text);

class Sns {
 public:
  virtual ~Sns() = default;
  // The message's id. `subject` is ASCII in one line, at most 99 characters (mail shows it); `message` is UTF-8, at most
  // 256 KiB. Ends within 5 s once there are credentials. Error.code is SNS's own: "AuthorizationError", "NotFound".
  [[nodiscard]] virtual Awaitable<Result<std::string>> publish(Topic topic, std::string subject,
                                                               std::string message) = 0;
};

// Each topic is spoken to in its own region; the session must outlive it.
[[nodiscard]] std::unique_ptr<Sns> make_sns(Session& session);

}  // namespace curfew::aws
