// Region by region, all at once.
#include "cli/launch_findings.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "aws/ec2_images.hpp"
#include "aws/ec2_inventory.hpp"
#include "aws/ec2_offerings.hpp"
#include "aws/pages.hpp"
#include "aws/ssm.hpp"
#include "base/text.hpp"
#include "cli/launch_quotas.hpp"
#include "launch/image.hpp"
#include "pricing/list_prices.hpp"
#include "watch/lanes.hpp"

namespace curfew::cli {
namespace {

constexpr const char* k_product = "Linux/UNIX";
constexpr std::size_t k_most_pages = 20;
constexpr std::size_t k_at_once = 16;

net::Awaitable<Result<aws::Image>> find_image(aws::Session& session, const launch::Wishes& wishes,
                                              const std::string& region, const aws::InstanceTypeInfo& type) {
  const auto images = aws::make_ec2_images(session, region);
  if (const auto pattern = aws::parse_image_pattern(wishes.image)) {
    auto searching = images->newest(*pattern, launch::architecture_of(type));
    auto newest = co_await std::move(searching);
    if (!newest) co_return fail(std::move(newest.error()).within("--image " + wishes.image));
    co_return std::move(newest);
  }
  std::vector<std::string> names;
  if (wishes.image == "auto") names = launch::image_parameters(type);
  else if (!aws::is_image_id(wishes.image)) names.push_back(wishes.image.substr(4));
  std::string id = names.empty() ? wishes.image : std::string{};
  const auto ssm = aws::make_ssm(session, region);
  std::optional<Error> why;
  for (const auto& name : names) {
    auto value = co_await ssm->parameter(name);
    if (value) {
      id = trimmed(*value);
      if (aws::is_image_id(id)) break;
      co_return fail(ErrorKind::invalid_input, "--image " + wishes.image,
                     "the parameter holds \"" + printable(*value, 60) + "\", which is no image's id");
    }
    if (!why) why = std::move(value.error());
    if (why->kind != ErrorKind::not_found) break;
  }
  if (id.empty()) {
    why->hint = "--image ami-… names one";
    co_return fail(std::move(*why).within("--image " + wishes.image));
  }
  auto image = co_await images->image(std::move(id));
  co_return std::move(image);
}

using Prices = std::map<std::string, std::map<std::string, Micros>>;  // by type, then by zone

// The newest price of each zone.
net::Awaitable<Result<Prices>> find_spot_prices(aws::Session& session, std::vector<std::string> types,
                                                std::string region) {
  const auto inventory = aws::make_ec2_inventory(session, region);
  const auto now = session.clock.wall() + session.skew;
  std::map<std::pair<std::string, std::string>, aws::SpotPricePoint> newest;
  aws::PageRule rule("DescribeSpotPriceHistory in " + region, k_most_pages);
  for (std::string token;;) {
    aws::SpotPriceQuery query;
    query.types = types;
    query.products.emplace_back(k_product);
    query.from = now;
    query.to = now;
    auto page = co_await inventory->spot_prices(std::move(query), token);
    if (!page) co_return fail(std::move(page.error()));
    for (auto& row : page->rows) {
      auto& kept = newest[{row.type, row.zone}];
      if (kept.type.empty() || kept.since < row.since) kept = std::move(row);
    }
    const auto next = rule.after(page->next);
    if (!next) co_return fail(Error{next.error()});
    if (*next == aws::NextPage::none) break;
    token = std::move(page->next);
  }
  Prices prices;
  for (const auto& [key, point] : newest) prices[key.first][key.second] = point.per_hour;
  co_return prices;
}

// "us-east-1a", but no local zone's "us-east-1-bos-1a": the default VPC has no subnet there.
bool is_ordinary(const std::string& zone, const std::string& region) {
  return zone.size() == region.size() + 1 && zone.starts_with(region);
}

// The zones of each type that may be asked, of the types that are offered there at all; what is not, is noted.
std::vector<std::pair<std::string, std::vector<std::string>>> choose_zones(
    const launch::Wishes& wishes, const std::string& region, const std::vector<aws::Offering>& offerings,
    std::vector<std::string>& left_out) {
  std::vector<std::pair<std::string, std::vector<std::string>>> chosen;
  for (const auto& type : wishes.types) {
    std::vector<std::string> offered;
    for (const auto& one : offerings)
      if (one.type == type) offered.push_back(one.zone);
    std::sort(offered.begin(), offered.end());
    std::vector<std::string> zones;
    for (const auto& zone : wishes.zones) {
      if (!zone.starts_with(region)) continue;
      if (std::find(offered.begin(), offered.end(), zone) != offered.end()) zones.push_back(zone);
      else left_out.push_back(type + " in " + zone + ": isn't offered there");
    }
    if (wishes.zones.empty()) {
      std::copy_if(offered.begin(), offered.end(), std::back_inserter(zones),
                   [&region](const std::string& zone) { return is_ordinary(zone, region); });
      if (zones.empty()) left_out.push_back(type + " in " + region + ": isn't offered there");
    }
    if (!zones.empty()) chosen.emplace_back(type, std::move(zones));
  }
  return chosen;
}

// Where EC2 doesn't tell: the zones that are named, else a zone of its own choice.
std::vector<std::pair<std::string, std::vector<std::string>>> zones_unseen(const launch::Wishes& wishes,
                                                                           const std::string& region) {
  std::vector<std::string> zones;
  std::copy_if(wishes.zones.begin(), wishes.zones.end(), std::back_inserter(zones),
               [&region](const std::string& zone) { return zone.starts_with(region); });
  std::vector<std::pair<std::string, std::vector<std::string>>> chosen;
  if (zones.empty() && !wishes.zones.empty()) return chosen;
  for (const auto& type : wishes.types) chosen.emplace_back(type, zones);
  return chosen;
}

void take_prices(const Prices& prices, launch::RegionFindings& found) {
  for (auto& type : found.offered.types) {
    const auto of_type = prices.find(type.info.name);
    if (of_type != prices.end()) type.spot = of_type->second;
  }
}

// What the questions about one region have told, beside what becomes part of the findings.
struct RegionTold {
  std::optional<launch::RegionFindings> found;  // empty: none of the types is offered in that region
  std::vector<std::string> left_out;
  std::vector<std::string> notes;
  std::string price_date;
};

net::Awaitable<Status> find_types_and_image(aws::Session& session, const launch::Wishes& wishes,
                                            const std::vector<std::string>& names,
                                            std::vector<aws::InstanceTypeInfo>& types,
                                            launch::RegionFindings& found) {
  const auto& region = found.offered.region;
  const auto ec2 = aws::make_ec2_launch(session, region);
  auto told = co_await ec2->types(names);
  if (!told) co_return fail(std::move(told.error()));
  types = std::move(*told);
  auto finding = find_image(session, wishes, region, types.front());
  auto image = co_await std::move(finding);
  if (!image) co_return fail(std::move(image.error()));
  found.image = std::move(*image);
  co_return Status{};
}

// What doesn't rest on another's answer is asked at once: from a laptop, each takes as long as the way there and back.
net::Awaitable<Result<RegionTold>> find_out_in(aws::Session& session, const launch::Wishes& wishes,
                                               std::string region) {
  RegionTold told;
  const auto offers = aws::make_ec2_offerings(session, region);
  auto asking_offers = offers->by_zone(wishes.types);
  const auto offered = co_await std::move(asking_offers);
  if (!offered) told.notes.push_back("which zones offer the types isn't known: " + offered.error().text());
  auto chosen =
      offered ? choose_zones(wishes, region, *offered, told.left_out) : zones_unseen(wishes, region);
  if (chosen.empty()) co_return told;
  auto& found = told.found.emplace();
  found.offered.region = region;
  std::vector<std::string> names;
  for (const auto& [type, zones] : chosen) names.push_back(type);
  std::vector<std::pair<std::string, bool>> wanted;
  for (const bool is_spot : {true, false})
    for (const auto& name : names)
      if (is_spot ? wishes.spot : !wishes.spot || wishes.then_on_demand) wanted.emplace_back(name, is_spot);
  std::vector<aws::InstanceTypeInfo> types;
  Status made_of;
  Result<Prices> spot;
  std::vector<watch::Job> questions;
  questions.emplace_back([&]() -> net::Awaitable<void> {
    auto asking = find_types_and_image(session, wishes, names, types, found);
    made_of = co_await std::move(asking);
  });
  questions.emplace_back([&]() -> net::Awaitable<void> {
    auto asking = find_spot_prices(session, names, region);
    spot = co_await std::move(asking);
  });
  questions.emplace_back([&]() -> net::Awaitable<void> {
    auto asking = find_quotas(session, region, wanted);
    found.quotas = co_await std::move(asking);
  });
  auto all = watch::run_all(std::move(questions), k_at_once);
  co_await std::move(all);
  if (!made_of) co_return fail(std::move(made_of.error()));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto price = pricing::list_price(names[i], region);
    if (price) told.price_date = price->date;
    launch::TypeInRegion type{types[i], price ? std::optional(price->per_hour) : std::nullopt, {}, {}};
    // A subnet is in a zone, which isn't looked up.
    if (wishes.subnet.empty() || !wishes.zones.empty()) type.zones = std::move(chosen[i].second);
    found.offered.types.push_back(std::move(type));
  }
  if (spot) take_prices(*spot, found);
  else if (wishes.spot) told.notes.push_back("spot prices are unknown: " + spot.error().text());
  co_return told;
}

}  // namespace

