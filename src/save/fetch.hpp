// Brings an object, or all below a prefix, from S3 to this machine: the other way of saving. Many at a time, large ones in
// pieces; each is written beside its name, checked, and then renamed, so that what has its name is whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "aws/s3.hpp"
#include "aws/s3_get.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::save {

using net::Awaitable;

struct FetchOptions {
  // What this machine knows to have: a line for each file, with size, time and ETag. Empty: nothing is kept, nor spared.
  std::string manifest;
  std::size_t at_once = 12;              // requests; a piece each is in memory
  std::uint64_t piece = 8U << 20U;       // at most aws::k_largest_piece
  std::uint64_t keep_free = 64U << 20U;  // of the disk
  std::size_t most_files = 1'000'000;
  std::string leave_out{};  // what is below from/ and this: "_curfew/"; empty: nothing
};

struct Fetched {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t there = 0;       // files that were there already, by the manifest
  std::uint64_t unverified = 0;  // S3 keeps nothing of them that can be checked but size and ETag
};

// `from` is an object: it becomes the file `to`, or to/NAME where `to` ends in a slash. Else all below from/ goes below the
// folder `to`. Errors: not_found where there's neither; no_space before anything is fetched where it can't fit; conflict
// where an object changes meanwhile; invalid_input for a key that can't be a path below `to`, and for content whose
// checksum is another. `note` gets a line now and then. Ends with the first failure.
[[nodiscard]] Awaitable<Result<Fetched>> fetch(boost::asio::any_io_executor executor, aws::S3& s3,
                                               aws::S3Get& get, aws::S3Location from, std::string to,
                                               FetchOptions options,
                                               std::function<void(const std::string&)> note);

// Whether what follows the prefix can be a path below a folder: no empty step, no "." and "..". Pure.
[[nodiscard]] bool is_path_below(std::string_view relative);

}  // namespace curfew::save
