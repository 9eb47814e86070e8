// The table of EBS prices, and how the volumes of a type are summed up.
#include "pricing/ebs.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "base/text.hpp"

namespace curfew::pricing {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t k_hours_a_month = 730;
constexpr int k_elsewhere = 2;  // times us-east-1

// More IOPS than this are cheaper. Each band begins where the one before it ends.
struct Band {
  std::uint64_t up_to;
  std::int64_t per_month;  // micro-dollars each
};
constexpr std::uint64_t k_endless = ~std::uint64_t{0};
constexpr std::array<Band, 2> k_gp3_iops{{{3'000, 0}, {k_endless, 5'000}}};
constexpr std::array<Band, 1> k_io1_iops{{{k_endless, 65'000}}};
constexpr std::array<Band, 3> k_io2_iops{{{32'000, 65'000}, {64'000, 46'000}, {k_endless, 32'000}}};
constexpr std::array<Band, 2> k_gp3_throughput{{{125, 0}, {k_endless, 40'000}}};

struct Prices {
  std::string_view type;
  std::int64_t gib_month;  // micro-dollars
  std::span<const Band> iops = {};
  std::span<const Band> throughput = {};
  bool needs_iops = false;  // none are included, so they must be told
};
const std::array<Prices, 7> k_prices{{{"gp3", 80'000, k_gp3_iops, k_gp3_throughput},
                                      {"gp2", 100'000},
                                      {"io1", 125'000, k_io1_iops, {}, true},
                                      {"io2", 125'000, k_io2_iops, {}, true},
                                      {"st1", 45'000},
                                      {"sc1", 15'000},
                                      {"standard", 50'000}}};

// What the volumes of one type come to, in micro-dollars a month.
struct Sum {
  Wide gib = 0;
  Wide space = 0;
  Wide iops = 0;
  Wide throughput = 0;
  bool assumed = false;
  bool iops_unknown = false;
};

Wide priced(std::uint64_t amount, std::span<const Band> bands) {
  Wide sum = 0;
  std::uint64_t from = 0;
  for (const auto& band : bands) {
    if (amount <= from) break;
    sum += static_cast<Wide>(std::min(amount, band.up_to) - from) * band.per_month;
    from = band.up_to;
  }
  return sum;
}

Micros hourly(Wide monthly) {
  const Wide hour = (monthly + k_hours_a_month - 1) / k_hours_a_month;
  return {static_cast<std::int64_t>(std::min<Wide>(hour, k_most_per_hour.count))};
}

std::string shown(Wide gib) {
  return std::to_string(static_cast<std::uint64_t>(std::min<Wide>(gib, k_endless)));
}

bool has_list_prices(std::string_view region) {
  return region == "us-east-1" || region == "us-east-2" || region == "us-west-2";
}

const Prices* find_prices(std::string_view type) {
  const auto* const found = std::find_if(k_prices.begin(), k_prices.end(),
                                         [&](const Prices& prices) { return prices.type == type; });
  return found == k_prices.end() ? nullptr : &*found;
}

void add(Sum& sum, const Volume& volume, const Prices& prices) {
  sum.gib += volume.gib;
  sum.space += static_cast<Wide>(volume.gib) * prices.gib_month;
  sum.iops += priced(volume.iops.value_or(0), prices.iops);
  sum.throughput += priced(volume.throughput.value_or(0), prices.throughput);
  sum.assumed |= volume.assumed;
  sum.iops_unknown |= prices.needs_iops && !volume.iops;
}

void append(EbsRate& rate, const std::string& type, const Sum& sum, std::string_view region) {
  const bool listed = has_list_prices(region);
  const int factor = listed ? 1 : k_elsewhere;
  std::string source = listed ? "list price" : "estimate: twice the price in us-east-1";
  const auto part = [&](std::string name, Wide monthly, const std::string& from) {
    rate.parts.push_back({std::move(name), hourly(monthly * factor), from, !listed || sum.assumed});
  };
  std::string of_space = source;
  if (sum.assumed) of_space = listed ? "taken to be " + type : source + ", taken to be " + type;
  part(shown(sum.gib) + " GiB of " + type, sum.space, of_space);
  if (sum.iops > 0) part(type + " IOPS", sum.iops, source);
  if (sum.throughput > 0) part(type + " throughput", sum.throughput, source);
  if (sum.iops_unknown) rate.unknown.push_back("the IOPS of " + type + " volumes");
}

}  // namespace

bool is_billed_in_dollars(std::string_view region) {
  return !region.starts_with("cn-") && !region.starts_with("eusc-") &&
         region.find("-iso") == std::string_view::npos;
}

EbsRate ebs_rate(const std::vector<Volume>& volumes, std::string_view region) {
  EbsRate rate;
  if (volumes.empty()) return rate;
  if (!is_billed_in_dollars(region)) {
    rate.unknown.push_back("the price of EBS in " + printable(region, 40));
    return rate;
  }
  std::map<std::string, Sum> sums;
  for (const auto& volume : volumes) {
    const auto* const prices = find_prices(volume.type);
    if (prices != nullptr) {
      add(sums[volume.type], volume, *prices);
      continue;
    }
    const auto name = "the price of " + printable(volume.type, 40) + " volumes";
    if (std::find(rate.unknown.begin(), rate.unknown.end(), name) == rate.unknown.end())
      rate.unknown.push_back(name);
  }
  for (const auto& [type, sum] : sums) append(rate, type, sum, region);
  return rate;
}

}  // namespace curfew::pricing
