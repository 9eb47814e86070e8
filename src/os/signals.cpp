// rt_sigaction(2) by its number, since sigaction(3) refuses the two signals that glibc uses itself.
#include "os/signals.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace curfew::os {
namespace {

constexpr int k_last_signal = 64;
constexpr std::size_t k_kernel_set_bytes = k_last_signal / 8;

std::array<char, 512> g_said{};
std::size_t g_said_size = 0;

void say_and_end(int signal) {
  for (std::size_t at = 0; at < g_said_size;) {
    const auto wrote = ::write(STDERR_FILENO, g_said.data() + at, g_said_size - at);
    if (wrote <= 0) break;
    at += static_cast<std::size_t>(wrote);
  }
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace

void survive_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

SaidOnSignals::SaidOnSignals(std::string_view text) {
  text = text.substr(0, 500);
  std::copy(text.begin(), text.end(), g_said.begin());
  g_said[text.size()] = '\n';
  g_said_size = text.size() + 1;
  for (std::size_t at = 0; at < k_signals.size(); ++at) {
    ::sigaction(k_signals[at], nullptr, &before_[at]);
    if (before_[at].sa_handler == SIG_IGN) continue;
    struct sigaction ours {};
    ours.sa_handler = say_and_end;
    sigfillset(&ours.sa_mask);
    ::sigaction(k_signals[at], &ours, nullptr);
  }
}

SaidOnSignals::~SaidOnSignals() {
  for (std::size_t at = 0; at < k_signals.size(); ++at) ::sigaction(k_signals[at], &before_[at], nullptr);
}

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
