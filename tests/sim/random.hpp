// Random numbers that are the same on every machine: std::…_distribution may differ between libraries.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "base/times.hpp"

namespace curfew::sim {

// splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  // Both ends included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  Millis between(Millis low, Millis high) { return Millis{between(low.count(), high.count())}; }

  bool chance(int percent) { return between(1, 100) <= percent; }

  template <class T>
  T pick(std::initializer_list<T> from) {
    return *(from.begin() + between(0, static_cast<std::int64_t>(from.size()) - 1));
  }

 private:
  std::uint64_t state_;
};

}  // namespace curfew::sim
