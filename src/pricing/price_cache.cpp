// The cache as JSON, and its file.
#include "pricing/price_cache.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/json.hpp"
#include "os/own_file.hpp"
#include "pricing/parts.hpp"

namespace curfew::pricing {
namespace {

constexpr std::int64_t k_version = 1;
constexpr std::size_t k_longest_file = 4U << 20U;
constexpr std::size_t k_longest_text = 64;

bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_text &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

std::optional<CachedPrice> PriceCache::find(const PriceKey& key, WallTime now) const {
  const auto found = prices.find(key);
  if (found == prices.end()) return {};
  const auto& price = found->second;
  if (price.read_at > now || now - price.read_at > k_price_kept) return {};
  return price;
}

void PriceCache::put(const PriceKey& key, CachedPrice price) {
  prices.insert_or_assign(key, price);
  if (prices.size() <= k_most_cached_prices) return;
  prices.erase(std::min_element(prices.begin(), prices.end(), [](const auto& a, const auto& b) {
    return a.second.read_at < b.second.read_at;
  }));
}

std::string to_json(const PriceCache& cache) {
  boost::json::array prices;
  for (const auto& [key, price] : cache.prices) {
    boost::json::object one;
    one["region"] = key.region;
    one["type"] = key.type;
    one["operation"] = key.operation;
    one["tenancy"] = key.tenancy;
    one["micros_per_hour"] = price.per_hour.count;
    one["read_at"] = format_utc(price.read_at);
    prices.push_back(std::move(one));
  }
  boost::json::object whole;
  whole["version"] = k_version;
  whole["prices"] = std::move(prices);
  return boost::json::serialize(whole) + "\n";
}

Result<PriceCache> price_cache_from_json(std::string_view text) {
  const std::string what = "the cache of prices";
  const auto refuse = [&](std::string why) {
    return fail(ErrorKind::invalid_input, "read " + what, std::move(why));
  };
  if (text.size() > k_longest_file) return refuse("it is too long");
  os::JsonReader whole(text, what);
  const auto version = whole.number("version");
  const auto listed = whole.array("prices");
  if (auto status = whole.status(); !status) return fail(std::move(status).error());
  if (version != k_version) return refuse("it is of another version");
  if (listed.size() > k_most_cached_prices) return refuse("it holds too many prices");
  PriceCache cache;
  for (const auto& entry : listed) {
    const auto* const object = entry.if_object();
    if (object == nullptr) return refuse("a price in it is no object");
    os::JsonReader one(*object, what);
    PriceKey key{one.text("region"), one.text("type"), one.text("operation"), one.text("tenancy")};
    const Micros per_hour{one.number("micros_per_hour")};
    const auto read_at = parse_utc(one.text("read_at"));
    if (auto status = one.status(); !status) return fail(std::move(status).error());
    for (const auto* name : {&key.region, &key.type, &key.operation, &key.tenancy})
      if (!is_plain(*name)) return refuse("a name in it is none");
    if (per_hour.count <= 0 || per_hour > k_most_per_hour) return refuse("a price in it is none");
    if (!read_at) return refuse("a time in it is none");
    cache.prices.insert_or_assign(std::move(key), CachedPrice{per_hour, *read_at});
  }
  return cache;
}

LoadedPrices load_prices(const std::string& path) {
  LoadedPrices loaded;
  auto text = os::read_own_file(path, k_longest_file);
  if (!text) {
    if (text.error().kind != ErrorKind::not_found)
      loaded.warning = "prices are asked for anew: " + printable(text.error().text());
    return loaded;
  }
  auto cache = price_cache_from_json(*text);
  if (cache) loaded.cache = std::move(*cache);
  else
    loaded.warning =
        "prices are asked for anew, " + printable(path) + " is of no use: " + printable(cache.error().cause);
  return loaded;
}

Status store_prices(const std::string& path, const PriceCache& cache, WallTime now) {
  PriceCache fresh;
  for (const auto& [key, price] : cache.prices)
    if (cache.find(key, now)) fresh.prices.emplace(key, price);
  const auto folder = os::folder_of(path);
  // Only one that isn't there is made: make_private_folder() would change the mode of another's choice.
  if (!os::exists(folder))
    if (auto made = os::make_private_folder(folder, 0700); !made) return made;
  // Not synced: what a crash loses is asked for again.
  return os::replace_file(path, to_json(fresh), 0600, os::Sync::no);
}

}  // namespace curfew::pricing
