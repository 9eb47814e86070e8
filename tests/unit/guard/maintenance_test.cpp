#include "guard/maintenance.hpp"

#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

using Planned = Result<std::vector<Maintenance>>;

const auto k_soon = *parse_utc("2026-11-30T09:00:43Z");
const auto k_later = *parse_utc("2026-12-07T09:00:43Z");

TEST(Maintenance, is_described) {
  const struct {
    const char* code;
    const char* text;
  } cases[] = {
      {"instance-reboot",
       "EC2 will reboot this instance, not before 2026-11-30T09:00:43Z (instance-reboot, e-1)"},
      {"system-reboot", "EC2 will reboot this instance's host, and so the instance, not before "},
      {"system-maintenance", "EC2 will cut this instance off for a while (network or power), not before "},
      {"instance-retirement",
       "EC2 will stop this instance, or terminate it where its disk is an instance store, "},
      {"instance-stop", "EC2 will stop this instance, not before "},
      {"a-new-word", "EC2 will do something with this instance, not before "},
  };
  for (const auto& [code, text] : cases)
    EXPECT_EQ(describe({"e-1", code, k_soon}).substr(0, std::string(text).size()), text);
}

TEST(Maintenance, is_said_once_and_again_where_it_is_moved) {
  const Maintenance reboot{"e-1", "system-reboot", k_soon};
  const Maintenance moved{"e-1", "system-reboot", k_later};
  const Maintenance stop{"e-2", "instance-stop", k_soon};
  const auto unseen = fail(ErrorKind::unavailable, "ask IMDS", "this is a test");
  std::deque<Planned> answers;
  for (const auto& answer :
       {Planned{std::vector<Maintenance>{}}, Planned{std::vector{reboot}}, Planned{std::vector{reboot}},
        Planned{unseen}, Planned{unseen}, Planned{std::vector{reboot, stop}}, Planned{unseen},
        Planned{std::vector{moved}}})
    answers.push_back(answer);
  std::vector<std::string> said;
  const auto ask = [&]() -> Awaitable<Planned> {
    Planned answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  };
  MaintenanceWatch watch({ask, [&] { return !answers.empty(); },
                          [&](const std::string& text) { said.push_back(text); }, Millis{1}});
  boost::asio::io_context io;
  boost::asio::co_spawn(io, watch.run(), k_rethrow);
  io.run();
  const std::string trouble =
      "maintenance that EC2 plans for this instance would not be seen: ask IMDS: this is a test";
  EXPECT_EQ(said,
            (std::vector<std::string>{describe(reboot), trouble, describe(stop), trouble, describe(moved)}));
}

}  // namespace
}  // namespace curfew::guard
