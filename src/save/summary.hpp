// What a save did and didn't do, for people and for programs; and the line that shows it at work. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/times.hpp"

namespace curfew::save {

// One file (or folder, or SRC) and what there is to say about it. The path's bytes are the file system's, not printable.
struct Note {
  std::string path;  // as the user would name it: SRC/relative
  std::uint64_t size = 0;
  std::string reason;
};

// As many notes as a person will read, and the count and bytes of all of them.
struct Notes {
  static constexpr std::size_t k_kept = 100;
  std::vector<Note> first;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;

  void add(Note note);
  // For hundreds of thousands of files: makes the note only where it's kept.
  template <class Make>
  void add(std::uint64_t size, Make make) {
    if (first.size() < k_kept) return add(make());
    ++count;
    bytes += size;
  }
};

struct Summary {
  std::uint64_t saved_files = 0;
  std::uint64_t saved_bytes = 0;
  std::uint64_t unchanged_files = 0;  // S3 has them already
  std::uint64_t unchanged_bytes = 0;
  Notes failed;    // not in S3, and should be; SRC that isn't there counts as one
  Notes skipped;   // links out of the tree, sockets, files that vanished: never meant to be saved, but said
  Notes changing;  // stored, but changed or vanished meanwhile: what is in S3 may be torn
  Notes
      unsteady;  // left for the next save, since something is still writing them (Options::steady); no failure
  std::vector<std::string> warnings;  // about the saving itself, e.g. that the manifest can't be written
  Millis elapsed{0};
  bool limit_hit = false;
  bool cancelled = false;

  // Everything that was to be saved is in S3, but for what is unsteady.
  [[nodiscard]] bool all_saved() const { return failed.count == 0 && !limit_hit && !cancelled; }
};

// "1 file", "12 files".
[[nodiscard]] std::string count_of_files(std::uint64_t count);

// A few lines, printable, without newlines; at most `shown` notes of a sort, and 5 * shown + 10 lines in all.
[[nodiscard]] std::vector<std::string> lines(const Summary& summary, std::size_t shown = 10);

// "1 file left out, still being written: out/metrics.jsonl", at most `shown` of them named; empty where there is none.
[[nodiscard]] std::string left_out_line(const Notes& unsteady, std::size_t shown = 3);
// "out/model (12 MiB): NoSuchBucket: …": the first of what isn't in S3 and should be; empty where nothing is known.
[[nodiscard]] std::string first_failure(const Summary& summary);

// {"all_saved":…,"saved":{"files":…,"bytes":…},"unchanged":{…},"failed":{"files":…,"bytes":…,"first":[{"path":…,
//  "size":…,"reason":…}]},"skipped":{…},"changing":{…},"unsteady":{…},"warnings":[…],"elapsed_ms":…,"limit_hit":…,"cancelled":…}.
// Paths are printable().
[[nodiscard]] boost::json::object to_json(const Summary& summary);

enum class Phase : std::uint8_t { looking, comparing, sending };

struct Progress {
  Phase phase = Phase::looking;
  std::uint64_t files_done = 0;  // looking: found so far
  std::uint64_t files_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_per_second = 0;  // over the last ten seconds or so
  Millis left{0};                      // of the limit
  std::string current;                 // a file being sent; bytes, not printable
  std::string trouble;                 // what went wrong last, where nothing was stored since; not printable
};

// One line of at most `width` columns, no newline: "saving 12/40 files, 1.2/3.4 GiB, 210 MiB/s, 14m left of the limit,
// model/opt.pt"; what doesn't fit is left out from the end.
[[nodiscard]] std::string progress_line(const Progress& progress, std::size_t width);

// What is said of a save in the log while it goes on: once a minute how far it is, and at once when it meets trouble.
class ProgressLog {
 public:
  static constexpr Millis k_every{60'000};
  explicit ProgressLog(BootTime began) : said_(began) {}
  // To be asked often.
  [[nodiscard]] std::optional<std::string> look(BootTime now, const Progress& progress);

 private:
  BootTime said_;
  bool said_trouble_ = false;
};

}  // namespace curfew::save
