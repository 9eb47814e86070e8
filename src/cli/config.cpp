// Defaults from files: reading, merging, showing. What TOML says is config_toml.cpp's.
#include "cli/config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

constexpr const char* k_system_file = "/etc/curfew/config.toml";
constexpr mode_t k_written_by_others = S_IWGRP | S_IWOTH;
constexpr std::size_t k_longest_value = 100;  // in the table

const KnownOption* find(std::span<const KnownOption> known, std::string_view name) {
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.name == name; });
  return found == known.end() ? nullptr : &*found;
}

// What people see, not bytes: so that columns line up.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

// Of the file itself, or ("its folder ") of what holds it.
Status check_owner(const std::string& what, const std::string& whose, const std::string& path,
                   const struct stat& info) {
  if (info.st_uid != 0)
    return fail(ErrorKind::refused, what, whose + "belongs to another user, who could have root run anything",
                "chown root " + printable(path));
  if ((info.st_mode & k_written_by_others) != 0)
    return fail(ErrorKind::refused, what,
                whose + "can be written by others, who could have root run anything",
                "chmod go-w " + printable(path));
  return {};
}

}  // namespace

std::vector<Setting> merged(std::vector<Setting> under, std::vector<Setting> over) {
  std::erase_if(under, [&](const Setting& old) {
    return old.takes != Takes::list && std::any_of(over.begin(), over.end(), [&](const Setting& setting) {
             return setting.name == old.name;
           });
  });
  std::move(over.begin(), over.end(), std::back_inserter(under));
  return under;
}

std::vector<std::string> words_of(std::span<const Setting> settings) {
  std::vector<std::string> words;
  for (const auto& setting : settings) {
    if (setting.takes != Takes::flag) words.push_back("--" + setting.name + "=" + setting.value);
    else if (setting.value == "true") words.push_back("--" + setting.name);
  }
  return words;
}

Result<std::vector<std::string>> config_words(std::string_view text, const std::string& file,
                                              std::span<const KnownOption> known) {
  auto settings = parse_config(text, file, known);
  if (!settings) return fail(std::move(settings).error());
  return words_of(*settings);
}

std::vector<std::string> config_paths(const net::Environment& environment) {
  std::vector<std::string> paths{k_system_file};
  // The XDG Base Directory Specification: a relative path is to be ignored.
  const auto config = net::get(environment, "XDG_CONFIG_HOME");
  const auto home = net::get(environment, "HOME");
  if (config.starts_with('/')) paths.push_back(config + "/curfew/config.toml");
  else if (home.starts_with('/')) paths.push_back(home + "/.config/curfew/config.toml");
  return paths;
}

Result<std::optional<std::string>> read_config(const std::string& path, bool as_root) {
  const auto what = "read " + printable(path);
  const auto is_nothing = [](int number) { return number == ENOENT || number == ENOTDIR; };
  const auto folder = os::folder_of(path);
  // The folder that is looked at is the one that the file is read from.
  const os::Fd holder{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!holder && is_nothing(errno)) return std::nullopt;
  if (!holder) return fail_errno(what, errno);
  // O_NONBLOCK: a pipe without a writer must not hold up the start.
  const os::Fd fd{::openat(holder.get(), path.substr(path.rfind('/') + 1).c_str(),
                           O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (!fd && is_nothing(errno)) return std::nullopt;
  struct stat info {};
  struct stat around {};
  if (!fd || ::fstat(fd.get(), &info) != 0 || ::fstat(holder.get(), &around) != 0)
    return fail_errno(what, errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::refused, what, "is not a regular file");
  if (as_root) {
    auto good = check_owner(what, "", path, info);
    if (good) good = check_owner(what, "its folder ", folder, around);
    if (!good) return fail(std::move(good).error());
  }
  std::string text(k_longest_config + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(what, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > k_longest_config) return fail(ErrorKind::invalid_input, what, "is longer than 64 KiB");
  text.resize(size);
  return text;
}

Result<std::vector<Setting>> load_config(std::span<const std::string> paths,
                                         std::span<const KnownOption> known, bool as_root,
                                         std::string_view table) {
  std::vector<Setting> settings;
  for (const auto& path : paths) {
    auto text = read_config(path, as_root);
    if (!text) return fail(std::move(text).error());
    if (!*text) continue;
    auto own = parse_config(**text, path, known, table);
    if (!own) return fail(std::move(own).error());
    settings = merged(std::move(settings), std::move(*own));
  }
  return settings;
}

std::vector<ConfigRow> rows_of(std::span<const Setting> settings, std::span<const KnownOption> known) {
  std::vector<ConfigRow> rows;
  for (const auto& setting : settings) {
    const auto* option = find(known, setting.name);
    const bool secret = option != nullptr && option->shown != nullptr;
    rows.push_back(
        {"--" + setting.name, secret ? option->shown(setting.value) : setting.value, setting.from});
  }
  return rows;
}

std::string config_table(std::span<const ConfigRow> rows) {
  using Cells = std::array<std::string, 3>;
  std::vector<Cells> lines{Cells{"OPTION", "VALUE", "FROM"}};
  for (const auto& row : rows)
    lines.push_back(Cells{printable(row.option), printable(row.value, k_longest_value), printable(row.from)});
  std::array<std::size_t, 2> widths{};
  for (const auto& line : lines)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
  std::string table;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      table += line[i] + std::string(widths[i] - width(line[i]) + 2, ' ');
    table += line[2] + "\n";
  }
  return table;
}

}  // namespace curfew::cli
