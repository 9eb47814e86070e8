// ~/.aws/config and ~/.aws/credentials.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/core/profile.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ini = aws::parse_ini(text);
  if (!ini) return 0;
  for (const auto& [section, values] : *ini) {
    if (section.find('\n') != std::string::npos) std::abort();
    const auto profile = aws::profile_from(section, *ini, *ini);
    if (!profile.found) std::abort();
    if (profile.keys && (profile.keys->access_key.empty() || profile.keys->secret_key.empty())) std::abort();
  }
  return 0;
}
