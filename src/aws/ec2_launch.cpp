// DescribeInstanceTypes, RunInstances, CreateTags.
#include "aws/ec2_launch.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "aws/core/xml.hpp"
#include "aws/ec2_dry_run.hpp"
#include "aws/imds.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

// RunInstances may take a while; a reply that is given up is only ambiguous.
constexpr net::Limits k_limits{Millis{5'000}, Millis{20'000}, Millis{30'000}, 4U << 20U};
constexpr Millis k_total{60'000};

constexpr std::size_t k_most_types = 100;
constexpr std::size_t k_most_architectures = 8;
constexpr std::size_t k_longest_name = 200;
constexpr std::uint64_t k_most_units = 10'000;  // vCPUs, GPUs
constexpr std::string_view k_id_letters = k_lower_and_digits;

std::string cut(std::string text) {
  if (text.size() > k_longest_name) text.resize(k_longest_name);
  return text;
}

Result<InstanceTypeInfo> type_from(const pugi::xml_node& item) {
  InstanceTypeInfo info;
  info.name = child_text(item, "instanceType");
  if (!is_instance_type(info.name)) return odd("instanceType", info.name);
  for (const auto one : item.child("processorInfo").child("supportedArchitectures").children("item")) {
    if (info.architectures.size() == k_most_architectures) return odd("supportedArchitectures", "too many");
    info.architectures.push_back(cut(std::string(trimmed(one.text().get()))));
  }
  const auto vcpus = number_in(item.child("vCpuInfo"), "defaultVCpus", k_most_units);
  if (!vcpus) return fail(vcpus.error());
  if (!*vcpus || info.architectures.empty())
    return odd("instanceType", info.name + ", of which it tells nothing");
  info.vcpus = static_cast<std::uint32_t>(**vcpus);
  for (const auto gpu : item.child("gpuInfo").child("gpus").children("item")) {
    const auto count = number_in(gpu, "count", k_most_units);
    if (!count) return fail(count.error());
    info.gpus += static_cast<std::uint32_t>(count->value_or(1));
    if (info.gpu_name.empty())
      info.gpu_name = cut(child_text(gpu, "manufacturer") + " " + child_text(gpu, "name"));
    if (info.gpus > k_most_units) return odd("gpus", "more than any has");
  }
  return info;
}

class QueryEc2Launch final : public Ec2Launch {
 public:
  QueryEc2Launch(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::vector<InstanceTypeInfo>>> types(std::vector<std::string> names) override {
    const std::string what = "DescribeInstanceTypes in " + region_;
    if (names.empty() || names.size() > k_most_types)
      co_return fail(ErrorKind::invalid_input, what, "1 to 100 types can be asked for");
    Form form;
    for (const auto& name : names) {
      if (!is_instance_type(name))
        co_return fail(ErrorKind::invalid_input, what, "\"" + printable(name, 40) + "\" is no instance type");
      form.emplace_back("InstanceType." + std::to_string(form.size() + 1), name);
    }
    auto body = co_await post("DescribeInstanceTypes", what, std::move(form));
    if (!body) co_return fail(std::move(body).error());
    auto told = parse_types(*body);
    if (!told) co_return fail(std::move(told).error().within(what));
    std::vector<InstanceTypeInfo> sorted;
    for (const auto& name : names) {
      const auto found = std::find_if(told->begin(), told->end(),
                                      [&](const InstanceTypeInfo& info) { return info.name == name; });
      if (found == told->end()) co_return fail(ErrorKind::not_found, what, name + " isn't offered there");
      sorted.push_back(*found);
    }
    co_return sorted;
  }

  Awaitable<Result<Launched>> run(RunRequest request) override {
    const std::string what = "RunInstances " + request.type + " in " + region_;
    Query query = query_of("RunInstances", what, run_form(request));
    query.once = true;
    auto asking = ask_for_xml(session_, std::move(query), k_limits, k_total);
    const auto body = co_await std::move(asking);
    if (!body) co_return fail(Error{body.error()});
    auto launched = parse_launched(*body);
    if (!launched) co_return fail(std::move(launched).error().within(what));
    co_return launched;
  }

  Awaitable<Status> try_run(RunRequest request) override {
    return try_action(session_, region_, "RunInstances", run_form(request));
  }

  Awaitable<Status> create_tags(std::string instance, KeyValues tags) override {
    const std::string what = "CreateTags " + printable(instance, 40);
    if (!is_instance_id(instance)) co_return fail(ErrorKind::invalid_input, what, "that is no instance's id");
    Form form{{"ResourceId.1", instance}};
    for (std::size_t i = 0; i < tags.size(); ++i) {
      form.emplace_back(fmt::format("Tag.{}.Key", i + 1), tags[i].first);
      form.emplace_back(fmt::format("Tag.{}.Value", i + 1), tags[i].second);
    }
    const auto body = co_await post("CreateTags", what, std::move(form));
    if (!body) co_return fail(Error{body.error()});
    co_return Status{};
  }

 private:
  [[nodiscard]] Query query_of(std::string action, std::string what, Form form) const {
    return {std::move(what), "ec2", region_, "2016-11-15", std::move(action), std::move(form)};
  }

  // The reply's body: whole XML, which the caller reads.
  Awaitable<Result<std::string>> post(std::string action, std::string what, Form form) {
    Query query = query_of(std::move(action), std::move(what), std::move(form));
    auto asking = ask_for_xml(session_, std::move(query), k_limits, k_total);
    auto body = co_await std::move(asking);
    co_return std::move(body);
  }

  Session& session_;
  std::string region_;
};

}  // namespace

bool is_resource_id(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) && text.size() <= 40 && all_in(text.substr(prefix.size()), k_id_letters);
}

bool is_no_capacity(std::string_view code) {
  // "Error codes for the Amazon EC2 API".
  static constexpr std::array<std::string_view, 11> k_codes{"InsufficientInstanceCapacity",
                                                            "InsufficientHostCapacity",
                                                            "InsufficientReservedInstanceCapacity",
                                                            "InsufficientFreeAddressesInSubnet",
                                                            "SpotMaxPriceTooLow",
                                                            "MaxSpotInstanceCountExceeded",
                                                            "VcpuLimitExceeded",
                                                            "InstanceLimitExceeded",
                                                            "Unsupported",
                                                            "UnfulfillableCapacity",
                                                            "InsufficientCapacity"};
  return std::find(k_codes.begin(), k_codes.end(), code) != k_codes.end();
}

Form run_form(const RunRequest& request) {
  Form form{{"ImageId", request.image}, {"InstanceType", request.type}, {"MinCount", "1"}, {"MaxCount", "1"}};
  const auto add = [&form](std::string name, std::string value) {
    if (!value.empty()) form.emplace_back(std::move(name), std::move(value));
  };
  add("ClientToken", request.client_token);
  add("InstanceInitiatedShutdownBehavior", "terminate");
  add("MetadataOptions.HttpTokens", "required");
  add("MetadataOptions.InstanceMetadataTags", "enabled");
  add("Placement.AvailabilityZone", request.zone);
  add("SubnetId", request.subnet);
  for (std::size_t i = 0; i < request.security_groups.size(); ++i)
    add(fmt::format("SecurityGroupId.{}", i + 1), request.security_groups[i]);
  add("KeyName", request.key_name);
  add("IamInstanceProfile.Name", request.instance_profile);
  add("UserData", net::base64(request.user_data));
  if (request.spot) {
    add("InstanceMarketOptions.MarketType", "spot");
    add("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");
    add("InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", "terminate");
    if (request.max_price)
      add("InstanceMarketOptions.SpotOptions.MaxPrice",
          fmt::format("{}.{:06}", request.max_price->count / 1'000'000,
                      request.max_price->count % 1'000'000));
  }
  for (std::size_t i = 0; i < request.volumes.size(); ++i) {
    const auto device = fmt::format("BlockDeviceMapping.{}.", i + 1);
    add(device + "DeviceName", request.volumes[i].device);
    add(device + "Ebs.DeleteOnTermination", "true");
    add(device + "Ebs.Encrypted", "true");
    add(device + "Ebs.VolumeType", "gp3");
    add(device + "Ebs.VolumeSize", std::to_string(request.volumes[i].gib));
  }
  int number = 0;
  for (const char* kind : {"instance", "volume"}) {
    const auto list = fmt::format("TagSpecification.{}.", ++number);
    add(list + "ResourceType", kind);
    for (std::size_t i = 0; i < request.tags.size(); ++i) {
      form.emplace_back(fmt::format("{}Tag.{}.Key", list, i + 1), request.tags[i].first);
      form.emplace_back(fmt::format("{}Tag.{}.Value", list, i + 1), request.tags[i].second);
    }
  }
  return form;
}

Result<std::vector<InstanceTypeInfo>> parse_types(std::string_view text) {
  const auto xml = Xml::parse(text, "DescribeInstanceTypesResponse");
  if (!xml) return fail(Error{xml.error()});
  std::vector<InstanceTypeInfo> types;
  for (const auto item : xml->root().child("instanceTypeSet").children("item")) {
    auto info = type_from(item);
    if (!info) return fail(std::move(info).error());
    if (types.size() == k_most_types) return odd("instanceTypeSet", "more than was asked for");
    types.push_back(std::move(*info));
  }
  return types;
}

Result<Launched> parse_launched(std::string_view text) {
  const auto xml = Xml::parse(text, "RunInstancesResponse");
  if (!xml) return fail(Error{xml.error()});
  const auto items = xml->root().child("instancesSet").children("item");
  if (std::distance(items.begin(), items.end()) != 1) return odd("instancesSet", "not one instance");
  const auto item = *items.begin();
  Launched launched{child_text(item, "instanceId"), child_text(item.child("placement"), "availabilityZone"),
                    child_text(item.child("instanceState"), "name")};
  if (!is_instance_id(launched.id)) return odd("instanceId", launched.id);
  if (!launched.zone.empty() && !is_zone(launched.zone)) return odd("availabilityZone", launched.zone);
  launched.state = cut(std::move(launched.state));
  return launched;
}

std::unique_ptr<Ec2Launch> make_ec2_launch(Session& session, std::string region) {
  return std::make_unique<QueryEc2Launch>(session, std::move(region));
}

}  // namespace curfew::aws
