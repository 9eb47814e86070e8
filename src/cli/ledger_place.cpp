// This process, as the ledger tells of it.
#include "cli/ledger_place.hpp"

#include <unistd.h>

#include <array>
#include <utility>

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

}  // namespace curfew::cli
