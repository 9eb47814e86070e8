// How this machine will be ended: `--then` and what is known of the machine, made into a ladder. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guard/policy.hpp"
#include "guard/spec.hpp"

namespace curfew::guard {

// What IMDS and the API told of the machine. Everything in it came from outside and was validated where it was read.
struct MachineFacts {
  std::string instance_id;
  std::string region;
  std::string instance_type;
  bool spot = false;
  bool tags_known = false;  // InstanceMetadataTags=enabled
  std::map<std::string, std::string> tags;
  // What an OS shutdown does here (InstanceInitiatedShutdownBehavior); empty: no permission to ask, or no answer.
  std::optional<Ending> shutdown_behavior;
  // Volumes and whether they go when the instance is terminated; empty: not known.
  std::vector<std::pair<std::string, bool>> volumes;
};

// - `auto`: terminate where the instance carries curfew:job and not curfew:then=stop; on any other EC2 machine what an
//   OS shutdown does there, with StopInstances as the API rung, never TerminateInstances; off EC2 nothing.
// - `terminate`, `stop`: what they say. Where an OS shutdown is known to do the other thing, the API rung comes first.
//   Off EC2 an OS power-off.
// `facts` empty: IMDS hasn't answered (yet).
[[nodiscard]] EndingPlan ending_plan(Then then, bool on_ec2, const std::optional<MachineFacts>& facts);

// One line for people: what will happen to the machine and its volumes once the job is over.
[[nodiscard]] std::string describe(const EndingPlan& plan, const Spec& spec,
                                   const std::optional<MachineFacts>& facts);

// What else than its own end and a limit of time ends the job, as it was asked for, a line each; nothing secret.
[[nodiscard]] std::vector<std::string> what_ends_it(const Spec& spec);

// What is weaker on this machine than it could be, a line each; said at the start.
[[nodiscard]] std::vector<std::string> weaknesses(const Spec& spec);

}  // namespace curfew::guard
