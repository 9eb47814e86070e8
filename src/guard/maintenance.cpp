// Scheduled events. AWS's page "Types of scheduled events" says what each means.
#include "guard/maintenance.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.hpp"

namespace curfew::guard {
namespace {

constexpr std::size_t k_most_said = 64;  // of the same guard; more would be no news but noise

std::string_view what_is_done(std::string_view code) {
  struct Word {
    std::string_view code;
    std::string_view text;
  };
  static constexpr std::array<Word, 5> k_words{{
      {"instance-reboot", "reboot this instance"},
      {"system-reboot", "reboot this instance's host, and so the instance"},
      {"system-maintenance", "cut this instance off for a while (network or power)"},
      {"instance-retirement", "stop this instance, or terminate it where its disk is an instance store"},
      {"instance-stop", "stop this instance"},
  }};
  const auto* const found =
      std::find_if(k_words.begin(), k_words.end(), [&](const Word& word) { return word.code == code; });
  return found == k_words.end() ? "do something with this instance" : found->text;
}

}  // namespace

std::string describe(const Maintenance& maintenance) {
  return "EC2 will " + std::string(what_is_done(maintenance.code)) + ", not before " +
         format_utc(maintenance.not_before) + " (" + printable(maintenance.code, 64) + ", " +
         printable(maintenance.id, 64) + ")";
}

Awaitable<void> MaintenanceWatch::run() {
  while (world_.goes_on()) {
    auto asked = world_.ask();
    const auto planned = co_await std::move(asked);
    if (!planned && !silent_)
      world_.warn("maintenance that EC2 plans for this instance would not be seen: " +
                  planned.error().text());
    silent_ = !planned;
    if (planned) {
      for (const auto& each : *planned) {
        if (said_.size() < k_most_said && said_.emplace(each.id, each.not_before).second)
          world_.warn(describe(each));
      }
    }
    co_await pause(world_.look_every);
  }
}

}  // namespace curfew::guard
