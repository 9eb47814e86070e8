// Which addresses a notification may go to: never the metadata service's, nor anything link-local. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/address.hpp>

namespace curfew::notify {

// 127.0.0.0/8, ::1, and the first as ::ffff:127.0.0.0/104.
[[nodiscard]] bool is_loopback(const boost::asio::ip::address& address);

// False for 169.254.0.0/16 and fe80::/10 (link-local, IMDS and the container credentials among them), fd00:ec2::/32
// (EC2's own services by IPv6), 100.100.100.200 (another cloud's IMDS), the unspecified addresses (the kernel takes them
// for loopback), and IPv6 addresses that wrap a refused IPv4 one.
[[nodiscard]] bool is_allowed(const boost::asio::ip::address& address);

// What getaddrinfo would take for an IPv4 address though it isn't written as a.b.c.d in decimal: "2852039166",
// "0xa9.254.43518", "0251.0376.0251.0376" (inet_aton(3)), with or without a dot at its end.
[[nodiscard]] bool is_disguised_address(std::string_view host);

}  // namespace curfew::notify
