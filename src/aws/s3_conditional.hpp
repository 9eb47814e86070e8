// S3's conditional writes of small objects: of several who write at once, one does; behind an interface for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct Kept {
  std::string text;
  std::string etag;
  // Since it was written, by S3's clock alone; empty where the reply doesn't say it.
  std::optional<Seconds> age;
};

class S3Conditional {
 public:
  virtual ~S3Conditional() = default;
  // Writes it where there is none (`etag` empty), or where it's still the one of that ETag; the new one's ETag. conflict where
  // that doesn't hold, or another writes it at the same moment: read what is there. A reply that was lost makes the call's
  // own second try a conflict, too.
  [[nodiscard]] virtual Awaitable<Result<std::string>> put(S3Location to, std::string text,
                                                           std::string etag) = 0;
  // not_found where there is none, an error where it's longer than `limit`.
  [[nodiscard]] virtual Awaitable<Result<Kept>> read(S3Location object, std::size_t limit) = 0;
};

// In `region`, as make_s3().
[[nodiscard]] std::unique_ptr<S3Conditional> make_s3_conditional(Session& session, std::string region);

}  // namespace curfew::aws
