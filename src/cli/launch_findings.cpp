// The questions, one after another: there are few.
#include "cli/launch_findings.hpp"

#include <algorithm>
#include <map>

#include "aws/ec2_inventory.hpp"
#include "aws/pages.hpp"
#include "aws/ssm.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
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

// The newest price of each zone, and of those the dearest: EC2 may choose any of them.
net::Awaitable<Result<std::vector<std::optional<Micros>>>> find_spot_prices(aws::Session& session,
                                                                            const launch::Wishes& wishes,
                                                                            const std::string& region) {
  const auto inventory = aws::make_ec2_inventory(session, region);
  const auto now = session.clock.wall() + session.skew;
  std::map<std::pair<std::string, std::string>, aws::SpotPricePoint> newest;
  aws::PageRule rule("DescribeSpotPriceHistory", k_most_pages);
  for (std::string token;;) {
    aws::SpotPriceQuery query;
    query.types = wishes.types;
    query.products.emplace_back(k_product);
    query.zone = wishes.zone;
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
  std::vector<std::optional<Micros>> prices;
  for (const auto& type : wishes.types) {
    std::optional<Micros> dearest;
    for (const auto& [key, point] : newest)
      if (key.first == type) dearest = std::max(dearest.value_or(point.per_hour), point.per_hour);
    prices.push_back(dearest);
  }
  co_return prices;
}

}  // namespace

net::Awaitable<Result<launch::Findings>> find_out(aws::Session& session, const launch::Wishes& wishes,
                                                  std::string region,
                                                  const std::function<void(const std::string&)>& note) {
  launch::Findings findings;
  findings.region = region;
  const auto sts = aws::make_sts(session, region);
  auto identity = co_await sts->caller_identity();
  if (!identity) co_return fail(std::move(identity.error()));
  findings.owner = identity->arn;
  const auto ec2 = aws::make_ec2_launch(session, region);
  auto types = co_await ec2->types(wishes.types);
  if (!types) co_return fail(std::move(types.error()));
  findings.types = std::move(*types);
  auto id = co_await find_image_id(session, wishes, region, findings.types.front());
  if (!id) co_return fail(std::move(id.error()));
  auto image = co_await ec2->image(std::move(*id));
  if (!image) co_return fail(std::move(image.error()));
  findings.image = std::move(*image);
  for (const auto& type : wishes.types) {
    const auto price = pricing::list_price(type, region);
    findings.on_demand.push_back(price ? std::optional(price->per_hour) : std::nullopt);
    if (price) findings.price_date = price->date;
  }
  findings.spot.resize(wishes.types.size());
  if (!wishes.spot) co_return findings;
  auto spot = co_await find_spot_prices(session, wishes, region);
  if (spot) findings.spot = std::move(*spot);
  else note("spot prices are unknown: " + spot.error().text());
  co_return findings;
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
