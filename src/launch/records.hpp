// What a launch notes on disk before it asks EC2 for anything, so that what a dead one left half made can be found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "os/fd.hpp"

namespace curfew::launch {

struct Record {
  std::string launch_id;
  std::string region;
  std::string job;
  std::string client_token;  // of the RunInstances that was sent last
  std::string instance;      // empty: not known (yet)
  WallTime sent{};           // when that RunInstances was sent first
};
[[nodiscard]] std::string to_json(const Record& record);
[[nodiscard]] Result<Record> record_from_json(std::string_view text);

// Behind an interface for tests.
class Records {
 public:
  virtual ~Records() = default;
  // On disk when it returns.
  [[nodiscard]] virtual Status keep(const Record& record) = 0;
  [[nodiscard]] virtual Status forget(const std::string& launch_id) = 0;
};

// FOLDER/ID.json, 0600, each locked by FOLDER/ID.lock as long as its launch lives.
class RecordFolder final : public Records {
 public:
  explicit RecordFolder(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] Status keep(const Record& record) override;
  [[nodiscard]] Status forget(const std::string& launch_id) override;
  // Those whose launch is dead, each with its lock, at most 100; `unread` gets a line for each that can't be read.
  struct Left {
    Record record;
    os::Fd lock;
  };
  [[nodiscard]] std::vector<Left> left_over(std::vector<std::string>& unread) const;

 private:
  std::string folder_;
  std::vector<os::Fd> locks_;  // of this process's own launch
};

// "20261126-174500-4f2a9c…": the time and 96 random bits, in hex; also a tag's value and a part of keys and tokens.
[[nodiscard]] std::string new_launch_id(WallTime now);
[[nodiscard]] bool is_launch_id(std::string_view text);

}  // namespace curfew::launch
