// status.json of a launched job, as its guard writes it to S3. The job's machine has written it, so it's untrusted: sizes
// and numbers are bounded here, texts are for printable(). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::jobs {

enum class Phase : std::uint8_t { starting, running, stopping, saving, ending, ended, failed };

struct StageSeen {
  std::string name;
  std::string state;  // "running", "done", "failed"
  std::optional<int> exit_code;
};

// Of the document of `curfew status`, what is shown elsewhere. Another version's guard may lack any of it.
struct GuardSeen {
  std::optional<WallTime> started, stop_at, end_at, last_output;
  std::optional<Seconds> save_age;  // when it was written
  bool save_in_trouble = false;
  std::string
      left_out;  // of the last save in the middle, in words: "1 file left out, still being written: model/ckpt"
  std::optional<Micros> cost;
  bool cost_is_complete = false;
  std::string gpus;  // "GPU 0 NVIDIA A10G 97%"
};

struct StatusFile {
  std::string launch_id;
  std::string job;
  std::string instance;  // empty: not told, or no instance's id
  WallTime written{};
  Phase phase = Phase::starting;
  bool interrupted = false;  // EC2 takes, or has taken, the instance back
  std::string stage;
  std::vector<StageSeen> stages;
  std::optional<int> exit_code;
  std::string cause;
  std::string reason;
  std::optional<bool> saved;
  GuardSeen guard;
};

inline constexpr std::size_t k_largest_status = 1U << 20U;
// No text of it is kept at greater length.
inline constexpr std::size_t k_longest_text = 1'000;

// An error where it isn't JSON, is of another launch than `launch_id`, or lacks when it was written or its state. The rest
// may be missing.
[[nodiscard]] Result<StatusFile> status_from_json(std::string_view text, std::string_view launch_id);

}  // namespace curfew::jobs
