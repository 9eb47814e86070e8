// `curfew check`: what runs, in every region, and what it costs.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/accounts.hpp"
#include "cli/check_enforce.hpp"
#include "cli/check_options.hpp"
#include "cli/check_reading.hpp"
#include "cli/check_watch.hpp"
#include "cli/commands.hpp"
#include "cli/teller.hpp"
#include "net/environment.hpp"
#include "os/files.hpp"
#include "os/signals.hpp"
#include "os/terminal.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_longest_said = 2'000;
constexpr int k_most_links = 40;
constexpr std::size_t k_chunk = 64U << 10U;

void say(const std::string& text) {
  std::fprintf(stderr, "curfew: %s\n", printable(text, k_longest_said).c_str());
}

watch::TableOptions table_options(const net::Environment& environment, bool to_file) {
  watch::TableOptions table;
  if (to_file || ::isatty(STDOUT_FILENO) != 1) return table;
  table.width = os::window_size(STDOUT_FILENO).columns;
  // https://no-color.org: whatever its value, if it has one.
  table.colours = net::get(environment, "NO_COLOR").empty() && net::get(environment, "TERM") != "dumb";
  return table;
}

// What is there keeps its mode; a new one is as the umask says, and for nobody else to write.
mode_t output_mode(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return info.st_mode & 0777U;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0644U & ~mask;
}

Status write(const CheckOptions& options, const watch::Report& report, const net::Environment& environment) {
  const auto table = table_options(environment, !options.output.empty());
  if (options.output.empty()) {
    watch::render(options.format, report, table,
                  [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); });
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
    return fail_errno("write to stdout", errno);
  }
  std::string text;
  text.reserve(k_chunk);
  watch::render(options.format, report, table, [&](std::string_view more) { text += more; });
  return os::replace_file(options.output, text, output_mode(options.output), os::Sync::no);
}

// Where a report may be put: a regular file that is replaced whole, or none yet. A link stays, and what it leads to is
// replaced; a device or a pipe would be no more after that.
Result<std::string> output_file(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return path;
  std::string target = path;
  for (int links = 0; S_ISLNK(info.st_mode); ++links) {
    std::error_code error;
    const std::filesystem::path link(target);
    const auto next = std::filesystem::read_symlink(link, error);
    if (error || links == k_most_links)
      return fail(ErrorKind::invalid_input, "write " + path,
                  error ? error.message() : "leads round in circles");
    target = (link.parent_path() / next).string();  // an absolute one replaces what stands before it
    if (::lstat(target.c_str(), &info) != 0) return target;
  }
  if (!S_ISREG(info.st_mode))
    return fail(ErrorKind::invalid_input, "write " + path, "it is no regular file",
                "leave out --output, and redirect stdout to it");
  return target;
}

// Also before the words can be parsed: a monitoring system takes no other codes.
watch::ExitStyle style_in(const Words& words) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (words[at] == "--exit-style=nagios") return watch::ExitStyle::nagios;
    if (words[at] == "--exit-style" && at + 1 < words.size() && words[at + 1] == "nagios")
      return watch::ExitStyle::nagios;
  }
  return watch::ExitStyle::count;
}

// What was done, or tried; what only would be is none.
std::vector<watch::Act> acts_of(const watch::Report& report) {
  if (!report.enforced || report.enforced->mode != watch::Enforced::Mode::on) return {};
  return report.enforced->acts;
}

}  // namespace

int check_command(const Words& words, const World& world) {
  os::survive_broken_pipes();
  auto options = parse_check_with_config(words);
  if (!options) {
    say(options.error().text());
    return watch::exit_code_of_failure(style_in(words), watch::k_exit_bad_usage);
  }
  const int bad_usage = watch::exit_code_of_failure(options->exit_style, watch::k_exit_bad_usage);
  if (options->help) return std::fputs(k_check_help.data(), stdout) < 0 ? watch::k_exit_bad_usage : 0;
  const auto environment = net::process_environment();
  const bool tells = !options->enforce && !options->notify.empty();
  if (options->output.empty() && os::stdout_was_closed() && !tells) {
    say("stdout is closed: nobody would see what is found, so nothing is done");
    return bad_usage;
  }
  if (auto file = output_file(options->output); file) {
    options->output = std::move(*file);
  } else {
    say(file.error().text());
    return bad_usage;
  }
  auto teller = Teller::make({options->notify, options->notify_state, options->notify_again,
                              options->watch.has_value(), options->profile},
                             world.clock, environment, say);
  if (!teller) {
    say(teller.error().text());
    return bad_usage;
  }
  if (options->watch)
    return watch_check(*options, world.clock, environment, *teller,
                       [&](const watch::Report& report) { return write(*options, report, environment); });
  Accounts accounts({options->profile, options->regions, options->roles, "curfew-check", {}, true},
                    world.clock, environment);
  if (auto signed_in = accounts.sign_in(); !signed_in) {
    say(signed_in.error().text());
    (void)teller->tell(unread_report(signed_in.error().text(), world.clock.wall()), {});  // it fails anyway
    return watch::exit_code_of_failure(options->exit_style, watch::k_exit_no_credentials);
  }
  auto report = read_all(accounts, *options, world.clock, environment);
  if (options->enforce) enforce(report, accounts, *options, world.clock, environment);
  errno = 0;
  const auto written = write(*options, report, environment);
  if (!written) {
    if (errno != EPIPE) say(written.error().text());  // who reads no further has seen enough
    tell_unwritten(report, *options);
  }
  // Whether it could be shown or not.
  const bool told = teller->tell(report, acts_of(report));
  if (!written) return bad_usage;
  const auto totals = watch::totals_of(watch::rows_of(report));
  const bool not_ended = report.enforced && watch::has_failed(*report.enforced);
  return watch::exit_code(options->exit_style, totals, watch::is_unread(report) || !told, not_ended);
}

}  // namespace curfew::cli
