// The file of what was told, which somebody else may have written, through to the next digest.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "watch/digest.hpp"
#include "watch/told.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto told = watch::told_from_json(text);
  if (!told) return 0;
  const auto again = watch::told_from_json(watch::to_json(*told));
  if (!again || *again != *told) std::abort();
  watch::Report report;
  report.at = WallTime{Seconds{1'795'000'000}};
  report.accounts = {{"111122223333", ""}};
  report.regions = {{"111122223333", "us-east-1"}};
  watch::Act failed;
  failed.account = "111122223333";
  failed.region = "us-east-1";
  failed.instance = "i-0123456789abcdef0";
  failed.outcome = "TerminateInstances i-0123456789abcdef0: UnauthorizedOperation: no";
  for (const auto& [key, place] : *told) {
    for (const auto& acts : {std::vector<watch::Act>{}, std::vector<watch::Act>{failed}}) {
      const auto digest = watch::digest_of(report, acts, &place, std::chrono::hours{24});
      const auto missed = watch::told_from_json(watch::to_json({{key, digest.missed}}));
      if (!missed || missed->at(key).untold != digest.missed.untold) std::abort();
      if (!digest.message) continue;
      if (notify::slack_size(digest.message->text) > notify::k_longest_text) std::abort();
      for (const char c : digest.message->text)
        if (c != '\n' && static_cast<unsigned char>(c) < 0x20) std::abort();
      // Nothing needs attention in this report, so that it's told once.
      if (watch::digest_of(report, acts, &digest.told, std::chrono::hours{24}).message) std::abort();
    }
  }
  return 0;
}
