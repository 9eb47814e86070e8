// SHA-256 and HMAC, on OpenSSL.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace curfew::aws {

using Digest = std::array<unsigned char, 32>;

// Piece by piece, for files. Not copyable.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  // Ends it: update() may not follow.
  [[nodiscard]] Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes);
[[nodiscard]] std::string_view view(const Digest& digest);
// "e3b0c442…", as SigV4 and x-amz-content-sha256 want it.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);
// As x-amz-checksum-sha256 wants it.
[[nodiscard]] std::string sha256_base64(std::string_view bytes);

}  // namespace curfew::aws
