// The lists' documents. The names of elements are EC2's (botocore's service model, locationName).
#include "aws/ec2_inventory_replies.hpp"

#include <algorithm>
#include <array>

#include "aws/core/endpoints.hpp"
#include "aws/core/row_cutter.hpp"
#include "aws/core/xml.hpp"
#include "aws/ec2.hpp"
#include "aws/ec2_replies.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_most_devices = 256;      // volumes; the largest types take 128
constexpr std::size_t k_most_addresses = 2'048;  // 15 interfaces with 50 addresses each, and room
constexpr std::size_t k_most_attachments = 64;   // Multi-Attach: 16
constexpr std::size_t k_longest_text = 200;
constexpr std::size_t k_longest_word = 64;
constexpr std::size_t k_longest_price = 32;
constexpr std::int64_t k_most_micros = 1'000'000'000'000;  // a million dollars an hour

constexpr std::string_view k_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

tl::unexpected<Error> broken(std::string why) {
  return fail(ErrorKind::unavailable, "read the reply", std::move(why));
}

// Hands each <item> of a list to `read`, which returns a Status.
template <class Read>
Status each_item(const pugi::xml_node& parent, const char* list, std::size_t most, const Read& read) {
  const auto node = parent.child(list);
  if (!node) return broken(std::string("it has no ") + list);
  std::size_t count = 0;
  if (!trimmed(node.text().get()).empty()) return odd(list, node.text().get());
  for (const auto item : node.children()) {
    if (std::string_view(item.name()) != "item") return odd(list, item.name());
    if (++count > most)
      return broken(std::string(list) + " has more than " + std::to_string(most) + " items");
    if (auto status = read(item); !status) return status;
  }
  return {};
}

// The same, of a list that may be missing.
template <class Read>
Status each_item_if_any(const pugi::xml_node& parent, const char* list, std::size_t most, Read read) {
  return parent.child(list) ? each_item(parent, list, most, read) : Status();
}

// `read` adds what an item of the list says to the page: a row, or those of a reservation.
template <class Row>
class ListReader final : public PageReader<Row> {
 public:
  using Read = Status (*)(const pugi::xml_node& item, Page<Row>& page);
  ListReader(const char* root, const char* list, Read read, bool may_be_empty = true)
      : root_(root),
        list_(list),
        read_(read),
        may_be_empty_(may_be_empty),
        cutter_(list, [this](char* text, std::size_t size) { return read_row(text, size); }) {}

  void take(std::string_view piece) override { cutter_.take(piece); }

  Result<Page<Row>> finish() override {
    auto frame = cutter_.frame();
    if (!frame) return fail(std::move(frame).error());
    const auto xml = Xml::take(std::move(*frame), root_);
    if (!xml) return fail(xml.error());
    // Its rows are out of it.
    const auto none = [](const pugi::xml_node&) { return Status(); };
    if (auto empty = each_item(xml->root(), list_, 0, none); !empty) return fail(std::move(empty).error());
    if (page_.rows.empty() && !may_be_empty_) return broken(std::string(list_) + " is empty");
    page_.next = child_view(xml->root(), "nextToken");
    return std::move(page_);
  }

 private:
  Status read_row(char* text, std::size_t size) {
    const auto xml = Xml::in_place(text, size, "item");
    if (!xml) return fail(xml.error());
    if (auto status = read_(xml->root(), page_); !status) return status;
    if (page_.rows.size() > k_most_rows)
      return broken(std::string(list_) + " has more than " + std::to_string(k_most_rows) + " items");
    return {};
  }

  const char* root_;
  const char* list_;
  Read read_;
  bool may_be_empty_;
  Page<Row> page_;
  RowCutter cutter_;
};

// Of a list each of whose items is a row.
template <class Row, Result<Row> (*Make)(const pugi::xml_node&)>
Status add_row(const pugi::xml_node& item, Page<Row>& page) {
  auto row = Make(item);
  if (!row) return fail(std::move(row).error());
  page.rows.push_back(std::move(*row));
  return {};
}

