// Which file is next, when a failed one is tried again, and when a whole target is given up. Pure: times come in.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "save/plan.hpp"

namespace curfew::save {

// The S3 client has already retried each call a few times when a failure gets here.
struct Pace {
  Millis first_delay{1'000};  // unavailable, timed out: doubled each time, until the limit for saving
  Millis longest_delay{30'000};
  Millis refused_every{
      30'000};  // credentials may come late (a role attached to the instance after its start) ...
  Millis refused_for{120'000};      // ... but not much later
  std::uint32_t corrupt_tries = 3;  // S3 got other bytes than were read, or forgot an upload
  std::uint32_t most_in_a_row = 8;  // failures in a target after which all of it waits
  std::uint32_t hopeless_in_a_row =
      32;  // failures for good, with not one success, after which a target is given up
};

enum class Size : std::uint8_t { small, large };

class Schedule {
 public:
  // `target_of(file)` by the plan; `small` and `large` in the order wanted.
  Schedule(const Plan& plan, const Plan::Order& order, Pace pace);

  // The next file to start; nothing where none of that size may be started now.
  [[nodiscard]] std::optional<FileId> next(Size size, BootTime now);
  // There is a file that next() would give.
  [[nodiscard]] bool ready(BootTime now) const;
  // Not one file left, not even one that waits. (What was given out and not yet reported isn't counted.)
  [[nodiscard]] bool empty() const;

  void succeeded(FileId file);
  struct Verdict {
    bool again = false;                          // it's queued again
    std::optional<std::string> target_given_up;  // the reason: take_all() that target
  };
  // S3's doing: the kinds and codes of Error decide.
  [[nodiscard]] Verdict failed(FileId file, const Error& error, BootTime now);
  // The file's own doing (unreadable, never still): for good, and it says nothing about the others.
  void unusable(FileId file) { troubles_.erase(file); }

  // Empties a target's queues: calls `each` with every file left and its last error (empty: it wasn't tried).
  void take_all(std::uint16_t target, const std::function<void(FileId, const std::string& last_error)>& each);

 private:
  struct Queue {
    std::vector<FileId> files;
    std::size_t next = 0;
    std::multimap<BootTime, FileId> waiting;
    [[nodiscard]] bool empty() const { return next == files.size() && waiting.empty(); }
  };
  struct Trouble {  // of a file that has failed
    std::uint32_t tries = 0;
    std::uint32_t corrupt = 0;
    std::optional<BootTime> refused_since;
    std::string last_error;
  };
  struct State {  // of a target
    Queue queues[2];
    BootTime paused_until{};
    std::uint32_t pauses = 0;
    std::uint32_t in_a_row = 0;
    std::uint32_t hopeless = 0;
    bool ever_stored = false;
    bool given_up = false;
    std::optional<BootTime> refused_since;
  };
  [[nodiscard]] Millis delay(std::uint32_t tries) const;
  [[nodiscard]] bool newer(FileId a, FileId b) const;
  void again(FileId file, BootTime when);

  const Plan& plan_;
  Pace pace_;
  std::vector<State> targets_;
  std::unordered_map<FileId, Trouble> troubles_;
};

}  // namespace curfew::save
