// What a launch will make, when each layer ends it, and what it may cost: decided before anything is made. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/ec2_launch.hpp"
#include "aws/s3.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "job/times.hpp"
#include "launch/stages.hpp"

namespace curfew::launch {

// What the command line says, each value by itself checked.
struct Wishes {
  bool spot = false;
  std::vector<std::string> types;  // in the order to try
  std::string image = "auto";      // "auto", "ami-…", "ssm:/path"
  std::string zone;                // empty: EC2 chooses
  std::string subnet;
  std::vector<std::string> security_groups;
  std::string key_name;
  std::string instance_profile;
  std::string scheduler_role;  // an ARN; empty where `schedule` is false
  bool schedule = true;
  aws::S3Location staging;
  std::optional<std::uint64_t> disk_gib;
  std::string user;  // whom the job runs as; empty: the image's ordinary user
  aws::KeyValues environment;
  std::vector<std::string> saves;  // "PATH=s3://…", as `curfew run` takes them
  std::string name;                // of the job
  std::string workdir;             // a folder here, to be packed; empty: none
  Stages stages;                   // stages.workdir once it's packed
  std::optional<Seconds> max_time = std::chrono::hours{4};
  std::optional<Micros> max_cost;
  Seconds grace{60};
  Seconds save_limit{std::chrono::minutes{15}};

  [[nodiscard]] job::Limits limits() const;
};

// What AWS has told.
struct Findings {
  std::string region;
  aws::Image image;
  std::vector<aws::InstanceTypeInfo> types;      // one for each of the wishes', in their order
  std::vector<std::optional<Micros>> on_demand;  // likewise, an hour
  std::vector<std::optional<Micros>> spot;       // likewise, now, the dearest zone that may be chosen
  std::string price_date;                        // of the on-demand prices
  std::string owner;                             // who launches: the caller's ARN
};

// One thing to ask EC2 for.
struct Pool {
  aws::InstanceTypeInfo type;
  std::optional<Micros> on_demand;
  std::optional<Micros> spot;
  std::optional<Micros> most;  // an hour of the instance costs no more; empty: unknown
};

struct Plan {
  std::string launch_id;
  Wishes wishes;
  std::string region;
  aws::Image image;
  std::vector<aws::LaunchVolume> volumes;
  std::vector<Pool> pools;
  std::string price_date;
  std::string owner;
  WallTime made{};
  WallTime stop_at{};
  WallTime end_at{};
  WallTime l0_at{};
  WallTime schedule_from{};
  std::optional<Micros> worst_case;  // until end_at, disks and address included; empty: a price isn't known
};

// For the stages' logs, which are saved with every job, where nothing else is.
inline constexpr Seconds k_logs_save_limit{120};
inline constexpr std::uint64_t k_default_disk_gib = 100;
// Less than this for the job itself is no time to train anything.
inline constexpr Seconds k_least_time{60};

// Errors say which option can't be, and why.
[[nodiscard]] Result<Plan> make_plan(const Wishes& wishes, const Findings& findings,
                                     const std::string& launch_id, WallTime now);

// The image that "auto" stands for, an SSM parameter of AWS's or Canonical's: with a GPU the Deep Learning base image,
// else Ubuntu 22.04. In the order to try.
[[nodiscard]] std::vector<std::string> image_parameters(const aws::InstanceTypeInfo& type);

// Of the instance and its volumes. Values are at most 256 bytes.
[[nodiscard]] aws::KeyValues tags_of(const Plan& plan, const Pool& pool);
[[nodiscard]] aws::RunRequest run_request(const Plan& plan, std::size_t pool, const std::string& user_data);

// The options of `curfew run` on the instance, but for what only the instance knows.
[[nodiscard]] std::vector<std::string> run_words(const Plan& plan);

// The lines that are shown before anything is made.
[[nodiscard]] std::string describe(const Plan& plan);

}  // namespace curfew::launch
