// rt_sigaction(2) by its number, since sigaction(3) refuses the two signals that glibc uses itself.
#include "os/signals.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace curfew::os {
namespace {

constexpr int k_last_signal = 64;
constexpr std::size_t k_kernel_set_bytes = k_last_signal / 8;

}  // namespace

void default_signals() {
  // The kernel's struct sigaction, all zero on every architecture: SIG_DFL, no flags, an empty mask.
  constexpr std::array<unsigned long, 8> k_default{};
  for (int number = 1; number <= k_last_signal; ++number)  // KILL and STOP refuse
    ::syscall(SYS_rt_sigaction, number, k_default.data(), nullptr, k_kernel_set_bytes);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace curfew::os
