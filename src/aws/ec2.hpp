// EC2: the few calls that ending a machine needs, one instance at a time; behind an interface for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct Volume {
  std::string id;      // vol-…
  std::string device;  // as EC2 names it, e.g. /dev/sda1
  bool delete_on_termination = false;
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
  // "pending", "running", "shutting-down", "terminated", "stopping", "stopped". not_found is also what a new instance
  // may get in its first seconds, and one that is long gone.
  [[nodiscard]] virtual Awaitable<Result<std::string>> instance_state(std::string id) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Ec2> make_ec2(Session& session, std::string region);

}  // namespace curfew::aws
