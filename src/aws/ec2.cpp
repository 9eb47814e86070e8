// EC2's Query protocol: a form is posted, XML comes back.
#include "aws/ec2.hpp"

#include "aws/core/query.hpp"
#include "aws/core/xml.hpp"
#include "aws/ec2_replies.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_most_volumes = 64;

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 4U << 20U};
constexpr Millis k_total{30'000};

tl::unexpected<Error> odd_reply(const std::string& what, const std::string& why) {
  return fail(ErrorKind::unavailable, what, "the reply " + why);
}

// The state of `id` among <item>s of instances; an empty one where it isn't among them.
std::string state_in(const pugi::xml_node& set, std::string_view id, const char* state) {
  for (const auto item : set.children("item"))
    if (child_text(item, "instanceId") == id) return child_text(item.child(state), "name");
  return {};
}

class QueryEc2 final : public Ec2 {
 public:
  QueryEc2(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::string>> terminate_instance(std::string id) override {
    return change("TerminateInstances", std::move(id));
  }
  Awaitable<Result<std::string>> stop_instance(std::string id) override {
    return change("StopInstances", std::move(id));
  }

  Awaitable<Result<std::string>> shutdown_behavior(std::string id) override {
    const std::string action = "DescribeInstanceAttribute";
    Form form{{"InstanceId", id}, {"Attribute", "instanceInitiatedShutdownBehavior"}};
    auto xml = co_await call(action, id, std::move(form));
    if (!xml) co_return fail(std::move(xml).error());
    auto value = child_text(xml->root().child("instanceInitiatedShutdownBehavior"), "value");
    if (child_text(xml->root(), "instanceId") != id)
      co_return odd_reply(action + " " + id, "is of another instance");
    if (value != "stop" && value != "terminate")
      co_return odd_reply(action + " " + id, "says \"" + printable(value, 40) + "\"");
    co_return value;
  }

  Awaitable<Result<std::vector<Volume>>> volumes(std::string id) override {
    const std::string action = "DescribeInstanceAttribute";
    Form form{{"InstanceId", id}, {"Attribute", "blockDeviceMapping"}};
    auto xml = co_await call(action, id, std::move(form));
    if (!xml) co_return fail(std::move(xml).error());
    if (child_text(xml->root(), "instanceId") != id)
      co_return odd_reply(action + " " + id, "is of another instance");
    const auto devices = xml->root().child("blockDeviceMapping");
    // One without volumes has an empty element.
    if (!devices) co_return odd_reply(action + " " + id, "doesn't tell of volumes");
    std::vector<Volume> volumes;
    for (const auto item : devices.children("item")) {
      const auto ebs = item.child("ebs");
      Volume volume{child_text(ebs, "volumeId"), child_text(item, "deviceName"),
                    child_text(ebs, "deleteOnTermination") == "true"};
      if (!volume.id.starts_with("vol-") || volume.id.size() > 40)
        co_return odd_reply(action + " " + id, "names the volume \"" + printable(volume.id, 40) + "\"");
      if (volumes.size() == k_most_volumes)
        co_return odd_reply(action + " " + id, "names more than 64 volumes");
      volumes.push_back(std::move(volume));
    }
    co_return volumes;
  }

  Awaitable<Result<std::vector<EbsVolume>>> describe_volumes(std::vector<std::string> ids) override {
    const std::string action = "DescribeVolumes";
    if (ids.empty()) co_return std::vector<EbsVolume>{};
    if (ids.size() > k_most_volumes)
      co_return fail(ErrorKind::invalid_input, action, "more than 64 volumes are asked for");
    Form form;
    for (const auto& id : ids) {
      if (!is_volume_id(id))
        co_return fail(ErrorKind::invalid_input, action + " " + printable(id, 40), "that is no volume's id");
      form.emplace_back("VolumeId." + std::to_string(form.size() + 1), id);
    }
    auto what = action + " " + ids.front();
    if (ids.size() > 1) what += " and " + std::to_string(ids.size() - 1) + " more";
    auto xml = co_await post(action, what, std::move(form));
    if (!xml) co_return fail(std::move(xml).error());
    auto volumes = volumes_in(xml->root(), ids);
    if (!volumes) co_return fail(std::move(volumes).error().within(what));
    co_return volumes;
  }

  Awaitable<Result<Instance>> describe_instance(std::string id) override {
    const std::string action = "DescribeInstances";
    Form form{{"InstanceId.1", id}};
    auto xml = co_await call(action, id, std::move(form));
    if (!xml) co_return fail(std::move(xml).error());
    auto instance = instance_in(xml->root(), id);
    if (!instance) co_return fail(std::move(instance).error().within(action + " " + id));
    co_return instance;
  }

  Awaitable<Result<std::string>> instance_state(std::string id) override {
    const std::string action = "DescribeInstances";
    Form form{{"InstanceId.1", id}};
    auto xml = co_await call(action, id, std::move(form));
    if (!xml) co_return fail(std::move(xml).error());
    const auto reservations = xml->root().child("reservationSet");
    if (!reservations) co_return odd_reply(action + " " + id, "has no reservationSet");
    for (const auto reservation : reservations.children("item")) {
      auto state = state_in(reservation.child("instancesSet"), id, "instanceState");
      if (is_instance_state(state)) co_return state;
      if (!state.empty())
        co_return odd_reply(action + " " + id, "has the state \"" + printable(state, 40) + "\"");
    }
    co_return fail(ErrorKind::not_found, action + " " + id, "EC2 doesn't know it");
  }

 private:
  Awaitable<Result<std::string>> change(std::string action, std::string id) {
    Form form{{"InstanceId.1", id}};
    auto xml = co_await call(action, id, std::move(form));
    if (!xml) co_return fail(std::move(xml).error());
    auto state = state_in(xml->root().child("instancesSet"), id, "currentState");
    if (!is_instance_state(state))
      co_return odd_reply(action + " " + id, "doesn't tell the instance's state");
    co_return state;
  }

  // About one instance.
  Awaitable<Result<Xml>> call(std::string action, std::string id, Form form) {
    auto what = action + " " + printable(id, 40);
    if (!is_instance_id(id)) co_return fail(ErrorKind::invalid_input, what, "that is no instance's id");
    auto xml = co_await post(std::move(action), std::move(what), std::move(form));
    co_return std::move(xml);
  }

  Awaitable<Result<Xml>> post(std::string action, std::string what, Form form) {
    Query query{what, "ec2", region_, "2016-11-15", action, std::move(form)};
    auto asking = ask_for_xml(session_, std::move(query), k_limits, k_total);
    auto body = co_await std::move(asking);
    if (!body) co_return fail(std::move(body).error());
    auto xml = Xml::take(std::move(*body), action + "Response");
    if (!xml) co_return fail(std::move(xml).error().within(what));
    co_return std::move(*xml);
  }

  Session& session_;
  std::string region_;
};

}  // namespace

std::unique_ptr<Ec2> make_ec2(Session& session, std::string region) {
  return std::make_unique<QueryEc2>(session, std::move(region));
}

}  // namespace curfew::aws
