// Waits on the guard's loop.
#include "guard/async.hpp"

#include <string>
#include <vector>

#include "os/files.hpp"
#include "os/systemd.hpp"

namespace curfew::guard {

Awaitable<bool> machine_is_stopping() {
  if (!os::has_systemd()) co_return false;
  // The last part of a shutdown, or one by force: systemd has become systemd-shutdown, which waits for every process.
  const auto first = os::read_file("/proc/1/comm", 64);
  if (first && first->starts_with("systemd-shutdow")) co_return true;
  // g++ 12 can't build an initializer list within co_await.
  std::vector<std::string> argv{"systemctl", "is-system-running"};
  const auto outcome = co_await run_program(std::move(argv), Millis{2'000});
  co_return outcome && outcome->output == "stopping";
}

}  // namespace curfew::guard
