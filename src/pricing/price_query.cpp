// From an instance to its product, and from the product's terms to a price.
#include "pricing/price_query.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "pricing/spot.hpp"

namespace curfew::pricing {
namespace {

namespace json = boost::json;

constexpr std::string_view k_asking = "ask for its on-demand price";
constexpr std::size_t k_longest_name = 64;
constexpr std::size_t k_longest_product = 1U << 20U;

// "AMI billing information fields" (EC2 user guide), and what the price list calls the same. An empty operating system
// or software: the operation alone says it.
struct Platform {
  std::string_view details;
  std::string_view operation;
  std::string_view operating_system;
  std::string_view software;  // preInstalledSw
};
constexpr std::array<Platform, 20> k_platforms{{
    {"Linux/UNIX", "RunInstances", "Linux", "NA"},
    // "Appears as RunInstances (Linux/UNIX) in the usage reports."
    {"Red Hat BYOL Linux", "RunInstances:00g0", "", ""},
    {"Red Hat Enterprise Linux", "RunInstances:0010", "RHEL", "NA"},
    {"Red Hat Enterprise Linux with HA", "RunInstances:1010", "", "NA"},
    {"Red Hat Enterprise Linux with SQL Server Standard and HA", "RunInstances:1014", "", ""},
    {"Red Hat Enterprise Linux with SQL Server Enterprise and HA", "RunInstances:1110", "", ""},
    {"Red Hat Enterprise Linux with SQL Server Standard", "RunInstances:0014", "", ""},
    {"Red Hat Enterprise Linux with SQL Server Web", "RunInstances:0210", "", ""},
    {"Red Hat Enterprise Linux with SQL Server Enterprise", "RunInstances:0110", "", ""},
    {"SQL Server Enterprise", "RunInstances:0100", "", ""},
    {"SQL Server Standard", "RunInstances:0004", "", ""},
    {"SQL Server Web", "RunInstances:0200", "", ""},
    {"SUSE Linux", "RunInstances:000g", "SUSE", "NA"},
    {"Ubuntu Pro", "RunInstances:0g00", "Ubuntu Pro", "NA"},
    {"Ubuntu Pro Linux", "RunInstances:0g00", "Ubuntu Pro", "NA"},
    {"Windows", "RunInstances:0002", "Windows", "NA"},
    {"Windows BYOL", "RunInstances:0800", "Windows", "NA"},
    {"Windows with SQL Server Enterprise", "RunInstances:0102", "Windows", ""},
    {"Windows with SQL Server Standard", "RunInstances:0006", "Windows", ""},
    {"Windows with SQL Server Web", "RunInstances:0202", "Windows", ""},
}};
constexpr std::string_view k_byol_red_hat = "RunInstances:00g0";
constexpr std::string_view k_linux = "RunInstances";

// It goes into a request and, in error texts, before people.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_name && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':';
  });
}

bool is_bare_metal(std::string_view type) {
  const auto point = type.find('.');
  return point != std::string_view::npos && type.substr(point + 1).starts_with("metal");
}

const Platform* platform_by_operation(std::string_view operation) {
  const auto* const found =
      std::find_if(k_platforms.begin(), k_platforms.end(),
                   [&](const Platform& platform) { return platform.operation == operation; });
  return found == k_platforms.end() || operation.empty() ? nullptr : found;
}

std::string operation_of(const InstanceFacts& instance) {
  std::string_view operation = instance.usage_operation;
  if (operation.empty()) {
    const auto* const found =
        std::find_if(k_platforms.begin(), k_platforms.end(),
                     [&](const Platform& platform) { return platform.details == instance.platform_details; });
    if (found != k_platforms.end()) operation = found->operation;
  }
  return std::string(operation == k_byol_red_hat ? k_linux : operation);
}

std::string_view text_in(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

// The servers' filters aren't relied on: an emulator may know none.
bool is_asked_for(const json::object& attributes, const PriceKey& key) {
  const auto market = text_in(attributes, "marketoption");
  const auto status = text_in(attributes, "capacitystatus");
  return text_in(attributes, "instanceType") == key.type && text_in(attributes, "regionCode") == key.region &&
         text_in(attributes, "operation") == key.operation && (status.empty() || status == "Used") &&
         (market.empty() || market == "OnDemand");
}

// What a product's on-demand terms say.
struct Terms {
  std::set<Micros> prices;  // above 0
  bool free = false;        // an hour at nothing: "not billed so", never a price
  bool other_currency = false;
  bool garbled = false;
};

void read_dimension(const json::object& dimension, Terms& terms) {
  if (text_in(dimension, "unit") != "Hrs") return;
  const auto* const per_unit = object_in(dimension, "pricePerUnit");
  const auto usd = per_unit == nullptr ? std::string_view() : text_in(*per_unit, "USD");
  if (usd.empty()) {
    if (per_unit != nullptr && !per_unit->empty()) terms.other_currency = true;
    else terms.garbled = true;
    return;
  }
  if (const auto price = parse_price(usd)) terms.prices.insert(*price);
  else if (usd.find_first_not_of("0.") == std::string_view::npos) terms.free = true;
  else terms.garbled = true;
}

void read_terms(const json::object& product, Terms& terms) {
  const auto* const all = object_in(product, "terms");
  const auto* const on_demand = all == nullptr ? nullptr : object_in(*all, "OnDemand");
  if (on_demand == nullptr) return;
  for (const auto& [code, term] : *on_demand) {
    const auto* const dimensions =
        term.is_object() ? object_in(term.get_object(), "priceDimensions") : nullptr;
    if (dimensions == nullptr) continue;
    for (const auto& [rate, dimension] : *dimensions)
      if (dimension.is_object()) read_dimension(dimension.get_object(), terms);
  }
}

std::optional<json::object> parsed(const std::string& text) {
  if (text.size() > k_longest_product) return {};
  boost::system::error_code failed;
  auto value = json::parse(text, failed);
  if (failed || !value.is_object()) return {};
  return std::move(value.get_object());
}

std::string shown(const PriceKey& key) {
  return printable(key.type, 40) + " (" + printable(key.operation, 40) + ", " + printable(key.tenancy, 20) +
         ") in " + printable(key.region, 40);
}

}  // namespace

