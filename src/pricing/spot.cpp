// Integrates a step function.
#include "pricing/spot.hpp"

#include <algorithm>
#include <limits>

#include "base/text.hpp"
#include "pricing/parts.hpp"

namespace curfew::pricing {
namespace {

__extension__ using Wide = __int128;

constexpr std::size_t k_longest_price = 40;
constexpr Wide k_millis_an_hour = 3'600'000;

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Micro-dollars an hour times milliseconds.
Micros rounded(Wide sum) {
  constexpr Wide k_most = std::numeric_limits<std::int64_t>::max();
  return {static_cast<std::int64_t>(std::min((sum + k_millis_an_hour / 2) / k_millis_an_hour, k_most))};
}

Wide millis(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

std::optional<Micros> parse_price(std::string_view text) {
  if (text.size() > k_longest_price) return {};
  const auto point = text.find('.');
  const auto whole = parse_number(text.substr(0, point));
  if (!whole || *whole > static_cast<std::uint64_t>(k_most_per_hour.count) / 1'000'000) return {};
  std::int64_t micros = static_cast<std::int64_t>(*whole) * 1'000'000;
  if (point != std::string_view::npos) {
    const auto decimals = text.substr(point + 1);
    if (decimals.empty() || !is_digits(decimals)) return {};
    std::int64_t worth = 100'000;
    for (const char digit : decimals.substr(0, 6)) {
      micros += (digit - '0') * worth;
      worth /= 10;
    }
    if (decimals.size() > 6 && decimals.find_first_not_of('0', 6) != std::string_view::npos) ++micros;
  }
  if (micros == 0 || micros > k_most_per_hour.count) return {};
  return Micros{micros};
}

std::string spot_product(std::string_view platform_details) {
  for (const std::string_view product : {"Linux/UNIX", "Windows", "SUSE Linux", "Red Hat Enterprise Linux"})
    if (platform_details == product) return std::string(product);
  // Their licences are the owner's own: the machine costs what it costs with Linux.
  if (platform_details == "Red Hat BYOL Linux" || platform_details == "Windows BYOL") return "Linux/UNIX";
  return {};
}

SpotHistory::SpotHistory(std::vector<SpotPrice> points) : points_(std::move(points)) {
  // Of two prices for the same moment the dearer one comes last, and holds.
  std::sort(points_.begin(), points_.end(), [](const SpotPrice& a, const SpotPrice& b) {
    return a.since != b.since ? a.since < b.since : a.per_hour < b.per_hour;
  });
}

std::optional<SpotCost> spot_cost(const SpotHistory& history, WallTime launched, Seconds billed, WallTime now,
                                  const std::optional<Micros>& most) {
  const auto points = history.points();
  if (points.empty()) return {};
  const auto after = [&](WallTime time) {
    return std::upper_bound(points.begin(), points.end(), time,
                            [](WallTime at, const SpotPrice& point) { return at < point.since; });
  };
  SpotCost cost;
  const auto next = after(now);
  cost.per_hour = Amount::exact(next == points.begin() ? next->per_hour : std::prev(next)->per_hour);

  const Wide end = millis(launched) + static_cast<Wide>(billed.count()) * 1'000;
  auto point = after(launched);
  Wide from = millis(launched);
  Wide uncovered = 0;
  if (point == points.begin()) {
    uncovered = std::max<Wide>(std::min(millis(point->since), end) - from, 0);
    from += uncovered;
  } else {
    --point;
  }
  Wide sum = 0;
  for (; point != points.end() && from < end; ++point) {
    const auto following = std::next(point);
    const Wide until = following == points.end() ? end : std::min(millis(following->since), end);
    sum += point->per_hour.count * std::max<Wide>(until - from, 0);
    from = std::max(from, until);
  }
  cost.so_far = Amount::exact(rounded(sum));
  if (uncovered == 0) return cost;
  cost.uncovered = Seconds{static_cast<std::int64_t>((uncovered + 999) / 1'000)};
  cost.so_far.high.reset();
  if (most) cost.so_far.high = rounded(sum + most->count * uncovered);
  return cost;
}

}  // namespace curfew::pricing