std::string shortened(std::string_view text) { return std::string(text.substr(0, k_longest_text)); }

// "x86_64", "RunInstances:0010": a word, or nothing.
Result<std::string> word_in(const pugi::xml_node& node, const char* name) {
  const auto text = child_view(node, name);
  if (text.empty()) return std::string();
  const bool good = text.size() <= k_longest_word && std::all_of(text.begin(), text.end(), [](char c) {
                      return k_letters.find(c) != std::string_view::npos || (c >= '0' && c <= '9') ||
                             c == '_' || c == ':' || c == '-' || c == '.';
                    });
  if (!good) return odd(name, text);
  return std::string(text);
}

Result<bool> flag_in(const pugi::xml_node& node, const char* name) {
  const auto text = child_view(node, name);
  if (text != "true" && text != "false") return odd(name, text);
  return text == "true";
}

BoughtAs bought_as_from(std::string_view text) {
  if (text.empty()) return BoughtAs::on_demand;  // EC2 leaves the element out
  if (text == "spot") return BoughtAs::spot;
  if (text == "scheduled") return BoughtAs::scheduled;
  return text == "capacity-block" ? BoughtAs::capacity_block : BoughtAs::other;
}

Tenancy tenancy_from(std::string_view text) {
  if (text.empty() || text == "default") return Tenancy::shared;
  if (text == "dedicated") return Tenancy::dedicated;
  return text == "host" ? Tenancy::host : Tenancy::other;
}

Result<std::string> platform_of(const pugi::xml_node& item) {
  const auto details = child_view(item, "platformDetails");
  if (details.empty()) return std::string(child_view(item, "platform") == "windows" ? "Windows" : "");
  if (!is_platform(details)) return odd("platformDetails", details);
  return std::string(details);
}

Status read_tags(const pugi::xml_node& item, TagList& tags) {
  return each_item_if_any(item, "tagSet", k_most_tags, [&](const pugi::xml_node& tag) -> Status {
    // As they are: white space around a value belongs to it.
    const std::string_view key = tag.child("key").text().get();
    const std::string_view value = tag.child("value").text().get();
    if (key.empty() || key.size() > k_longest_tag_key) return odd("a tag's key", key);
    if (value.size() > k_longest_tag_value) return odd("a tag's value", value);
    tags.add(key, value);
    return {};
  });
}

Status read_volumes(const pugi::xml_node& item, std::vector<std::string>& volumes) {
  return each_item_if_any(item, "blockDeviceMapping", k_most_devices,
                          [&](const pugi::xml_node& device) -> Status {
                            const auto id = child_view(device.child("ebs"), "volumeId");
                            if (!is_volume_id(id)) return odd("volumeId", id);
                            volumes.emplace_back(id);
                            return {};
                          });
}

// Of an <association>, if there is one: an address that is in use.
Status read_association(const pugi::xml_node& holder, std::vector<std::string_view>& addresses) {
  const auto address = child_view(holder.child("association"), "publicIp");
  if (address.empty()) return {};  // none, or a carrier's
  if (!is_ipv4(address)) return odd("publicIp", address);
  addresses.push_back(address);
  return {};
}

// The interface's own association is told again with its primary private address.
Result<std::uint32_t> count_addresses(const pugi::xml_node& item) {
  std::vector<std::string_view> addresses;
  if (const auto primary = child_view(item, "ipAddress"); !primary.empty()) addresses.push_back(primary);
  const auto status = each_item_if_any(
      item, "networkInterfaceSet", k_most_addresses, [&](const pugi::xml_node& network) -> Status {
        if (auto own = read_association(network, addresses); !own) return own;
        return each_item_if_any(
            network, "privateIpAddressesSet", k_most_addresses,
            [&](const pugi::xml_node& address) { return read_association(address, addresses); });
      });
  if (!status) return fail(status.error());
  std::sort(addresses.begin(), addresses.end());
  return static_cast<std::uint32_t>(std::unique(addresses.begin(), addresses.end()) - addresses.begin());
}

