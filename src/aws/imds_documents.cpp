// The metadata service's JSON documents and names, checked.
#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>

#include "aws/core/endpoints.hpp"
#include "aws/imds.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

Result<boost::json::object> parse_object(std::string_view json, const char* what) {
  boost::json::error_code failed;
  boost::json::parse_options options;
  options.max_depth = 8;
  auto value = boost::json::parse({json.data(), json.size()}, failed, {}, options);
  if (failed || !value.is_object()) return fail(ErrorKind::invalid_input, what, "it is no JSON object");
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
  if (identity.account.size() != 12 || !all_of(identity.account, is_digit))
    return refuse("accountId", identity.account);
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

}  // namespace curfew::aws
