// The decision log: one line a decision, with its reason. The reader has just lost money and looks for the line to blame.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "os/clock.hpp"
#include "os/fd.hpp"

namespace curfew::os {

enum class LogFormat : std::uint8_t { text, json };
enum class LogLevel : std::uint8_t { info, warning, error };

[[nodiscard]] std::string_view name_of(LogLevel level);

// "2026-11-24T18:00:00Z info  text" or {"time":…,"level":…,"text":…}. Pure; `text` is made printable first.
[[nodiscard]] std::string log_line(LogFormat format, WallTime time, LogLevel level, std::string_view text);

class Log {
 public:
  // Gets each line as it's written, for whoever follows the guard.
  using Listener = std::function<void(LogLevel, std::string_view text)>;

  explicit Log(const Clock& clock) : clock_(clock) {}

  // Lines go to `fd` too from now on, beside what was given before; a write that fails is given up silently for that line
  // (a full disk must not stop the guard) and said once it works again.
  void write_to(Fd fd, LogFormat format);
  // Lines go to stderr as "curfew: text", or with time and level where it's read by a journal.
  void write_to_stderr(bool on) { stderr_ = on; }
  void listen(Listener listener) { listener_ = std::move(listener); }

  void info(std::string_view text) { line(LogLevel::info, text); }
  void warning(std::string_view text) { line(LogLevel::warning, text); }
  void error(std::string_view text) { line(LogLevel::error, text); }
  void line(LogLevel level, std::string_view text);

 private:
  struct File {
    Fd fd;
    LogFormat format = LogFormat::text;
    std::uint64_t lost = 0;
  };

  const Clock& clock_;
  std::vector<File> files_;
  bool stderr_ = false;
  Listener listener_;
};

}  // namespace curfew::os
