// What a process hands down of its signals.
#pragma once

namespace curfew::os {

// Every signal has its default action and none is blocked, as a program expects that is started from a login. That holds
// for 32 and 33 as well, which glibc keeps to itself: a runner that isn't built on glibc may have left them ignored.
// Async-signal-safe, for between fork and exec; not for a process with threads, whose cancellation it would break.
void default_signals();

}  // namespace curfew::os
