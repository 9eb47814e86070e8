// The metadata service's JSON documents and names, checked.
#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>

#include "aws/core/endpoints.hpp"
#include "aws/core/retry.hpp"
#include "aws/imds.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_most_events = 32;
constexpr std::size_t k_longest_word = 64;

// Null where it's no JSON.
boost::json::value parse_value(std::string_view json) {
  boost::json::error_code failed;
  boost::json::parse_options options;
  options.max_depth = 8;
  auto value = boost::json::parse({json.data(), json.size()}, failed, {}, options);
  return failed ? boost::json::value() : value;
}

Result<boost::json::object> parse_object(std::string_view json, const char* what) {
  auto value = parse_value(json);
  if (!value.is_object()) return fail(ErrorKind::invalid_input, what, "it is no JSON object");
  return std::move(value.as_object());
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool all_of(std::string_view text, bool (*good)(char)) { return std::all_of(text.begin(), text.end(), good); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_lower_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool is_id(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return text.size() >= 8 && text.size() <= 17 && all_of(text, is_lower_hex);
}

// "us-east-1a", or a local zone's "us-west-2-lax-1a".
bool is_zone_of(std::string_view zone, std::string_view region) {
  if (!zone.starts_with(region) || zone.size() > 48) return false;
  zone.remove_prefix(region.size());
  return !zone.empty() && is_lower(zone.back()) &&
         all_of(zone, [](char c) { return is_digit(c) || is_lower(c) || c == '-'; });
}

// "instance-event-0d59937288b749b32", "system-reboot".
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_word &&
         all_of(text, [](char c) { return is_digit(c) || is_lower(c) || c == '-'; });
}

// "21 Jan 2019 09:00:43 GMT": as in HTTP, without the day of the week.
std::optional<WallTime> parse_event_time(std::string_view text) {
  if (text.size() + 1 == std::string_view("21 Jan 2019 09:00:43 GMT").size())
    return parse_http_date("Mon, 0" + std::string(text));
  return parse_http_date("Mon, " + std::string(text.substr(0, k_longest_word)));
}

}  // namespace

bool is_instance_id(std::string_view text) { return is_id(text, "i-"); }

bool is_instance_type(std::string_view text) {
  const auto dot = text.find('.');
  return text.size() <= 40 && dot != std::string_view::npos && dot > 0 && dot + 1 < text.size() &&
         all_of(text, [](char c) { return is_digit(c) || is_lower(c) || c == '-' || c == '.'; });
}

bool is_ipv4(std::string_view text) {
  const auto parts = split(text, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           const auto number = parse_number(part);
           return number && *number <= 255 && (part.size() == 1 || part.front() != '0');
         });
}

bool is_tag_key(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text != "." && text != ".." &&
         all_of(text, [](char c) { return c > ' ' && c != '/' && c != '\x7f'; });
}

