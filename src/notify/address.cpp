// Which addresses a notification may go to.
#include "notify/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace curfew::notify {
namespace {

namespace ip = boost::asio::ip;
using Bytes6 = ip::address_v6::bytes_type;

bool begins(const Bytes6& bytes, std::initializer_list<unsigned char> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

// The IPv4 address that an IPv6 one stands for: mapped (RFC 4291, 2.5.5.2), compatible (2.5.5.1), NAT64 (RFC 6052),
// 6to4 (RFC 3056).
std::optional<ip::address_v4> wrapped(const Bytes6& bytes) {
  const auto at = [&](std::size_t first) {
    return ip::address_v4({bytes[first], bytes[first + 1], bytes[first + 2], bytes[first + 3]});
  };
  static constexpr std::size_t k_last_four = 12;
  const bool mapped = begins(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
  const bool compatible = begins(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const bool nat64 = begins(bytes, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0});
  if (mapped || compatible || nat64) return at(k_last_four);
  if (begins(bytes, {0x20, 0x02})) return at(2);
  return {};
}

bool is_allowed_v4(const ip::address_v4& address) {
  const auto bytes = address.to_bytes();
  const bool link_local = bytes[0] == 169 && bytes[1] == 254;
  const bool this_host = bytes[0] == 0;
  const bool metadata = address == ip::address_v4({100, 100, 100, 200});
  return !link_local && !this_host && !metadata;
}

}  // namespace

bool is_loopback(const ip::address& address) {
  if (address.is_v4()) return address.to_v4().is_loopback();
  if (address.to_v6().is_loopback()) return true;
  // What NAT64 makes of 127.0.0.1 leaves the machine, so that this is the only wrapping that counts.
  return address.to_v6().is_v4_mapped() && ip::make_address_v4(ip::v4_mapped, address.to_v6()).is_loopback();
}

bool is_allowed(const ip::address& address) {
  if (address.is_v4()) return is_allowed_v4(address.to_v4());
  if (address.to_v6().is_loopback()) return true;
  const auto bytes = address.to_v6().to_bytes();
  const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80U;
  const bool ec2 = begins(bytes, {0xfd, 0, 0x0e, 0xc2});
  if (link_local || ec2) return false;
  const auto inner = wrapped(bytes);
  return !inner || is_allowed_v4(*inner);
}

bool is_disguised_address(std::string_view host) {
  std::string text(host);
  const bool dot = text.ends_with('.');
  if (dot) text.pop_back();
  in_addr loose{};
  if (inet_aton(text.c_str(), &loose) == 0) return false;
  in_addr strict{};
  return dot || inet_pton(AF_INET, text.c_str(), &strict) != 1;
}

}  // namespace curfew::notify
