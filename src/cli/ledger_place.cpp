// This process, as the ledger tells of it.
#include "cli/ledger_place.hpp"

#include <unistd.h>

#include <array>
#include <utility>

#include "base/text.hpp"

namespace curfew::cli {

watch::Ledger make_ledger(const net::Environment& environment, std::string command, const os::Clock& clock,
                          watch::Unwritable unwritable) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host.front() = '\0';
  return {watch::ledger_path(environment, ::geteuid()),
          {std::move(command), host.data(), ::getuid(), ::getpid()},
          clock,
          unwritable};
}

std::string interrupted_text(const net::Environment& environment, bool has_ledger) {
  const std::string text = "\ncurfew: interrupted: what was asked for goes on, seen or not; ";
  if (!has_ledger) return text + "no ledger is kept, `curfew check` shows what still runs";
  return text + "each act is in " + printable(watch::ledger_path(environment, ::geteuid()), 300);
}

}  // namespace curfew::cli
