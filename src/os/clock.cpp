// Reads the kernel's clocks.
#include "os/clock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <ctime>

namespace curfew::os {

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

BootTime SystemClock::boot() const {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);  // can't fail with a valid clock and pointer
  return BootTime{std::chrono::duration_cast<Millis>(std::chrono::seconds{now.tv_sec} +
                                                     std::chrono::nanoseconds{now.tv_nsec})};
}

std::string boot_id() {
  std::array<char, 64> buffer{};
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const auto length = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  std::string id(buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  while (!id.empty() && (id.back() == '\n' || id.back() == ' ')) id.pop_back();
  return id;
}

}  // namespace curfew::os
