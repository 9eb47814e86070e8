// Finds instances by their ids, or by the name of a job or launch, in all regions of all accounts at once: for
// `curfew stop`, `guard` and `extend`.
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
  std::vector<std::string> names;  // values of the tags curfew:job and curfew:launch; at most 50, each once
  std::vector<std::string> only;   // regions; none: all that are enabled
  std::string home = "us-east-1";  // the region that tells which are enabled
  Millis limit{60'000};            // for finding them; by ids alone it ends as soon as all are found
  Millis ask_limit{30'000};        // for each question about one that is found
};

struct FoundInstance {
  Machine machine;           // its cost isn't asked for; protected_from_end is, where that's allowed
  std::string spot_request;  // sir-…; may be empty
  bool persistent =
      false;  // that request launches another instance; false also where that's not known, or it's over
  bool request_known = false;            // EC2 has told of its spot request
  std::optional<Deadline> max_deadline;  // the tag curfew:max-deadline
  std::string launch;                    // the tag curfew:launch; untrusted
  std::optional<Action> then;            // what its tag curfew:then says, where it can be understood
  std::optional<std::vector<aws::Volume>> volumes;  // empty: not known
  Reads* reads = nullptr;                           // leads to its account
  std::string role = {};  // the ARN that is assumed for that; empty: the caller's own
};

// What a name has led to. Instances that are gone, or going, have no name any more.
struct NameMatches {
  std::string name;
  std::vector<Machine> machines;  // by their ids
};

struct Findings {
  std::vector<FoundInstance>
      found;  // in the order of the ids, then those of names that lead to one instance alone
  std::vector<std::string> missing;   // ids, and names, that are in no region that could be read
  std::vector<NameMatches> several;   // names that lead to more than one: none of these is meant for sure
  std::vector<RegionReading> unread;  // regions that could not: what's missing may be there
};

[[nodiscard]] Awaitable<Findings> find_instances(std::vector<AccountReads> accounts, FindPlan plan,
                                                 const os::Clock& clock);

}  // namespace curfew::watch