Status read_placement(const pugi::xml_node& item, ListedInstance& instance) {
  const auto placement = item.child("placement");
  const auto zone = child_view(placement, "availabilityZone");
  if (!is_zone(zone)) return odd("availabilityZone", zone);
  instance.zone = zone;
  instance.tenancy = tenancy_from(child_view(placement, "tenancy"));
  return {};
}

Status read_words(const pugi::xml_node& item, ListedInstance& instance) {
  auto platform = platform_of(item);
  if (!platform) return fail(std::move(platform).error());
  instance.platform_details = std::move(*platform);
  auto operation = word_in(item, "usageOperation");
  if (!operation) return fail(std::move(operation).error());
  instance.usage_operation = std::move(*operation);
  auto architecture = word_in(item, "architecture");
  if (!architecture) return fail(std::move(architecture).error());
  instance.architecture = std::move(*architecture);
  const auto request = child_view(item, "spotInstanceRequestId");
  if (!request.empty() && !is_spot_request_id(request)) return odd("spotInstanceRequestId", request);
  instance.spot_request = request;
  return {};
}

void read_reasons(const pugi::xml_node& item, ListedInstance& instance) {
  instance.reason = shortened(child_view(item, "reason"));
  instance.reason_code = shortened(child_view(item.child("stateReason"), "code"));
  const auto manager = item.child("operator");
  if (child_view(manager, "managed") != "true") return;
  instance.managed_by = shortened(child_view(manager, "principal"));
  if (instance.managed_by.empty()) instance.managed_by = "another service";
}

Status read_instance(const pugi::xml_node& item, ListedInstance& instance) {
  const auto state = child_view(item.child("instanceState"), "name");
  const auto known = instance_state_from(state);
  if (!known) return odd("instanceState", state);
  instance.state = *known;
  instance.type = child_view(item, "instanceType");
  if (!is_instance_type(instance.type)) return odd("instanceType", instance.type);
  const auto launched = time_in(item, "launchTime");
  if (!launched) return fail(launched.error());
  instance.launched = *launched;
  instance.bought_as = bought_as_from(child_view(item, "instanceLifecycle"));
  if (auto status = read_placement(item, instance); !status) return status;
  if (auto status = read_words(item, instance); !status) return status;
  instance.public_ipv4 = child_view(item, "ipAddress");
  if (!instance.public_ipv4.empty() && !is_ipv4(instance.public_ipv4))
    return odd("ipAddress", instance.public_ipv4);
  const auto addresses = count_addresses(item);
  if (!addresses) return fail(addresses.error());
  instance.public_ipv4s = *addresses;
  if (auto status = read_volumes(item, instance.volumes); !status) return status;
  read_reasons(item, instance);
  return read_tags(item, instance.tags);
}

Status read_attachments(const pugi::xml_node& item, ListedVolume& volume) {
  return each_item_if_any(item, "attachmentSet", k_most_attachments,
                          [&](const pugi::xml_node& attached) -> Status {
                            const auto instance = child_view(attached, "instanceId");
                            if (instance.empty()) return {};  // to a resource of another service
                            if (!is_instance_id(instance)) return odd("instanceId", instance);
                            Attachment attachment{std::string(instance), std::nullopt};
                            if (attached.child("deleteOnTermination")) {
                              const auto goes = flag_in(attached, "deleteOnTermination");
                              if (!goes) return fail(goes.error());
                              attachment.delete_on_termination = *goes;
                            }
                            volume.attachments.push_back(std::move(attachment));
                            return {};
                          });
}

