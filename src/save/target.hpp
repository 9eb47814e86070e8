// What --save names: a file or folder of the job's and the place in S3 that it goes to; and the key each file gets. Pure.
#pragma once

#include <string>
#include <string_view>

#include "aws/s3.hpp"
#include "base/result.hpp"

namespace curfew::save {

struct Target {
  std::string source;  // as the user wrote it; relative to the job's folder
  aws::S3Location to;
};

// "SRC=s3://BUCKET[/PREFIX]", split at the last "=s3://", so that SRC may hold "=". Refused: no SRC, SRC "/" in any
// spelling, no bucket or a bad one, a prefix that isn't UTF-8 or is longer than a key may be.
[[nodiscard]] Result<Target> parse_target(std::string_view text);

// Below a target's prefix, what curfew itself writes there: logs.
inline constexpr std::string_view k_logs_below = "_curfew/";

// S3's limit for a key, in bytes.
inline constexpr std::size_t k_longest_key = 1024;

struct Key {
  std::string text;
  bool escaped = false;  // the name wasn't UTF-8: see key_of
};

// The key of one file. SRC is a folder: PREFIX/relative, whether or not PREFIX ends in "/"; `relative` is the path below
// SRC. SRC is a file (`relative` is its last name): PREFIX itself, unless it's empty or ends in "/": then PREFIX + name.
// Keys must be UTF-8 and names are bytes: in a name that isn't UTF-8 the bytes that don't fit, and "%", become %XX (all
// other names stay as they are), and the object's metadata says so. Fails where the key is too long.
[[nodiscard]] Result<Key> key_of(const aws::S3Location& to, bool source_is_file, std::string_view relative);

}  // namespace curfew::save
