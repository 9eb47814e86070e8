// Names and numbers.
#include "jobs/log_parts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace curfew::jobs {
namespace {

constexpr std::size_t k_longest_name = 40;
constexpr std::size_t k_digits = 6;
constexpr std::size_t k_most_digits = 12;
constexpr std::string_view k_suffix = ".log";

}  // namespace

const std::vector<std::string>& stage_names() {
  static const std::vector<std::string> names{"secrets", "fetch", "setup", "data", "train"};
  return names;
}

bool is_log_name(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_name && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string part_key(std::string_view folder, std::string_view name, std::uint64_t number) {
  return fmt::format("{}{}-{:0{}}{}", folder, name, number, k_digits, k_suffix);
}

std::vector<LogPart> parts_of(const std::vector<aws::ObjectInfo>& objects, std::string_view folder,
                              std::string_view name, std::uint64_t after) {
  std::vector<LogPart> parts;
  const auto begin = std::string(folder) + std::string(name) + "-";
  for (const auto& object : objects) {
    const std::string_view key(object.key);
    if (!key.starts_with(begin) || !key.ends_with(k_suffix) || key.size() <= begin.size() + k_suffix.size())
      continue;
    const auto digits = key.substr(begin.size(), key.size() - begin.size() - k_suffix.size());
    const auto number =
        digits.size() < k_digits || digits.size() > k_most_digits ? std::nullopt : parse_number(digits);
    if (!number || *number <= after) continue;
    parts.push_back({std::string(name), *number, object.key, object.size, object.etag});
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const LogPart& one, const LogPart& other) { return one.number < other.number; });
  const auto same = [](const LogPart& one, const LogPart& other) { return one.number == other.number; };
  parts.erase(std::unique(parts.begin(), parts.end(), same), parts.end());
  return parts;
}

std::optional<std::size_t> start_of_last(std::string_view text, std::uint64_t& lines, bool is_last) {
  // The newline that ends the last line begins none.
  std::size_t end = text.size();
  if (is_last && end > 0 && text[end - 1] == '\n') --end;
  while (end > 0) {
    const auto newline = text.rfind('\n', end - 1);
    if (newline == std::string_view::npos) return {};
    if (lines <= 1) return newline + 1;
    --lines;
    end = newline;
  }
  return {};
}

}  // namespace curfew::jobs
