// Walks with openat and fstatat; links are resolved by the kernel and judged by where they lead (/proc/self/fd).
#include "save/tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "os/files.hpp"

namespace curfew::save {
namespace {

FileState state_of(const struct stat& info) {
  const auto nanoseconds = [](const timespec& t) {
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::int64_t>(t.tv_nsec);
  };
  return {static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim), nanoseconds(info.st_ctim),
          info.st_ino};
}

std::string why(int number) {
  std::array<char, 128> buffer{};
  return ::strerror_r(number, buffer.data(), buffer.size());
}

// Where a descriptor leads; empty without /proc.
std::string path_of(int fd) {
  std::array<char, PATH_MAX> buffer{};
  const auto length =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), buffer.data(), buffer.size());
  return length < 0 ? std::string{} : std::string(buffer.data(), static_cast<std::size_t>(length));
}

bool below(const std::string& path, const std::string& root) {
  return path.size() > root.size() + 1 && path.starts_with(root) && path[root.size()] == '/';
}

std::string sort_of(mode_t mode) {
  if (S_ISSOCK(mode)) return "is a socket";
  if (S_ISFIFO(mode)) return "is a pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "is a device";
  return "is no regular file";
}

// With the reader's rights that `as` has taken, and where these don't reach and the root is theirs with the process's own.
// `call` is one system call.
template <class Call>
int by_either(const os::AsFileUser& as, const Reader& reader, bool is_theirs, Call call) {
  const int result = call();
  if (result >= 0 || !is_theirs || !os::is_no_right(errno) || !as.has_own()) return result;
  const os::AsOwner own(*reader);
  return call();
}

// Of the path, which has no links in it, or of a folder that it's in.
bool belongs_to(const std::string& real, uid_t user) {
  for (std::string path = real; path.size() > 1; path.resize(path.rfind('/'))) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0 && info.st_uid == user) return true;
  }
  return false;
}

using RealPath = std::unique_ptr<char, decltype(&std::free)>;

RealPath real_path(const std::string& path) { return {::realpath(path.c_str(), nullptr), &std::free}; }

// By the reader's rights as far as they reach. From there on by the process's own where that is theirs, and only what lies
// below it. Null, with errno: it can't be reached.
RealPath resolve(const os::AsFileUser& as, const Reader& reader, const std::string& path) {
  auto whole = real_path(path);
  const int why = errno;
  if (whole || !reader || !as.has_own() || !os::is_no_right(why)) return whole;
  std::string reached = path;
  auto base = real_path(reached);
  while (!base && reached.rfind('/') != std::string::npos && reached.rfind('/') > 0) {
    reached.resize(reached.rfind('/'));
    base = real_path(reached);
  }
  if (base && belongs_to(base.get(), reader->user)) {
    const os::AsOwner own(*reader);
    whole = real_path(base.get() + path.substr(reached.size()));
    if (whole && !below(whole.get(), base.get())) whole.reset();
  }
  if (!whole) errno = why;
  return whole;
}

