// "30m:5%", and durations alone.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "guard/probes/idle.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto duration = parse_duration(text);
  if (duration) {
    if (*duration < Seconds{1} || *duration > k_max_duration) std::abort();
    if (parse_duration(format_duration(*duration)) != *duration) std::abort();
  }
  const auto rule = guard::parse_idle_rule(text);
  if (duration && (!rule || rule->limit != *duration || rule->percent != guard::k_idle_percent)) std::abort();
  if (!rule) return 0;
  if (rule->limit < Seconds{1} || rule->limit > k_max_duration) std::abort();
  if (!(rule->percent > 0 && rule->percent <= 100)) std::abort();
  return 0;
}
