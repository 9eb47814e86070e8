// SNS's Query protocol: a form is posted, XML comes back.
#include "aws/sns.hpp"

#include <algorithm>

#include "aws/core/query.hpp"
#include "aws/core/xml.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{3'000}, Millis{5'000}, Millis{5'000}, 16U << 10U};
constexpr Millis k_total{5'000};

constexpr std::size_t k_longest_name = 256;  // CreateTopic
constexpr std::size_t k_longest_subject = 99;
constexpr std::size_t k_longest_message = 256U << 10U;
constexpr std::size_t k_longest_id = 100;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_topic_name(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_name && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
  });
}

// Publish: "begins with a letter, number, or punctuation mark", no line breaks or control characters.
bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_subject && text.front() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

class QuerySns final : public Sns {
 public:
  explicit QuerySns(Session& session) : session_(session) {}

  Awaitable<Result<std::string>> publish(Topic topic, std::string subject, std::string message) override {
    const auto what = "Publish to the topic " + printable(topic.name, k_longest_name);
    if (!is_subject(subject) || message.empty() || message.size() > k_longest_message)
      co_return fail(ErrorKind::invalid_input, what,
                     "SNS takes no such subject, or no message so short or long");
    Query query{what, "sns", topic.region, "2010-03-31", "Publish", {}};
    query.form = {{"TopicArn", topic.arn()}, {"Subject", subject}, {"Message", message}};
    auto asking = ask_for_xml(session_, std::move(query), k_limits, k_total);
    auto body = co_await std::move(asking);
    if (!body) co_return fail(std::move(body).error());
    auto xml = Xml::parse(*body, "PublishResponse");
    if (!xml) co_return fail(std::move(xml).error().within(what));
    auto id = child_text(xml->root().child("PublishResult"), "MessageId");
    if (id.empty() || id.size() > k_longest_id)
      co_return fail(ErrorKind::unavailable, what, "the reply names no message");
    co_return printable(id, k_longest_id);
  }

 private:
  Session& session_;
};

}  // namespace

std::string Topic::arn() const {
  return "arn:" + std::string(partition_of(region).name) + ":sns:" + region + ":" + account + ":" + name;
}

Result<Topic> parse_topic_arn(std::string_view text) {
  const auto refuse = [](std::string why) {
    return fail(ErrorKind::invalid_input, "read the ARN of an SNS topic", std::move(why),
                "it looks like arn:aws:sns:us-east-1:123456789012:alerts");
  };
  const auto parts = split(text, ':');
  if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "sns")
    return refuse(parts.size() == 7 && parts[2] == "sns" ? "that is a subscription's, not a topic's"
                                                         : "that is none");
  if (!is_region(parts[3])) return refuse("the region in it is none");
  if (parts[1] != partition_of(parts[3]).name)
    return refuse("its partition and its region don't belong together");
  if (!is_account(parts[4])) return refuse("the account in it isn't of 12 digits");
  if (parts[5].ends_with(".fifo")) return refuse("FIFO topics can't notify people");
  if (!is_topic_name(parts[5])) return refuse("the topic's name in it is none");
  return Topic{std::string(parts[3]), std::string(parts[4]), std::string(parts[5])};
}

std::unique_ptr<Sns> make_sns(Session& session) { return std::make_unique<QuerySns>(session); }

}  // namespace curfew::aws