net::Awaitable<Result<launch::Findings>> find_out(aws::Session& session, const launch::Wishes& wishes,
                                                  std::vector<std::string> regions,
                                                  const std::function<void(const std::string&)>& note) {
  for (const auto& zone : wishes.zones) {
    const bool is_in = std::any_of(regions.begin(), regions.end(),
                                   [&zone](const std::string& region) { return zone.starts_with(region); });
    if (!is_in)
      co_return fail(ErrorKind::invalid_input, "--zone " + zone, "isn't in " + regions.front(),
                     "say its --region");
  }
  std::vector<Result<RegionTold>> told(regions.size());
  std::vector<watch::Job> questions;
  for (std::size_t i = 0; i < regions.size(); ++i)
    questions.emplace_back([&, i]() -> net::Awaitable<void> {
      auto asking = find_out_in(session, wishes, regions[i]);
      told[i] = co_await std::move(asking);
    });
  auto all = watch::run_all(std::move(questions), k_at_once);
  co_await std::move(all);
  launch::Findings findings;
  for (auto& one : told) {
    if (!one) co_return fail(std::move(one.error()));
    for (const auto& line : one->notes) note(line);
    findings.left_out.insert(findings.left_out.end(), one->left_out.begin(), one->left_out.end());
    if (!one->price_date.empty()) findings.price_date = one->price_date;
    if (one->found) findings.regions.push_back(std::move(*one->found));
  }
  co_return findings;
}

net::Awaitable<Status> refresh_prices(aws::Session& session, const launch::Wishes& wishes,
                                      launch::Findings& findings) {
  if (!wishes.spot) co_return Status{};
  for (auto& found : findings.regions) {
    auto asking = find_spot_prices(session, wishes.types, found.offered.region);
    const auto prices = co_await std::move(asking);
    if (!prices) co_return fail(Error{prices.error()});
    take_prices(*prices, found);
  }
  co_return Status{};
}

Result<std::string> staged_url(const aws::S3Location& place, const std::string& region,
                               const aws::KeyValues& environment) {
  const net::Environment variables(environment.begin(), environment.end());
  const auto endpoint = aws::endpoint_for("s3", region, variables, "");
  if (!endpoint) return fail(Error{endpoint.error()}.within("--env"));
  const auto url = aws::s3_url(*endpoint, place.bucket, place.key);
  return url.scheme + "://" + url.authority() + url.target;
}

}  // namespace curfew::cli
