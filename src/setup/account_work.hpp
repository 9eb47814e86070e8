// Reads what there is of what launches need, and makes what a plan says; each call has its own limit of 30 s.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aws/ec2_groups.hpp"
#include "aws/iam.hpp"
#include "aws/s3.hpp"
#include "aws/s3_bucket.hpp"
#include "net/http.hpp"
#include "setup/account.hpp"
#include "setup/outcome.hpp"

namespace curfew::setup {

using net::Awaitable;

struct AccountCalls {
  aws::S3Bucket& bucket;
  aws::S3& objects;
  aws::Iam& iam;
  aws::Ec2Groups& groups;
};

// One part that can't be read doesn't keep the others from it. Changes nothing.
[[nodiscard]] Awaitable<AccountFound> read_account(AccountCalls calls, Place place);

// One of the two roles, by its name. Changes nothing.
[[nodiscard]] Awaitable<RoleFound> read_role(aws::Iam& iam, std::string name);

// Part by part; one that fails doesn't keep those from it which don't need it. What was made stays, and the same plan read
// and made anew completes it. True where all went well.
[[nodiscard]] Awaitable<bool> make_account(AccountCalls calls, Place place, AccountPlan plan,
                                           std::function<void(const Outcome&)> tell);

}  // namespace curfew::setup
