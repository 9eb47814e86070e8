// From what there should be and what there is to what is to be done.
#include <algorithm>

#include "base/text.hpp"
#include "setup/account.hpp"

namespace curfew::setup {
namespace {

constexpr std::size_t k_longest_said = 600;
constexpr const char* k_jobs_rule = "curfew-jobs";
constexpr const char* k_uploads_rule = "curfew-unfinished-uploads";

AccountPart unreadable(AccountPartName name, const Error& error) {
  return {name, Verdict::unreadable, {"not known: " + printable(error.text(), k_longest_said)}, {}};
}

AccountPart foreign(AccountPartName name, std::string why) {
  return {name, Verdict::foreign, {std::move(why)}, {}};
}

// Of a thing that can carry tags, and doesn't carry ours.
AccountPart not_ours(AccountPartName name) {
  return foreign(name, "not touched: it lacks the tag " + std::string(k_made_by) + "=" +
                           std::string(k_made_by_setup) +
                           ", so curfew didn't make it; delete it, or do with options of `curfew launch`");
}

AccountPart bucket_part(const BucketFound& found) {
  constexpr auto k_name = AccountPartName::bucket;
  if (!found.is_there && found.is_there.error().kind == ErrorKind::refused)
    return foreign(k_name, "not touched: it's another account's, or s3:ListBucket is missing (" +
                               printable(found.is_there.error().text(), k_longest_said) + ")");
  if (!found.is_there) return unreadable(k_name, found.is_there.error());
  if (!*found.is_there) return {k_name, Verdict::create, {}, {CreateBucket{}, TagBucket{}}};
  if (!found.tags) return unreadable(k_name, found.tags.error());
  if (is_ours(*found.tags)) return {k_name, Verdict::equal, {}, {}};
  // Its name holds the account's number, and S3 says that it's this account's: a set-up that died before the tag.
  if (!found.is_empty) return unreadable(k_name, found.is_empty.error());
  if (found.tags->empty() && *found.is_empty)
    return {k_name, Verdict::change, {"it's empty and has no tags: half made, gets its tag"}, {TagBucket{}}};
  return not_ours(k_name);
}

// A setting of the bucket. `is` as it is, where it could be read.
template <class T>
AccountPart setting_part(AccountPartName name, const AccountPart& bucket, const Result<T>& is, bool fits,
                         const std::string& was, const std::string& wanted, AccountStep step) {
  if (bucket.verdict == Verdict::create) return {name, Verdict::create, {wanted}, {std::move(step)}};
  if (bucket.verdict == Verdict::foreign)
    return {name, Verdict::blocked, {"not touched, as the bucket isn't"}, {}};
  if (bucket.verdict == Verdict::unreadable)
    return {name, Verdict::blocked, {"not known, as the bucket isn't"}, {}};
  if (!is) return unreadable(name, is.error());
  if (fits) return {name, Verdict::equal, {wanted}, {}};
  return {name, Verdict::change, {was + " -> " + wanted}, {std::move(step)}};
}

std::string said(const std::string& text) { return text.empty() ? "none" : printable(text, 60); }

std::string days(std::uint64_t number) { return std::to_string(number) + (number == 1 ? " day" : " days"); }

std::string text_of_rules(std::uint64_t keep_days) {
  return "jobs/ goes after " + days(keep_days) + ", an unfinished upload after " + days(k_abort_days) +
         ", results/ never";
}

AccountPart lifecycle_part(const AccountWish& wish, const BucketFound& found, const AccountPart& bucket) {
  std::uint64_t keep = k_default_keep_days;
  std::vector<aws::LifecycleRule> rules;
  bool fits = true;
  const auto there = found.lifecycle.value_or(std::vector<aws::LifecycleRule>{});
  const auto own = [&there](const std::string& id) {
    return std::find_if(there.begin(), there.end(), [&](const auto& rule) { return rule.id == id; });
  };
  if (const auto jobs = own(k_jobs_rule); jobs != there.end() && jobs->expire_days) keep = *jobs->expire_days;
  keep = wish.keep_days.value_or(keep);
  rules = wanted_rules(keep);
  for (const auto& rule : rules) {
    const auto is = own(rule.id);
    fits = fits && is != there.end() && *is == rule;
  }
  for (const auto& rule : there)
    if (rule.id != k_jobs_rule && rule.id != k_uploads_rule) rules.push_back(rule);
  return setting_part(AccountPartName::lifecycle, bucket, found.lifecycle, fits,
                      there.empty() ? "none" : "other rules", text_of_rules(keep), PutLifecycle{rules});
}

void add_bucket_parts(const AccountWish& wish, const BucketFound& found, AccountPlan& plan) {
  const auto bucket = bucket_part(found);
  plan.parts.push_back(bucket);
  plan.parts.push_back(setting_part(AccountPartName::public_access, bucket, found.is_blocked,
                                    found.is_blocked.value_or(false), "not blocked", "blocked",
                                    BlockPublicAccess{}));
  const auto encryption = found.encryption.value_or("");
  // Keys of the account's own (SSE-KMS) are somebody's wish.
  const bool is_encrypted = encryption == "AES256" || encryption.starts_with("aws:kms");
  plan.parts.push_back(setting_part(AccountPartName::encryption, bucket, found.encryption, is_encrypted,
                                    said(encryption), is_encrypted ? encryption : "AES256", EncryptBucket{}));
  const auto ownership = found.ownership.value_or("");
  plan.parts.push_back(setting_part(AccountPartName::ownership, bucket, found.ownership,
                                    ownership == "BucketOwnerEnforced", said(ownership),
                                    "the bucket's owner alone, no access lists", EnforceOwner{}));
  plan.parts.push_back(lifecycle_part(wish, found, bucket));
  const auto wanted = bucket_policy(wish.place);
  const auto policy = found.policy.value_or("");
  // Another policy would be lost: whoever wrote it adds the statement.
  if (found.policy && !policy.empty() && !is_same_policy(policy, wanted) &&
      bucket.verdict != Verdict::foreign) {
    plan.parts.push_back(
        foreign(AccountPartName::bucket_policy,
                "not touched: it has another one; `curfew setup --print-policy bucket` prints what "
                "belongs into it"));
    return;
  }
  plan.parts.push_back(setting_part(AccountPartName::bucket_policy, bucket, found.policy, !policy.empty(),
                                    "none", "denies whatever comes without TLS", PutBucketPolicy{wanted}));
}

void note_other_policies(const RoleFound& found, std::vector<std::string>& details) {
  if (!found.policies) return;
  std::string others;
  for (const auto& name : *found.policies)
    if (name != k_role_policy) others += (others.empty() ? "" : ", ") + printable(name, 130);
  if (!others.empty())
    details.push_back("HAS MORE RIGHTS, by policies that curfew didn't give it: " + others);
}

void add_role_parts(RoleName role, const RoleFound& found, const std::string& trust,
                    const std::string& policy, AccountPlan& plan) {
  const bool is_instance = role == RoleName::instance;
  const auto name = is_instance ? AccountPartName::instance_role : AccountPartName::scheduler_role;
  const auto policy_name = is_instance ? AccountPartName::instance_policy : AccountPartName::scheduler_policy;
  const auto blocked = [&](std::string why) {
    plan.parts.push_back({policy_name, Verdict::blocked, {std::move(why)}, {}});
  };
  if (!found.role) {
    plan.parts.push_back(unreadable(name, found.role.error()));
    return blocked("not known, as the role isn't");
  }
  if (!*found.role) {
    plan.parts.push_back({name, Verdict::create, {}, {CreateRole{role, trust}}});
    plan.parts.push_back({policy_name, Verdict::create, {}, {PutRolePolicy{role, policy}}});
    return;
  }
  if (!is_ours((*found.role)->tags)) {
    plan.parts.push_back(not_ours(name));
    return blocked("not touched, as the role isn't");
  }
  AccountPart part{name, Verdict::equal, {}, {}};
  if (!is_same_policy((*found.role)->trust, trust)) {
    part.verdict = Verdict::change;
    part.details.emplace_back("others may take it than should");
    part.steps.emplace_back(SetTrust{role, trust});
  }
  note_other_policies(found, part.details);
  plan.parts.push_back(std::move(part));
  if (!found.policy) {
    plan.parts.push_back(unreadable(policy_name, found.policy.error()));
  } else if (!*found.policy) {
    plan.parts.push_back({policy_name, Verdict::create, {}, {PutRolePolicy{role, policy}}});
  } else if (!is_same_policy(**found.policy, policy)) {
    plan.parts.push_back(
        {policy_name, Verdict::change, {"it isn't as it should be"}, {PutRolePolicy{role, policy}}});
  } else {
    plan.parts.push_back({policy_name, Verdict::equal, {}, {}});
  }
}

AccountPart profile_part(const Result<std::optional<aws::IamProfile>>& found, const AccountPart& role) {
  constexpr auto k_name = AccountPartName::instance_profile;
  if (!found) return unreadable(k_name, found.error());
  if (*found && !is_ours((*found)->tags)) return not_ours(k_name);
  if (role.verdict == Verdict::foreign)
    return {k_name, Verdict::blocked, {"not touched, as the role isn't"}, {}};
  if (role.verdict == Verdict::unreadable)
    return {k_name, Verdict::blocked, {"not touched, as the role isn't known"}, {}};
  if (!*found) return {k_name, Verdict::create, {}, {CreateProfile{}, AddRole{}}};
  const auto& roles = (*found)->roles;
  AccountPart part{k_name, Verdict::equal, {}, {}};
  if (roles.empty()) part.details.emplace_back("holds no role");
  for (const auto& one : roles) {
    if (one == k_instance_role) continue;
    part.details.push_back("holds the role " + printable(one, 130));
    part.steps.emplace_back(RemoveRole{one});
  }
  if (std::find(roles.begin(), roles.end(), k_instance_role) == roles.end())
    part.steps.emplace_back(AddRole{});
  if (!part.steps.empty()) part.verdict = Verdict::change;
  return part;
}

AccountPart group_part(const GroupFound& found) {
  constexpr auto k_name = AccountPartName::security_group;
  if (!found.vpc) return unreadable(k_name, found.vpc.error());
  if (found.vpc->empty())
    return {k_name,
            Verdict::needless,
            {"the region has no default VPC; give `curfew launch` a --subnet and a --security-group"},
            {}};
  if (!found.group) return unreadable(k_name, found.group.error());
  if (!*found.group)
    return {k_name, Verdict::create, {"in " + *found.vpc + ", lets nothing in"}, {CreateGroup{*found.vpc}}};
  if (!is_ours((*found.group)->tags)) return not_ours(k_name);
  if (!found.ingress) return unreadable(k_name, found.ingress.error());
  if (found.ingress->empty()) return {k_name, Verdict::equal, {(*found.group)->id + ", lets nothing in"}, {}};
  AccountPart part{k_name, Verdict::change, {}, {}};
  RevokeIngress revoke{(*found.group)->id, {}};
  for (const auto& rule : *found.ingress) {
    part.details.push_back("lets in " + rule.text + " -> nothing");
    revoke.rules.push_back(rule.id);
  }
  part.steps.emplace_back(std::move(revoke));
  return part;
}

JobPlaces places_for(const AccountWish& wish, const RoleFound& instance) {
  const auto policy = instance.policy.value_or(std::nullopt);
  auto places = policy ? places_in(*policy) : JobPlaces{};
  const auto settle = [&wish](std::vector<aws::S3Location>& list, const std::vector<aws::S3Location>& more) {
    list.insert(list.end(), more.begin(), more.end());
    std::erase_if(list, [&wish](const aws::S3Location& one) {
      return std::any_of(wish.remove.begin(), wish.remove.end(), [&](const aws::S3Location& gone) {
        return gone.bucket == one.bucket && gone.key == one.key;
      });
    });
    list = sorted_places(std::move(list));
  };
  settle(places.results, wish.add.results);
  settle(places.data, wish.add.data);
  return places;
}

}  // namespace

bool AccountPlan::has_steps() const {
  return std::any_of(parts.begin(), parts.end(), [](const auto& part) { return !part.steps.empty(); });
}

bool AccountPlan::is_complete() const {
  return std::none_of(parts.begin(), parts.end(), [](const auto& part) {
    return part.verdict == Verdict::foreign || part.verdict == Verdict::unreadable ||
           part.verdict == Verdict::blocked;
  });
}

bool is_ours(const aws::ResourceTags& tags) { return aws::value_of(tags, k_made_by) == k_made_by_setup; }

aws::ResourceTags own_tags() { return {{std::string(k_made_by), std::string(k_made_by_setup)}}; }

std::vector<aws::LifecycleRule> wanted_rules(std::uint64_t keep_days) {
  aws::LifecycleRule jobs;
  jobs.id = k_jobs_rule;
  jobs.prefix = "jobs/";
  jobs.expire_days = keep_days;
  aws::LifecycleRule uploads;
  uploads.id = k_uploads_rule;
  uploads.abort_days = k_abort_days;
  return {jobs, uploads};
}

AccountPlan plan_account(const AccountWish& wish, const AccountFound& found) {
  AccountPlan plan;
  plan.places = places_for(wish, found.instance);
  add_bucket_parts(wish, found.bucket, plan);
  add_role_parts(RoleName::instance, found.instance, instance_trust(wish.place),
                 instance_policy(wish.place, plan.places), plan);
  const auto role = plan.parts[plan.parts.size() - 2];
  plan.parts.push_back(profile_part(found.profile, role));
  add_role_parts(RoleName::scheduler, found.scheduler, scheduler_trust(wish.place),
                 scheduler_policy(wish.place), plan);
  plan.parts.push_back(group_part(found.group));
  return plan;
}

}  // namespace curfew::setup