// Of somebody's whose rights are the reader's.
std::string why_not(int number, const Reader& reader) {
  if (reader && (number == EACCES || number == EPERM)) return "the job's user may not read it";
  return why(number);
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

class Walker {
 public:
  // `own`: curfew's own folder, which is left out.
  Walker(Found& found, const std::atomic<bool>& stop, std::atomic<std::uint64_t>& count, Reader reader,
         std::optional<struct stat> own)
      : found_(found),
        stop_(stop),
        count_(count),
        reader_(std::move(reader)),
        as_(reader_.get()),
        own_(own) {}

  [[nodiscard]] const Status& status() const { return as_.status(); }

  void target(std::uint16_t number, const Target& target, const std::string& base_dir) {
    target_ = number;
    shown_ = target.source;
    while (shown_.size() > 1 && shown_.back() == '/') shown_.pop_back();
    Root& root = found_.roots[number];
    root.reader = reader_;
    const std::string path = target.source.starts_with('/') ? target.source : base_dir + "/" + target.source;
    const auto real = resolve(as_, reader_, path);
    is_theirs_ = real && reader_ && belongs_to(real.get(), reader_->user);
    struct stat info {};
    if (!real || either([&] { return ::stat(real.get(), &info); }) != 0) {
      const int number_of = errno;
      if (number_of == ENOENT || number_of == ENOTDIR)
        return found_.missing.add({shown_, 0, "nothing was made at " + path});
      return failed({}, "can't be looked at: " + why_not(number_of, reader_));
    }
    if (std::strcmp(real.get(), "/") == 0)
      return failed({}, "is the whole machine; name the folder with the results");
    root.real = real.get();
    root.is_theirs = is_theirs_;
    if (S_ISREG(info.st_mode)) {
      root.is_file = true;
      root.name = shown_.substr(shown_.rfind('/') + 1);
      add(0, root.name, info);
      return;
    }
    if (!S_ISDIR(info.st_mode)) return failed({}, sort_of(info.st_mode) + ", not a file or folder");
    root_ = root.real;
    os::Fd fd{either([&] { return ::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW); })};
    if (!fd) return failed({}, "can't be read: " + why_not(errno, reader_));
    if (is_theirs_ && path_of(fd.get()) != root_) return failed({}, "was moved while it was looked at");
    folder(std::move(fd), 0, {}, 0);
  }

 private:
  template <class Call>
  int either(Call call) {
    return by_either(as_, reader_, is_theirs_, std::move(call));
  }
  void failed(const std::string& relative, std::string reason, std::uint64_t size = 0) {
    found_.failed.add({relative.empty() ? shown_ : shown_ + "/" + relative, size, std::move(reason)});
  }
  void skipped(const std::string& relative, std::string reason) {
    found_.skipped.add({shown_ + "/" + relative, 0, std::move(reason)});
  }

  void add(std::uint32_t in, std::string_view name, const struct stat& info) {
    found_.tree.add_file(target_, in, name, state_of(info));
    count_.fetch_add(1, std::memory_order_relaxed);
  }

  void folder(os::Fd fd, std::uint32_t id, const std::string& relative, int depth) {
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd.get()));
    if (!dir) return failed(relative, "can't be read: " + why(errno));
    const int at = fd.release();  // closed by closedir
    for (;;) {
      if (stop_ || full_) return;
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) {
        if (errno != 0) failed(relative, "can't be read to its end: " + why(errno));
        return;
      }
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      one(at, id, relative, std::string(name), depth);
    }
  }

  void one(int at, std::uint32_t in, const std::string& above, const std::string& name, int depth) {
    const std::string relative = above.empty() ? name : above + "/" + name;
    struct stat info {};
    if (either([&] { return ::fstatat(at, name.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) != 0) {
      if (errno == ENOENT) return;  // removed between readdir and here: never was a result
      return failed(relative, "can't be looked at: " + why_not(errno, reader_));
    }
    if (S_ISDIR(info.st_mode)) return descend(at, in, relative, name, info, depth);
    if (S_ISLNK(info.st_mode)) {
      const auto behind = link(at, name, relative);
      if (!behind) return;
      info = *behind;
    } else if (!S_ISREG(info.st_mode)) {
      return skipped(relative, sort_of(info.st_mode));
    }
    if (found_.tree.size() >= Tree::k_most_files) {
      full_ = true;
      return failed(relative, "more than a million files: this and all that follow are left out");
    }
    add(in, name, info);
  }

  void descend(int at, std::uint32_t in, const std::string& relative, const std::string& name,
               const struct stat& info, int depth) {
    if (own_ && own_->st_ino == info.st_ino && own_->st_dev == info.st_dev) return;  // curfew's own state
    if (depth + 1 >= Tree::k_deepest)
      return failed(relative, "lies deeper than " + std::to_string(Tree::k_deepest) + " folders");
    os::Fd fd{
        either([&] { return ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW); })};
    if (!fd) {
      if (errno == ENOENT) return;
      return failed(relative, "can't be read: " + why_not(errno, reader_));
    }
    folder(std::move(fd), found_.tree.add_folder(in, name), relative, depth + 1);
  }

  // What a link leads to, where that may be saved.
  std::optional<struct stat> link(int at, const std::string& name, const std::string& relative) {
    const os::Fd fd{either([&] { return ::openat(at, name.c_str(), O_PATH | O_CLOEXEC); })};
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
      skipped(relative, errno == ELOOP    ? "is a link in a circle"
                        : errno == ENOENT ? "is a link to nothing"
                                          : "is a link that can't be followed: " + why_not(errno, reader_));
    } else if (!below(path_of(fd.get()), root_)) {
      skipped(relative, "is a link to outside of " + shown_);
    } else if (!S_ISREG(info.st_mode)) {
      skipped(relative, S_ISDIR(info.st_mode) ? "is a link to a folder, which is saved under its own name"
                                              : "is a link to what " + sort_of(info.st_mode));
    } else {
      return info;
    }
    return std::nullopt;
  }

  Found& found_;
  const std::atomic<bool>& stop_;
  std::atomic<std::uint64_t>& count_;
  Reader reader_;
  os::AsFileUser as_;
  std::optional<struct stat> own_;
  bool is_theirs_ = false;  // see Root
  std::uint16_t target_ = 0;
  std::string shown_;
  std::string root_;
  bool full_ = false;
};

}  // namespace

std::uint32_t Tree::add_folder(std::uint32_t parent, std::string_view name) {
  folders_.push_back(
      {parent, static_cast<std::uint32_t>(names_.size()), static_cast<std::uint16_t>(name.size())});
  names_ += name;
  return static_cast<std::uint32_t>(folders_.size());
}

