// What to ask the Pricing API for an instance's on-demand price, and how to read the answer. Pure.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "aws/price_list.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "pricing/instance_facts.hpp"

namespace curfew::pricing {

inline constexpr std::string_view k_ec2_service_code = "AmazonEC2";

// What an on-demand price depends on; instances with equal keys cost the same. Key of the cache, too.
struct PriceKey {
  std::string region;     // "us-east-1"
  std::string type;       // "g5.xlarge"
  std::string operation;  // "RunInstances", "RunInstances:0002"
  std::string tenancy;    // as the Pricing API calls it: "Shared", "Dedicated"
  friend auto operator<=>(const PriceKey&, const PriceKey&) = default;
};

// Of the on-demand price; a spot instance's is the most that it costs. An error (invalid_input, its cause fit to be
// shown) where no such price can be asked for: on a Dedicated Host (the host is what is billed), in a capacity block
// (paid in advance), a platform with no known usage operation, names that are none.
[[nodiscard]] Result<PriceKey> price_key(const InstanceFacts& instance);

// For GetProducts with k_ec2_service_code.
[[nodiscard]] std::vector<aws::ProductFilter> price_filters(const PriceKey& key);

// US dollars an hour, by the products that GetProducts gave. Products that aren't what was asked for are passed over. An
// error (not_found, its cause fit to be shown) unless exactly one distinct price is left that isn't 0.
[[nodiscard]] Result<Micros> on_demand_price(const std::vector<std::string>& products, const PriceKey& key);

}  // namespace curfew::pricing
