// What is to be sent, and in which order: what was found on disk, against the manifest and against what S3 has. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aws/s3.hpp"
#include "save/manifest.hpp"
#include "save/summary.hpp"
#include "save/target.hpp"
#include "save/tree.hpp"

namespace curfew::save {

// Files below this go in one request; larger ones in parts of it, or larger parts where there would be too many.
inline constexpr std::uint64_t k_part = 8U << 20U;
inline constexpr std::uint64_t k_most_parts = 10'000;
inline constexpr std::uint64_t k_largest_part = 5ULL << 30U;
// Whole MiB; never more than k_most_parts of them.
[[nodiscard]] std::uint64_t part_size_of(std::uint64_t file_size);

enum class Need : std::uint8_t {
  upload,     // S3 doesn't have it, or not like this
  compare,    // S3 has one of this size: upload it unless head says that it's the same
  resend,     // the same, and it's of no use to ask S3: what is there is doubtful
  stored,     // the manifest says S3 has it
  confirm,    // the same, to be asked of S3 by head
  confirmed,  // the manifest says so, and S3 lists it
  dropped,    // no good key, or the same file twice: not this one
};

// The metadata of each object. `unsettled`: the file was so young when it was read that it may have changed after without
// a trace in its mtime.
inline constexpr std::string_view k_meta_mtime = "curfew-mtime";          // "1764000000.123456789"
inline constexpr std::string_view k_meta_unsettled = "curfew-unsettled";  // "1", or not there
inline constexpr std::string_view k_meta_escaped =
    "curfew-escaped";  // "1" where the key's end is escaped, or not there
[[nodiscard]] aws::Metadata metadata_of(const FileState& state, bool unsettled, bool escaped);
// S3's object is this file in this state: the same size, the same mtime to the nanosecond, and settled.
[[nodiscard]] bool same_as(const aws::ObjectInfo& head, const FileState& state);
// Changed within the coarseness of its own timestamps before `now`: 50 ms, 2 s where they are whole seconds.
[[nodiscard]] bool unsettled(const FileState& state, WallTime now);

class Plan {
 public:
  // Files with no key, and all but one where several have the same key, are added to found.failed.
  Plan(std::vector<Target> targets, Found found, const Manifest& manifest);

  [[nodiscard]] const Tree& tree() const { return found_.tree; }
  [[nodiscard]] Found& found() { return found_; }
  [[nodiscard]] const std::vector<Target>& targets() const { return targets_; }
  [[nodiscard]] std::size_t files_of(std::uint16_t target) const { return files_of_[target]; }
  [[nodiscard]] const Root& root_of(FileId file) const { return found_.roots[tree()[file].target]; }
  [[nodiscard]] Need need(FileId file) const { return needs_[file]; }

  [[nodiscard]] Key key_for(FileId file) const;  // of a file that isn't dropped
  [[nodiscard]] aws::S3Location place_of(FileId file) const;
  [[nodiscard]] std::string shown(FileId file) const;     // SRC/relative
  [[nodiscard]] std::string absolute(FileId file) const;  // where links are resolved
  // The prefix under which all keys of a target lie.
  [[nodiscard]] aws::S3Location prefix_of(std::uint16_t target) const;

  // S3 lists this object in the bucket of `target`.
  void seen(std::uint16_t target, const aws::ObjectInfo& object);
  // That was all of the target's prefix: what the manifest has and S3 doesn't is uploaded again.
  void seen_all(std::uint16_t target);
  // The target's files are each asked of S3 by head.
  void ask_each(std::uint16_t target);
  // What head said of a file that is to be compared or confirmed: it needn't be uploaded.
  [[nodiscard]] bool settled_by(FileId file, const aws::ObjectInfo& head) const;

  // Newest first; of the same age the smaller first; then by path. `small` are those of one request.
  struct Order {
    std::vector<FileId> small;
    std::vector<FileId> large;
    std::uint64_t bytes = 0;
    std::uint64_t unchanged_files = 0;
    std::uint64_t unchanged_bytes = 0;
  };
  // Lookups by seen() end here.
  [[nodiscard]] Order order();

 private:
  void drop_doubles();

  std::vector<Target> targets_;
  Found found_;
  std::vector<std::size_t> files_of_;
  std::vector<Need> needs_;
  std::vector<std::uint32_t> etags_;  // etag_mark by file; empty without a manifest
  // 32 bits of a hash of bucket and key: hits are compared in full, and a million files take 8 MB less.
  std::vector<std::pair<std::uint32_t, FileId>> index_;
};

}  // namespace curfew::save
