// EC2: what a launch needs, the types to choose from, RunInstances and CreateTags; behind an interface for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/core/query.hpp"
#include "aws/session.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct InstanceTypeInfo {
  std::string name;                        // "g5.xlarge"
  std::vector<std::string> architectures;  // "x86_64", "arm64", "i386"
  std::uint32_t vcpus = 0;
  std::uint32_t gpus = 0;
  std::string gpu_name;  // "NVIDIA A10G"; empty without GPUs; other people's text: printable() first
};

using KeyValues = std::vector<std::pair<std::string, std::string>>;

// A volume as RunInstances is to make it: encrypted gp3 that goes with the instance.
struct LaunchVolume {
  std::string device;
  std::uint64_t gib = 0;
};

// Everything that one RunInstances says; one instance is asked for.
struct RunRequest {
  std::string client_token;  // 1 to 64 of [a-zA-Z0-9-_]
  std::string image;
  std::string type;
  std::string zone;                          // empty: EC2 chooses
  std::string subnet;                        // empty: the default VPC's
  std::vector<std::string> security_groups;  // ids
  std::string key_name;
  std::string instance_profile;  // its name
  std::string user_data;         // as it is, not yet in Base64; 16 KiB at most
  std::vector<LaunchVolume> volumes;
  bool spot = false;
  std::optional<Micros> max_price;  // spot: the most for an hour; empty: the on-demand price
  KeyValues tags;                   // of the instance and its volumes
};

// The parameters in the order in which they're sent. Fixed, because they're the design's promise: terminated by an OS
// shutdown, spot requests one-time and terminated by an interruption, volumes deleted with the instance, IMDSv2 with tags.
[[nodiscard]] Form run_form(const RunRequest& request);

struct Launched {
  std::string id;
  std::string zone;
  std::string state;  // "pending"
};

// Error.code is EC2's own. Each call ends within a minute.
class Ec2Launch {
 public:
  virtual ~Ec2Launch() = default;
  // Each of the types (at most 100) must be known to EC2 in this region. An error names the first that isn't.
  [[nodiscard]] virtual Awaitable<Result<std::vector<InstanceTypeInfo>>> types(
      std::vector<std::string> names) = 0;
  // Safe to repeat with the same request: EC2 answers for the same token with the same instance.
  [[nodiscard]] virtual Awaitable<Result<Launched>> run(RunRequest request) = 0;
  // EC2's DryRun of the same: fine where it would be allowed.
  [[nodiscard]] virtual Awaitable<Status> try_run(RunRequest request) = 0;
  [[nodiscard]] virtual Awaitable<Status> create_tags(std::string instance, KeyValues tags) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Ec2Launch> make_ec2_launch(Session& session, std::string region);

// "subnet-…", "sg-…": letters and digits behind the prefix.
[[nodiscard]] bool is_resource_id(std::string_view text, std::string_view prefix);

// No capacity, or a quota or a price that is in the way: another type, zone or market may do. Pure.
[[nodiscard]] bool is_no_capacity(std::string_view code);

// The replies' documents, read and checked; errors: unavailable. Pure; for ec2_launch.cpp and its tests.
[[nodiscard]] Result<std::vector<InstanceTypeInfo>> parse_types(std::string_view xml);
[[nodiscard]] Result<Launched> parse_launched(std::string_view xml);

}  // namespace curfew::aws
