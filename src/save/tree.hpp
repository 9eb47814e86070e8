// The files below what is to be saved, found without ever leaving it. Blocks: for the worker threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "os/fd.hpp"
#include "os/file_user.hpp"
#include "save/summary.hpp"
#include "save/target.hpp"

namespace curfew::save {

// What tells one state of a file from another.
struct FileState {
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // ns since 1970
  std::int64_t changed = 0;   // ctime: also moves where mtime was set back by hand
  std::uint64_t inode = 0;
};

// By whose rights files are looked at: wherever links lead by now, nothing is opened that this user can't read, but for what
// lies in a folder of this user's and is no link out of it (Root::is_theirs): a container that runs as root leaves results
// that only root can read. Null: the process's own rights.
using Reader = std::shared_ptr<const os::FileUser>;

// A target as found on disk.
struct Root {
  std::string real;  // absolute, all links resolved; empty where it isn't there
  bool is_file = false;
  std::string name;  // a file: its last name, as the user wrote it
  Reader reader = nullptr;
  bool is_theirs = false;  // `real`, or a folder that it's in, belongs to the reader
};

// Hundreds of thousands of files are kept in memory at once, since the newest go first: about 80 bytes each.
struct File {
  FileState state;
  std::uint32_t folder = 0;
  std::uint32_t name = 0;
  std::uint16_t name_length = 0;
  std::uint16_t target = 0;
};

using FileId = std::uint32_t;

class Tree {
 public:
  static constexpr std::size_t k_most_files = 1'000'000;
  static constexpr int k_deepest = 128;  // folders below SRC; each level holds a descriptor while it's walked

  [[nodiscard]] std::uint32_t add_folder(std::uint32_t parent, std::string_view name);
  void add_file(std::uint16_t target, std::uint32_t folder, std::string_view name, const FileState& state);

  [[nodiscard]] std::size_t size() const { return files_.size(); }
  [[nodiscard]] const File& operator[](FileId id) const { return files_[id]; }
  // Below SRC; the file's own name where SRC is the file.
  [[nodiscard]] std::string relative(FileId id) const;

 private:
  struct Folder {
    std::uint32_t parent;
    std::uint32_t name;
    std::uint16_t name_length;
  };
  std::string names_;
  std::deque<Folder> folders_;  // folder n is folders_[n - 1]; 0 is SRC itself
  std::deque<File> files_;
};

struct Found {
  Tree tree;
  std::vector<Root> roots;  // one a target
  Notes missing;            // SRC where nothing is (yet)
  Notes failed;             // folders that can't be read, too deep, too many
  Notes skipped;            // links out of the tree, dangling, to folders; sockets, pipes, devices
};

// Walks all targets. `own_folder` (curfew's state; may be empty) is left out where it lies below SRC. A link at SRC itself
// is followed; below, a link to a regular file inside SRC is saved as that file's content, every other link is skipped.
// Ends early once `stop` is set. `count` is kept up to date for whoever shows progress.
[[nodiscard]] Found walk(const std::vector<Target>& targets, const std::string& base_dir,
                         const std::string& own_folder, const std::atomic<bool>& stop,
                         std::atomic<std::uint64_t>& count, const Reader& reader = nullptr);

struct Opened {
  os::Fd fd;
  FileState state;
};
// Opens a regular file below the root for reading, whatever has become of its path since: nothing outside the root, and
// nothing that isn't a regular file, is ever opened. not_found where it has vanished; refused too where the root's reader
// may not read it.
[[nodiscard]] Result<Opened> open_below(const Root& root, const std::string& relative);

// Writes back what a writer by mmap has left dirty, for only then does its next store show in the file's times; the state
// is taken anew. May take as long as the disk does. On tmpfs, which writes nothing back, such stores stay unseen.
void write_back(Opened& opened);

enum class Since : std::uint8_t {
  same,
  grew,  // and nothing else, as far as size and inode tell; told only where it's asked for by ctime
  changed,
  vanished
};
// What has become of an opened file, and of its path, since `before`. By ctime too where that is asked for: it sees an
// mtime that was set back, but also a chmod or a new link, which change nothing that is saved.
[[nodiscard]] Since since_opened(const Root& root, const std::string& relative, int fd,
                                 const FileState& before, bool by_ctime = false);

}  // namespace curfew::save
