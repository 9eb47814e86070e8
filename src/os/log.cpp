// Writes the decision log.
#include "os/log.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::os {
namespace {
constexpr std::size_t k_longest_line = 4'000;
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "info";
}

std::string log_line(LogFormat format, WallTime time, LogLevel level, std::string_view text) {
  const std::string safe = printable(text, k_longest_line);
  if (format == LogFormat::json) {
    boost::json::object line;
    line["time"] = format_utc(time);
    line["level"] = std::string(name_of(level));
    line["text"] = safe;
    return boost::json::serialize(line) + "\n";
  }
  std::string name(name_of(level));
  name.resize(8, ' ');
  return format_utc(time) + " " + name + safe + "\n";
}

void Log::write_to(Fd fd, LogFormat format) { files_.push_back({std::move(fd), format, 0}); }

void Log::line(LogLevel level, std::string_view text) {
  for (auto& [fd, format, lost] : files_) {
    if (lost > 0 && write_all(fd.get(),
                              log_line(format, clock_.wall(), LogLevel::warning,
                                       std::to_string(lost) + " log lines could not be written here"),
                              "log"))
      lost = 0;
    if (!write_all(fd.get(), log_line(format, clock_.wall(), level, text), "log")) ++lost;
  }
  if (stderr_) {
    // stderr may be a journal, a pipe or closed; there is nowhere to say that it failed.
    const auto to_stderr = log_line(LogFormat::text, clock_.wall(), level, text);
    (void)!::write(2, to_stderr.data(), to_stderr.size());
  }
  if (listener_) listener_(level, text);
}

}  // namespace curfew::os
