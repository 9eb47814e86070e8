// Two places for every byte.
#include "launch/stage_log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_longest_line = 4'000;

}  // namespace

Result<std::shared_ptr<StageLog>> StageLog::open(std::string path, std::uint64_t longest) {
  auto fd = os::open_append(path, 0644);
  if (!fd) return fail(std::move(fd.error()));
  struct stat about {};
  const auto size = ::fstat(fd->get(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
  return std::shared_ptr<StageLog>(new StageLog(std::move(path), longest, std::move(*fd), size));
}

void StageLog::write(std::string_view text) {
  const std::lock_guard lock(mutex_);
  append(text);
  (void)os::write_all(STDOUT_FILENO, text, "stdout");  // where nobody reads it any more, the file has it
}

void StageLog::say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  const auto text = "curfew: " + printable(line, k_longest_line) + "\n";
  append(text);
  (void)os::write_all(STDERR_FILENO, text, "stderr");
}

void StageLog::append(std::string_view text) {
  if (size_ > 0 && size_ + text.size() > longest_) {
    // Where it can't be renamed, it goes on as it is rather than be lost.
    if (::rename(path_.c_str(), (path_ + ".1").c_str()) == 0) {
      auto next = os::open_append(path_, 0644);
      if (next) fd_ = std::move(*next);
      size_ = 0;
    }
  }
  if (os::write_all(fd_.get(), text, path_)) size_ += text.size();
}

}  // namespace curfew::launch
