// Follows a log from file to file.
#include "save/log_tail.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <utility>

#include "os/own_file.hpp"
#include "save/digest.hpp"

namespace curfew::save {
namespace {

constexpr std::uint64_t k_head = 256;
constexpr const char* k_may_be_missing =
    "\n[curfew: output may be missing here: the log was rotated more often than it was read]\n";
constexpr const char* k_was_cut = "\n[curfew: output may be missing here: the log was cut to nothing]\n";

std::optional<std::string> head_of(int fd, std::uint64_t offset) {
  const std::atomic<bool> never{false};
  auto head = sha256_of(fd, 0, std::min(offset, k_head), never);
  return head ? std::optional(std::move(*head)) : std::nullopt;
}

bool same_file(int fd, const LogPosition& at) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && info.st_ino == at.inode && info.st_dev == at.device;
}

// It's the file that was read up to there before.
bool is_in(int fd, const LogPosition& at) {
  return fd >= 0 && same_file(fd, at) && head_of(fd, at.offset) == at.head;
}

}  // namespace

// Nothing where there is no file.
Result<os::Fd> LogTail::open(const std::string& path) const {
  auto fd = os::open_file_of(path, owner_);
  if (!fd && fd.error().kind == ErrorKind::not_found) return os::Fd{};
  return fd;
}

void LogTail::begin(os::Fd fd) {
  struct stat info {};
  at_ = {};
  if (fd && ::fstat(fd.get(), &info) == 0) at_ = {info.st_dev, info.st_ino, 0, {}};
  fd_ = std::move(fd);
}

Result<std::uint64_t> LogTail::size() const {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno("read " + path_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

// Opens the file that the position is in, or the one that comes after it.
Status LogTail::find(LogPiece& piece) {
  auto current = open(path_);
  if (!current) return fail(std::move(current.error()));
  if (at_.inode == 0) {
    if (*current) begin(std::move(*current));
    return {};
  }
  auto older = open(path_ + ".1");
  if (!older) return fail(std::move(older.error()));
  for (os::Fd* fd : {&*current, &*older}) {
    if (!is_in(fd->get(), at_)) continue;
    fd_ = std::move(*fd);
    return {};
  }
  if (!*current && !*older) return {};
  piece.text += k_may_be_missing;
  ++piece.gaps;
  begin(std::move(*older ? *older : *current));
  return {};
}

// What comes after the file that is open: nothing while that is still the log.
Result<LogTail::Next> LogTail::following() const {
  auto current = open(path_);
  if (!current) return fail(std::move(current.error()));
  if (!*current || same_file(current->get(), at_)) return Next{};
  // In this order: what NAME was while NAME.1 is what is read here follows it directly.
  auto older = open(path_ + ".1");
  if (!older) return fail(std::move(older.error()));
  if (!*older || same_file(older->get(), at_)) return Next{std::move(*current), !*older};
  return Next{std::move(*older), true};
}

Status LogTail::append(std::size_t most, LogPiece& piece) {
  const std::size_t before = piece.text.size();
  piece.text.resize(before + most);
  std::size_t done = 0;
  while (done < most) {
    const auto got = ::pread(fd_.get(), piece.text.data() + before + done, most - done,
                             static_cast<off_t>(at_.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      piece.text.resize(before);
      return fail_errno("read " + path_, error);
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  piece.text.resize(before + done);
  at_.offset += done;
  return {};
}

Result<LogPiece> LogTail::read(std::size_t most, std::size_t enough) {
  LogPiece piece;
  if (!fd_) {
    if (auto found = find(piece); !found) return fail(std::move(found.error()));
    if (!fd_) return piece;
  }
  std::size_t last_file = piece.text.size();  // where the last file's text begins
  std::size_t left = most;
  bool rotated = false;
  std::optional<Error> error;
  for (;;) {
    auto next = following();  // first: what is written before a rotation is there to be read after it's seen
    auto end = size();
    if (!next || !end) {
      error = next ? end.error() : next.error();
      break;
    }
    rotated = rotated || next->fd;
    if (*end < at_.offset) {
      piece.text += k_was_cut;
      ++piece.gaps;
      last_file = piece.text.size();
      at_.offset = 0;
    }
    const std::uint64_t there = *end - at_.offset;
    if (!rotated && there < std::max<std::size_t>(enough, 1)) break;
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(there, left));
    if (auto read = append(take, piece); !read) {
      error = std::move(read.error());
      break;
    }
    left -= take;
    if (left == 0 || !next->fd) break;
    if (next->gap) {
      piece.text += k_may_be_missing;
      ++piece.gaps;
    }
    begin(std::move(next->fd));
    last_file = piece.text.size();
  }
  if (error && piece.text.empty()) return fail(std::move(*error));  // else it comes back at the next call
  const auto newline = piece.text.rfind('\n');
  if (enough > 0 && newline != std::string::npos && newline >= last_file) {
    at_.offset -= piece.text.size() - newline - 1;
    piece.text.resize(newline + 1);
  }
  at_.head = head_of(fd_.get(), at_.offset).value_or(std::string{});
  piece.after = at_;
  return piece;
}

}  // namespace curfew::save
