// The file of prices, which somebody else may have written.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pricing/parts.hpp"
#include "pricing/price_cache.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cache = pricing::price_cache_from_json(text);
  if (!cache) return 0;
  if (cache->prices.size() > pricing::k_most_cached_prices) std::abort();
  for (const auto& [key, price] : cache->prices) {
    if (price.per_hour <= Micros{} || price.per_hour > pricing::k_most_per_hour) std::abort();
    if (key.type.empty() || key.type.find('\x1b') != std::string::npos) std::abort();
    (void)cache->find(key, price.read_at + pricing::k_price_kept);
  }
  const auto again = pricing::price_cache_from_json(pricing::to_json(*cache));
  if (!again || again->prices.size() != cache->prices.size()) std::abort();
  return 0;
}
