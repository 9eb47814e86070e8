// A request as it goes over the wire.
#include "net/wire.hpp"

#include <algorithm>

namespace curfew::net {
namespace {

bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_word(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

}  // namespace

bool is_well_formed(const Request& request) {
  const auto& target = request.url.target;
  return is_word(request.method) && is_word(request.url.scheme) && target.starts_with('/') &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c <= '~'; }) &&
         std::all_of(request.headers.begin(), request.headers.end(),
                     [](const Header& header) { return is_word(header.name) && !breaks_line(header.value); });
}

std::uint64_t length_of(const Body& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return text->size();
  return std::get<FileSlice>(body).length;
}

std::string place_of(const Url& url) { return url.scheme + "://" + url.authority(); }

std::string head_of(const Request& request, const HeadOptions& options) {
  std::string head = request.method + " ";
  if (options.absolute_form) head += place_of(request.url);
  head += request.url.target + " HTTP/1.1\r\nHost: " + request.url.authority() + "\r\n";
  for (const auto& header : request.headers) head += header.name + ": " + header.value + "\r\n";
  const auto length = length_of(request.body);
  if (length > 0 || (request.method != "GET" && request.method != "HEAD" && request.method != "DELETE"))
    head += "Content-Length: " + std::to_string(length) + "\r\n";
  if (options.expect_continue) head += "Expect: 100-continue\r\n";
  if (!options.proxy_authorization.empty())
    head += "Proxy-Authorization: " + options.proxy_authorization + "\r\n";
  return head + "\r\n";
}

}  // namespace curfew::net
