// Follows a log that is rotated by renaming.
#include "guard/probes/output_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace curfew::guard {

Result<OutputTail::Found> OutputTail::open(const std::string& path) const {
  Found found{os::Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)}};
  if (!found.fd) {
    if (errno == ENOENT) return Found{};
    return fail_errno("read " + path, errno);
  }
  struct stat info {};
  if (::fstat(found.fd.get(), &info) != 0) return fail_errno("read " + path, errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::refused, "read " + path, "is not a regular file");
  found.inode = info.st_ino;
  return found;
}

void OutputTail::hold(Found found, std::uint64_t offset) {
  fd_ = std::move(found.fd);
  place_ = {found.inode, offset};
}

Status OutputTail::begin(Part& part) {
  auto current = open(path_);
  if (!current) return fail(current.error());
  if (place_.inode != 0 && current->inode != place_.inode) {
    auto rotated = open(path_ + ".1");
    if (rotated && rotated->inode == place_.inode) {
      hold(std::move(*rotated), place_.offset);
      return {};
    }
    part.missing = true;
  }
  if (current->fd) {
    const auto offset = current->inode == place_.inode ? place_.offset : 0;
    hold(std::move(*current), offset);
  }
  return {};
}

Result<OutputTail::Found> OutputTail::successor() const {
  // In this order: where the one in hand is output.log.1 after output.log was opened, that one is its successor.
  auto current = open(path_);
  if (!current) return fail(current.error());
  if (current->inode == place_.inode) return Found{};
  auto rotated = open(path_ + ".1");
  if (!rotated) return fail(rotated.error());
  // Rotated more than once.
  if (rotated->fd && rotated->inode != place_.inode) return rotated;
  return current;
}

Status OutputTail::read_to_end(std::size_t limit, Part& part) {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno("read " + path_, errno);
  if (static_cast<std::uint64_t>(info.st_size) < place_.offset) {
    place_.offset = 0;  // cut short: begins anew
    part.missing = true;
  }
  std::array<char, 65'536> chunk{};
  while (part.text.size() < limit) {
    const auto room = std::min(chunk.size(), limit - part.text.size());
    const auto got = ::pread(fd_.get(), chunk.data(), room, static_cast<off_t>(place_.offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path_, errno);
    if (got == 0) return {};
    part.text.append(chunk.data(), static_cast<std::size_t>(got));
    place_.offset += static_cast<std::uint64_t>(got);
  }
  part.more = true;
  return {};
}

Result<OutputTail::Part> OutputTail::look(std::size_t limit) {
  Part part;
  if (!fd_) {
    if (const auto begun = begin(part); !begun) return fail(begun.error());
    if (!fd_) return part;
  }
  // At most as many files as there can be, and once more.
  for (int files = 0; files < 4; ++files) {
    if (const auto read = read_to_end(limit, part); !read) return fail(read.error());
    if (part.more) return part;
    auto next = successor();
    if (!next) return fail(next.error());
    if (!next->fd) return part;
    // It was renamed after its last byte was written, but maybe after it was read.
    if (const auto rest = read_to_end(limit, part); !rest) return fail(rest.error());
    if (part.more) return part;
    hold(std::move(*next), 0);
  }
  part.more = true;
  return part;
}

}  // namespace curfew::guard
