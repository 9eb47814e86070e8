// Replies that were recorded, or written after AWS's own examples.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace curfew::test {

inline std::string recorded(const std::string& name) {
  std::ifstream file(std::string(CURFEW_TEST_DATA) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

}  // namespace curfew::test
