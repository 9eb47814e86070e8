// Sums of bounds.
#include "pricing/amount.hpp"

#include <limits>

#include "pricing/cost.hpp"

namespace curfew::pricing {
namespace {

__extension__ using Wide = __int128;

Micros bounded(Wide count) {
  constexpr Wide k_most = std::numeric_limits<std::int64_t>::max();
  return {static_cast<std::int64_t>(count > k_most ? k_most : count < -k_most ? -k_most : count)};
}

Micros sum(Micros a, Micros b) { return bounded(static_cast<Wide>(a.count) + b.count); }

std::string marked(const Amount& amount, std::string (*format)(Micros)) {
  switch (amount.mark()) {
    case Mark::exact: return format(amount.low);
    case Mark::unknown: return std::string(name_of(Mark::unknown));
    default: return std::string(name_of(amount.mark())) + " " + format(amount.shown());
  }
}

}  // namespace

Mark Amount::mark() const {
  if (high) return *high == low ? Mark::exact : Mark::at_most;
  return low == Micros{} ? Mark::unknown : Mark::at_least;
}

Amount operator+(const Amount& a, const Amount& b) {
  Amount both{sum(a.low, b.low), std::nullopt};
  if (a.high && b.high) both.high = sum(*a.high, *b.high);
  return both;
}

Amount operator*(const Amount& amount, std::int64_t times) {
  Amount product{bounded(static_cast<Wide>(amount.low.count) * times), std::nullopt};
  if (amount.high) product.high = bounded(static_cast<Wide>(amount.high->count) * times);
  return product;
}

Amount cost_of(const Amount& per_hour, Seconds duration) {
  Amount cost{curfew::cost_of(per_hour.low, duration), std::nullopt};
  if (per_hour.high) cost.high = curfew::cost_of(*per_hour.high, duration);
  return cost;
}

std::string_view name_of(Mark mark) {
  switch (mark) {
    case Mark::exact: return "exact";
    case Mark::at_least: return "at least";
    case Mark::at_most: return "at most";
    case Mark::unknown: break;
  }
  return "price unknown";
}

std::string describe(const Amount& amount) { return marked(amount, format_dollars); }

std::string describe_hourly(const Amount& amount) { return marked(amount, format_hourly); }

}  // namespace curfew::pricing
