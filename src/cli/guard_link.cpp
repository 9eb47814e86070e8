// Speaks to the guard by its control socket.
#include "cli/guard_link.hpp"

#include <poll.h>
#include <unistd.h>

#include "cli/start.hpp"

namespace curfew::cli {
namespace {
constexpr int k_answer_limit_ms = 5'000;
}  // namespace

std::vector<layers::Places> guard_places() {
  std::vector<layers::Places> places{layers::Places{}};
  if (::geteuid() == 0) return places;
  if (auto own = places_for_user()) places.push_back(*own);
  return places;
}

Result<os::Message> ask_guard(const layers::Places& places, guard::ToGuard what, std::string_view text) {
  auto channel = guard::connect_to_guard(places.run);
  if (!channel) return fail(std::move(channel.error()));
  // It sends strangers away, before or after they have asked: the same answer to both.
  const auto sent_away = [] {
    return fail(ErrorKind::refused, "ask the guard", "it closed the connection",
                "ask as root or as the user whose job it is");
  };
  if (!channel->send(static_cast<char>(what), text)) return sent_away();
  pollfd wait{channel->fd(), POLLIN, 0};
  if (::poll(&wait, 1, k_answer_limit_ms) <= 0)
    return fail(ErrorKind::timed_out, "ask the guard", "no answer within 5s",
                "its supervisor replaces a guard that hangs");
  auto message = channel->receive();
  if (!message) return sent_away();
  if (!*message) return fail(ErrorKind::timed_out, "ask the guard", "it gave no answer");
  return std::move(**message);
}

std::string no_guard_text() {
  const auto other = running_guard();
  return other ? "no guard of yours is running on this machine, but another one is (" + *other +
                     "): ask as that user"
               : "no guard is running on this machine";
}

}  // namespace curfew::cli