void Tree::add_file(std::uint16_t target, std::uint32_t folder, std::string_view name,
                    const FileState& state) {
  files_.push_back({state, folder, static_cast<std::uint32_t>(names_.size()),
                    static_cast<std::uint16_t>(name.size()), target});
  names_ += name;
}

std::string Tree::relative(FileId id) const {
  const File& file = files_[id];
  std::size_t length = file.name_length;
  for (auto at = file.folder; at != 0; at = folders_[at - 1].parent)
    length += folders_[at - 1].name_length + 1U;
  std::string path(length, '/');
  std::size_t end = length - file.name_length;
  names_.copy(path.data() + end, file.name_length, file.name);
  for (auto at = file.folder; at != 0; at = folders_[at - 1].parent) {
    const Folder& folder = folders_[at - 1];
    end -= folder.name_length + 1U;
    names_.copy(path.data() + end, folder.name_length, folder.name);
  }
  return path;
}

Found walk(const std::vector<Target>& targets, const std::string& base_dir, const std::string& own_folder,
           const std::atomic<bool>& stop, std::atomic<std::uint64_t>& count, const Reader& reader) {
  Found found;
  found.roots.resize(targets.size());
  std::optional<struct stat> own;
  struct stat info {};
  if (!own_folder.empty() && ::stat(own_folder.c_str(), &info) == 0) own = info;
  Walker walker(found, stop, count, reader, own);
  if (!walker.status()) {
    for (const auto& target : targets) found.failed.add({target.source, 0, walker.status().error().text()});
    return found;
  }
  for (std::size_t i = 0; i < targets.size() && !stop; ++i)
    walker.target(static_cast<std::uint16_t>(i), targets[i], base_dir);
  return found;
}

Result<Opened> open_below(const Root& root, const std::string& relative) {
  const os::AsFileUser as(root.reader.get());
  if (!as.status()) return fail(Error{as.status().error()});
  const auto failed = [&root](int number) {
    auto error = fail_errno("open", number);
    error.value().cause = why_not(number, root.reader);
    return error;
  };
  const std::string path = root.is_file ? root.real : root.real + "/" + relative;
  const auto either = [&as, &root](auto call) { return by_either(as, root.reader, root.is_theirs, call); };
  const os::Fd place{either([&] { return ::open(path.c_str(), O_PATH | O_CLOEXEC); })};
  struct stat info {};
  if (!place || ::fstat(place.get(), &info) != 0) return failed(errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid_input, "open", "is no longer a regular file");
  const std::string real = path_of(place.get());
  const bool is_same = real == root.real || real == root.real + " (deleted)";
  const bool inside = root.is_file ? is_same : below(real, root.real);
  if (!inside)
    return fail(ErrorKind::refused, "open", "leads out of what is to be saved",
                real.empty() ? "is /proc there?" : "");
  Opened opened;
  const auto through = "/proc/self/fd/" + std::to_string(place.get());
  const auto reopen = [&through] { return ::open(through.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); };
  // With another name elsewhere it may be somebody else's file: where the kernel lets anybody link to it
  // (fs.protected_hardlinks), a name in a folder of the reader's says nothing.
  opened.fd.reset(info.st_nlink == 1 ? either(reopen) : reopen());
  if (!opened.fd || ::fstat(opened.fd.get(), &info) != 0) return failed(errno);
  opened.state = state_of(info);
  return opened;
}

void write_back(Opened& opened) {
  struct stat info {};
  // What can't be written back (a file system without it) is as it was.
  if (::fdatasync(opened.fd.get()) == 0 && ::fstat(opened.fd.get(), &info) == 0)
    opened.state = state_of(info);
}

Since since_opened(const Root& root, const std::string& relative, int fd, const FileState& before,
                   bool by_ctime) {
  const std::string path = root.is_file ? root.real : root.real + "/" + relative;
  const os::AsFileUser as(root.reader.get());
  struct stat now {};
  struct stat there {};
  const auto look = [&] { return ::stat(path.c_str(), &there); };
  if (by_either(as, root.reader, root.is_theirs, look) != 0 && errno == ENOENT) return Since::vanished;
  if (::fstat(fd, &now) != 0) return Since::changed;
  const FileState state = state_of(now);
  const bool same = state.size == before.size && state.modified == before.modified &&
                    there.st_ino == now.st_ino && there.st_dev == now.st_dev &&
                    (!by_ctime || state.changed == before.changed);
  if (same) return Since::same;
  const bool in_place = there.st_ino == now.st_ino && there.st_dev == now.st_dev;
  return by_ctime && in_place && state.size > before.size ? Since::grew : Since::changed;
}

}  // namespace curfew::save
