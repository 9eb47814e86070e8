// S3 as one looks around in it: folders, what came after a key, small objects whole; behind an interface for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct BrowseAsk {
  S3Location prefix;
  std::string after;     // only keys that sort after this one; empty: all
  bool folders = false;  // what lies below a further / is told by its folder alone
};

struct BrowsePage {
  std::vector<ObjectInfo> objects;   // in the order of their keys
  std::vector<std::string> folders;  // whole prefixes, "jobs/one/"
  std::string next;                  // to ask on with; empty on the last page
};

class S3Browse {
 public:
  virtual ~S3Browse() = default;
  // Up to 1000 of both together.
  [[nodiscard]] virtual Awaitable<Result<BrowsePage>> list(BrowseAsk ask, std::string next) = 0;
  // All of an object; not_found where there is none, an error where it's longer than `limit`.
  [[nodiscard]] virtual Awaitable<Result<std::string>> read(S3Location object, std::size_t limit) = 0;
};

// In `region`, as make_s3().
[[nodiscard]] std::unique_ptr<S3Browse> make_s3_browse(Session& session, std::string region);

}  // namespace curfew::aws
