// CLI11's findings, told as curfew tells them.
#include "cli/parsing.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/text.hpp"

namespace curfew::cli {
namespace {

// The library's own words name its settings, not what was typed.
std::string usage_error(const CLI::ParseError& error) {
  std::string said = error.what();
  const auto colon = said.find(": ");
  const auto name = said.substr(0, colon);
  if (said.find("At Most") != std::string::npos) return name + " was given more than once";
  if (said.find("required") != std::string::npos) return name + " needs a value";
  return said;
}

}  // namespace

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

Status parse_words(CLI::App& app, std::vector<std::string> words, const std::string& command) {
  const std::string see_help = "see curfew " + command + " --help";
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 takes a vector
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return fail(ErrorKind::invalid_input, "bad usage", usage_error(error), see_help);
  }
  for (const auto* option : app.get_options()) {
    const auto& values = option->results();
    if (option->get_items_expected_max() > 0 && std::find(values.begin(), values.end(), "") != values.end())
      return fail(ErrorKind::invalid_input, option->get_name(), "is empty", see_help);
  }
  for (const auto& extra : app.remaining()) {
    if (!extra.starts_with("-")) continue;
    const auto name = extra.substr(0, extra.find('='));
    const auto near = nearest(name, option_names(app));
    return fail(ErrorKind::invalid_input, "unknown option '" + printable(name, 80) + "'",
                near ? "did you mean " + *near + "?" : "", see_help);
  }
  return {};
}

}  // namespace curfew::cli
