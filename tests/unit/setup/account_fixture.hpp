// An account as `curfew setup` leaves it.
#pragma once

#include <string>

#include "setup/account.hpp"

namespace curfew::setup {

inline const Place k_place{"aws", "123456789012", "us-east-1"};
inline const AccountWish k_wish{k_place, {}, {}, {}};

inline aws::IamRole role_with(const std::string& name, const std::string& trust) {
  return {k_place.role_arn(name), trust, own_tags()};
}

inline AccountFound all_there() {
  AccountFound found;
  found.bucket.is_there = true;
  found.bucket.tags = own_tags();
  found.bucket.is_blocked = true;
  found.bucket.encryption = std::string("AES256");
  found.bucket.ownership = std::string("BucketOwnerEnforced");
  found.bucket.lifecycle = wanted_rules(k_default_keep_days);
  found.bucket.policy = bucket_policy(k_place);
  found.instance = {role_with("curfew-job", instance_trust(k_place)), instance_policy(k_place, {}),
                    std::vector<std::string>{"curfew"}};
  found.scheduler = {role_with("curfew-scheduler", scheduler_trust(k_place)), scheduler_policy(k_place),
                     std::vector<std::string>{"curfew"}};
  found.profile =
      aws::IamProfile{"arn:aws:iam::123456789012:instance-profile/curfew-job", {"curfew-job"}, own_tags()};
  found.group.vpc = std::string("vpc-1");
  found.group.group = aws::SecurityGroup{"sg-1", "vpc-1", own_tags()};
  return found;
}

// Nothing, in a region with a default VPC.
inline AccountFound nothing_there() {
  AccountFound found;
  found.group.vpc = std::string("vpc-1");
  return found;
}

}  // namespace curfew::setup
