// From what there is to what is deleted, and the plan in words.
#include "setup/teardown.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::setup {
namespace {

constexpr std::size_t k_longest_said = 600;
constexpr const char* k_program_heap = "bin/";  // curfew itself: the next launch puts it there again
constexpr const char* k_other_heap = "(others)";

std::string not_known(const Error& error) { return "not known: " + printable(error.text(), k_longest_said); }

std::string text_of(const Heap& heap) {
  return printable(heap.name, 80) + ": " + std::to_string(heap.objects) +
         (heap.objects == 1 ? " object, " : " objects, ") + format_bytes(heap.bytes);
}

TeardownPart bucket_part(const TeardownWish& wish, const TeardownFound& found, TeardownPlan& plan) {
  TeardownPart part{AccountPartName::bucket, Fate::absent, {}, {}};
  const auto& bucket = found.account.bucket;
  const auto not_touched = [&part](Fate fate, std::string why) {
    part.fate = fate;
    part.detail = std::move(why);
    return part;
  };
  if (!bucket.is_there && bucket.is_there.error().kind == ErrorKind::refused)
    return not_touched(Fate::foreign, not_known(bucket.is_there.error()));
  if (!bucket.is_there) return not_touched(Fate::unreadable, not_known(bucket.is_there.error()));
  if (!*bucket.is_there) return part;
  if (!bucket.tags) return not_touched(Fate::unreadable, not_known(bucket.tags.error()));
  if (!is_ours(*bucket.tags)) return not_touched(Fate::foreign, "it lacks the tag " + std::string(k_made_by));
  if (!found.heaps) return not_touched(Fate::unreadable, not_known(found.heaps.error()));
  for (const auto& heap : *found.heaps) {
    part.detail += (part.detail.empty() ? "" : "; ") + text_of(heap);
    if (heap.name == k_program_heap) continue;
    if (wish.delete_results) plan.lost.push_back("s3://" + wish.place.bucket() + "/" + text_of(heap));
    else
      plan.in_the_way.push_back("the bucket holds " + text_of(heap) +
                                ": copy what you need, then give --delete-results");
  }
  part.fate = Fate::deleted;
  if (part.detail.empty()) part.detail = "empty";
  part.steps.emplace_back(EmptyBucket{});
  part.steps.emplace_back(DeleteBucket{});
  return part;
}

TeardownPart group_part(const GroupFound& found) {
  TeardownPart part{AccountPartName::security_group, Fate::absent, {}, {}};
  const auto* error = !found.vpc ? &found.vpc.error() : !found.group ? &found.group.error() : nullptr;
  if (error != nullptr) {
    part.fate = Fate::unreadable;
    part.detail = not_known(*error);
  } else if (*found.group && !is_ours((*found.group)->tags)) {
    part.fate = Fate::foreign;
    part.detail = "it lacks the tag " + std::string(k_made_by);
  } else if (*found.group) {
    part.fate = Fate::deleted;
    part.detail = (*found.group)->id;
    part.steps.emplace_back(DeleteGroup{(*found.group)->id});
  }
  return part;
}

// What can carry tags. True where it's to be deleted.
template <class T>
bool judge(const TeardownWish& wish, const Result<std::optional<T>>& found, TeardownPart& part) {
  if (!found) {
    part.fate = Fate::unreadable;
    part.detail = not_known(found.error());
  } else if (*found && !is_ours((*found)->tags)) {
    part.fate = Fate::foreign;
    part.detail = "it lacks the tag " + std::string(k_made_by);
  } else if (*found && wish.keep_roles) {
    part.fate = Fate::kept;
  } else if (*found) {
    part.fate = Fate::deleted;
    return true;
  }
  return false;
}

TeardownPart profile_part(const TeardownWish& wish, const Result<std::optional<aws::IamProfile>>& found) {
  TeardownPart part{AccountPartName::instance_profile, Fate::absent, {}, {}};
  if (!judge(wish, found, part)) return part;
  part.steps.emplace_back(EmptyProfile{(*found)->roles});
  part.steps.emplace_back(DeleteProfile{});
  return part;
}

TeardownPart role_part(const TeardownWish& wish, RoleName role, const RoleFound& found, TeardownPlan& plan) {
  TeardownPart part{
      role == RoleName::instance ? AccountPartName::instance_role : AccountPartName::scheduler_role,
      Fate::absent,
      {},
      {}};
  if (!judge(wish, found.role, part)) return part;
  // IAM refuses to delete a role that has any, and what somebody else gave it isn't ours to take.
  for (const auto& name : found.policies.value_or(std::vector<std::string>{}))
    if (name != k_role_policy)
      plan.in_the_way.push_back("the role " + name_of(role) + " has the policy " + printable(name, 130) +
                                ", which curfew didn't give it: take it away first");
  part.steps.emplace_back(DeleteRolePolicy{role});
  part.steps.emplace_back(DeleteRole{role});
  return part;
}

std::string_view word_for(Fate fate) {
  switch (fate) {
    case Fate::absent: return "isn't there";
    case Fate::deleted: return "TO BE DELETED";
    case Fate::kept: return "kept (--keep-roles)";
    case Fate::foreign: return "NOT OURS, not touched";
    case Fate::unreadable: return "NOT READ";
  }
  return "";
}

}  // namespace

