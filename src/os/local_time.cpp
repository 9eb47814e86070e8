// localtime_r and strftime in the C locale.
#include "os/local_time.hpp"

#include <array>
#include <ctime>

namespace curfew::os {

std::string format_local(WallTime time) {
  ::tzset();  // localtime_r needn't
  const std::time_t seconds = std::chrono::floor<Seconds>(time).time_since_epoch().count();
  std::tm parts{};
  if (::localtime_r(&seconds, &parts) == nullptr || parts.tm_gmtoff == 0) return {};
  std::array<char, 64> text{};
  const auto length = std::strftime(text.data(), text.size(), "%a %Y-%m-%d %H:%M:%S %Z", &parts);
  return {text.data(), length};
}

}  // namespace curfew::os
