// What a process hands down of its signals.
#pragma once

#include <signal.h>

#include <array>
#include <string_view>

namespace curfew::os {

// Every signal has its default action and none is blocked, as a program expects that is started from a login. That holds
// for 32 and 33 as well, which glibc keeps to itself: a runner that isn't built on glibc may have left them ignored.
// Async-signal-safe, for between fork and exec; not for a process with threads, whose cancellation it would break.
void default_signals();

// A write to a pipe that nobody reads any more fails, instead of ending the process in the middle of what it does. Programs
// that are started have the default action again.
void survive_broken_pipes();

// While it lives SIGINT, SIGTERM and SIGHUP say this on stderr before they end the process, as they'd have anyhow. One that
// was ignored (nohup) stays so. One at a time; the text is cut after 500 bytes.
class SaidOnSignals {
 public:
  explicit SaidOnSignals(std::string_view text);
  ~SaidOnSignals();
  SaidOnSignals(const SaidOnSignals&) = delete;
  SaidOnSignals& operator=(const SaidOnSignals&) = delete;

 private:
  static constexpr std::array k_signals{SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, k_signals.size()> before_{};
};

}  // namespace curfew::os
