#include "notify/address.hpp"

#include <gtest/gtest.h>

namespace curfew::notify {
namespace {

using boost::asio::ip::make_address;

TEST(Address, of_the_metadata_service_and_of_the_link_is_never_allowed) {
  for (const auto* text :
       {"169.254.169.254", "169.254.0.1", "169.254.170.2", "169.254.255.255", "0.0.0.0", "0.1.2.3",
        "100.100.100.200", "fe80::1", "febf::1", "fd00:ec2::254", "fd00:ec2::23",
        "::", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:100.100.100.200", "::169.254.169.254",
        "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "::ffff:0.0.0.0"})
    EXPECT_FALSE(is_allowed(make_address(text))) << text;
}

TEST(Address, of_others_is_allowed) {
  for (const auto* text :
       {"1.2.3.4", "10.0.0.1", "169.253.1.1", "169.255.1.1", "100.100.100.201", "127.0.0.1", "::1",
        "2600:1f18::1", "fec0::1", "fd00:ec3::1", "::ffff:1.2.3.4", "64:ff9b::1.2.3.4"})
    EXPECT_TRUE(is_allowed(make_address(text))) << text;
}

TEST(Address, is_loopback_where_it_stays_on_the_machine) {
  for (const auto* text : {"127.0.0.1", "127.255.1.2", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(make_address(text))) << text;
  for (const auto* text :
       {"128.0.0.1", "::2", "::", "0.0.0.0", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "::127.0.0.1"})
    EXPECT_FALSE(is_loopback(make_address(text))) << text;
}

TEST(Address, is_disguised_where_only_a_resolver_sees_it) {
  for (const auto* text :
       {"2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.254.43518",
        "169.16689662", "127.1", "0", "127.0.0.01", "127.0.0.1.", "0177.0.0.1"})
    EXPECT_TRUE(is_disguised_address(text)) << text;
  for (const auto* text : {"127.0.0.1", "169.254.169.254", "::1", "hooks.slack.com", "1.2.3.4.5", "256.1.1.1",
                           "a", "", "0x.example", "1e100.net"})
    EXPECT_FALSE(is_disguised_address(text)) << text;
}

}  // namespace
}  // namespace curfew::notify
