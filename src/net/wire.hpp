// A request as it goes over the wire. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "net/http.hpp"

namespace curfew::net {

// False where a part would break its line and smuggle in a header, or a second request.
[[nodiscard]] bool is_well_formed(const Request& request);

[[nodiscard]] std::uint64_t length_of(const Body& body);

// "https://host:port", for messages and for a proxy.
[[nodiscard]] std::string place_of(const Url& url);

struct HeadOptions {
  bool absolute_form = false;  // to a proxy, which then needs to know where to go
  std::string proxy_authorization;
  bool expect_continue = false;
};
// Request line and headers, up to and with the empty line.
[[nodiscard]] std::string head_of(const Request& request, const HeadOptions& options);

}  // namespace curfew::net
