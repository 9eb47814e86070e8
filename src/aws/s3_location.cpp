// "s3://bucket/key".
#include <algorithm>

#include "aws/s3.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_longest_key = 1024;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// "General purpose bucket naming rules" (S3 User Guide).
const char* wrong_with_bucket(std::string_view name) {
  if (name.empty()) return "there is no bucket in it";
  if (name.size() < 3 || name.size() > 63) return "a bucket's name has 3 to 63 characters";
  if (!is_alphanumeric(name.front()) || !is_alphanumeric(name.back()))
    return "a bucket's name begins and ends with a lower-case letter or a digit";
  if (!std::all_of(name.begin(), name.end(),
                   [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; }))
    return "a bucket's name has only lower-case letters, digits, dots and hyphens";
  if (name.find("..") != std::string_view::npos) return "a bucket's name has no two dots in a row";
  if (name.find_first_not_of("0123456789.") == std::string_view::npos &&
      std::count(name.begin(), name.end(), '.') == 3)
    return "a bucket's name isn't an IP address";
  return nullptr;
}

}  // namespace

Result<S3Location> parse_s3_url(std::string_view text) {
  const auto refuse = [&](const char* why) {
    return fail(ErrorKind::invalid_input, "read \"" + printable(text) + "\" as a place in S3", why,
                "it is written s3://bucket/prefix");
  };
  if (!text.starts_with("s3://")) return refuse("it doesn't begin with s3://");
  const auto rest = text.substr(5);
  const auto slash = rest.find('/');
  S3Location location;
  location.bucket = rest.substr(0, slash);
  if (slash != std::string_view::npos) location.key = rest.substr(slash + 1);
  if (const auto* why = wrong_with_bucket(location.bucket)) return refuse(why);
  if (location.key.size() > k_longest_key) return refuse("a key has at most 1024 bytes");
  return location;
}

}  // namespace curfew::aws
