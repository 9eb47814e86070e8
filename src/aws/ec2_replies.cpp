// DescribeVolumes' and DescribeInstances' replies.
#include "aws/ec2_replies.hpp"

#include <algorithm>
#include <array>

#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

// Above what EBS sells today; beyond them something is wrong, and a cost would be too.
constexpr std::uint64_t k_most_gib = 65'536;
constexpr std::uint64_t k_most_iops = 10'000'000;
constexpr std::uint64_t k_most_throughput = 1'000'000;

LifeCycle life_cycle_from(std::string_view text) {
  if (text.empty()) return LifeCycle::on_demand;  // EC2 leaves the element out
  return text == "spot" ? LifeCycle::spot : LifeCycle::other;
}

Result<Instance> instance_from(const pugi::xml_node& item) {
  Instance instance;
  instance.id = child_text(item, "instanceId");
  instance.type = child_text(item, "instanceType");
  instance.zone = child_text(item.child("placement"), "availabilityZone");
  instance.state = child_text(item.child("instanceState"), "name");
  instance.life_cycle = life_cycle_from(child_text(item, "instanceLifecycle"));
  instance.public_ipv4 = child_text(item, "ipAddress");
  if (!is_instance_type(instance.type)) return odd("instanceType", instance.type);
  if (!is_zone(instance.zone)) return odd("availabilityZone", instance.zone);
  if (!is_instance_state(instance.state)) return odd("instanceState", instance.state);
  if (!instance.public_ipv4.empty() && !is_ipv4(instance.public_ipv4))
    return odd("ipAddress", instance.public_ipv4);
  const auto launched = time_in(item, "launchTime");
  if (!launched) return fail(launched.error());
  instance.launched = *launched;
  return instance;
}

}  // namespace

bool is_instance_state(std::string_view text) {
  static constexpr std::array<std::string_view, 6> k_states{"pending",    "running",  "shutting-down",
                                                            "terminated", "stopping", "stopped"};
  return std::find(k_states.begin(), k_states.end(), text) != k_states.end();
}

bool is_volume_id(std::string_view text) {
  constexpr std::string_view k_prefix = "vol-";
  return text.starts_with(k_prefix) && text.size() <= 40 &&
         all_in(text.substr(k_prefix.size()), k_lower_and_digits);
}

Result<EbsVolume> volume_from(const pugi::xml_node& item) {
  EbsVolume volume;
  volume.id = child_text(item, "volumeId");
  volume.type = child_text(item, "volumeType");
  if (!is_volume_type(volume.type)) return odd("volumeType", volume.type);
  const auto size = number_in(item, "size", k_most_gib);
  if (!size) return fail(size.error());
  if (size->value_or(0) == 0) return odd("size", child_text(item, "size"));
  volume.gib = **size;
  const auto iops = number_in(item, "iops", k_most_iops);
  if (!iops) return fail(iops.error());
  volume.iops = *iops;
  const auto throughput = number_in(item, "throughput", k_most_throughput);
  if (!throughput) return fail(throughput.error());
  volume.throughput = *throughput;
  return volume;
}

Result<std::vector<EbsVolume>> volumes_in(const pugi::xml_node& root, std::span<const std::string> ids) {
  std::vector<EbsVolume> volumes;
  const auto is_read = [&](const std::string& id) {
    return std::any_of(volumes.begin(), volumes.end(),
                       [&](const EbsVolume& volume) { return volume.id == id; });
  };
  for (const auto item : root.child("volumeSet").children("item")) {
    auto volume = volume_from(item);
    if (!volume) return fail(std::move(volume).error());
    if (std::find(ids.begin(), ids.end(), volume->id) == ids.end() || is_read(volume->id))
      return odd("volumeId", volume->id);
    volumes.push_back(std::move(*volume));
  }
  for (const auto& id : ids)
    if (!is_read(id))
      return fail(ErrorKind::unavailable, "read the reply", "it doesn't tell " + printable(id, 40));
  return volumes;
}

Result<Instance> instance_in(const pugi::xml_node& root, std::string_view id) {
  for (const auto reservation : root.child("reservationSet").children("item"))
    for (const auto item : reservation.child("instancesSet").children("item"))
      if (child_text(item, "instanceId") == id) return instance_from(item);
  return fail(ErrorKind::not_found, "read the reply", "EC2 doesn't know it");
}

}  // namespace curfew::aws
