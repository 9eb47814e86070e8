// Launched jobs for people, as a table, and for programs, as one JSON document.
//
// The JSON is stable: within a `schema` no field goes away or changes its meaning; new fields and new states may come.
//
//   schema      1
//   at          when it was read: "2026-11-27T14:00:00Z"; so is every time
//   staging     "s3://BUCKET/PREFIX"
//   complete    false: something could not be read
//   launches    how many there are; those that aren't among the jobs are older
//   jobs        newest first, one a line; each:
//     launch, job, region, owner     job, owner: null where not known
//     state       launching, starting, running, stopping, saving, ending, ended, failed, interrupted, lost, overdue,
//                 never_launched, unknown
//     over        nothing will come of it any more
//     stage       secrets, fetch, setup, data, train, or null
//     exit_code   of a job that is over, or null
//     saved       whether its results are saved: null: not known, or it has none, or it isn't over
//     cause, reason                  why it is over, in the guard's words, or null
//     instance, type, zone, instance_state    null where not known; instance_state as EC2 has it
//     made, end_at                   when it was launched; by when the machine is gone
//     running_s   since the instance was launched, until now or the job was over
//     left_s      until the job is stopped, then until the machine is gone; negative where that is past; null: over
//     output_age_s, save_age_s, status_age_s  since the job's last line, its last good save, its machine's last word
//     gpus        text
//     cost        {so_far, mark}: dollars with six decimals, null: not known; mark: exact, at_least, at_most, unknown
//     notes       [text]: what needs attention
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "jobs/assess.hpp"
#include "watch/render.hpp"

namespace curfew::jobs {

struct JobList {
  WallTime at{};
  std::string staging;
  std::size_t launches = 0;  // that there are
  std::vector<Row> rows;     // newest first
};

[[nodiscard]] bool is_complete(const JobList& list);

inline constexpr int k_json_schema = 1;
[[nodiscard]] std::string render_json(const JobList& list);
// At a width it leaves columns out, those of least use first, and shortens names; notes are broken.
[[nodiscard]] std::string render_table(const JobList& list, const watch::TableOptions& options);

}  // namespace curfew::jobs
