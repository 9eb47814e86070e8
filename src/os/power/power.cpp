// Ends the machine, by its programs and by the kernel's own calls.
#include "os/power/power.hpp"

#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <cerrno>

namespace curfew::os {

std::vector<std::string> SystemPower::shutdown_now() const { return {"shutdown", "-h", "now"}; }
std::vector<std::string> SystemPower::shutdown_in(long minutes) const {
  return {"shutdown", "-h", "+" + std::to_string(minutes)};
}
std::vector<std::string> SystemPower::cancel_shutdown() const { return {"shutdown", "-c"}; }
std::vector<std::string> SystemPower::force_off() const { return {"systemctl", "poweroff", "-ff"}; }

Status SystemPower::kernel_power_off() {
  // Without sync(2): it can hang for ever on a dead disk, and what matters has been fsynced before.
  if (::reboot(RB_POWER_OFF) == 0) return {};
  return fail_errno("reboot(2) RB_POWER_OFF", errno);
}

Status SystemPower::sysrq_power_off() {
  const int fd = ::open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fail_errno("open /proc/sysrq-trigger", errno);
  const bool written = ::write(fd, "o", 1) == 1;
  const int error = errno;
  ::close(fd);
  if (!written) return fail_errno("write 'o' to /proc/sysrq-trigger", error);
  return {};
}

}  // namespace curfew::os
