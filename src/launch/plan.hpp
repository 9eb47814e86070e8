// What a launch will make, when each layer ends it, and what it may cost: decided before anything is made. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/ec2_images.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/s3.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "job/times.hpp"
#include "launch/again.hpp"
#include "launch/pools.hpp"
#include "launch/quota.hpp"
#include "launch/stages.hpp"

namespace curfew::launch {

// What the command line says, each value by itself checked.
struct Wishes {
  bool spot = false;
  bool then_on_demand = false;     // with `spot`: where there is no spot capacity
  Seconds wait_capacity{0};        // where there's no capacity at all, ask again for so long
  std::vector<std::string> types;  // what costs the same is tried in this order
  std::string image = "auto";      // "auto", "ami-…", "ssm:/path", or a pattern: aws/ec2_images.hpp
  std::vector<std::string> zones;  // none: those of the region that offer the type
  std::string subnet;
  std::vector<std::string> security_groups;
  std::map<std::string, std::string>
      group_of_region;  // where no group is named: the one that `curfew setup` has made
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
  std::optional<Seconds> save_every;
  std::vector<std::string> notify;  // "sns:ARN", "ssm:/PARAMETER": no secret
  std::optional<Again> again;       // of `curfew retry`

  [[nodiscard]] job::Limits limits() const;
};

// What one region has told.
struct RegionFindings {
  TypesOfRegion offered;  // those of the wishes that it has
  aws::Image image;
  std::vector<QuotaState> quotas;  // of the offered types and the wished markets
};

// What AWS has told.
struct Findings {
  std::vector<RegionFindings> regions;  // at least one
  std::vector<std::string> left_out;    // "p5.48xlarge in us-west-1: isn't offered there"
  std::string price_date;               // of the on-demand prices
  std::string owner;                    // who launches: the caller's ARN
  std::vector<std::string> role_may;    // what the instance's role lets the job do, for people
};

// What an instance of one region is made of.
struct Site {
  std::string region;
  aws::Image image;
  std::vector<aws::LaunchVolume> volumes;
};

struct Plan {
  std::string launch_id;
  Wishes wishes;
  std::string
      region;  // of the pool that is asked now, at first of the first one; the job's file is made for it
  std::vector<Site> sites;
  std::vector<Pool> pools;            // in the order to ask
  std::vector<std::string> left_out;  // what isn't asked, and why
  std::vector<QuotaState> quotas;
  std::vector<std::string> role_may;  // see Findings
  std::optional<Error> refusal;  // why this can't be launched, where the plan is good for being shown alone
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
inline constexpr Seconds k_least_time{30};

// Errors say which option can't be, and why.
[[nodiscard]] Result<Plan> make_plan(const Wishes& wishes, const Findings& findings,
                                     const std::string& launch_id, WallTime now);

// The same with its times counted from now: after some waiting the job has its whole time again, but for a retry, which
// has what is left. What it may cost stays.
void count_from(Plan& plan, WallTime now);

[[nodiscard]] const Site& site_of(const Plan& plan, const std::string& region);

// Of the instance and its volumes. Values are at most 256 bytes.
[[nodiscard]] aws::KeyValues tags_of(const Plan& plan, const Pool& pool);
// `attempt` counts all questions of a launch: each has a token of its own.
[[nodiscard]] aws::RunRequest run_request(const Plan& plan, const Pool& pool, std::size_t attempt,
                                          const std::string& user_data);

// The options of `curfew run` on the instance, but for what only the instance knows.
[[nodiscard]] std::vector<std::string> run_words(const Plan& plan);

}  // namespace curfew::launch
