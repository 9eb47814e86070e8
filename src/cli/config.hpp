// Defaults from files: /etc/curfew/config.toml, then the user's own; what is typed holds over both. A file gives words of
// a command line, so that what options mean stays in one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/environment.hpp"

namespace curfew::cli {

inline constexpr std::size_t k_longest_config = 64U << 10U;

// How a file writes an option, and what a second place does to it: a list grows, anything else is replaced.
enum class Takes : std::uint8_t {
  text,    // max-time = "8h"
  number,  // max-hours = 8, or as a text
  flag,    // dry-run = true
  list,    // save = ["a=s3://b/c"], or one text
};

struct KnownOption {
  std::string name;  // "max-time"
  Takes takes = Takes::text;
  // How a value is shown where it may be a secret; null: as it is.
  std::string (*shown)(std::string_view value) = nullptr;
  // Why it can't stand in a file; empty: it can.
  std::string why_not = {};
};

struct Setting {
  std::string name;   // "max-time"
  std::string value;  // a flag's is "true" or "false"
  std::string from;   // "/etc/curfew/config.toml:3"
  Takes takes = Takes::text;

  friend bool operator==(const Setting&, const Setting&) = default;
};

// A setting whose value can't be: what the command line's parser says, with file and line in front.
struct Mistake {
  std::optional<Setting> setting;  // none: it can't be told which
  Error error;
};

// The tables of a file: each holds the defaults of a command.
inline constexpr std::string_view k_run_table = "run";
inline constexpr std::string_view k_check_table = "check";

// What a file's table says (that of another command isn't looked into), in the order of its lines. Refused: what isn't TOML, a key that isn't known (with the
// nearest that is) or can't stand in a file, a value of another type, an empty one, and more than 64 KiB. Errors name file and line and never
// show a value. Pure.
[[nodiscard]] Result<std::vector<Setting>> parse_config(std::string_view text, const std::string& file,
                                                        std::span<const KnownOption> known,
                                                        std::string_view table = k_run_table);

// A job file's: options stand at its top, variables in the tables [env] and [secret], and the command is a list of words.
struct JobSettings {
  std::vector<Setting> settings;  // in the order of its lines
  std::vector<std::string> command;
};
// The same bounds and refusals as parse_config(). Of an option named in `joined` a list is taken, and joined by commas.
[[nodiscard]] Result<JobSettings> parse_job_settings(std::string_view text, const std::string& file,
                                                     std::span<const KnownOption> known,
                                                     std::span<const std::string_view> joined);

// The settings of both: `over` replaces what `under` says of the same option, but lists are appended to. Pure.
[[nodiscard]] std::vector<Setting> merged(std::vector<Setting> under, std::vector<Setting> over);

// "--max-time=8h", "--quiet". One word each, so that no value can pass for an option or for the `--` before a command;
// a flag that is false gives none. Pure.
[[nodiscard]] std::vector<std::string> words_of(std::span<const Setting> settings);

// parse_config() and words_of() in one.
[[nodiscard]] Result<std::vector<std::string>> config_words(std::string_view text, const std::string& file,
                                                            std::span<const KnownOption> known);

// Where the files are, the weaker first: by XDG_CONFIG_HOME where it's absolute, else by HOME. Pure.
[[nodiscard]] std::vector<std::string> config_paths(const net::Environment& environment);

// A file's text; nothing where there is none. Refused: what is no regular file, more than 64 KiB, and for root a file that
// somebody else can write, or whose folder is, for it names what root runs.
[[nodiscard]] Result<std::optional<std::string>> read_config(const std::string& path, bool as_root);

// All files' settings, merged.
[[nodiscard]] Result<std::vector<Setting>> load_config(std::span<const std::string> paths,
                                                       std::span<const KnownOption> known, bool as_root,
                                                       std::string_view table = k_run_table);

// A line of `curfew config`.
struct ConfigRow {
  std::string option;  // "--max-time"
  std::string value;
  std::string from;  // "command line", "/etc/curfew/config.toml:3", "default"
};
[[nodiscard]] std::vector<ConfigRow> rows_of(std::span<const Setting> settings,
                                             std::span<const KnownOption> known);
// A table with a heading, safe for a terminal whatever is in it. Pure.
[[nodiscard]] std::string config_table(std::span<const ConfigRow> rows);

}  // namespace curfew::cli
