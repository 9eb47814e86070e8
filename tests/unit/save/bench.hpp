// A loop, a clock, a folder and an S3 in memory, for saves as the guard makes them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "os/clock.hpp"
#include "save/manifest.hpp"
#include "save/saver.hpp"
#include "support/fake_s3.hpp"
#include "unit/save/folder.hpp"

namespace curfew::save {

using namespace std::chrono_literals;
using testing::FakeS3;

// Boot time runs by itself and can be put forward; wall time stands at 2026-11-24 00:00 UTC, where Folder's ages count
// from, plus what the boot time was put forward.
class TestClock final : public os::Clock {
 public:
  [[nodiscard]] WallTime wall() const override { return WallTime{Seconds{1'795'478'400}} + skipped; }
  [[nodiscard]] BootTime boot() const override {
    return BootTime{1000s} + skipped +
           std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - began_);
  }
  Millis skipped{0};

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

struct Bench {
  Folder folder;
  TestClock clock;
  FakeS3 s3;
  std::unique_ptr<boost::asio::io_context> io = std::make_unique<boost::asio::io_context>();
  std::string manifest;  // none, unless set

  [[nodiscard]] Options options(std::vector<std::string> targets = {"out=s3://bucket/run"}) const {
    Options options;
    for (const auto& text : targets) options.targets.push_back(parse_target(text).value());
    options.base_dir = folder.path();
    options.manifest_path = manifest;
    options.until = clock.boot() + 1h;
    options.tick = 5ms;
    options.pace.first_delay = 2ms;
    options.pace.longest_delay = 10ms;
    options.pace.refused_every = 5ms;
    options.pace.refused_for = 40ms;
    return options;
  }

  void keep_manifest() {
    std::filesystem::create_directories(folder.at("state"));
    manifest = folder.at("state/saved.jsonl");
  }

  // Runs the loop until `done`, for 30 s at most.
  template <class Done>
  bool until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!done() && std::chrono::steady_clock::now() < end) {
      io->restart();
      io->run_one_for(10ms);
    }
    return done();
  }

  std::shared_ptr<std::optional<Summary>> start(Saver& saver) {
    auto out = std::make_shared<std::optional<Summary>>();
    boost::asio::co_spawn(*io, saver.save(), [out](const std::exception_ptr& thrown, Summary summary) {
      if (thrown) std::rethrow_exception(thrown);
      *out = std::move(summary);
    });
    return out;
  }

  Summary save(Options options) {
    Saver saver(io->get_executor(), s3, clock, std::move(options));
    const auto summary = start(saver);
    EXPECT_TRUE(until([&] { return summary->has_value(); })) << "the save did not end";
    return summary->value_or(Summary{});
  }
  Summary save() { return save(options()); }

  [[nodiscard]] std::string content(const std::string& key) const {
    const auto found = s3.objects.find("bucket/" + key);
    return found == s3.objects.end() ? "(not there)" : found->second.content;
  }
};

}  // namespace curfew::save
