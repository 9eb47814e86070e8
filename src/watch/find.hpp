// Finds instances by their ids alone, in all regions of all accounts at once: for `curfew stop`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/ec2.hpp"
#include "os/clock.hpp"
#include "watch/collect.hpp"
#include "watch/machine.hpp"
#include "watch/reads.hpp"

namespace curfew::watch {

struct FindPlan {
  std::vector<std::string> ids;    // at most 200, each once
  std::vector<std::string> only;   // regions; none: all that are enabled
  std::string home = "us-east-1";  // the region that tells which are enabled
  Millis limit{60'000};            // for finding them; it ends as soon as all are found
  Millis ask_limit{30'000};        // for each question about one that is found
};

struct FoundInstance {
  Machine machine;           // its cost isn't asked for; protected_from_end is, where that's allowed
  std::string spot_request;  // sir-…; may be empty
  bool persistent =
      false;  // that request launches another instance; false also where that's not known, or it's over
  std::optional<std::vector<aws::Volume>> volumes;  // empty: not known
  Reads* reads = nullptr;                           // leads to its account
  std::string role = {};  // the ARN that is assumed for that; empty: the caller's own
};

struct Findings {
  std::vector<FoundInstance> found;   // in the order of the ids
  std::vector<std::string> missing;   // ids that are in no region that could be read
  std::vector<RegionReading> unread;  // regions that could not: what's missing may be there
};

[[nodiscard]] Awaitable<Findings> find_instances(std::vector<AccountReads> accounts, FindPlan plan,
                                                 const os::Clock& clock);

}  // namespace curfew::watch