bool TeardownPlan::has_steps() const {
  return std::any_of(parts.begin(), parts.end(), [](const auto& part) { return !part.steps.empty(); });
}

bool TeardownPlan::is_complete() const {
  return in_the_way.empty() && std::none_of(parts.begin(), parts.end(),
                                            [](const auto& part) { return part.fate == Fate::unreadable; });
}

void add_object(std::vector<Heap>& heaps, const std::string& key, std::uint64_t bytes) {
  const auto slash = key.find('/');
  std::string name = slash == std::string::npos ? key : key.substr(0, slash + 1);
  const auto called = [&heaps](const std::string& wanted) {
    return std::find_if(heaps.begin(), heaps.end(), [&](const Heap& heap) { return heap.name == wanted; });
  };
  auto at = called(name);
  if (at == heaps.end() && heaps.size() >= k_most_heaps) {
    name = k_other_heap;
    at = called(name);
  }
  if (at == heaps.end()) at = heaps.insert(heaps.end(), Heap{name, 0, 0});
  ++at->objects;
  at->bytes += bytes;
}

TeardownPlan plan_teardown(const TeardownWish& wish, const TeardownFound& found) {
  TeardownPlan plan;
  if (!found.instances)
    plan.in_the_way.push_back("whether an instance that curfew launched is there is " +
                              not_known(found.instances.error()));
  else
    for (const auto& instance : *found.instances)
      plan.in_the_way.push_back(
          printable(instance, 100) +
          " was launched by curfew: wait until it's gone, or end it (`curfew stop ID`)");
  plan.parts.push_back(bucket_part(wish, found, plan));
  plan.parts.push_back(group_part(found.account.group));
  plan.parts.push_back(profile_part(wish, found.account.profile));
  plan.parts.push_back(role_part(wish, RoleName::instance, found.account.instance, plan));
  plan.parts.push_back(role_part(wish, RoleName::scheduler, found.account.scheduler, plan));
  return plan;
}

std::string text_of(const TeardownPlan& plan, const Place& place) {
  std::string text = "Account " + place.account + ", " + place.region + "; roles are for all regions\n\n";
  std::size_t width = 0;
  for (const auto& part : plan.parts) width = std::max(width, title_of(part.name, place).size());
  for (const auto& part : plan.parts) {
    auto title = title_of(part.name, place);
    title.append(width - title.size() + 2, ' ');
    text += "  " + title + std::string(word_for(part.fate)) +
            (part.detail.empty() ? "" : ": " + part.detail) + "\n";
  }
  if (!plan.lost.empty()) text += "\nLost for ever (--delete-results):\n";
  for (const auto& each : plan.lost) text += "  - " + each + "\n";
  if (!plan.in_the_way.empty()) text += "\nIn the way:\n";
  for (const auto& each : plan.in_the_way) text += "  - " + each + "\n";
  return text;
}

}  // namespace curfew::setup
