#include "cli/conceal.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

TEST(ConcealTokens, leaves_no_token_in_a_word_of_our_own) {
  std::vector<std::string> words{"curfew",
                                 "run",
                                 "--jupyter",
                                 "http://127.0.0.1/?token=secret&x=1",
                                 "--jupyter=http://127.0.0.1/?token=secret#token=secret",
                                 "token=",
                                 "--",
                                 "train",
                                 "token=5"};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  conceal_tokens(static_cast<int>(argv.size()), argv.data());
  EXPECT_EQ(words,
            (std::vector<std::string>{"curfew", "run", "--jupyter", "http://127.0.0.1/?token=******&x=1",
                                      "--jupyter=http://127.0.0.1/?token=******#token=******", "token=", "--",
                                      "train", "token=5"}));
}

}  // namespace
}  // namespace curfew::cli
