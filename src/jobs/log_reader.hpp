// The text of a job's logs, from S3, as it comes: never more of it in memory than a piece.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3_browse.hpp"
#include "aws/s3_get.hpp"
#include "base/result.hpp"
#include "jobs/log_parts.hpp"
#include "net/http.hpp"

namespace curfew::jobs {

using net::Awaitable;

struct LogWish {
  aws::S3Location folder;          // STAGING/jobs/LAUNCH/
  std::vector<std::string> names;  // which logs, one after another
  std::uint64_t tail = 0;          // of what is there at first only so many lines; 0: all of it
  bool with_boot_log = false;      // boot.log where the job is over and there's nothing else
};

class LogReader {
 public:
  using Show = std::function<void(std::string_view)>;

  // All of them outlive it. `note` gets a line for people.
  LogReader(aws::S3Browse& browse, aws::S3Get& get, LogWish wish, Show show, Show note);

  // Shows what is new: the parts that have come, and once the job `is_over` what its whole logs have more. An error leaves
  // all that was shown counted, so that calling it again goes on from there.
  [[nodiscard]] Awaitable<Status> pass(bool is_over);
  [[nodiscard]] bool has_shown() const { return shown_; }

 private:
  struct Log {
    std::string name;
    std::uint64_t number = 0;   // of the last part that was shown whole
    std::uint64_t in_next = 0;  // bytes of the part after it that were shown
    std::uint64_t next = 0;     // that part's number
    std::uint64_t shown = 0;    // bytes of all of it
    unsigned quiet = 0;         // passes without anything new
  };
  // A piece that can be shown now. `number`: of the part; 0: of the whole log.
  struct Found {
    Log* log;
    LogPiece piece;
    std::uint64_t number;
  };

  [[nodiscard]] Awaitable<Result<std::vector<Found>>> find(Log& log, bool is_over);
  [[nodiscard]] Awaitable<Status> add_rest(Log& log, std::uint64_t there, std::vector<Found>& found);
  [[nodiscard]] Awaitable<Status> show_all(std::vector<Found> found);
  [[nodiscard]] Awaitable<Status> show_tail(bool is_over);
  // Moves the beginning of `found` to where its last lines begin.
  [[nodiscard]] Awaitable<Status> cut_to_tail(std::vector<Found>& found);
  [[nodiscard]] Awaitable<Status> show_boot_log();
  [[nodiscard]] bool is_left_behind(const Log& log) const;
  static void count(const Found& found);

  aws::S3Browse& browse_;
  aws::S3Get& get_;
  LogWish wish_;
  Show show_;
  Show note_;
  std::vector<Log> logs_;
  bool shown_ = false;
  bool boot_log_done_ = false;
};

}  // namespace curfew::jobs
