// ~/.aws/config and ~/.aws/credentials, and what they ask for.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "aws/core/credential_plan.hpp"
#include "aws/core/credential_process.hpp"
#include "aws/core/profile.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ini = aws::parse_ini(text);
  if (!ini) return 0;
  const auto files =
      std::make_shared<const aws::ProfileFiles>(aws::ProfileFiles{"config", "credentials", *ini, *ini});
  for (const auto& [section, values] : *ini) {
    if (section.find('\n') != std::string::npos) std::abort();
    const Result<aws::Profile> profile = aws::profile_from(section, files);
    if (!profile->found) std::abort();
    const auto plan = aws::plan_credentials(profile, true, {});
    if (!plan) continue;
    if (plan->roles.size() > 20) std::abort();
    if (const auto* keys = std::get_if<aws::Credentials>(&plan->base))
      for (const auto* one : {&keys->access_key, &keys->secret_key})
        if (one->empty() || !aws::is_credential_text(*one)) std::abort();
    if (const auto* process = std::get_if<aws::ProcessSource>(&plan->base))
      if (const auto words = aws::split_command(process->command); words && words->empty()) std::abort();
  }
  return 0;
}
