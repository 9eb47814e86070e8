// Ends the machine by the kernel's own calls.
#include "os/power/power.hpp"

#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <cerrno>

namespace curfew::os {

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
