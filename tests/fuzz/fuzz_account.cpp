// Whatever IAM, S3 and EC2, or something between, may answer to setting up what launches need; and what lies there as policy.
#include <cstdint>
#include <string_view>

#include "aws/ec2_groups.hpp"
#include "aws/iam.hpp"
#include "aws/s3_bucket.hpp"
#include "checks.hpp"
#include "setup/account.hpp"
#include "setup/doctor.hpp"
#include "setup/policies.hpp"
#include "setup/teardown.hpp"

namespace {

using namespace curfew;
using namespace curfew::fuzz;

const setup::Place k_place{"aws", "123456789012", "us-east-1"};

void check_lines(std::string_view text) {
  for (const char c : text) check(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

// Whatever was found, the plan is shown in lines of its own, and what isn't ours is left alone.
void check_plan(const setup::AccountFound& found) {
  const auto plan = setup::plan_account({k_place, {}, {}, {}}, found);
  check(plan.parts.size() == 12);
  check_lines(setup::text_of(plan, k_place));
  for (const auto& part : plan.parts) {
    const bool acts = part.verdict == setup::Verdict::create || part.verdict == setup::Verdict::change;
    check(acts != part.steps.empty());
  }
  for (const auto& finding : setup::account_checks(plan, k_place)) check_lines(setup::text_of(finding));
  setup::TeardownFound torn;
  torn.account = found;
  check_lines(setup::text_of(setup::plan_teardown({k_place}, torn), k_place));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  setup::AccountFound found;
  found.bucket.is_there = true;
  found.bucket.tags = setup::own_tags();
  found.group.vpc = std::string("vpc-1");
  if (const auto role = aws::parse_role(text); is_read(role)) {
    check_printable(role->arn);
    found.instance.role = *role;
    found.scheduler.role = *role;
    check_plan(found);
  }
  if (const auto policy = aws::parse_role_policy(text); is_read(policy)) found.instance.policy = *policy;
  if (const auto profile = aws::parse_profile(text); is_read(profile)) {
    found.profile = *profile;
    check_plan(found);
  }
  if (const auto names = aws::parse_inline_policies(text); is_read(names))
    found.instance.policies = names->names;
  if (const auto names = aws::parse_attached_policies(text); is_read(names))
    found.instance.policies = names->names;
  if (const auto tags = aws::parse_bucket_tags(text); is_read(tags)) found.bucket.tags = *tags;
  if (const auto blocked = aws::parse_public_access_block(text); is_read(blocked))
    found.bucket.is_blocked = *blocked;
  if (const auto kind = aws::parse_encryption(text); is_read(kind)) found.bucket.encryption = *kind;
  if (const auto owner = aws::parse_ownership(text); is_read(owner)) found.bucket.ownership = *owner;
  if (const auto policy = aws::parse_bucket_policy(text); is_read(policy)) found.bucket.policy = *policy;
  if (const auto rules = aws::parse_lifecycle(text); is_read(rules)) {
    found.bucket.lifecycle = *rules;
    // What is put is read as it was.
    const auto again = aws::parse_lifecycle(aws::lifecycle_body(*rules));
    check(again && *again == *rules);
  }
  if (const auto failures = aws::parse_deleted(text); is_read(failures))
    for (const auto& one : *failures) check_lines(one);
  if (const auto vpc = aws::parse_default_vpc(text); is_read(vpc)) check_printable(*vpc);
  if (const auto group = aws::parse_created_group(text); is_read(group)) check_printable(*group);
  if (const auto groups = aws::parse_groups(text); is_read(groups) && !groups->empty())
    found.group.group = groups->front();
  if (const auto rules = aws::parse_group_rules(text); is_read(rules)) {
    found.group.group = aws::SecurityGroup{"sg-1", "vpc-1", setup::own_tags()};
    found.group.ingress = *rules;
  }
  check_plan(found);
  for (const auto& place : setup::places_in(text).results)
    check(setup::parse_place(place.text()).has_value());
  if (setup::is_same_policy(text, text)) check(setup::is_same_policy(setup::indented(text), text));
  if (const auto place = setup::parse_place(text))
    check(place->key.find_first_of("*?$") == std::string::npos);
  return 0;
}
