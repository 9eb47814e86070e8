// The true cost of one instance as `check` shows it: what it costs an hour now, and what it has cost since its last start;
// the instance, its volumes and its addresses apart; and how sure that is. Pure.
//
// Never a guess without a mark, never 0 for what is unknown. Reservations, Savings Plans and other discounts are out of
// reach: these are the prices without them. Not counted: traffic, snapshots, licences of the Marketplace, tax.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pricing/amount.hpp"
#include "pricing/cost.hpp"
#include "pricing/instance_facts.hpp"
#include "pricing/parts.hpp"
#include "pricing/spot.hpp"

namespace curfew::pricing {

enum class PriceSource : std::uint8_t {
  unknown,
  given,          // told by its owner: the tag curfew:price, --price
  pricing_api,    // asked just now
  cached,         // told by the Pricing API on `date`
  built_in_list,  // of `date`: Linux, shared tenancy
  spot_history,   // DescribeSpotPriceHistory
  elsewhere,  // a capacity block (paid in advance), a Dedicated Host (billed itself): not by its own hours
};
// Stable words for JSON and CSV: "unknown", "given", "pricing-api", "cached", "built-in-list", "spot-history", "elsewhere".
[[nodiscard]] std::string_view name_of(PriceSource source);

// The on-demand price as far as the Pricing API told it, now or in the last week. Without one the built-in list is
// looked up here.
struct OnDemandPrice {
  Micros per_hour;
  bool cached = false;
  WallTime read_at{};
};

struct BilledVolume {
  Volume volume;
  std::optional<WallTime> created = {};  // one that is younger than the last start counts from then
};

// In IAM's words.
inline constexpr std::string_view k_permission_for_prices = "pricing:GetProducts";
inline constexpr std::string_view k_permission_for_spot_prices = "ec2:DescribeSpotPriceHistory";
inline constexpr std::string_view k_permission_for_volumes = "ec2:DescribeVolumes";

struct CostFacts {
  InstanceFacts instance;
  std::optional<GivenPrice> given = {};
  std::optional<OnDemandPrice> on_demand = {};
  // Why the Pricing API told none: the cause of the error. Empty: it told one, or wasn't asked.
  std::string on_demand_problem = {};
  // Of its type, zone and spot_product(). Null: couldn't be read. Must outlive the call.
  const SpotHistory* spot_history = nullptr;
  std::optional<std::vector<BilledVolume>> volumes = {};  // empty: couldn't be read
  // How many; of a stopped instance elastic ones alone remain. Empty: not told.
  std::optional<std::uint32_t> public_ipv4 = {};
  // Those of the above without which these facts couldn't be read; others are passed over.
  std::vector<std::string> missing_permissions = {};
};

struct InstanceCost {
  // An hour at the rate of now; the instance's own is exactly 0 while it isn't billed.
  Amount instance_per_hour;
  Amount ebs_per_hour;
  Amount ipv4_per_hour;
  [[nodiscard]] Amount per_hour() const { return instance_per_hour + ebs_per_hour + ipv4_per_hour; }
  // Since the last start.
  Amount instance_so_far;
  Amount ebs_so_far;
  Amount ipv4_so_far;
  [[nodiscard]] Amount so_far() const { return instance_so_far + ebs_so_far + ipv4_so_far; }

  // What the instance costs an hour while it runs, also where it's stopped: what starting it would cost.
  Amount running_per_hour;
  PriceSource source = PriceSource::unknown;
  std::string date;         // of the price, "2025-05-28"; empty: of now, or unknown
  std::string source_text;  // for people: "list price of 2025-05-28"; "price unknown"
  // Why something isn't exact, one line each, fit to be shown: "spot: at most the on-demand price (list price of
  // 2025-05-28); no permission for ec2:DescribeSpotPriceHistory".
  std::vector<std::string> notes;
  std::vector<std::string> missing_permissions;  // as given, where they made it worse
};

[[nodiscard]] InstanceCost instance_cost(const CostFacts& facts, WallTime now);

struct CostTotals {
  Amount per_hour;
  Amount so_far;
  std::size_t unknown_prices = 0;  // instances that are billed now at a price that isn't known

  [[nodiscard]] Amount per_day() const;
  [[nodiscard]] Amount per_month() const;  // of 730 hours, as AWS counts them
  void add(const InstanceCost& cost);
};

}  // namespace curfew::pricing
