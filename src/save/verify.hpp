// Whether a file is what S3 says of it. Blocks: for the worker threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3_get.hpp"
#include "base/result.hpp"

namespace curfew::save {

// How a file is checked: by one checksum of S3's, or by the MD5s in an ETag.
struct Check {
  aws::Checksum sum;       // algorithm "MD5": `value` is the ETag
  std::uint64_t part = 0;  // of an ETag of parts: the size of each but the last

  friend bool operator==(const Check&, const Check&) = default;
};
// The best of what there is; empty: nothing. Of an ETag of parts the part's size is still to be found out. Pure.
[[nodiscard]] std::optional<Check> check_for(const aws::ObjectFacts& facts);
// How many parts an ETag speaks of: 0 for one that isn't of parts.
[[nodiscard]] std::uint32_t parts_in_etag(std::string_view etag);

// invalid_input where it is something else.
[[nodiscard]] Status verify(int fd, std::uint64_t size, const Check& check);

// For who has the parts in memory: the MD5 of one, as bytes, and the ETag that S3 gives to an object of such parts.
[[nodiscard]] std::string md5_of_part(std::string_view part);
[[nodiscard]] std::string etag_of_parts(const std::vector<std::string>& sums);

// The checksum of a text in Base64, for tests and for what is in memory.
[[nodiscard]] Result<std::string> checksum_of(std::string_view algorithm, std::string_view text);

}  // namespace curfew::save
