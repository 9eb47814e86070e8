// S3: reading objects, piece by piece, and what S3 knows of their content; behind an interface for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// A checksum that S3 keeps with an object, of all its bytes.
struct Checksum {
  std::string algorithm;  // "SHA256", "CRC64NVME", "CRC32C", "CRC32"
  std::string value;      // Base64

  friend bool operator==(const Checksum&, const Checksum&) = default;
};

// What S3 says of an object beside its name.
struct ObjectFacts {
  std::uint64_t size = 0;  // of the reply's body, where that is a part
  std::string etag;
  // Those that it was uploaded with, or S3 has computed. Of an object uploaded in parts they may be of the parts'
  // checksums: those are left out.
  std::vector<Checksum> checksums;
  // The ETag is the MD5 of the content (or of the parts' MD5s, then it ends in "-PARTS"): not so with KMS or a key of the
  // caller's (API Reference, Object).
  bool etag_is_md5 = false;
};
// Pure, for s3_get.cpp and its tests.
[[nodiscard]] Result<ObjectFacts> facts_from_headers(const net::Response& response);

struct Piece {
  std::string bytes;
  ObjectFacts facts;  // of the object only where all of it was asked for
};

class S3Get {
 public:
  virtual ~S3Get() = default;
  // The bytes [offset, offset + length), exactly so many; all of a `size` of `length` from 0 on without naming a range.
  // conflict where the object's ETag isn't `etag` any more. `length` is at most k_largest_piece, and not 0.
  [[nodiscard]] virtual Awaitable<Result<Piece>> get(S3Location object, std::uint64_t offset,
                                                     std::uint64_t length, std::uint64_t size,
                                                     std::string etag) = 0;
  // `part` from 1: the size is that part's, of an object that was uploaded in parts; 0: the object's.
  [[nodiscard]] virtual Awaitable<Result<ObjectFacts>> facts(S3Location object, int part) = 0;
};
inline constexpr std::uint64_t k_largest_piece = 16U << 20U;

// In `region`, as make_s3().
[[nodiscard]] std::unique_ptr<S3Get> make_s3_get(Session& session, std::string region);

}  // namespace curfew::aws