bool is_tag_value(std::string_view text) {
  // 256 characters, each up to 4 bytes.
  return text.size() <= 1024 && std::none_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

Result<Identity> parse_identity(std::string_view json) {
  const auto* const what = "read the instance's identity document";
  const auto object = parse_object(json, what);
  if (!object) return fail(object.error());
  Identity identity;
  identity.instance_id = text_of(*object, "instanceId");
  identity.region = text_of(*object, "region");
  identity.zone = text_of(*object, "availabilityZone");
  identity.instance_type = text_of(*object, "instanceType");
  identity.account = text_of(*object, "accountId");
  identity.image_id = text_of(*object, "imageId");
  const auto pending = text_of(*object, "pendingTime");
  const auto refuse = [&](const char* name, std::string_view value) {
    return fail(ErrorKind::invalid_input, what, std::string(name) + " is \"" + printable(value, 60) + "\"");
  };
  if (!is_instance_id(identity.instance_id)) return refuse("instanceId", identity.instance_id);
  if (!is_region(identity.region)) return refuse("region", identity.region);
  if (!is_zone_of(identity.zone, identity.region)) return refuse("availabilityZone", identity.zone);
  if (!is_instance_type(identity.instance_type)) return refuse("instanceType", identity.instance_type);
  if (!is_account(identity.account)) return refuse("accountId", identity.account);
  if (!identity.image_id.empty() && !is_id(identity.image_id, "ami-"))
    return refuse("imageId", identity.image_id);
  const auto launched = parse_utc(pending);
  if (!launched) return refuse("pendingTime", pending);
  identity.launched = *launched;
  return identity;
}

Result<SpotAction> parse_spot_action(std::string_view json) {
  const auto* const what = "read the spot interruption notice";
  const auto object = parse_object(json, what);
  if (!object) return fail(object.error());
  struct Word {
    std::string_view word;
    SpotActionKind kind;
  };
  static constexpr std::array<Word, 3> k_words{{{"terminate", SpotActionKind::terminate},
                                                {"stop", SpotActionKind::stop},
                                                {"hibernate", SpotActionKind::hibernate}}};
  const auto action = text_of(*object, "action");
  const auto* const found =
      std::find_if(k_words.begin(), k_words.end(), [&](const Word& word) { return word.word == action; });
  if (found == k_words.end())
    return fail(ErrorKind::invalid_input, what, "the action is \"" + printable(action, 60) + "\"");
  const auto time = parse_utc(text_of(*object, "time"));
  if (!time) return fail(ErrorKind::invalid_input, what, "its time can't be read");
  return SpotAction{found->kind, *time};
}

Awaitable<Result<std::optional<WallTime>>> read_rebalance(Imds& imds) {
  auto text = co_await imds.get("meta-data/events/recommendations/rebalance");
  if (!text) co_return fail(std::move(text).error());
  if (!*text) co_return std::nullopt;
  const auto object = parse_object(**text, "read the rebalance recommendation");
  if (!object) co_return fail(object.error());
  const auto time = parse_utc(text_of(*object, "noticeTime"));
  if (!time) co_return fail(time.error());
  co_return *time;
}

Result<std::vector<MaintenanceEvent>> parse_maintenance(std::string_view json) {
  const auto* const what = "read the scheduled events";
  const auto value = parse_value(json);
  if (!value.is_array()) return fail(ErrorKind::invalid_input, what, "they are no JSON array");
  const auto& array = value.get_array();
  if (array.size() > k_most_events) return fail(ErrorKind::invalid_input, what, "there are more than 32");
  std::vector<MaintenanceEvent> events;
  for (const auto& element : array) {
    if (!element.is_object()) return fail(ErrorKind::invalid_input, what, "one of them is no JSON object");
    const auto& object = element.get_object();
    const auto state = text_of(object, "State");
    MaintenanceEvent event{text_of(object, "EventId"), text_of(object, "Code"), {}, false};
    const auto refuse = [&](const char* name, std::string_view text) {
      return fail(ErrorKind::invalid_input, what, std::string(name) + " is \"" + printable(text, 60) + "\"");
    };
    if (!is_word(event.id)) return refuse("EventId", event.id);
    if (!is_word(event.code)) return refuse("Code", event.code);
    if (!is_word(state)) return refuse("State", state);
    event.active = state == "active";
    const auto not_before = parse_event_time(text_of(object, "NotBefore"));
    if (!not_before) return refuse("NotBefore", text_of(object, "NotBefore"));
    event.not_before = *not_before;
    events.push_back(std::move(event));
  }
  return events;
}

Awaitable<Result<std::vector<MaintenanceEvent>>> read_maintenance(Imds& imds) {
  auto text = co_await imds.get("meta-data/events/maintenance/scheduled");
  if (!text) co_return fail(std::move(text).error());
  if (!*text) co_return std::vector<MaintenanceEvent>();
  co_return parse_maintenance(**text);
}

}  // namespace curfew::aws