Result<PriceKey> price_key(const InstanceFacts& instance) {
  const auto refuse = [](std::string why) {
    return fail(ErrorKind::invalid_input, std::string(k_asking), std::move(why));
  };
  if (instance.market == Market::capacity_block)
    return refuse("it runs in a capacity block, which is paid for in advance");
  if (instance.market == Market::other)
    return refuse("it was bought in a way whose prices aren't known here");
  if (instance.tenancy == "host") return refuse("it runs on a Dedicated Host, which is billed instead of it");
  PriceKey key;
  key.region = priced_region(instance);
  key.type = instance.type;
  key.operation = operation_of(instance);
  key.tenancy = instance.tenancy == "dedicated" ? "Dedicated" : "Shared";
  if (!instance.tenancy.empty() && instance.tenancy != "default" && instance.tenancy != "dedicated")
    return refuse("its tenancy '" + printable(instance.tenancy, 40) + "' has no known price");
  if (key.operation.empty())
    return refuse(instance.platform_details.empty()
                      ? "EC2 doesn't tell its platform"
                      : "its platform '" + printable(instance.platform_details, 60) + "' has no known price");
  if (!is_name(key.region) || !is_name(key.type) || !is_name(key.operation))
    return refuse("its region, type or usage operation is none");
  return key;
}

std::vector<aws::ProductFilter> price_filters(const PriceKey& key) {
  std::vector<aws::ProductFilter> filters{{"regionCode", key.region},
                                          {"instanceType", key.type},
                                          {"operation", key.operation},
                                          {"capacitystatus", "Used"},
                                          {"marketoption", "OnDemand"}};
  // Bare metal has been listed under both tenancies.
  if (!is_bare_metal(key.type)) filters.push_back({"tenancy", key.tenancy});
  const auto* const platform = platform_by_operation(key.operation);
  if (platform == nullptr) return filters;
  if (!platform->operating_system.empty())
    filters.push_back({"operatingSystem", std::string(platform->operating_system)});
  if (!platform->software.empty()) filters.push_back({"preInstalledSw", std::string(platform->software)});
  return filters;
}

Result<Micros> on_demand_price(const std::vector<std::string>& products, const PriceKey& key) {
  const auto unknown = [&](std::string why) {
    return fail(ErrorKind::not_found, "read the on-demand price of " + shown(key), std::move(why));
  };
  Terms own;        // of the tenancy asked for
  Terms dedicated;  // of bare metal: where there's none for shared tenancy, this is it
  bool any = false;
  for (const auto& text : products) {
    const auto product = parsed(text);
    const auto* const described = product ? object_in(*product, "product") : nullptr;
    const auto* const attributes = described == nullptr ? nullptr : object_in(*described, "attributes");
    if (attributes == nullptr) return unknown("the Pricing API's answer is none");
    if (!is_asked_for(*attributes, key)) continue;
    const auto tenancy = text_in(*attributes, "tenancy");
    if (tenancy == key.tenancy) read_terms(*product, own);
    else if (tenancy == "Dedicated" && is_bare_metal(key.type)) read_terms(*product, dedicated);
    else continue;
    any = true;
  }
  const auto& terms = own.prices.empty() && !dedicated.prices.empty() ? dedicated : own;
  if (terms.garbled) return unknown("a price in the Pricing API's answer is none");
  if (terms.prices.size() == 1 && !terms.other_currency) return *terms.prices.begin();
  if (terms.prices.size() > 1) return unknown("the Pricing API tells several prices");
  if (terms.other_currency) return unknown("the Pricing API tells it in another currency than US dollars");
  if (terms.free) return unknown("the Pricing API tells a price of 0");
  return unknown(any ? "the Pricing API tells no price by the hour" : "the Pricing API doesn't know it");
}

}  // namespace curfew::pricing
