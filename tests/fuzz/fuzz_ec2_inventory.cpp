// Whatever EC2, or something between, may answer where lists are asked for.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/core/endpoints.hpp"
#include "aws/ec2.hpp"
#include "aws/ec2_inventory_replies.hpp"
#include "aws/pages.hpp"
#include "aws/reply_fields.hpp"

namespace {

using namespace curfew;

void check(bool holds) {
  if (!holds) std::abort();
}

// What can't be read is an error that is safe to show, and may be tried again.
template <class T>
bool is_read(const Result<T>& result) {
  if (result) return true;
  check(result.error().kind == ErrorKind::unavailable || result.error().kind == ErrorKind::not_found);
  for (const char c : result.error().text()) check(static_cast<unsigned char>(c) >= 0x20);
  return false;
}

// Whole, and in pieces: the same comes of it.
template <class Reader>
auto read_page(Reader (*make)(), std::string_view text) {
  const auto by = [&](std::size_t piece) {
    auto reader = make();
    for (std::size_t at = 0; at < text.size(); at += piece) reader->take(text.substr(at, piece));
    return reader->finish();
  };
  auto whole = by(std::max<std::size_t>(text.size(), 1));
  const auto pieces = by(7);
  check(whole.has_value() == pieces.has_value());
  if (whole) check(whole->rows.size() == pieces->rows.size() && whole->next == pieces->next);
  return whole;
}

void check_instance(const aws::ListedInstance& instance) {
  check(aws::is_instance_id(instance.id) && aws::is_instance_type(instance.type));
  check(aws::is_zone(instance.zone) && aws::is_account(instance.account));
  check(instance.public_ipv4.empty() || (aws::is_ipv4(instance.public_ipv4) && instance.public_ipv4s > 0));
  check(instance.platform_details.empty() || aws::is_platform(instance.platform_details));
  check(instance.spot_request.empty() || aws::is_spot_request_id(instance.spot_request));
  check(instance.reason.size() <= 200 && instance.reason_code.size() <= 200);
  for (const auto& id : instance.volumes) check(aws::is_volume_id(id));
  check(instance.tags.size() <= aws::k_most_tags);
  std::size_t count = 0;
  for (const auto tag : instance.tags) {
    ++count;
    check(!tag.key.empty() && tag.key.size() <= aws::k_longest_tag_key);
    check(tag.value.size() <= aws::k_longest_tag_value && instance.tags.find(tag.key));
  }
  check(count == instance.tags.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto page = read_page(aws::instances_reader, text); is_read(page)) {
    check(page->rows.size() <= aws::k_most_rows);
    for (const auto& instance : page->rows) check_instance(instance);
    aws::PageRule rule("list");
    if (const auto next = rule.after(page->next); is_read(next) && *next == aws::NextPage::ask)
      check(!rule.after(page->next));
  }
  if (const auto page = read_page(aws::volumes_reader, text); is_read(page))
    for (const auto& volume : page->rows) {
      check(aws::is_volume_id(volume.id) && volume.gib > 0 && volume.gib <= 65'536);
      check(aws::is_volume_type(volume.type) && aws::is_zone(volume.zone));
      for (const auto& attachment : volume.attachments) check(aws::is_instance_id(attachment.instance));
    }
  if (const auto page = read_page(aws::spot_prices_reader, text); is_read(page))
    for (const auto& point : page->rows) {
      check(point.per_hour.count > 0 && aws::is_zone(point.zone));
      check(aws::is_instance_type(point.type) && aws::is_platform(point.product));
    }
  if (const auto page = read_page(aws::regions_reader, text); is_read(page)) {
    check(!page->rows.empty());
    for (const auto& region : page->rows) check(aws::is_region(region.name));
  }
  (void)is_read(aws::parse_termination_protection(text, "i-01234567"));
  if (const auto request = aws::parse_spot_request(text, "sir-01234567"); is_read(request))
    check(request->id == "sir-01234567" &&
          (request->instance.empty() || aws::is_instance_id(request->instance)));
  (void)is_read(aws::parse_cancelled_spot_request(text, "sir-01234567"));
  return 0;
}
