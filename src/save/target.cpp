// Targets and keys.
#include "save/target.hpp"

#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace curfew::save {
namespace {

constexpr std::string_view k_example = "write SRC=s3://BUCKET/PREFIX, as in results/=s3://my-bucket/run-7";

// Length of the valid UTF-8 sequence at the start of `text`; 0 where there is none (RFC 3629).
std::size_t sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) >= 0xa0;
  const bool beyond = first == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string escaped(std::string_view name) {
  static constexpr std::array<char, 17> k_hex{"0123456789ABCDEF"};
  std::string out;
  while (!name.empty()) {
    const auto length = name.front() == '%' ? 0 : sequence(name);
    if (length > 0) {
      out += name.substr(0, length);
      name.remove_prefix(length);
      continue;
    }
    const auto byte = static_cast<unsigned char>(name.front());
    out += '%';
    out += k_hex[byte >> 4U];
    out += k_hex[byte & 15U];
    name.remove_prefix(1);
  }
  return out;
}

// "/", "//", "/./", "/a/.." and their like. A relative path that climbs to the root is seen when it's resolved.
bool is_root(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  int depth = 0;
  for (const auto part : split(path, '/')) {
    if (part == "..") depth = depth > 0 ? depth - 1 : 0;
    else if (!part.empty() && part != ".") ++depth;
  }
  return depth == 0;
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  const std::string what = "save " + printable(text);
  const auto at = text.rfind("=s3://");
  if (at == std::string_view::npos)
    return fail(ErrorKind::invalid_input, what, "names no place in S3", std::string(k_example));
  const auto source = text.substr(0, at);
  if (source.empty())
    return fail(ErrorKind::invalid_input, what, "says where to, but not what to save",
                std::string(k_example));
  if (source.find('\0') != std::string_view::npos)
    return fail(ErrorKind::invalid_input, what, "has a zero byte in its name");
  if (is_root(source))
    return fail(ErrorKind::invalid_input, what, "would save the whole machine",
                "name the folder with the results");
  auto to = aws::parse_s3_url(text.substr(at + 1));
  if (!to) return fail(std::move(to.error()).within(what));
  if (!is_utf8(to->key)) return fail(ErrorKind::invalid_input, what, "S3 takes only UTF-8 in a key");
  if (to->key.size() > k_longest_key)
    return fail(ErrorKind::invalid_input, what, "the prefix is longer than the 1024 bytes that S3 takes");
  return Target{std::string(source), std::move(*to)};
}

Result<Key> key_of(const aws::S3Location& to, bool source_is_file, std::string_view relative) {
  Key key;
  key.text = to.key;
  const bool whole = source_is_file && !to.key.empty() && to.key.back() != '/';
  if (!whole) {
    if (!key.text.empty() && key.text.back() != '/') key.text += '/';
    key.escaped = !is_utf8(relative);
    if (key.escaped) key.text += escaped(relative);
    else key.text += relative;
  }
  if (key.text.size() > k_longest_key)
    return fail(ErrorKind::invalid_input, "name it in S3",
                "its key would be " + std::to_string(key.text.size()) + " bytes long, and S3 takes 1024");
  return key;
}

}  // namespace curfew::save
