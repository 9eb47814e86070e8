// On-demand prices as the Pricing API told them, kept for a week in a file: they change rarely, and asking costs a call
// for each instance type.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "pricing/price_query.hpp"

namespace curfew::pricing {

inline constexpr Seconds k_price_kept = std::chrono::hours{7 * 24};
inline constexpr std::size_t k_most_cached_prices = 5'000;

struct CachedPrice {
  Micros per_hour;
  WallTime read_at;  // when the Pricing API told it
};

struct PriceCache {
  std::map<PriceKey, CachedPrice> prices;

  // Nothing where it's older than k_price_kept, or read at a time that hasn't come yet.
  [[nodiscard]] std::optional<CachedPrice> find(const PriceKey& key, WallTime now) const;
  // Where there are too many, the oldest is left out.
  void put(const PriceKey& key, CachedPrice price);
};

// A file from elsewhere is untrusted: entries that can't be are an error for the whole of it.
[[nodiscard]] std::string to_json(const PriceCache& cache);
[[nodiscard]] Result<PriceCache> price_cache_from_json(std::string_view text);

struct LoadedPrices {
  PriceCache cache;
  std::string warning;  // one line, fit to be shown; empty: nothing is wrong. No file is nothing wrong.
};
// A file that is a link, not a regular one, of another user, or that others may write, is not trusted. Whatever is wrong,
// the cache is then empty, and asking anew mends it.
[[nodiscard]] LoadedPrices load_prices(const std::string& path);

// By rename, mode 0600; makes its folder (0700) where there is none. Prices that are too old at `now` are left out.
[[nodiscard]] Status store_prices(const std::string& path, const PriceCache& cache, WallTime now);

}  // namespace curfew::pricing
