// Money in whole micro-dollars.
#include "base/money.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include "base/text.hpp"

namespace curfew {

Micros cost_of(Micros per_hour, Seconds duration) {
  if (duration <= Seconds{0}) return {};
  __extension__ using Wide = __int128;
  const Wide product = static_cast<Wide>(per_hour.count) * duration.count();
  constexpr Wide k_most = std::numeric_limits<std::int64_t>::max();
  return {static_cast<std::int64_t>(std::min((product + 1800) / 3600, k_most))};
}

Result<Micros> parse_dollars(std::string_view text) {
  const auto bad = [&](std::string cause) {
    return fail(ErrorKind::invalid_input, "amount '" + printable(text, 40) + "'", std::move(cause),
                "write dollars as 5 or 1.006");
  };
  std::string_view rest = text;
  if (!rest.empty() && rest.front() == '$') rest.remove_prefix(1);
  const auto point = rest.find('.');
  const auto whole = parse_number(rest.substr(0, point));
  std::string_view decimals = point == std::string_view::npos ? "0" : rest.substr(point + 1);
  const auto part = parse_number(decimals);
  if (!whole || !part || *whole > 1'000'000'000) return bad("is not an amount of dollars");
  if (decimals.size() > 6) return bad("has more than six decimals");
  std::uint64_t micros = *part;
  for (auto digits = decimals.size(); digits < 6; ++digits) micros *= 10;
  const Micros amount{static_cast<std::int64_t>(*whole * 1'000'000 + micros)};
  if (amount.count == 0) return bad("must be more than zero");
  return amount;
}

std::string format_dollars(Micros amount) {
  // Through unsigned, for the lowest number has no positive counterpart.
  const auto count = static_cast<std::uint64_t>(amount.count);
  const std::uint64_t micros = amount.count < 0 ? 0 - count : count;
  const char* const sign = amount.count < 0 ? "-" : "";
  std::array<char, 48> buffer{};
  if (micros >= 10'000 || micros == 0) {
    const auto cents = (micros + 5'000) / 10'000;
    std::snprintf(buffer.data(), buffer.size(), "%s$%llu.%02llu", sign,
                  static_cast<unsigned long long>(cents / 100), static_cast<unsigned long long>(cents % 100));
    return buffer.data();
  }
  std::snprintf(buffer.data(), buffer.size(), "%s$0.%06llu", sign, static_cast<unsigned long long>(micros));
  std::string text = buffer.data();
  return text.erase(text.find_last_not_of('0') + 1);
}

std::string format_limit(Micros amount) {
  if (amount.count % 10'000 == 0 || amount.count < 0) return format_dollars(amount);
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "$%lld.%06lld",
                static_cast<long long>(amount.count / 1'000'000),
                static_cast<long long>(amount.count % 1'000'000));
  std::string text = buffer.data();
  return text.erase(text.find_last_not_of('0') + 1);
}

}  // namespace curfew
