// Names and tags.
#include "aws/ec2_listed.hpp"

#include <algorithm>
#include <array>

namespace curfew::aws {
namespace {

constexpr std::array<std::string_view, 6> k_states{"pending",    "running",  "shutting-down",
                                                   "terminated", "stopping", "stopped"};
constexpr std::array<std::string_view, 5> k_bought_as{"on-demand", "spot", "scheduled", "capacity-block",
                                                      "other"};
constexpr std::array<std::string_view, 4> k_tenancies{"default", "dedicated", "host", "other"};

std::string_view until_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

Tag TagList::Iterator::operator*() const {
  const std::string_view key(at_);
  return {key, std::string_view(key.data() + key.size() + 1)};
}

TagList::Iterator& TagList::Iterator::operator++() {
  const auto tag = **this;
  at_ = tag.value.data() + tag.value.size() + 1;
  return *this;
}

void TagList::add(std::string_view key, std::string_view value) {
  packed_.append(until_nul(key)).push_back('\0');
  packed_.append(until_nul(value)).push_back('\0');
  ++count_;
}

std::optional<std::string_view> TagList::find(std::string_view key) const {
  for (const auto tag : *this)
    if (tag.key == key) return tag.value;
  return {};
}

std::string_view name_of(InstanceState state) { return k_states[static_cast<std::size_t>(state)]; }

std::optional<InstanceState> instance_state_from(std::string_view name) {
  const auto* const found = std::find(k_states.begin(), k_states.end(), name);
  if (found == k_states.end()) return {};
  return static_cast<InstanceState>(found - k_states.begin());
}

std::string_view name_of(BoughtAs bought_as) { return k_bought_as[static_cast<std::size_t>(bought_as)]; }
std::string_view name_of(Tenancy tenancy) { return k_tenancies[static_cast<std::size_t>(tenancy)]; }

std::string_view auto_scaling_group(const ListedInstance& instance) {
  return instance.tags.find("aws:autoscaling:groupName").value_or(std::string_view());
}

}  // namespace curfew::aws
