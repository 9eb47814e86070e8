// The packets that shim, guard and front end exchange.
#include "os/shim_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>

#include <gtest/gtest.h>

namespace curfew::os {
namespace {

std::pair<Channel, Channel> channels() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {Channel(Fd{ends[0]}), Channel(Fd{ends[1]})};
}

TEST(Channel, keeps_packets_apart) {
  auto [a, b] = channels();
  EXPECT_TRUE(a.send('x', "one"));
  EXPECT_TRUE(a.send('y', ""));
  EXPECT_TRUE(a.send('z', std::string(k_largest_message - 1, 'z')));
  for (const auto& [type, size] : {std::pair{'x', 3U}, std::pair{'y', 0U}, std::pair{'z', 65'535U}}) {
    const auto got = b.receive();
    ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->type, type);
    EXPECT_EQ((*got)->text.size(), size);
  }
  const auto none = b.receive();
  EXPECT_TRUE(none && !*none);
}

TEST(Channel, refuses_too_long_a_packet_on_either_side) {
  auto [a, b] = channels();
  EXPECT_EQ(a.send('x', std::string(k_largest_message, 'x')).error().kind, ErrorKind::invalid_input);
  const std::string large(k_largest_message + 1, 'x');
  ASSERT_EQ(::send(a.fd(), large.data(), large.size(), 0), static_cast<ssize_t>(large.size()));
  const auto got = b.receive();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::invalid_input);
}

TEST(Channel, hands_descriptors_over_closed_on_exec) {
  auto [a, b] = channels();
  const Fd null{::open("/dev/null", O_WRONLY)};
  EXPECT_TRUE(a.send('f', "", {null.get(), null.get()}));
  auto got = b.receive();
  ASSERT_TRUE(got && *got);
  ASSERT_EQ((*got)->fds.size(), 2U);
  for (const Fd& fd : (*got)->fds) {
    EXPECT_NE(fd.get(), null.get());
    EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_FALSE(a.send('f', "", std::vector<int>(5, null.get())));
}

TEST(Channel, never_waits_for_a_peer_that_does_not_read) {
  auto [a, b] = channels();
  Status sent;
  for (int count = 0; sent && count < 100'000; ++count) sent = a.send('x', "some text");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
}

TEST(Channel, says_that_the_peer_is_gone) {
  std::optional<Channel> kept;
  {
    auto [a, b] = channels();
    EXPECT_TRUE(a.send('x', "last"));
    kept.emplace(std::move(b));
  }
  const auto last = kept->receive();
  ASSERT_TRUE(last && *last);
  EXPECT_EQ((*last)->text, "last");
  const auto end = kept->receive();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(kept->send('y', ""));  // no SIGPIPE either
}

TEST(Channel, does_not_reach_a_shim_that_is_not_there) {
  EXPECT_EQ(connect_to_shim({"/no/such", "/no/such"}).error().kind, ErrorKind::not_found);
  EXPECT_EQ(connect_to_shim({"", std::string(200, 'x')}).error().kind, ErrorKind::invalid_input);
}

}  // namespace
}  // namespace curfew::os
