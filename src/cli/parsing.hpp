// What the command lines of all commands with options have in common: CLI11 takes them apart, and says no in our words.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): the library's own
namespace CLI {
class App;
}

namespace curfew::cli {

// Fills what `app` has declared. Refused, with a hint at `curfew COMMAND --help`: an unknown option (with the nearest known
// one), a value that is missing or empty (as from --max-time "$UNSET": no value is no wish for the default), an option
// given twice that is no list. What remains in app.remaining() is for the caller.
[[nodiscard]] Status parse_words(CLI::App& app, std::vector<std::string> words, const std::string& command);

// "--max-time", of all that are declared.
[[nodiscard]] std::vector<std::string> option_names(const CLI::App& app);

// A value that was typed, where it was.
template <class T, class Parse>
Status take(const char* option, const std::string& text, T& into, Parse parse) {
  if (text.empty()) return {};
  auto value = parse(text);
  if (!value) return fail(std::move(value.error()).within(option));
  into = *value;
  return {};
}

}  // namespace curfew::cli
