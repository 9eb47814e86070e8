// Reads launched jobs: many at once for `curfew ps`, one again and again for those who wait for it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "jobs/assess.hpp"
#include "jobs/source.hpp"
#include "os/clock.hpp"

namespace curfew::jobs {

// Reads what is known of each, a few at a time; never fails: what couldn't be read stands in each. `region` is where the
// instance of a launch is looked for that doesn't tell its own.
[[nodiscard]] Awaitable<std::vector<Seen>> read_jobs(Source& source, std::vector<std::string> launch_ids,
                                                     std::string region);

struct FoundJob {
  std::string launch_id;
  std::string how;  // "the newest launch of the job digits"; empty: it was named itself
};
// JOB: a launch's id, the name of a job (its newest launch counts), or the id of an instance. not_found: none is meant.
[[nodiscard]] Awaitable<Result<FoundJob>> find_job(Source& source, std::string job, std::string region);
// Among so many of the newest launches a name, or an instance that EC2 shows no more, is looked for.
inline constexpr std::size_t k_most_searched = 1'000;

// One job, looked at as often as one likes: EC2 is asked only every half minute, or where it matters.
class JobWatch {
 public:
  JobWatch(Source& source, const os::Clock& clock, std::string launch_id, std::string region);
  // An error is one of reading its files in S3; EC2's are in the row. That it's gone counts once EC2 has said so twice,
  // k_sure_after apart; until then its state is unknown.
  [[nodiscard]] Awaitable<Result<Row>> look();
  // Of the last look.
  [[nodiscard]] const Seen& seen() const { return seen_; }

 private:
  Source& source_;
  const os::Clock& clock_;
  Seen seen_;
  std::optional<BootTime> asked_;
  std::optional<BootTime> gone_since_;
};
inline constexpr Seconds k_sure_after{10};

// Looks until that is sure, for those who look once: 24 s at most.
[[nodiscard]] Awaitable<Result<Row>> look_for_sure(JobWatch& watch);
inline constexpr int k_most_looks = 8;
inline constexpr Millis k_look_pause{3'000};

// How long to wait before trying again after so many failures in a row: 5 s, doubled up to a minute.
[[nodiscard]] Millis pause_after(int failures);
// Whether it's worth it.
[[nodiscard]] bool may_pass(const Error& error);

}  // namespace curfew::jobs
