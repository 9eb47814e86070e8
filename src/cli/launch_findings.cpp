// The questions, one after another: there are few.
#include "cli/launch_findings.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "aws/ec2_inventory.hpp"
#include "aws/ec2_offerings.hpp"
#include "aws/pages.hpp"
#include "aws/ssm.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "cli/launch_quotas.hpp"
#include "pricing/list_prices.hpp"

namespace curfew::cli {
namespace {

constexpr const char* k_product = "Linux/UNIX";
constexpr std::size_t k_most_pages = 20;

net::Awaitable<Result<std::string>> find_image_id(aws::Session& session, const launch::Wishes& wishes,
                                                  const std::string& region,
                                                  const aws::InstanceTypeInfo& type) {
  if (aws::is_image_id(wishes.image)) co_return wishes.image;
  std::vector<std::string> names;
  if (wishes.image == "auto") names = launch::image_parameters(type);
  else names.push_back(wishes.image.substr(4));
  const auto ssm = aws::make_ssm(session, region);
  std::optional<Error> why;
  for (const auto& name : names) {
    auto value = co_await ssm->parameter(name);
    if (value && aws::is_image_id(trimmed(*value))) co_return std::string(trimmed(*value));
    if (value) {
      co_return fail(ErrorKind::invalid_input, "--image " + wishes.image,
                     "the parameter holds \"" + printable(*value, 60) + "\", which is no image's id");
    }
    if (!why) why = std::move(value.error());
    if (why->kind != ErrorKind::not_found) break;
  }
  why->hint = "--image ami-… names one";
  co_return fail(std::move(*why).within("--image " + wishes.image));
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

// Nothing where none of the types is offered in that region.
net::Awaitable<Result<std::optional<launch::RegionFindings>>> find_out_in(
    aws::Session& session, const launch::Wishes& wishes, std::string region, launch::Findings& all,
    const std::function<void(const std::string&)>& note) {
  const auto offers = aws::make_ec2_offerings(session, region);
  auto asking_offers = offers->by_zone(wishes.types);
  const auto offered = co_await std::move(asking_offers);
  if (!offered) note("which zones offer the types isn't known: " + offered.error().text());
  auto chosen = offered ? choose_zones(wishes, region, *offered, all.left_out) : zones_unseen(wishes, region);
  if (chosen.empty()) co_return std::nullopt;
  launch::RegionFindings found;
  found.offered.region = region;
  std::vector<std::string> names;
  for (const auto& [type, zones] : chosen) names.push_back(type);
  const auto ec2 = aws::make_ec2_launch(session, region);
  auto types = co_await ec2->types(names);
  if (!types) co_return fail(std::move(types.error()));
  auto id = co_await find_image_id(session, wishes, region, types->front());
  if (!id) co_return fail(std::move(id.error()));
  auto image = co_await ec2->image(std::move(*id));
  if (!image) co_return fail(std::move(image.error()));
  found.image = std::move(*image);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto price = pricing::list_price(names[i], region);
    if (price) all.price_date = price->date;
    launch::TypeInRegion type{(*types)[i], price ? std::optional(price->per_hour) : std::nullopt, {}, {}};
    // A subnet is in a zone, which isn't looked up.
    if (wishes.subnet.empty() || !wishes.zones.empty()) type.zones = std::move(chosen[i].second);
    found.offered.types.push_back(std::move(type));
  }
  auto pricing = find_spot_prices(session, names, region);
  const auto spot = co_await std::move(pricing);
  if (spot) take_prices(*spot, found);
  else if (wishes.spot) note("spot prices are unknown: " + spot.error().text());
  std::vector<std::pair<std::string, bool>> wanted;
  for (const bool is_spot : {true, false})
    for (const auto& name : names)
      if (is_spot ? wishes.spot : !wishes.spot || wishes.then_on_demand) wanted.emplace_back(name, is_spot);
  auto asking_quotas = find_quotas(session, region, std::move(wanted));
  found.quotas = co_await std::move(asking_quotas);
  co_return std::optional<launch::RegionFindings>(std::move(found));
}

}  // namespace

net::Awaitable<Result<launch::Findings>> find_out(aws::Session& session, const launch::Wishes& wishes,
                                                  std::vector<std::string> regions,
                                                  const std::function<void(const std::string&)>& note) {
  launch::Findings findings;
  const auto sts = aws::make_sts(session, regions.front());
  auto identity = co_await sts->caller_identity();
  if (!identity) co_return fail(std::move(identity.error()));
  findings.owner = identity->arn;
  for (const auto& zone : wishes.zones) {
    const bool is_in = std::any_of(regions.begin(), regions.end(),
                                   [&zone](const std::string& region) { return zone.starts_with(region); });
    if (!is_in)
      co_return fail(ErrorKind::invalid_input, "--zone " + zone, "isn't in " + regions.front(),
                     "say its --region");
  }
  for (const auto& region : regions) {
    auto finding = find_out_in(session, wishes, region, findings, note);
    auto found = co_await std::move(finding);
    if (!found) co_return fail(std::move(found.error()));
    if (*found) findings.regions.push_back(std::move(**found));
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