Result<ListedVolume> volume_row(const pugi::xml_node& item) {
  auto facts = volume_from(item);
  if (!facts) return fail(std::move(facts).error());
  if (!is_volume_id(facts->id)) return odd("volumeId", facts->id);
  ListedVolume volume;
  volume.id = std::move(facts->id);
  volume.type = std::move(facts->type);
  volume.gib = facts->gib;
  volume.iops = facts->iops;
  volume.throughput = facts->throughput;
  static constexpr std::array<std::string_view, 6> k_states{"creating", "available", "in-use",
                                                            "deleting", "deleted",   "error"};
  volume.state = child_view(item, "status");
  if (std::find(k_states.begin(), k_states.end(), volume.state) == k_states.end())
    return odd("status", volume.state);
  volume.zone = child_view(item, "availabilityZone");
  if (!is_zone(volume.zone)) return odd("availabilityZone", volume.zone);
  const auto created = time_in(item, "createTime");
  if (!created) return fail(created.error());
  volume.created = *created;
  if (auto status = read_attachments(item, volume); !status) return fail(std::move(status).error());
  return volume;
}

// "0.302300", and with more decimals than EC2 writes: rounded up, so that nothing is free.
std::optional<Micros> price_from(std::string_view text) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto whole = parse_number(text.substr(0, dot));
  auto decimals = dot < text.size() ? text.substr(dot + 1) : "0";
  if (!whole || text.size() > k_longest_price || !all_in(decimals, "0123456789")) return {};
  if (*whole >= static_cast<std::uint64_t>(k_most_micros / 1'000'000)) return {};
  Micros price{static_cast<std::int64_t>(*whole) * 1'000'000};
  for (std::int64_t unit = 100'000; unit > 0 && !decimals.empty(); unit /= 10, decimals.remove_prefix(1))
    price.count += unit * (decimals.front() - '0');
  if (decimals.find_first_not_of('0') != std::string_view::npos) ++price.count;
  if (price.count == 0) return {};
  return price;
}

Result<SpotPricePoint> price_row(const pugi::xml_node& item) {
  SpotPricePoint point;
  point.type = child_view(item, "instanceType");
  if (!is_instance_type(point.type)) return odd("instanceType", point.type);
  point.product = child_view(item, "productDescription");
  if (!is_platform(point.product)) return odd("productDescription", point.product);
  point.zone = child_view(item, "availabilityZone");
  if (!is_zone(point.zone)) return odd("availabilityZone", point.zone);
  const auto since = time_in(item, "timestamp");
  if (!since) return fail(since.error());
  point.since = *since;
  const auto text = child_view(item, "spotPrice");
  const auto price = price_from(text);
  if (!price) return odd("spotPrice", text);
  point.per_hour = *price;
  return point;
}

Result<ListedRegion> region_row(const pugi::xml_node& item) {
  ListedRegion region;
  region.name = child_view(item, "regionName");
  if (!is_region(region.name)) return odd("regionName", region.name);
  const auto opt_in = child_view(item, "optInStatus");
  if (opt_in.empty() || opt_in == "opt-in-not-required") region.opt_in = OptIn::not_required;
  else if (opt_in == "opted-in") region.opt_in = OptIn::opted_in;
  else region.opt_in = opt_in == "not-opted-in" ? OptIn::not_opted_in : OptIn::other;
  return region;
}

Status add_reservation(const pugi::xml_node& reservation, Page<ListedInstance>& page) {
  const auto owner = child_view(reservation, "ownerId");
  if (!is_account(owner)) return odd("ownerId", owner);
  return each_item(reservation, "instancesSet", k_most_rows, [&](const pugi::xml_node& item) -> Status {
    ListedInstance instance;
    instance.id = child_view(item, "instanceId");
    if (!is_instance_id(instance.id)) return odd("instanceId", instance.id);
    instance.account = owner;
    if (auto status = read_instance(item, instance); !status)
      return fail(std::move(status).error().within(instance.id));
    page.rows.push_back(std::move(instance));
    return {};
  });
}

