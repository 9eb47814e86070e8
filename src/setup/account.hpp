// What launches need of an account: a bucket, two roles, an instance profile, a security group. Here is what there should
// be, what there is, and what follows from both; pure. account_work.hpp reads and acts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/ec2_groups.hpp"
#include "aws/iam.hpp"
#include "aws/s3_bucket.hpp"
#include "base/result.hpp"
#include "setup/names.hpp"
#include "setup/policies.hpp"
#include "setup/verdict.hpp"

namespace curfew::setup {

struct AccountWish {
  Place place;
  JobPlaces add;                        // to what the role may reach already
  std::vector<aws::S3Location> remove;  // from either
  std::optional<std::uint64_t>
      keep_days;  // of what is below jobs/; empty: as it is, else k_default_keep_days
};

inline constexpr std::uint64_t k_default_keep_days = 90;
inline constexpr std::uint64_t k_abort_days = 7;  // unfinished uploads

// An error is what could not be read; its hint names the permission where that is missing. What belongs to something that
// isn't there isn't read.
struct BucketFound {
  Result<bool> is_there = false;
  Result<aws::ResourceTags> tags = aws::ResourceTags{};
  Result<bool> is_empty = false;
  Result<bool> is_blocked = false;
  Result<std::string> encryption = std::string();
  Result<std::string> ownership = std::string();
  Result<std::vector<aws::LifecycleRule>> lifecycle = std::vector<aws::LifecycleRule>{};
  Result<std::string> policy = std::string();
};

struct RoleFound {
  Result<std::optional<aws::IamRole>> role = std::nullopt;
  Result<std::optional<std::string>> policy = std::nullopt;                // its inline policy k_role_policy
  Result<std::vector<std::string>> policies = std::vector<std::string>{};  // the names of all it has
};

struct GroupFound {
  Result<std::string> vpc = std::string();  // the default one; empty: none
  Result<std::optional<aws::SecurityGroup>> group = std::nullopt;
  Result<std::vector<aws::IngressRule>> ingress = std::vector<aws::IngressRule>{};
};

struct AccountFound {
  BucketFound bucket;
  RoleFound instance;
  RoleFound scheduler;
  Result<std::optional<aws::IamProfile>> profile = std::nullopt;
  GroupFound group;
};

enum class RoleName { instance, scheduler };
[[nodiscard]] std::string name_of(RoleName role);

struct CreateBucket {};
struct TagBucket {};
struct BlockPublicAccess {};
struct EncryptBucket {};
struct EnforceOwner {};
struct PutLifecycle {
  std::vector<aws::LifecycleRule> rules;
};
struct PutBucketPolicy {
  std::string document;
};
struct CreateRole {
  RoleName role;
  std::string trust;
};
struct SetTrust {
  RoleName role;
  std::string trust;
};
struct PutRolePolicy {
  RoleName role;
  std::string document;
};
struct CreateProfile {};
struct RemoveRole {  // from the profile
  std::string role;
};
struct AddRole {};
struct CreateGroup {
  std::string vpc;
};
struct RevokeIngress {
  std::string group;
  std::vector<std::string> rules;
};
using AccountStep = std::variant<CreateBucket, TagBucket, BlockPublicAccess, EncryptBucket, EnforceOwner,
                                 PutLifecycle, PutBucketPolicy, CreateRole, SetTrust, PutRolePolicy,
                                 CreateProfile, RemoveRole, AddRole, CreateGroup, RevokeIngress>;

enum class AccountPartName {
  bucket,
  public_access,
  encryption,
  ownership,
  lifecycle,
  bucket_policy,
  instance_role,
  instance_policy,
  instance_profile,
  scheduler_role,
  scheduler_policy,
  security_group,
};

struct AccountPart {
  AccountPartName name;
  Verdict verdict = Verdict::equal;
  std::vector<std::string> details;  // what changes, or why it isn't touched; safe to show
  std::vector<AccountStep> steps;
};

struct AccountPlan {
  std::vector<AccountPart> parts;  // in the order in which they are made
  JobPlaces places;                // that the instance's role may reach when it's done

  [[nodiscard]] bool has_steps() const;
  // Whether nothing is in the way of having all of it.
  [[nodiscard]] bool is_complete() const;
};

[[nodiscard]] AccountPlan plan_account(const AccountWish& wish, const AccountFound& found);

// What a part can't be made without; nothing: it stands alone.
[[nodiscard]] std::optional<AccountPartName> need_of(AccountPartName part);

// Whether curfew made what carries these.
[[nodiscard]] bool is_ours(const aws::ResourceTags& tags);
[[nodiscard]] aws::ResourceTags own_tags();
[[nodiscard]] std::vector<aws::LifecycleRule> wanted_rules(std::uint64_t keep_days);

// "bucket curfew-123456789012-us-east-1", "its encryption".
[[nodiscard]] std::string title_of(AccountPartName part, const Place& place);
// The plan as a person reads it; lines end with a newline.
[[nodiscard]] std::string text_of(const AccountPlan& plan, const Place& place);

}  // namespace curfew::setup
