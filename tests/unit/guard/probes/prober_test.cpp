// The prober with programs that a test makes: good, silent, garbled, endless and forking ones.
#include "guard/probes/prober.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::guard {
namespace {

class ProberTest : public testing::Test {
 protected:
  void SetUp() override {
    folder = testing::TempDir() + "curfew.XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    log.listen([this](os::LogLevel, std::string_view text) { lines.emplace_back(text); });
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  void program(const std::string& name, const std::string& script) {
    const std::string path = folder + "/" + name;
    // By rename: a script that another process has open for writing can't be run.
    std::ofstream(path + ".new") << "#!/bin/sh\ncd '" << folder << "'\n" << script;
    ASSERT_EQ(::chmod((path + ".new").c_str(), 0755), 0);
    ASSERT_EQ(::rename((path + ".new").c_str(), path.c_str()), 0);
  }
  Result<std::string> find(std::string_view name) const {
    std::string path = folder + "/" + std::string(name);
    if (os::exists(path)) return path;
    return fail(ErrorKind::not_found, "find", "a test");
  }

  // Runs until `count` readings are there, at most 20 s.
  void look(std::size_t count, Millis limit = Millis{5'000}) {
    boost::asio::io_context io{1};
    Prober prober(
        clock, log,
        [&](const Reading& reading, BootTime at) {
          readings.push_back(reading);
          EXPECT_LE(at, clock.boot());
          if (on_reading) on_reading();
          if (readings.size() == count) {
            source = prober_ != nullptr ? prober_->source() : "";
            io.stop();
          }
        },
        [this](std::string_view name) { return find(name); }, Prober::Timing{Millis{1}, Millis{20}, limit});
    prober_ = &prober;
    boost::asio::co_spawn(io, prober.run(), k_rethrow);
    io.run_for(std::chrono::seconds{20});
    prober_ = nullptr;
    ASSERT_EQ(readings.size(), count);
  }
  [[nodiscard]] std::size_t said(std::string_view text) const {
    std::size_t count = 0;
    for (const auto& line : lines)
      if (line.find(text) != std::string::npos) ++count;
    return count;
  }

  std::string folder;
  os::SystemClock clock;
  os::Log log{clock};
  std::vector<std::string> lines;
  std::vector<Reading> readings;
  std::function<void()> on_reading;
  std::string source;
  Prober* prober_ = nullptr;
};

TEST_F(ProberTest, reads_what_the_program_says) {
  program("nvidia-smi",
          "[ \"$*\" = '--query-gpu=index,name,utilization.gpu,memory.used --format=csv,noheader,nounits' ] "
          "&& echo '0, Tesla T4, 42, 100'\n");
  look(2);
  ASSERT_TRUE(readings[1]) << readings[1].error().text();
  EXPECT_EQ(readings[1]->at(0).busy_percent, 42.0);
  EXPECT_EQ(source, "nvidia-smi");
  EXPECT_TRUE(lines.empty());
}

TEST_F(ProberTest, a_program_that_hangs_is_killed_with_what_it_started) {
  program("nvidia-smi", "sleep 300 & echo $! >> pids\necho $$ >> pids\nsleep 300\n");
  look(2, Millis{300});
  for (const auto& reading : readings) {
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().kind, ErrorKind::timed_out);
  }
  std::ifstream pids(folder + "/pids");
  pid_t pid = 0;
  int count = 0;
  while (pids >> pid) {
    ++count;
    const auto process = [&] { return os::read_file("/proc/" + std::to_string(pid) + "/stat"); };
    // Killed; whoever inherited it may not have reaped it.
    for (int i = 0; i < 200 && process() && process()->find(") Z ") == std::string::npos; ++i)
      ::usleep(10'000);
    EXPECT_TRUE(!process() || process()->find(") Z ") != std::string::npos) << pid;
  }
  EXPECT_GE(count, 2);
}

TEST_F(ProberTest, a_program_that_leaves_a_child_with_its_output_open_is_not_waited_for) {
  program("nvidia-smi", "sleep 300 &\necho '0, Tesla T4, 42, 100'\n");
  const auto before = clock.boot();
  look(1);
  EXPECT_TRUE(readings[0]);
  EXPECT_LT(clock.boot() - before, Millis{4'000});
}

TEST_F(ProberTest, a_program_that_writes_without_end_is_cut_off) {
  program("nvidia-smi", "exec yes garbage\n");
  look(1);
  ASSERT_FALSE(readings[0]);
  EXPECT_EQ(readings[0].error().kind, ErrorKind::invalid_input);
}

TEST_F(ProberTest, failing_is_said_once_and_so_is_its_end) {
  program("nvidia-smi", "echo 'Segmentation \033[31mfault'; exit 139\n");
  std::size_t seen = 0;
  on_reading = [&] {
    if (++seen == 8) program("nvidia-smi", "echo '0, Tesla T4, 42, 100'\n");
  };
  look(12);
  EXPECT_FALSE(readings[7]);
  EXPECT_TRUE(readings[11]);
  EXPECT_EQ(said("no accelerator readings"), 1U);
  EXPECT_EQ(said("Segmentation \\x1b[31mfault"), 1U);
  EXPECT_EQ(said("readings are there"), 1U);
}

TEST_F(ProberTest, without_a_program_readings_are_unknown_until_one_is_installed) {
  std::size_t seen = 0;
  on_reading = [&] {
    if (++seen == 4) program("rocm-smi", "echo '{\"card0\": {\"GPU use (%)\": \"3\"}}'\n");
  };
  look(6);
  EXPECT_EQ(readings[0].error().kind, ErrorKind::not_found);
  ASSERT_TRUE(readings[5]);
  EXPECT_EQ(readings[5]->at(0).name, "card0");
  EXPECT_EQ(source, "rocm-smi");
}

TEST_F(ProberTest, a_program_without_its_device_makes_room_for_the_next) {
  program("nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9\n");
  program("neuron-monitor",
          "cat \"$2\" > settings\n" + std::string("cat <<'END'\n") +
              R"({"neuron_runtime_data":[]})"
              "\n" +
              R"({"neuron_runtime_data":[],"neuron_hardware_info":{"neuron_device_count":1,)"
              R"("neuroncore_per_device_count":2,"error":""}})"
              "\nEND\nsleep 300\n");
  look(3);
  EXPECT_FALSE(readings[0]);
  ASSERT_TRUE(readings[1]) << readings[1].error().text();
  ASSERT_TRUE(readings[2]);
  EXPECT_EQ(readings[2]->size(), 2U);
  EXPECT_EQ(source, "neuron-monitor");
  EXPECT_NE(os::read_file(folder + "/settings").value_or("").find("neuroncore_counters"), std::string::npos);
}

}  // namespace
}  // namespace curfew::guard
