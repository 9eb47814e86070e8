// SHA-256 and MD5 by OpenSSL; the CRCs here, eight bytes at a time.
#include "save/verify.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include <openssl/evp.h>

#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::save {
namespace {

constexpr std::size_t k_chunk = 1U << 20U;
constexpr std::size_t k_md5_digits = 32;
constexpr std::uint32_t k_most_parts = 10'000;

// Reflected polynomials, from the AWS CRT (crc64nvme), RFC 3720 (crc32c) and ISO 3309 (crc32).
constexpr std::uint64_t k_crc64nvme = 0x9a6c9329ac4bc9b5;
constexpr std::uint64_t k_crc32c = 0x82f63b78;
constexpr std::uint64_t k_crc32 = 0xedb88320;

class Sum {
 public:
  virtual ~Sum() = default;
  virtual void add(std::string_view bytes) = 0;
  [[nodiscard]] virtual std::string finish() = 0;  // as bytes
};

// "Slicing by eight": tables[k][b] is what byte b does to the sum when k bytes follow it.
class Crc final : public Sum {
 public:
  Crc(std::uint64_t polynomial, int bits) : bits_(bits), sum_(bits == 64 ? ~0ULL : 0xffffffffULL) {
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
      auto value = byte;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? polynomial : 0);
      tables_[0][byte] = value;
    }
    for (std::size_t table = 1; table < tables_.size(); ++table)
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const auto before = tables_[table - 1][byte];
        tables_[table][byte] = (before >> 8U) ^ tables_[0][before & 0xffU];
      }
  }
  void add(std::string_view bytes) override {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    auto left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
      std::uint64_t next = 0;
      for (std::size_t i = 0; i < 8; ++i) next |= std::uint64_t{at[i]} << (8 * i);
      next ^= sum_;
      sum_ = 0;
      for (std::size_t i = 0; i < 8; ++i) sum_ ^= tables_[7 - i][(next >> (8 * i)) & 0xffU];
    }
    for (; left > 0; ++at, --left) sum_ = (sum_ >> 8U) ^ tables_[0][(sum_ ^ *at) & 0xffU];
  }
  std::string finish() override {
    const auto value = bits_ == 64 ? ~sum_ : ~sum_ & 0xffffffffULL;
    std::string bytes;
    for (int shift = bits_ - 8; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xffU);
    return bytes;
  }

 private:
  int bits_;
  std::uint64_t sum_;
  std::array<std::array<std::uint64_t, 256>, 8> tables_{};
};

