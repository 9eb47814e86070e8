// What this machine has fetched already: a line of JSON for each file. It only ever spares work.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "aws/s3.hpp"
#include "base/result.hpp"

namespace curfew::save {

struct FetchedFile {
  aws::S3Location from;
  std::string path;
  std::string etag;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // ns since 1970, as it was written
};

class FetchedFiles {
 public:
  // Lines that can't be read are passed over, the last of a path counts. No file, or none named: empty.
  [[nodiscard]] static Result<FetchedFiles> load(const std::string& path);
  [[nodiscard]] static FetchedFiles parse(std::string_view text);
  // Appends a line; what goes wrong costs a later fetch time, and nothing else.
  static void note(const std::string& path, const FetchedFile& file);
  [[nodiscard]] static std::string line_of(const FetchedFile& file);

  // Whether the same object is known to be at the same path, and that file is as it was then. `wanted.modified` isn't
  // looked at.
  [[nodiscard]] bool has(const FetchedFile& wanted) const;
  // Whether the file at that path is known, and as it was when it was fetched.
  [[nodiscard]] bool is_as_fetched(const std::string& path) const;

 private:
  std::map<std::string, FetchedFile, std::less<>> files_;
};

}  // namespace curfew::save
