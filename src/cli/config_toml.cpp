// What a configuration file says, on toml++: the only file that sees it.
#define TOML_EXCEPTIONS 0
// toml++ 3.3.0 asserts that a key begins like one before it refuses, with an error, one that doesn't.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include <toml++/toml.h>

#include "base/text.hpp"
#include "cli/config.hpp"

namespace curfew::cli {
namespace {

constexpr std::string_view k_table = "run";

tl::unexpected<Error> refuse(const std::string& place, std::string cause, std::string hint = {}) {
  return fail(ErrorKind::invalid_input, place, std::move(cause), std::move(hint));
}

std::string place_of(const std::string& file, const toml::source_region& source) {
  return printable(file) + ":" + std::to_string(source.begin.line);
}

// A file that isn't TOML: what toml++ saw may be a part of a secret.
tl::unexpected<Error> refuse_toml(const std::string& file, const toml::parse_error& error) {
  const auto said = error.description();
  return refuse(place_of(file, error.source()),
                "is not TOML: " + printable(said.substr(0, said.find(", saw")), 120),
                "texts stand in quotes: max-time = \"8h\"");
}

std::string_view example_of(Takes takes) {
  switch (takes) {
    case Takes::text: return "a text in quotes";
    case Takes::number: return "a number, or a text in quotes";
    case Takes::flag: return "true or false, without quotes";
    case Takes::list: return "a list of texts: [\"one\", \"another\"]";
  }
  return "a text in quotes";
}

std::optional<std::string> number_text(const toml::node& node) {
  std::array<char, 64> buffer{};
  std::to_chars_result written{};
  if (const auto* whole = node.as_integer())
    written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), whole->get());
  else if (const auto* real = node.as_floating_point(); real != nullptr && std::isfinite(real->get()))
    written =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), real->get(), std::chars_format::fixed);
  else return {};
  if (written.ec != std::errc{}) return {};
  return std::string(buffer.data(), written.ptr);
}

// The one value of a node; nothing where it's of a type that the option doesn't take.
std::optional<std::string> value_of(const toml::node& node, Takes takes) {
  if (takes == Takes::flag) {
    const auto* flag = node.as_boolean();
    if (flag == nullptr) return {};
    return flag->get() ? "true" : "false";
  }
  if (const auto* text = node.as_string()) return text->get();
  return takes == Takes::number ? number_text(node) : std::nullopt;
}

Status add_value(const toml::node& node, const std::string& file, const KnownOption& option,
                 std::vector<Setting>& settings) {
  const auto place = place_of(file, node.source());
  auto value = value_of(node, option.takes);
  if (!value) return refuse(place, "'" + option.name + "' takes " + std::string(example_of(option.takes)));
  // As from --max-time "$UNSET": no value is no wish for the default.
  if (value->empty()) return refuse(place, "'" + option.name + "' is empty");
  if (value->find('\0') != std::string::npos) return refuse(place, "'" + option.name + "' holds a NUL");
  settings.push_back({option.name, std::move(*value), place, option.takes});
  return {};
}

Status add_option(const toml::node& node, const std::string& file, const KnownOption& option,
                  std::vector<Setting>& settings) {
  const auto* list = node.as_array();
  if (option.takes != Takes::list || list == nullptr) return add_value(node, file, option, settings);
  for (const auto& each : *list) {
    if (auto added = add_value(each, file, option, settings); !added) return added;
  }
  return {};
}

tl::unexpected<Error> refuse_key(const toml::key& key, const std::string& file,
                                 std::span<const std::string> names, std::string_view kind) {
  const auto near = nearest(key.str(), names);
  return refuse(place_of(file, key.source()),
                "there is no " + std::string(kind) + " '" + printable(key.str(), 60) + "'",
                near ? "did you mean " + *near + "?" : "");
}

Status add_table(const toml::table& table, const std::string& file, std::span<const KnownOption> known,
                 std::vector<Setting>& settings) {
  std::vector<std::string> names;
  for (const auto& option : known) names.push_back(option.name);
  for (const auto& [key, node] : table) {
    const auto option = std::find_if(known.begin(), known.end(),
                                     [name = key.str()](const auto& each) { return each.name == name; });
    if (option == known.end()) return refuse_key(key, file, names, "option");
    if (auto added = add_option(node, file, *option, settings); !added) return added;
  }
  return {};
}

// toml++ keeps keys in the order of their names; errors and `curfew config` follow the file.
std::uint32_t line_of(const Setting& setting) {
  const auto line = parse_number(std::string_view(setting.from).substr(setting.from.rfind(':') + 1));
  return static_cast<std::uint32_t>(line.value_or(0));
}

}  // namespace

Result<std::vector<Setting>> parse_config(std::string_view text, const std::string& file,
                                          std::span<const KnownOption> known) {
  if (text.size() > k_longest_config) return refuse(printable(file), "is longer than 64 KiB");
  const auto parsed = toml::parse(text);
  if (!parsed) return refuse_toml(file, parsed.error());
  const std::vector<std::string> tables{std::string(k_table)};
  std::vector<Setting> settings;
  for (const auto& [key, node] : parsed.table()) {
    const bool option = std::any_of(known.begin(), known.end(),
                                    [name = key.str()](const auto& each) { return each.name == name; });
    if (option)
      return refuse(place_of(file, key.source()), "'" + printable(key.str(), 60) + "' stands outside [run]");
    if (key.str() != k_table) return refuse_key(key, file, tables, "table");
    const auto* table = node.as_table();
    if (table == nullptr) return refuse(place_of(file, key.source()), "[run] is a table, not a value");
    if (auto added = add_table(*table, file, known, settings); !added) return fail(std::move(added).error());
  }
  std::stable_sort(settings.begin(), settings.end(),
                   [](const Setting& a, const Setting& b) { return line_of(a) < line_of(b); });
  return settings;
}

}  // namespace curfew::cli
