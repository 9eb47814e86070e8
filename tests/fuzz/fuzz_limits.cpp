// What people and tags set as limits: "8", "2026-11-24T18:00Z", "$1.006".
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/money.hpp"
#include "base/times.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto hours = parse_hours(text); hours && (*hours < Seconds{1} || *hours > k_max_duration))
    std::abort();
  if (const auto time = parse_utc(text); time && parse_utc(format_utc(*time)) != *time) std::abort();
  if (const auto dollars = parse_dollars(text)) {
    if (*dollars <= Micros{}) std::abort();
    if (cost_of(*dollars, k_max_duration) < *dollars) std::abort();
    (void)format_dollars(*dollars);
  }
  return 0;
}
