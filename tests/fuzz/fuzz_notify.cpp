// Places to notify, and what a notification says of facts that come from outside.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json/parse.hpp>

#include "notify/address.hpp"
#include "notify/message.hpp"
#include "notify/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto target = notify::parse_target(text)) {
    // It reads the same once more, goes nowhere that is refused, and isn't shown whole.
    const auto again = notify::parse_target(target->secret_text());
    if (!again || again->secret_text() != target->secret_text()) std::abort();
    if (const auto* webhook = std::get_if<notify::Webhook>(&target->place)) {
      boost::system::error_code not_numeric;
      const auto address = boost::asio::ip::make_address(webhook->url.host, not_numeric);
      if (!not_numeric && !webhook->allowed()(address)) std::abort();
      if (notify::is_disguised_address(webhook->url.host)) std::abort();
      const auto shown = target->shown();
      constexpr std::string_view k_rest = "/…";
      if (shown.find('/', webhook->url.scheme.size() + 3) != shown.size() - k_rest.size() ||
          !shown.ends_with(k_rest))
        std::abort();
    }
  }
  (void)notify::shown_option(text);
  notify::Facts facts;
  facts.event = notify::Event::ended;
  facts.command = facts.why = facts.instance = facts.outcome = text;
  boost::system::error_code bad;
  const auto json = boost::json::parse(notify::slack_json(notify::text_of(facts)), bad);
  if (bad) std::abort();
  const auto& slack = json.as_object().at("text").as_string();
  if (slack.size() > notify::k_longest_text || slack.find_first_of("<>\r\t\x1b") != std::string_view::npos)
    std::abort();
  if (notify::text_of(facts).size() > notify::k_longest_text) std::abort();
  const auto subject = notify::subject_of(facts);
  if (subject.size() > notify::k_longest_subject) std::abort();
  for (const char c : subject)
    if (c < ' ' || c > '~') std::abort();
  return 0;
}
