// The calls, in their order.
#include "setup/account_work.hpp"

#include <set>
#include <utility>

#include "base/text.hpp"

namespace curfew::setup {
namespace {

constexpr const char* k_instance_description =
    "What a job that curfew launched may do: keep its results, end its own instance";
constexpr const char* k_scheduler_description =
    "What EventBridge Scheduler may do for curfew: end instances that carry the tag curfew:job";
constexpr const char* k_group_description = "curfew: lets nothing in";

Awaitable<BucketFound> read_bucket(AccountCalls calls, std::string name) {
  BucketFound found;
  auto asking = calls.bucket.is_there();
  found.is_there = co_await std::move(asking);
  if (!found.is_there || !*found.is_there) co_return found;
  auto tags = calls.bucket.tags();
  auto tags_told = co_await std::move(tags);
  found.tags = told(std::move(tags_told), "s3:GetBucketTagging");
  // Only where it matters: to list it all is more than most may do.
  if (found.tags && found.tags->empty()) {
    auto listing = calls.objects.list({name, ""}, "");
    const auto page = co_await std::move(listing);
    if (page) found.is_empty = page->objects.empty();
    else found.is_empty = fail(with_permission(Error{page.error()}, "s3:ListBucket"));
  }
  auto blocked = calls.bucket.is_public_access_blocked();
  auto blocked_told = co_await std::move(blocked);
  found.is_blocked = told(std::move(blocked_told), "s3:GetBucketPublicAccessBlock");
  auto encryption = calls.bucket.encryption();
  auto encryption_told = co_await std::move(encryption);
  found.encryption = told(std::move(encryption_told), "s3:GetEncryptionConfiguration");
  auto ownership = calls.bucket.ownership();
  auto ownership_told = co_await std::move(ownership);
  found.ownership = told(std::move(ownership_told), "s3:GetBucketOwnershipControls");
  auto lifecycle = calls.bucket.lifecycle();
  auto lifecycle_told = co_await std::move(lifecycle);
  found.lifecycle = told(std::move(lifecycle_told), "s3:GetLifecycleConfiguration");
  auto policy = calls.bucket.policy();
  auto policy_told = co_await std::move(policy);
  found.policy = told(std::move(policy_told), "s3:GetBucketPolicy");
  co_return found;
}

Awaitable<GroupFound> read_group(aws::Ec2Groups& groups) {
  GroupFound found;
  auto vpc = groups.default_vpc();
  auto vpc_told = co_await std::move(vpc);
  found.vpc = told(std::move(vpc_told), "ec2:DescribeVpcs");
  if (!found.vpc || found.vpc->empty()) co_return found;
  auto group = groups.group(*found.vpc, std::string(k_group));
  auto group_told = co_await std::move(group);
  found.group = told(std::move(group_told), "ec2:DescribeSecurityGroups");
  if (!found.group || !*found.group) co_return found;
  auto ingress = groups.ingress((*found.group)->id);
  auto ingress_told = co_await std::move(ingress);
  found.ingress = told(std::move(ingress_told), "ec2:DescribeSecurityGroupRules");
  co_return found;
}

// What a step is called once it's done, and what it takes.
struct Made {
  std::string what;
  std::string_view permission;
};

struct Wording {
  const Place& place;
  Made operator()(const CreateBucket&) const {
    return {"bucket " + place.bucket() + " created", "s3:CreateBucket"};
  }
  Made operator()(const TagBucket&) const { return {"its tag set", "s3:PutBucketTagging"}; }
  Made operator()(const BlockPublicAccess&) const {
    return {"its public access blocked", "s3:PutBucketPublicAccessBlock"};
  }
  Made operator()(const EncryptBucket&) const {
    return {"its encryption set", "s3:PutEncryptionConfiguration"};
  }
  Made operator()(const EnforceOwner&) const {
    return {"its ownership set", "s3:PutBucketOwnershipControls"};
  }
  Made operator()(const PutLifecycle&) const { return {"its lifecycle set", "s3:PutLifecycleConfiguration"}; }
  Made operator()(const PutBucketPolicy&) const { return {"its policy set", "s3:PutBucketPolicy"}; }
  Made operator()(const CreateRole& step) const {
    return {"role " + name_of(step.role) + " created", "iam:CreateRole (with iam:TagRole)"};
  }
  Made operator()(const SetTrust& step) const {
    return {"who may take the role " + name_of(step.role) + " set", "iam:UpdateAssumeRolePolicy"};
  }
  Made operator()(const PutRolePolicy& step) const {
    return {"policy of the role " + name_of(step.role) + " set", "iam:PutRolePolicy"};
  }
  Made operator()(const CreateProfile&) const {
    return {"instance profile " + std::string(k_instance_role) + " created",
            "iam:CreateInstanceProfile (with iam:TagInstanceProfile)"};
  }
  Made operator()(const RemoveRole& step) const {
    return {"role " + printable(step.role, 130) + " taken from it", "iam:RemoveRoleFromInstanceProfile"};
  }
  Made operator()(const AddRole&) const {
    return {"role " + std::string(k_instance_role) + " put into it",
            "iam:AddRoleToInstanceProfile (with iam:PassRole on the role)"};
  }
  Made operator()(const CreateGroup&) const {
    return {"security group " + std::string(k_group) + " created",
            "ec2:CreateSecurityGroup (with ec2:CreateTags)"};
  }
  Made operator()(const RevokeIngress&) const {
    return {"security group " + std::string(k_group) + " lets nothing in any more",
            "ec2:RevokeSecurityGroupIngress"};
  }
};

Awaitable<Status> create_group(aws::Ec2Groups& groups, std::string vpc) {
  auto making = groups.create(std::move(vpc), std::string(k_group), k_group_description, own_tags());
  auto made = co_await std::move(making);
  if (!made) co_return fail(std::move(made.error()));
  co_return Status{};
}

// Begins a step; the plan outlives it.
struct Beginning {
  AccountCalls calls;
  using Begun = Awaitable<Status>;
  Begun operator()(const CreateBucket&) const { return calls.bucket.create(); }
  Begun operator()(const TagBucket&) const { return calls.bucket.put_tags(own_tags()); }
  Begun operator()(const BlockPublicAccess&) const { return calls.bucket.block_public_access(); }
  Begun operator()(const EncryptBucket&) const { return calls.bucket.encrypt(); }
  Begun operator()(const EnforceOwner&) const { return calls.bucket.enforce_owner(); }
  Begun operator()(const PutLifecycle& step) const { return calls.bucket.put_lifecycle(step.rules); }
  Begun operator()(const PutBucketPolicy& step) const { return calls.bucket.put_policy(step.document); }
  Begun operator()(const CreateRole& step) const {
    const auto* text = step.role == RoleName::instance ? k_instance_description : k_scheduler_description;
    return calls.iam.create_role(name_of(step.role), step.trust, text, own_tags());
  }
  Begun operator()(const SetTrust& step) const { return calls.iam.set_trust(name_of(step.role), step.trust); }
  Begun operator()(const PutRolePolicy& step) const {
    return calls.iam.put_role_policy(name_of(step.role), std::string(k_role_policy), step.document);
  }
  Begun operator()(const CreateProfile&) const {
    return calls.iam.create_profile(std::string(k_instance_role), own_tags());
  }
  Begun operator()(const RemoveRole& step) const {
    return calls.iam.remove_role(std::string(k_instance_role), step.role);
  }
  Begun operator()(const AddRole&) const {
    return calls.iam.add_role(std::string(k_instance_role), std::string(k_instance_role));
  }
  Begun operator()(const CreateGroup& step) const { return create_group(calls.groups, step.vpc); }
  Begun operator()(const RevokeIngress& step) const { return calls.groups.revoke(step.group, step.rules); }
};

}  // namespace

Awaitable<RoleFound> read_role(aws::Iam& iam, std::string name) {
  RoleFound found;
  auto asking = iam.role(name);
  auto asking_told = co_await std::move(asking);
  found.role = told(std::move(asking_told), "iam:GetRole");
  if (!found.role || !*found.role) co_return found;
  auto policy = iam.role_policy(name, std::string(k_role_policy));
  auto policy_told = co_await std::move(policy);
  found.policy = told(std::move(policy_told), "iam:GetRolePolicy");
  auto names = iam.policy_names(name);
  auto names_told = co_await std::move(names);
  found.policies = told(std::move(names_told), "iam:ListRolePolicies");
  co_return found;
}

Awaitable<AccountFound> read_account(AccountCalls calls, Place place) {
  AccountFound found;
  auto bucket = read_bucket(calls, place.bucket());
  found.bucket = co_await std::move(bucket);
  auto instance = read_role(calls.iam, std::string(k_instance_role));
  found.instance = co_await std::move(instance);
  auto scheduler = read_role(calls.iam, std::string(k_scheduler_role));
  found.scheduler = co_await std::move(scheduler);
  auto profile = calls.iam.profile(std::string(k_instance_role));
  auto profile_told = co_await std::move(profile);
  found.profile = told(std::move(profile_told), "iam:GetInstanceProfile");
  auto group = read_group(calls.groups);
  found.group = co_await std::move(group);
  co_return found;
}

Awaitable<bool> make_account(AccountCalls calls, Place place, AccountPlan plan,
                             std::function<void(const Outcome&)> tell) {
  bool all = true;
  std::set<AccountPartName> failed;
  for (const auto& part : plan.parts) {
    if (part.steps.empty()) continue;
    if (const auto need = need_of(part.name); need && failed.contains(*need)) {
      all = false;
      failed.insert(part.name);
      Error error{ErrorKind::not_found,
                  std::string(trimmed(title_of(part.name, place))),
                  "not done, as " + title_of(*need, place) + " could not be made",
                  {},
                  {}};
      tell({error.what, fail(std::move(error))});
      continue;
    }
    for (const auto& step : part.steps) {
      const auto [what, permission] = std::visit(Wording{place}, step);
      auto making = std::visit(Beginning{calls}, step);
      auto made = co_await std::move(making);
      if (made) {
        tell({what, {}});
        continue;
      }
      all = false;
      failed.insert(part.name);
      tell({what, fail(with_permission(std::move(made).error(), permission))});
      break;
    }
  }
  co_return all;
}

}  // namespace curfew::setup
