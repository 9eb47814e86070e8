// Reads and hashes in chunks.
#include "save/digest.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include <openssl/evp.h>

#include "net/encoding.hpp"

namespace curfew::save {
namespace {

constexpr std::size_t k_chunk = 128U << 10U;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};

}  // namespace

Result<std::string> sha256_of(int fd, std::uint64_t offset, std::uint64_t length,
                              const std::atomic<bool>& stop, std::string* keep) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(::EVP_MD_CTX_new());
  if (!context || ::EVP_DigestInit_ex(context.get(), ::EVP_sha256(), nullptr) != 1)
    return fail(ErrorKind::system, "hash", "OpenSSL has no SHA-256");
  std::vector<char> chunk(static_cast<std::size_t>(std::clamp<std::uint64_t>(length, 1, k_chunk)));
  while (length > 0) {
    if (stop) return fail(ErrorKind::timed_out, "read", "saving was cut short");
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(length, chunk.size()));
    const auto got = ::pread(fd, chunk.data(), want, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read", errno);
    if (got == 0) return fail(ErrorKind::invalid_input, "read", "shrank while it was being saved");
    const auto size = static_cast<std::size_t>(got);
    if (::EVP_DigestUpdate(context.get(), chunk.data(), size) != 1)
      return fail(ErrorKind::system, "hash", "OpenSSL failed");
    if (keep != nullptr) keep->append(chunk.data(), size);
    offset += size;
    length -= size;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (::EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1)
    return fail(ErrorKind::system, "hash", "OpenSSL failed");
  return net::base64(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace curfew::save