class Digest final : public Sum {
 public:
  explicit Digest(const EVP_MD* kind) : context_(::EVP_MD_CTX_new()) {
    is_good_ = context_ && ::EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1;
  }
  void add(std::string_view bytes) override {
    is_good_ = is_good_ && ::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  // Empty, and so unlike any, where OpenSSL has none (MD5 in FIPS mode).
  std::string finish() override {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (!is_good_ || ::EVP_DigestFinal_ex(context_.get(), digest.data(), &size) != 1) return {};
    return {reinterpret_cast<const char*>(digest.data()), size};
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool is_good_ = false;
};

std::unique_ptr<Sum> make_sum(std::string_view algorithm) {
  if (algorithm == "SHA256") return std::make_unique<Digest>(::EVP_sha256());
  if (algorithm == "MD5") return std::make_unique<Digest>(::EVP_md5());
  if (algorithm == "CRC64NVME") return std::make_unique<Crc>(k_crc64nvme, 64);
  if (algorithm == "CRC32C") return std::make_unique<Crc>(k_crc32c, 32);
  if (algorithm == "CRC32") return std::make_unique<Crc>(k_crc32, 32);
  return nullptr;
}

Status add_file(int fd, std::uint64_t offset, std::uint64_t length, std::vector<char>& chunk, Sum& sum) {
  while (length > 0) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(length, chunk.size()));
    const auto got = ::pread(fd, chunk.data(), want, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read it back", errno);
    if (got == 0) return fail(ErrorKind::invalid_input, "read it back", "it is shorter than it was written");
    sum.add({chunk.data(), static_cast<std::size_t>(got)});
    offset += static_cast<std::uint64_t>(got);
    length -= static_cast<std::uint64_t>(got);
  }
  return {};
}

std::string hex_of(std::string_view bytes) {
  return net::hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

Result<std::string> etag_of_file(int fd, std::uint64_t size, std::uint64_t part, std::vector<char>& chunk) {
  std::vector<std::string> sums;
  for (std::uint64_t offset = 0; offset < size; offset += part) {
    Digest one(::EVP_md5());
    if (auto added = add_file(fd, offset, std::min(part, size - offset), chunk, one); !added)
      return fail(std::move(added.error()));
    sums.push_back(one.finish());
  }
  return etag_of_parts(sums);
}

bool is_md5(std::string_view etag) {
  return etag.size() == k_md5_digits && std::all_of(etag.begin(), etag.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::uint32_t parts_in_etag(std::string_view etag) {
  if (etag.size() <= k_md5_digits || etag[k_md5_digits] != '-' || !is_md5(etag.substr(0, k_md5_digits)))
    return 0;
  const auto parts = parse_number(etag.substr(k_md5_digits + 1));
  return parts && *parts >= 1 && *parts <= k_most_parts ? static_cast<std::uint32_t>(*parts) : 0;
}

std::optional<Check> check_for(const aws::ObjectFacts& facts) {
  // In the order of what they're worth; all of them see what a network does.
  for (const std::string_view algorithm : {"SHA256", "CRC64NVME", "CRC32C", "CRC32"})
    for (const auto& sum : facts.checksums)
      if (sum.algorithm == algorithm) return Check{sum, 0};
  if (facts.etag_is_md5 && (is_md5(facts.etag) || parts_in_etag(facts.etag) > 0))
    return Check{{"MD5", facts.etag}, 0};
  return {};
}

std::string md5_of_part(std::string_view part) {
  Digest sum(::EVP_md5());
  sum.add(part);
  return sum.finish();
}

std::string etag_of_parts(const std::vector<std::string>& sums) {
  Digest all(::EVP_md5());
  for (const auto& sum : sums) all.add(sum);
  return hex_of(all.finish()) + "-" + std::to_string(sums.size());
}

Result<std::string> checksum_of(std::string_view algorithm, std::string_view text) {
  const auto sum = make_sum(algorithm);
  if (!sum) return fail(ErrorKind::invalid_input, "compute a checksum", "of a kind that isn't known");
  sum->add(text);
  return net::base64(sum->finish());
}

Status verify(int fd, std::uint64_t size, const Check& check) {
  std::vector<char> chunk(static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 1, k_chunk)));
  std::string found;
  if (check.sum.algorithm == "MD5" && parts_in_etag(check.sum.value) > 0) {
    if (check.part == 0) return fail(ErrorKind::invalid_input, "check it", "its parts' size isn't known");
    auto etag = etag_of_file(fd, size, check.part, chunk);
    if (!etag) return fail(std::move(etag.error()));
    found = std::move(*etag);
  } else {
    const auto sum = make_sum(check.sum.algorithm);
    if (!sum) return fail(ErrorKind::invalid_input, "check it", "by a kind of checksum that isn't known");
    if (auto added = add_file(fd, 0, size, chunk, *sum); !added) return added;
    const auto bytes = sum->finish();
    found = check.sum.algorithm == "MD5" ? hex_of(bytes) : net::base64(bytes);
  }
  if (found == check.sum.value) return {};
  return fail(
      ErrorKind::invalid_input, "check it",
      "its " + check.sum.algorithm + " is " + found + ", and S3 says " + printable(check.sum.value, 60));
}

}  // namespace curfew::save
