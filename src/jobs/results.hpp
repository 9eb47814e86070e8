// What a job has saved, and where it goes here. Nothing of it can lead out of the folder that the user names, whatever
// launch.json, keys or names say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"
#include "save/fetched_files.hpp"

namespace curfew::jobs {

using net::Awaitable;

// One of the launch's saves.
struct ResultPlace {
  std::string save;    // "model/=s3://…", as it was given
  aws::S3Location to;  // where the job has put it
  std::string path;    // where it goes, below the folder; empty: right into it
};
// "model/" and "./model" become "model", "/opt/ml/model" becomes "opt/ml/model". Refused: .. in a path, and what is no save.
// Pure.
[[nodiscard]] Result<std::vector<ResultPlace>> result_places(const std::vector<std::string>& saves);

struct ResultFile {
  aws::S3Location from;
  std::string path;  // below the folder
  std::string etag;
  std::uint64_t size = 0;
  WallTime modified{};
};
// What is there of it now but curfew's own logs, at most k_most_results files; none: nothing was saved (yet). invalid_input where a key can't be a
// path below the folder.
[[nodiscard]] Awaitable<Result<std::vector<ResultFile>>> list_results(aws::S3& s3, ResultPlace place);
inline constexpr std::size_t k_most_results = 1'000'000;

// The files, as paths, that are in `folder` already, and aren't as they were fetched: somebody's work, or something else.
[[nodiscard]] std::vector<std::string> changed_here(const std::string& folder,
                                                    const std::vector<ResultFile>& files,
                                                    const save::FetchedFiles& known);
// A path that more than one of them would go to; empty: none. Pure.
[[nodiscard]] std::string path_of_two(const std::vector<ResultFile>& files);

// The name of a job as a folder's: one step, that is no dot and no option. Else the launch's id. Pure.
[[nodiscard]] std::string folder_name(const std::string& job, const std::string& launch_id);

}  // namespace curfew::jobs
