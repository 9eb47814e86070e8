// Names to addresses, within a time limit.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::net {

// At most k_addresses, in the order of getaddrinfo (RFC 6724). A numeric address costs no thread. getaddrinfo can't be
// cancelled: at the limit its thread is left behind and its answer thrown away, so leave the process by _exit.
inline constexpr std::size_t k_addresses = 8;
[[nodiscard]] boost::asio::awaitable<Result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
    std::string host, std::uint16_t port, Millis limit);

}  // namespace curfew::net
