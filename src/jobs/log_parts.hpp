// The parts of a job's logs in S3: live/NAME-000001.log and so on while it runs, logs/NAME.log once it's over. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"

namespace curfew::jobs {

// In the order in which a job goes through them.
[[nodiscard]] const std::vector<std::string>& stage_names();
inline constexpr std::string_view k_guard_log = "guard";

// Of --stage: what the log of a stage can be called.
[[nodiscard]] bool is_log_name(std::string_view text);

struct LogPart {
  std::string name;  // "train"
  std::uint64_t number = 0;
  std::string key;  // whole
  std::uint64_t size = 0;
  std::string etag;
};

// Of the objects below `folder` (a key with its slash at the end) those that are parts of this log and come after number
// `after`, by their numbers; each number once. Others are passed over.
[[nodiscard]] std::vector<LogPart> parts_of(const std::vector<aws::ObjectInfo>& objects,
                                            std::string_view folder, std::string_view name,
                                            std::uint64_t after);

// "live/train-000007.log" below the folder, as S3 sorts it.
[[nodiscard]] std::string part_key(std::string_view folder, std::string_view name, std::uint64_t number);

// A piece of text in S3 that is to be shown.
struct LogPiece {
  aws::S3Location object;
  std::string etag;
  std::uint64_t size = 0;    // of the object
  std::uint64_t offset = 0;  // it begins here, and goes to its end
};

// Where in `text` its last `lines` lines begin, of which the last may lack its newline; nothing where it has fewer, and
// then `lines` becomes how many are still to be found before it. `is_last`: nothing follows the text.
[[nodiscard]] std::optional<std::size_t> start_of_last(std::string_view text, std::uint64_t& lines,
                                                       bool is_last);

}  // namespace curfew::jobs
