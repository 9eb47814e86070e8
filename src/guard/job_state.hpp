// What the guard of a launched job tells of it in S3: the document, status.json, and when it's worth a write. Pure;
// docs/formats.md says what the fields mean.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/times.hpp"
#include "guard/policy.hpp"
#include "guard/spec.hpp"

namespace curfew::guard {

// The stages that a launched job may have; each has a log, NAME.log.
inline constexpr std::array<std::string_view, 5> k_stage_names{"secrets", "fetch", "setup", "data", "train"};

// A stage as the job's runner tells of it in stages.json. That file is the job's user's, who may write there what he
// likes: what is here was checked for its form alone.
struct StageSeen {
  std::string name;   // one of k_stage_names
  std::string state;  // running, done, failed
  WallTime began{};
  Millis took{};
  int exit_code = 0;

  friend bool operator==(const StageSeen&, const StageSeen&) = default;
};
[[nodiscard]] Result<std::vector<StageSeen>> stages_seen_from_json(std::string_view text);
inline constexpr std::size_t k_largest_stages_file = 16U << 10U;

struct JobState {
  const State& state;
  std::string instance;           // empty: not known
  std::vector<StageSeen> stages;  // in the order in which they began
  bool is_over = false;           // the last one: the machine is ended next, or stays without a guard
};

// starting, running, stopping, saving, ending, ended.
[[nodiscard]] std::string_view word_of(Stage stage, bool is_over);

[[nodiscard]] boost::json::object job_state_of(const Launched& launched, const JobState& job,
                                               WallTime written, boost::json::object guard);

// What of it somebody waits for: where this changes, it's written at once.
[[nodiscard]] std::string gist_of(const JobState& job);

// The last write, or try.
struct Told {
  std::string gist;
  BootTime at{};
  bool well = false;  // S3 has it
};
inline constexpr Millis k_tell_every{60'000};
// Whatever a job's user does to stages.json, there are no more than 1,800 writes an hour: less than a cent.
inline constexpr Millis k_tell_gap{2'000};
inline constexpr Millis k_tell_again{5'000};  // after one that failed
[[nodiscard]] bool is_due(const std::optional<Told>& last, const std::string& gist, BootTime now);

}  // namespace curfew::guard
