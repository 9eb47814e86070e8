// What this machine knows to be in S3, and which multipart uploads it has begun: one JSON object a line, appended as it
// happens. It only ever spares work: without it, or with a torn one, files are compared with S3 or uploaded again.
// Blocks: for the worker threads.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "os/fd.hpp"
#include "save/tree.hpp"

namespace curfew::save {

// One file in one state, and where it went.
struct Stored {
  aws::S3Location to;
  std::string path;  // absolute, as bytes
  FileState state;
  std::string etag;
};

// A multipart upload that was begun and, as far as the manifest knows, neither completed nor aborted.
struct Leftover {
  aws::S3Location to;
  std::string id;  // empty: begun, but its id never became known; look it up
};

// Lines, each with its newline.
[[nodiscard]] std::string line_stored(
    const Stored& stored);  // {"what":"stored","bucket":…,"key":…,"path":…,"size":…,
                            //  "mtime":ns,"ctime":ns,"inode":…,"etag":…}
// What S3 holds there may be another state than it says: to be sent whatever head tells.
[[nodiscard]] std::string line_doubtful(const aws::S3Location& to);
[[nodiscard]] std::string line_starting(const aws::S3Location& to);  // before a multipart upload
[[nodiscard]] std::string line_upload(const aws::S3Location& to, const std::string& id);  // it has this id
[[nodiscard]] std::string line_closed(const aws::S3Location& to,
                                      const std::string& id);  // completed or aborted

// 32 bits of an ETag, enough to see that S3 holds another object; never 0.
[[nodiscard]] std::uint32_t etag_mark(std::string_view etag);

class Manifest {
 public:
  // The last line for a key counts; lines that can't be read are passed over. No file: an empty manifest.
  // More than two million lines (32 bytes each): no file is known.
  [[nodiscard]] static Result<Manifest> load(const std::string& path);

  // Where exactly this file in exactly this state is known to be stored: its etag_mark. `stored.etag` isn't looked at.
  // 0 where the place is doubtful.
  [[nodiscard]] std::optional<std::uint32_t> find(const Stored& stored) const;
  [[nodiscard]] const std::vector<Leftover>& leftovers() const { return leftovers_; }
  [[nodiscard]] std::size_t size() const { return known_.size(); }
  // Lines of the file, those that no longer count included.
  [[nodiscard]] std::uint32_t lines() const { return lines_; }

 private:
  friend class Journal;
  struct Known {
    std::uint64_t place = 0;               // hash of bucket and key
    std::array<std::uint64_t, 2> print{};  // 128 bits of SHA-256 over all that identifies the file's state
    std::uint32_t etag = 0;                // 0: doubtful
    std::uint32_t line = 0;
  };
  std::vector<Known> known_;  // by place, one each
  std::vector<Leftover> leftovers_;
  std::vector<std::uint32_t> leftover_lines_;
  std::uint32_t lines_ = 0;
};

// The manifest's writer. Any thread.
class Journal {
 public:
  // An empty path: writes nowhere.
  explicit Journal(std::string path) : path_(std::move(path)) {}
  // Keeps lines for the next write(); never blocks.
  void add(std::string_view lines);
  // Appends what was added; once it returns, all that was added before it was called has been tried.
  void write();
  void append(std::string_view lines) {
    add(lines);
    write();
  }
  // Tells what the file held when it was loaded, so that compact() needn't read it all again where nothing was added.
  void loaded(const Manifest& manifest);
  // Rewrites the file, by rename, without the lines that no longer count, once they are the larger part.
  void compact();
  // What first went wrong, if something did.
  [[nodiscard]] std::optional<Error> failure() const;

 private:
  std::string path_;
  std::mutex added_mutex_;
  std::string added_;
  mutable std::mutex mutex_;  // of the file, and all below
  os::Fd fd_;
  bool opened_ = false;
  std::optional<std::uint64_t> lines_;  // in the file, as far as it was loaded
  std::uint64_t known_ = 0;             // keys in it then: they never become fewer
  std::optional<Error> failure_;
};

}  // namespace curfew::save