// The only item of a list, whose `id_name` is `id`.
Result<pugi::xml_node> only_item(const Xml& xml, const char* list, const char* id_name, std::string_view id) {
  pugi::xml_node found;
  const auto status = each_item(xml.root(), list, 1, [&](const pugi::xml_node& item) -> Status {
    if (child_view(item, id_name) != id) return odd(id_name, child_view(item, id_name));
    found = item;
    return {};
  });
  if (!status) return fail(status.error());
  if (!found) return fail(ErrorKind::not_found, "read the reply", "EC2 doesn't know it");
  return found;
}

}  // namespace

bool is_spot_request_id(std::string_view text) {
  return text.starts_with("sir-") && text.size() >= 12 && text.size() <= 21 &&
         all_in(text.substr(4), k_lower_and_digits);
}

bool is_platform(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_word && std::all_of(text.begin(), text.end(), [](char c) {
    return k_letters.find(c) != std::string_view::npos ||
           std::string_view("0123456789 /()+-.,").find(c) != std::string_view::npos;
  });
}

ReadsRegions regions_reader() {
  return std::make_unique<ListReader<ListedRegion>>("DescribeRegionsResponse", "regionInfo",
                                                    add_row<ListedRegion, region_row>, false);
}

ReadsInstances instances_reader() {
  return std::make_unique<ListReader<ListedInstance>>("DescribeInstancesResponse", "reservationSet",
                                                      add_reservation);
}

ReadsVolumes volumes_reader() {
  return std::make_unique<ListReader<ListedVolume>>("DescribeVolumesResponse", "volumeSet",
                                                    add_row<ListedVolume, volume_row>);
}

ReadsSpotPrices spot_prices_reader() {
  return std::make_unique<ListReader<SpotPricePoint>>(
      "DescribeSpotPriceHistoryResponse", "spotPriceHistorySet", add_row<SpotPricePoint, price_row>);
}

Result<bool> parse_termination_protection(std::string text, std::string_view instance) {
  const auto xml = Xml::take(std::move(text), "DescribeInstanceAttributeResponse");
  if (!xml) return fail(xml.error());
  if (const auto id = child_view(xml->root(), "instanceId"); id != instance) return odd("instanceId", id);
  return flag_in(xml->root().child("disableApiTermination"), "value");
}

Result<SpotRequest> parse_spot_request(std::string text, std::string_view id) {
  const auto xml = Xml::take(std::move(text), "DescribeSpotInstanceRequestsResponse");
  if (!xml) return fail(xml.error());
  const auto item = only_item(*xml, "spotInstanceRequestSet", "spotInstanceRequestId", id);
  if (!item) return fail(item.error());
  SpotRequest request;
  request.id = id;
  request.state = child_view(*item, "state");
  static constexpr std::array<std::string_view, 6> k_states{"open",      "active", "closed",
                                                            "cancelled", "failed", "disabled"};
  if (std::find(k_states.begin(), k_states.end(), request.state) == k_states.end())
    return odd("state", request.state);
  const auto type = child_view(*item, "type");
  if (type != "one-time" && type != "persistent") return odd("type", type);
  request.persistent = type == "persistent";
  request.instance = child_view(*item, "instanceId");
  if (!request.instance.empty() && !is_instance_id(request.instance))
    return odd("instanceId", request.instance);
  return request;
}

Result<std::string> parse_cancelled_spot_request(std::string text, std::string_view id) {
  const auto xml = Xml::take(std::move(text), "CancelSpotInstanceRequestsResponse");
  if (!xml) return fail(xml.error());
  const auto item = only_item(*xml, "spotInstanceRequestSet", "spotInstanceRequestId", id);
  if (!item) return fail(item.error());
  const auto state = child_view(*item, "state");
  static constexpr std::array<std::string_view, 5> k_states{"active", "open", "closed", "cancelled",
                                                            "completed"};
  if (std::find(k_states.begin(), k_states.end(), state) == k_states.end()) return odd("state", state);
  return std::string(state);
}

}  // namespace curfew::aws
