// EC2: the few calls that ending a machine and knowing its cost need, one instance at a time; behind an interface for
// tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/imds.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct Volume {
  std::string id;      // vol-…
  std::string device;  // as EC2 names it, e.g. /dev/sda1
  bool delete_on_termination = false;
};

// A volume as DescribeVolumes tells it: what is provisioned, and so billed.
struct EbsVolume {
  std::string id;
  std::string type;                         // "gp3", "io2"; letters and digits
  std::uint64_t gib = 0;                    // 1 to 65,536
  std::optional<std::uint64_t> iops;        // not of st1, sc1, standard; of gp2 it follows from the size
  std::optional<std::uint64_t> throughput;  // MiB/s; of gp3
};

// An instance as DescribeInstances tells it.
struct Instance {
  std::string id;
  std::string type;
  std::string zone;
  std::string state;    // as instance_state()
  WallTime launched{};  // LaunchTime: renewed by each start
  LifeCycle life_cycle = LifeCycle::on_demand;
  std::string public_ipv4;  // empty: it has none
};

// Error.code is EC2's own: "UnauthorizedOperation", "InvalidInstanceID.NotFound", "OperationNotPermitted" (termination
// protection). An id that isn't of an id's form is refused before anything is sent. Each call ends within 30 s.
class Ec2 {
 public:
  virtual ~Ec2() = default;
  // The state EC2 answers with: "shutting-down", or "terminated" where it already was.
  [[nodiscard]] virtual Awaitable<Result<std::string>> terminate_instance(std::string id) = 0;
  // "stopping", "stopped".
  [[nodiscard]] virtual Awaitable<Result<std::string>> stop_instance(std::string id) = 0;
  // What a shutdown from inside does: "stop" or "terminate".
  [[nodiscard]] virtual Awaitable<Result<std::string>> shutdown_behavior(std::string id) = 0;
  // The EBS volumes attached to it, at most 64.
  [[nodiscard]] virtual Awaitable<Result<std::vector<Volume>>> volumes(std::string id) = 0;
  // Size and type of these volumes, at most 64 of them, each of which must be told. Without ids nothing is asked: EC2
  // would answer with all that the account has.
  [[nodiscard]] virtual Awaitable<Result<std::vector<EbsVolume>>> describe_volumes(
      std::vector<std::string> ids) = 0;
  [[nodiscard]] virtual Awaitable<Result<Instance>> describe_instance(std::string id) = 0;
  // "pending", "running", "shutting-down", "terminated", "stopping", "stopped". not_found is also what a new instance
  // may get in its first seconds, and one that is long gone.
  [[nodiscard]] virtual Awaitable<Result<std::string>> instance_state(std::string id) = 0;
};

[[nodiscard]] bool is_volume_id(std::string_view text);

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Ec2> make_ec2(Session& session, std::string region);

}  // namespace curfew::aws
