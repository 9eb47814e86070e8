#include "os/memory.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace curfew;

// Of this program's own code, in KiB: the executable mapping that this function lies in.
long resident_code() {
  std::ifstream file("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char dash = 0;
    std::istringstream words(line);
    if (words >> std::hex >> from >> dash >> to && dash == '-') {
      const auto self = reinterpret_cast<unsigned long>(&resident_code);
      here = from <= self && self < to;
    } else if (here && line.starts_with("Rss:")) {
      return std::stol(line.substr(4));
    }
  }
  return -1;
}

// Touches every page of it.
void read_code() {
  std::ifstream file("/proc/self/maps");
  for (std::string line; std::getline(file, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char dash = 0;
    std::istringstream words(line);
    if (!(words >> std::hex >> from >> dash >> to)) continue;
    const auto self = reinterpret_cast<unsigned long>(&read_code);
    if (from > self || self >= to) continue;
    for (auto at = from; at < to; at += 4'096)
      static_cast<void>(*reinterpret_cast<const volatile unsigned char*>(at));
  }
}

TEST(Memory, code_that_only_the_start_needed_is_given_back_and_still_works) {
  read_code();
  const auto before = resident_code();
  os::release_start_memory();
  const auto after = resident_code();
  ASSERT_GT(before, 400);
  EXPECT_LT(after, before * 3 / 4);
  read_code();  // as it was
  EXPECT_GE(resident_code(), before * 3 / 4);
}

}  // namespace
