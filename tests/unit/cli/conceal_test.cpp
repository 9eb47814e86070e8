#include "cli/conceal.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

TEST(ConcealSecrets, leaves_none_in_a_word_of_our_own) {
  std::vector<std::string> words{"curfew",
                                 "run",
                                 "--jupyter",
                                 "http://127.0.0.1/?token=secret&x=1",
                                 "--jupyter=http://127.0.0.1/?token=secret#token=secret",
                                 "token=",
                                 "--notify",
                                 "https://hooks.example.com/T0/B0",
                                 "--notify=http://127.0.0.1:8/x",
                                 "--notify",
                                 "env:HOOK",
                                 "--log",
                                 "a://b/c",
                                 "--env",
                                 "KEY=a=b",
                                 "--env=KEY=ab",
                                 "--env",
                                 "KEY",
                                 "--",
                                 "train",
                                 "token=5"};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  conceal_secrets(static_cast<int>(argv.size()), argv.data());
  EXPECT_EQ(words, (std::vector<std::string>{"curfew",
                                             "run",
                                             "--jupyter",
                                             "http://127.0.0.1/?token=******&x=1",
                                             "--jupyter=http://127.0.0.1/?token=******#token=******",
                                             "token=",
                                             "--notify",
                                             "https://hooks.example.com/*****",
                                             "--notify=http://127.0.0.1:8/*",
                                             "--notify",
                                             "env:HOOK",
                                             "--log",
                                             "a://b/c",
                                             "--env",
                                             "KEY=***",
                                             "--env=KEY=**",
                                             "--env",
                                             "KEY",
                                             "--",
                                             "train",
                                             "token=5"}));
}

}  // namespace
}  // namespace curfew::cli
