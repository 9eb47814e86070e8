// True time, and what is to happen in it. The machine's own clocks are derived from it by the world.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/times.hpp"

namespace curfew::sim {

class Schedule {
 public:
  [[nodiscard]] Millis now() const { return now_; }
  [[nodiscard]] bool is_empty() const { return queue_.empty(); }

  // At the same moment: in the order in which they were put in.
  void at(Millis when, std::function<void()> what) {
    queue_.push({when < now_ ? now_ : when, next_++, std::move(what)});
  }
  void after(Millis delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  void run_next() {
    const Entry entry = queue_.top();
    queue_.pop();
    now_ = entry.when;
    entry.what();
  }

 private:
  struct Entry {
    Millis when{};
    std::uint64_t number = 0;
    std::function<void()> what;
    bool operator<(const Entry& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };
  std::priority_queue<Entry> queue_;
  Millis now_{0};
  std::uint64_t next_ = 0;
};

}  // namespace curfew::sim
