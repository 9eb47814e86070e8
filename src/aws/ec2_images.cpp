// DescribeImages.
#include "aws/ec2_images.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "aws/core/xml.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/query_pages.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr PageLimits k_limits{
    {Millis{5'000}, Millis{10'000}, Millis{20'000}, 8U << 20U}, Millis{30'000}, Millis{60'000}, 20};
constexpr const char* k_page_size = "500";
constexpr std::size_t k_most_images = 10'000;  // of a page: not every stand-in for EC2 cuts its lists
constexpr std::size_t k_most_devices = 32;
constexpr std::size_t k_longest_name = 200;
constexpr std::uint64_t k_most_gib = 65'536;
// "Create an AMI": 3 to 128 of these.
constexpr std::string_view k_name_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789()[] ./-'@_";
constexpr std::size_t k_longest_pattern = 128;

std::string cut(std::string text) {
  if (text.size() > k_longest_name) text.resize(k_longest_name);
  return text;
}

Result<Image> image_from(const pugi::xml_node& item) {
  Image image;
  image.id = child_text(item, "imageId");
  image.name = cut(child_text(item, "name"));
  image.architecture = child_text(item, "architecture");
  image.state = child_text(item, "imageState");
  image.root_device = child_text(item, "rootDeviceName");
  if (!is_image_id(image.id)) return odd("imageId", image.id);
  if (image.root_device.size() > k_longest_name) return odd("rootDeviceName", image.root_device);
  if (const auto created = parse_utc(child_text(item, "creationDate"))) image.created = *created;
  for (const auto one : item.child("blockDeviceMapping").children("item")) {
    ImageDevice device{child_text(one, "deviceName"), 0, !one.child("ebs").empty()};
    const auto gib = number_in(one.child("ebs"), "volumeSize", k_most_gib);
    if (!gib) return fail(gib.error());
    device.gib = gib->value_or(0);
    if (device.name.empty() || device.name.size() > k_longest_name) return odd("deviceName", device.name);
    if (image.devices.size() == k_most_devices) return odd("blockDeviceMapping", "more devices than any has");
    image.devices.push_back(std::move(device));
  }
  return image;
}

// Of the same moment the one with the larger id, so that every launch takes the same.
bool is_older(const Image& a, const Image& b) {
  return std::tie(a.created, a.id) < std::tie(b.created, b.id);
}

class QueryEc2Images final : public Ec2Images {
 public:
  QueryEc2Images(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<Image>> image(std::string id) override {
    const std::string what = "DescribeImages " + printable(id, 40) + " in " + region_;
    if (!is_image_id(id)) co_return fail(ErrorKind::invalid_input, what, "that is no image's id");
    Form form{{"ImageId.1", id}};
    auto asking = ask_for_all(session_, query_of(what, std::move(form)), k_limits, parse_images);
    auto told = co_await std::move(asking);
    if (!told) co_return fail(std::move(told.error()));
    for (auto& image : *told)
      if (image.id == id) co_return std::move(image);
    co_return fail(ErrorKind::not_found, what,
                   "there is no such image, or it isn't shared with this account");
  }

  Awaitable<Result<Image>> newest(ImagePattern pattern, std::string architecture) override {
    const std::string what = "DescribeImages \"" + printable(pattern.name, 140) + "\" in " + region_;
    Form form{{"MaxResults", k_page_size}};
    std::string owners;
    for (const auto& owner : pattern.owners) {
      form.emplace_back("Owner." + std::to_string(form.size()), owner);
      owners += (owners.empty() ? "" : " or ") + owner;
    }
    if (owners.empty()) co_return fail(ErrorKind::invalid_input, what, "no owner is named");
    int number = 0;
    const auto filter = [&form, &number](const char* name, const std::string& value) {
      const auto parameter = "Filter." + std::to_string(++number);
      form.emplace_back(parameter + ".Name", name);
      form.emplace_back(parameter + ".Value.1", value);
    };
    filter("name", pattern.name);
    filter("architecture", architecture);
    filter("state", k_available);
    auto asking = ask_for_all(session_, query_of(what, std::move(form)), k_limits, parse_images);
    auto told = co_await std::move(asking);
    if (!told) co_return fail(std::move(told.error()));
    // What doesn't fit was not asked for; a stand-in for EC2 may know no such filter.
    std::erase_if(*told, [&architecture](const Image& image) {
      return image.architecture != architecture || image.state != k_available;
    });
    const auto youngest = std::max_element(told->begin(), told->end(), is_older);
    if (youngest == told->end())
      co_return fail(
          ErrorKind::not_found, what,
          "no image of that name for " + architecture + " belongs to " + owners + ", or it isn't available",
          "OWNER:NAME names another owner, as 099720109477:ubuntu/images/*");
    co_return std::move(*youngest);
  }

 private:
  [[nodiscard]] Query query_of(std::string what, Form form) const {
    return {std::move(what), "ec2", region_, "2016-11-15", "DescribeImages", std::move(form)};
  }

  static inline const std::string k_available = "available";
  Session& session_;
  std::string region_;
};

}  // namespace

bool is_image_id(std::string_view text) { return is_resource_id(text, "ami-"); }

std::optional<ImagePattern> parse_image_pattern(std::string_view text) {
  ImagePattern pattern{{"self", "amazon"}, {}};
  const auto colon = text.find(':');
  const bool names_owner = colon != std::string_view::npos;
  if (names_owner) {
    const auto owner = text.substr(0, colon);
    if (owner != "self" && owner != "amazon" && !is_account(owner)) return std::nullopt;
    pattern.owners = {std::string(owner)};
    text.remove_prefix(colon + 1);
  } else if (text.find_first_of("*?") == std::string_view::npos) {
    return std::nullopt;
  }
  const auto is_letter = [](char c) {
    return k_name_letters.find(c) != std::string_view::npos || c == '*' || c == '?';
  };
  // A pattern that takes any image has forgotten something.
  const bool says_something = text.find_first_not_of("*?") != std::string_view::npos;
  if (text.size() > k_longest_pattern || !says_something || !std::all_of(text.begin(), text.end(), is_letter))
    return std::nullopt;
  pattern.name = text;
  return pattern;
}

Result<Page<Image>> parse_images(std::string_view text) {
  const auto xml = Xml::parse(text, "DescribeImagesResponse");
  if (!xml) return fail(Error{xml.error()});
  const auto list = xml->root().child("imagesSet");
  if (list.empty()) return odd("imagesSet", "isn't there");
  Page<Image> page;
  for (const auto item : list.children("item")) {
    auto image = image_from(item);
    if (!image) return fail(std::move(image).error());
    if (page.rows.size() == k_most_images) return odd("imagesSet", "more than a page holds");
    page.rows.push_back(std::move(*image));
  }
  page.next = child_text(xml->root(), "nextToken");
  return page;
}

std::unique_ptr<Ec2Images> make_ec2_images(Session& session, std::string region) {
  return std::make_unique<QueryEc2Images>(session, std::move(region));
}

}  // namespace curfew::aws
