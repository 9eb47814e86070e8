// The policies of what `curfew setup` makes, and of those who use it: JSON documents. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "setup/names.hpp"

namespace curfew::setup {

// Where jobs may write and read, the bucket of `curfew setup` aside.
struct JobPlaces {
  std::vector<aws::S3Location> results;  // read and written
  std::vector<aws::S3Location> data;     // read
};

// "s3://bucket/prefix" of letters, digits and / . _ -, without a slash at its end: IAM has wildcards of its own.
[[nodiscard]] Result<aws::S3Location> parse_place(std::string_view text);
// The same place, in either list, is once there; in order.
[[nodiscard]] std::vector<aws::S3Location> sorted_places(std::vector<aws::S3Location> places);

// The instance's role: reads what a launch has staged, keeps results, ends itself. No tags, no schedules, no other role.
[[nodiscard]] std::string instance_policy(const Place& place, const JobPlaces& places);
[[nodiscard]] std::string instance_trust(const Place& place);
// The places in such a policy, whoever wrote it; none where it isn't one.
[[nodiscard]] JobPlaces places_in(std::string_view policy);

// The role that EventBridge Scheduler takes: ends what carries the tag curfew:job, and nothing else.
[[nodiscard]] std::string scheduler_policy(const Place& place);
[[nodiscard]] std::string scheduler_trust(const Place& place);

// The bucket's: nothing without TLS.
[[nodiscard]] std::string bucket_policy(const Place& place);

// What whoever runs `curfew launch` needs, and whoever runs `curfew setup`, `doctor` and `teardown`.
[[nodiscard]] std::string launcher_policy(const Place& place);
[[nodiscard]] std::string setup_policy(const Place& place);

// Whether they say the same: an only element and a list of it alone are equal, and so are lists in another order.
[[nodiscard]] bool is_same_policy(std::string_view a, std::string_view b);
// Over several lines, as people write it, with a newline at its end. As it is where it's no JSON.
[[nodiscard]] std::string indented(std::string_view json);

struct NamedPolicy {
  std::string_view name;  // "instance", "instance-trust", …
  std::string_view what;  // for people
  std::string document;
};
// All of the above, in the order in which they're shown.
[[nodiscard]] std::vector<NamedPolicy> all_policies(const Place& place, const JobPlaces& places);
// {"bucket": …, "roles": …}: the names, and each document by its name.
[[nodiscard]] std::string policies_as_json(const Place& place, const JobPlaces& places);

}  // namespace curfew::setup
