// Configuration files.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  static const std::vector<cli::KnownOption> known{{"max-time", cli::Takes::text},
                                                   {"price", cli::Takes::number},
                                                   {"dry-run", cli::Takes::flag},
                                                   {"save", cli::Takes::list}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto settings = cli::parse_config(text, "fuzz", known);
  if (!settings) {
    for (const char c : settings.error().text())
      if (static_cast<unsigned char>(c) < 0x20) std::abort();
    return 0;
  }
  for (const auto& word : cli::words_of(*settings)) {
    if (!word.starts_with("--") || word == "--" || word.find('\0') != std::string::npos) std::abort();
    if (word != "--dry-run" && word.find('=') + 1 >= word.size()) std::abort();
  }
  const auto table = cli::config_table(cli::rows_of(*settings, known));
  if (table.find('\x1b') != std::string::npos) std::abort();
  return 0;
}
