// Threads that read and hash are left to end by themselves. Where one is just ending while the program does, LeakSanitizer
// takes what OpenSSL keeps for a thread for lost.
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

namespace {

class ThreadsEnd : public testing::Environment {
 public:
  void TearDown() override {
    for (int tries = 0; tries < 500 && threads() > 1; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }

 private:
  static std::ptrdiff_t threads() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, {});
  }
};

[[maybe_unused]] const auto* const k_threads_end = testing::AddGlobalTestEnvironment(new ThreadsEnd);

}  // namespace
