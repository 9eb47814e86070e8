// The plan in words.
#include <algorithm>

#include "setup/account.hpp"

namespace curfew::setup {

std::string name_of(RoleName role) {
  return std::string(role == RoleName::instance ? k_instance_role : k_scheduler_role);
}

std::optional<AccountPartName> need_of(AccountPartName part) {
  using enum AccountPartName;
  switch (part) {
    case public_access:
    case encryption:
    case ownership:
    case lifecycle:
    case bucket_policy: return bucket;
    case instance_policy:
    case instance_profile: return instance_role;
    case scheduler_policy: return scheduler_role;
    case bucket:
    case instance_role:
    case scheduler_role:
    case security_group: return {};
  }
  return {};
}

std::string title_of(AccountPartName part, const Place& place) {
  using enum AccountPartName;
  switch (part) {
    case bucket: return "bucket " + place.bucket();
    case public_access: return "  public access";
    case encryption: return "  encryption";
    case ownership: return "  ownership";
    case lifecycle: return "  lifecycle";
    case bucket_policy: return "  policy";
    case instance_role: return "role " + std::string(k_instance_role);
    case instance_policy: return "  its policy";
    case instance_profile: return "instance profile " + std::string(k_instance_role);
    case scheduler_role: return "role " + std::string(k_scheduler_role);
    case scheduler_policy: return "  its policy";
    case security_group: return "security group " + std::string(k_group);
  }
  return "";
}

std::string text_of(const AccountPlan& plan, const Place& place) {
  std::string text = "Account " + place.account + ", " + place.region + "; roles are for all regions\n\n";
  std::size_t width = 0;
  for (const auto& part : plan.parts) width = std::max(width, title_of(part.name, place).size());
  for (const auto& part : plan.parts)
    text += part_line(title_of(part.name, place), width, part.verdict, part.details);
  text += "\nJobs may write below s3://" + place.bucket() + "/jobs/ and /results/";
  for (const auto& one : plan.places.results) text += ", " + one.text();
  if (!plan.places.data.empty()) {
    text += ", and read ";
    for (std::size_t i = 0; i < plan.places.data.size(); ++i)
      text += (i == 0 ? "" : ", ") + plan.places.data[i].text();
  }
  return text + ".\n";
}

}  // namespace curfew::setup
