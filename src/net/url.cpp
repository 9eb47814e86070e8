// Reading and writing URLs, and looking up headers.
#include <arpa/inet.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/encoding.hpp"
#include "net/http.hpp"

namespace curfew::net {
namespace {

constexpr std::size_t k_longest_url = 8192;
constexpr std::size_t k_longest_host = 253;  // RFC 1035, in text

bool is_control_or_space(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte >= 0x7f;
}

bool good_name(std::string_view host) {
  return !host.empty() && host.size() <= k_longest_host && host.front() != '.' && host.front() != '-' &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '.' || c == '_';
         });
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::uint16_t usual_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != usual_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [&](const char* why) {
    // The text may hold a password before an @, so it's shown only where there is none.
    const bool secret = text.find('@') != std::string_view::npos;
    return fail(ErrorKind::invalid_input, secret ? "read a URL" : "read the URL \"" + printable(text) + "\"",
                why);
  };
  if (text.size() > k_longest_url) return refuse("longer than 8192 bytes");
  if (std::any_of(text.begin(), text.end(), is_control_or_space))
    return refuse("has a space, a control character or a byte outside ASCII");
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return refuse("has no scheme: http:// or https://");
  Url url;
  url.scheme = lower_case(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return refuse("the scheme is neither http nor https");
  std::string_view rest = text.substr(colon + 3);
  if (rest.find('#') != std::string_view::npos) return refuse("has a fragment");
  const auto path = rest.find_first_of("/?");
  std::string_view place = rest.substr(0, path);
  if (path != std::string_view::npos) {
    url.target = rest.substr(path);
    if (url.target.front() == '?') url.target.insert(0, "/");
  }
  if (place.find('@') != std::string_view::npos) return refuse("has a user name or password");
  std::string_view port;
  bool has_port = false;
  if (place.starts_with('[')) {
    const auto close = place.find(']');
    if (close == std::string_view::npos) return refuse("the [ of an IPv6 address isn't closed");
    url.host = lower_case(place.substr(1, close - 1));
    if (!is_ipv6(url.host)) return refuse("what stands in [] is no IPv6 address");
    place.remove_prefix(close + 1);
    if (!place.empty() && place.front() != ':') return refuse("something stands between ] and the port");
    has_port = !place.empty();
    if (has_port) port = place.substr(1);
  } else {
    const auto at = place.find(':');
    url.host = lower_case(place.substr(0, at));
    has_port = at != std::string_view::npos;
    if (has_port) port = place.substr(at + 1);
    if (!good_name(url.host)) return refuse("the host name is empty or has characters that no host name has");
  }
  url.port = usual_port(url.scheme);
  if (has_port) {
    const auto number = port.size() <= 5 ? parse_number(port) : std::nullopt;
    if (!number || *number == 0 || *number > 65535) return refuse("the port is no number from 1 to 65535");
    url.port = static_cast<std::uint16_t>(*number);
  }
  return url;
}

std::string_view Response::header(std::string_view name) const {
  for (const auto& header : headers)
    if (equal_ignoring_case(header.name, name)) return header.value;
  return {};
}

}  // namespace curfew::net
