// What a launch leaves in the staging bucket beside the job, before anything is asked of EC2: what was launched, until when,
// and as which options, so that any machine with credentials can show it, fetch its results and launch it again. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_launch.hpp"
#include "aws/s3.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "launch/stages.hpp"

namespace curfew::launch {

struct Plan;

struct LaunchFile {
  std::string launch_id;
  std::string job;  // its name
  std::string region;
  std::string owner;  // the ARN of who launched
  WallTime made{};
  WallTime stop_at{};
  WallTime end_at{};
  std::optional<Micros> max_cost;
  std::optional<Micros> worst_case;  // until end_at, disks and address included; empty: not known
  std::vector<std::string> saves;    // "PATH=s3://…"
  aws::KeyValues options;            // of `curfew launch`, by their long names; a flag's value is "true"
  std::vector<std::string> command;  // empty: among the options is a "shell"
  std::optional<PackedCode> workdir;
  std::int64_t attempt = 1;
  std::string retry_of;       // the launch before; empty: this is the first
  bool nothing_made = false;  // known for sure: no instance was made
};
[[nodiscard]] std::string to_json(const LaunchFile& file);
[[nodiscard]] Result<LaunchFile> launch_file_from_json(std::string_view text);
inline constexpr std::size_t k_largest_launch_file = 512U << 10U;

// Without options, which the plan doesn't know.
[[nodiscard]] LaunchFile launch_file(const Plan& plan);

// The staging prefix with its slash at the end, where it has any.
[[nodiscard]] std::string folder_of(const aws::S3Location& staging);
// STAGING/jobs/LAUNCH/NAME: what belongs to one launch.
[[nodiscard]] aws::S3Location place_of(const aws::S3Location& staging, std::string_view launch_id,
                                       std::string_view name);
[[nodiscard]] aws::S3Location launch_file_place(const aws::S3Location& staging, std::string_view launch_id);
[[nodiscard]] aws::S3Location status_place(const aws::S3Location& staging, std::string_view launch_id);

}  // namespace curfew::launch
