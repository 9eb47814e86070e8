// Parses the command line of `curfew run`.
#include "cli/run_options.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "cli/parsing.hpp"
#include "guard/probes/done_pattern.hpp"
#include "guard/probes/idle.hpp"
#include "guard/probes/jupyter.hpp"
#include "notify/target.hpp"
#include "os/files.hpp"
#include "save/target.hpp"

namespace curfew::cli {

job::Limits RunOptions::limits() const {
  job::Limits limits;
  limits.max_time = max_time;
  limits.deadline = deadline;
  limits.grace = grace;
  limits.before_end = before_end.empty() ? Seconds{0} : before_end_limit;
  limits.save = saves.empty() ? Seconds{0} : save_limit;
  return limits;
}

namespace {

tl::unexpected<Error> bad_usage(std::string what, std::string cause,
                                std::string hint = "see curfew run --help") {
  return fail(ErrorKind::invalid_input, std::move(what), std::move(cause), std::move(hint));
}

constexpr Seconds k_least_save_every{10};
constexpr std::uint64_t k_largest_pid = 4'194'304;  // PID_MAX_LIMIT

// What was typed, before it's understood.
constexpr Seconds k_longest_stage = std::chrono::hours{24};

struct Raw {
  std::string max_time, max_hours, deadline, grace, save_limit, then, log, log_format, shell;
  std::string idle_gpu, gpu_start, stall, stall_path, done_file, done_pattern;
  bool idle_gpu_any = false;
  std::string signal, before_end, before_end_limit, keep_on_failure, spot_notice, pid, jupyter;
  std::string max_cost, price, save_every;
  std::vector<std::string> saves, notify;
  bool quiet = false, dry_run = false, help = false;
};

void declare(CLI::App& app, Raw& raw) {
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
  app.add_option("--max-time", raw.max_time);
  app.add_option("--max-hours", raw.max_hours);
  app.add_option("--deadline", raw.deadline);
  app.add_option("--grace", raw.grace);
  app.add_option("--save", raw.saves)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--save-limit", raw.save_limit);
  app.add_option("--save-every", raw.save_every);
  app.add_option("--max-cost", raw.max_cost);
  app.add_option("--price", raw.price);
  app.add_option("--notify", raw.notify)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--idle-gpu", raw.idle_gpu);
  app.add_flag("--idle-gpu-any", raw.idle_gpu_any);
  app.add_option("--gpu-start", raw.gpu_start);
  app.add_option("--stall", raw.stall);
  app.add_option("--stall-path", raw.stall_path);
  app.add_option("--done-file", raw.done_file);
  app.add_option("--done-pattern", raw.done_pattern);
  app.add_option("--signal", raw.signal);
  app.add_option("--before-end", raw.before_end);
  app.add_option("--before-end-limit", raw.before_end_limit);
  app.add_option("--keep-on-failure", raw.keep_on_failure);
  app.add_option("--spot-notice", raw.spot_notice);
  app.add_option("--pid", raw.pid);
  app.add_option("--jupyter", raw.jupyter);
  app.add_option("--then", raw.then);
  app.add_option("--log", raw.log);
  app.add_option("--log-format", raw.log_format);
  app.add_flag("--quiet", raw.quiet);
  app.add_flag("--dry-run", raw.dry_run);
  app.add_option("--shell", raw.shell);
  app.allow_extras();
}

Status parse_raw(std::vector<std::string> words, Raw& raw) {
  CLI::App app;
  declare(app, raw);
  if (auto parsed = parse_words(app, std::move(words), "run"); !parsed) return parsed;
  if (app.remaining().empty()) return {};
  return bad_usage("'" + printable(app.remaining().front(), 80) + "'", "is not an option",
                   "put -- before the command");
}

// What the machine may live on for after the job was told to stop: a slip must not make days of it.
Result<Seconds> parse_stage(std::string_view text) {
  auto time = parse_duration(text);
  if (time && *time > k_longest_stage)
    return fail(ErrorKind::invalid_input, "'" + printable(text, 40) + "'",
                "is longer than " + format_duration(k_longest_stage),
                "the machine would run for so long after the job");
  return time;
}

Status take_limits(const Raw& raw, RunOptions& options) {
  if (!raw.max_time.empty() && !raw.max_hours.empty())
    return bad_usage("--max-time and --max-hours", "say the same thing; give one of them");
  if (raw.max_time == "off") {
    options.max_time.reset();
  } else if (auto took = take("--max-time", raw.max_time, options.max_time, parse_duration); !took) {
    return took;
  }
  for (auto took : {take("--max-hours", raw.max_hours, options.max_time, parse_hours),
                    take("--deadline", raw.deadline, options.deadline, parse_utc),
                    take("--grace", raw.grace, options.grace, parse_stage),
                    take("--save-limit", raw.save_limit, options.save_limit, parse_stage)}) {
    if (!took) return took;
  }
  for (auto took : {take("--before-end-limit", raw.before_end_limit, options.before_end_limit, parse_stage),
                    take("--keep-on-failure", raw.keep_on_failure, options.keep_on_failure, parse_duration),
                    take("--signal", raw.signal, options.early_signal, parse_early_signal),
                    take("--spot-notice", raw.spot_notice, options.spot_notice, guard::parse_spot_notice),
                    take("--max-cost", raw.max_cost, options.max_cost, parse_dollars),
                    take("--price", raw.price, options.price, parse_dollars),
                    take("--save-every", raw.save_every, options.save_every, parse_duration)}) {
    if (!took) return took;
  }
  if (!raw.before_end_limit.empty() && raw.before_end.empty())
    return bad_usage("--before-end-limit", "needs a --before-end");
  // A deadline alone is the limit; the default of four hours is for those who say nothing.
  if (options.deadline && raw.max_time.empty() && raw.max_hours.empty()) options.max_time.reset();
  return {};
}

Status take_save_every(const Raw& raw, const RunOptions& options) {
  if (!options.save_every) return {};
  if (raw.saves.empty()) return bad_usage("--save-every", "needs a --save");
  if (*options.save_every < k_least_save_every)
    return bad_usage("--save-every " + printable(raw.save_every, 40),
                     "is less than " + format_duration(k_least_save_every));
  return {};
}

Status take_watches(const Raw& raw, guard::Watches& watches) {
  if (!raw.idle_gpu.empty()) {
    const auto rule = guard::parse_idle_rule(raw.idle_gpu);
    if (!rule) return fail(Error{rule.error()}.within("--idle-gpu"));
    watches.idle = rule->limit;
    watches.idle_millipercent = static_cast<int>(std::lround(rule->percent * 1'000));
  }
  watches.idle_any = raw.idle_gpu_any;
  watches.stall_path = raw.stall_path;
  watches.done_file = raw.done_file;
  watches.done_pattern = raw.done_pattern;
  for (auto took : {take("--gpu-start", raw.gpu_start, watches.gpu_start, parse_duration),
                    take("--stall", raw.stall, watches.stall, parse_duration)}) {
    if (!took) return took;
  }
  if (raw.idle_gpu_any && !watches.idle) return bad_usage("--idle-gpu-any", "needs --idle-gpu");
  if (!raw.stall_path.empty() && !watches.stall) return bad_usage("--stall-path", "needs --stall");
  if (!raw.done_pattern.empty()) {
    if (const auto pattern = guard::DonePattern::compile(raw.done_pattern); !pattern)
      return fail(Error{pattern.error()}.within("--done-pattern"));
  }
  if (raw.jupyter.empty()) return {};
  const auto server = guard::parse_jupyter(raw.jupyter, "");
  if (!server) return fail(Error{server.error()}.within("--jupyter"));
  watches.jupyter = server->shown();
  watches.jupyter_token = server->token;
  return {};
}

// What a process that runs already, or a machine without a job, can't be asked for.
Status check_without_command(const Raw& raw, const RunOptions& options) {
  if (!options.guards_machine && !raw.jupyter.empty())
    return bad_usage("--jupyter", "is for a machine that is guarded without a command");
  if (!options.guards_machine && !options.pid) return {};
  // with_settings() leaves out what files set of all that follows.
  const std::string whose = options.pid ? "a process that runs already" : "a machine without a command";
  if (!raw.signal.empty()) return bad_usage("--signal", "is for a command; " + whose + " isn't sent one");
  // What is printed goes elsewhere.
  if (!raw.done_pattern.empty()) return bad_usage("--done-pattern", "can't see what is printed on " + whose);
  if (!raw.stall.empty() && raw.stall_path.empty())
    return bad_usage("--stall", "can't see what is printed by " + whose, "add --stall-path DIR");
  if (!raw.keep_on_failure.empty())
    return bad_usage("--keep-on-failure", options.pid
                                              ? "is for a command; how " + whose + " ends can't be known"
                                              : "is for a command; nothing fails on " + whose);
  if (options.pid) return {};
  if (raw.idle_gpu_any)
    return bad_usage("--idle-gpu-any", "is for a command; " + whose + " is idle when all of it is");
  if (!raw.jupyter.empty() && !options.watches.idle) return bad_usage("--jupyter", "needs --idle-gpu");
  return {};
}

// What is guarded: a command, a shell's words, a process that runs already, or the machine itself.
Status take_work(const Raw& raw, bool dashes, std::vector<std::string> command, RunOptions& options) {
  options.argv = std::move(command);
  if (!raw.shell.empty() && !options.argv.empty())
    return bad_usage("--shell", "and a command after -- can't both be run");
  if (!raw.pid.empty()) {
    if (!options.argv.empty() || !raw.shell.empty())
      return bad_usage("--pid", "is for a process that runs already; a command can't be run beside it");
    const auto pid = parse_number(raw.pid);
    if (pid == 1U)
      return bad_usage("--pid 1", "is the machine's first process, which runs until the machine ends",
                       "--idle-gpu TIME without --pid guards the machine itself");
    if (!pid || *pid < 2 || *pid > k_largest_pid)
      return bad_usage("--pid '" + printable(raw.pid, 40) + "'", "is not a process");
    options.pid = static_cast<int>(*pid);
    options.command = "process " + raw.pid;
    return {};
  }
  if (!raw.shell.empty()) {
    options.command = raw.shell;
    options.argv = {os::exists("/bin/bash") ? "/bin/bash" : "/bin/sh", "-c", raw.shell};
    return {};
  }
  // After a "--" there is to be a command: one that is missing came from a variable that is empty.
  if (!dashes && (options.watches.idle || !raw.done_file.empty())) {
    options.guards_machine = true;
    options.command = "this machine";
    return {};
  }
  if (options.argv.empty() || options.argv.front().empty())
    return bad_usage(
        k_no_command, "",
        "curfew run [options] -- COMMAND [ARG...]; without one it needs --idle-gpu, --done-file or --pid");
  options.command = shell_quoted(options.argv);
  return {};
}

}  // namespace

const std::vector<KnownOption>& configurable_options() {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> k_of_one_run{
      {{"pid", "a process belongs to one run"},
       {"shell", "a command belongs to one run"},
       {"dry-run", "every machine would stay on, for a line that somebody forgot"},
       {"jupyter", "it's for a machine without a command, and each job would be refused"}}};
  static constexpr std::array<std::string_view, 3> k_numbers{"max-hours", "max-cost", "price"};
  const auto is_among = [](const auto& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  static const auto k_known = [&] {
    CLI::App app;
    Raw raw;
    declare(app, raw);
    std::vector<KnownOption> options;
    for (const auto* option : app.get_options()) {
      const auto& name = option->get_lnames().front();
      if (name == "help") continue;
      Takes takes = is_among(k_numbers, name) ? Takes::number : Takes::text;
      if (option->get_items_expected_max() == 0) takes = Takes::flag;
      if (option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll) takes = Takes::list;
      options.push_back({name, takes, {}, {}});
      for (const auto& [single, why] : k_of_one_run) {
        if (name == single) options.back().why_not = why;
      }
      if (name == "notify")
        options.back().shown = [](std::string_view value) { return notify::shown_option(value); };
    }
    return options;
  }();
  return k_known;
}

std::vector<std::string> run_option_names() {
  CLI::App app;
  Raw raw;
  declare(app, raw);
  return option_names(app);
}

Result<guard::EarlySignal> parse_early_signal(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, int>, 9> k_names{{{"HUP", SIGHUP},
                                                                            {"INT", SIGINT},
                                                                            {"QUIT", SIGQUIT},
                                                                            {"USR1", SIGUSR1},
                                                                            {"USR2", SIGUSR2},
                                                                            {"TERM", SIGTERM},
                                                                            {"CONT", SIGCONT},
                                                                            {"WINCH", SIGWINCH},
                                                                            {"ALRM", SIGALRM}}};
  const std::string what = "'" + printable(text, 40) + "'";
  const auto at = text.find('@');
  if (at == std::string_view::npos) return bad_usage(what, "has no @TIME", "as USR1@10m");
  std::string upper(text.substr(0, at));
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  std::string_view name = upper;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  guard::EarlySignal signal;
  for (const auto& [known, number] : k_names) {
    if (name == known) signal.signal = number;
  }
  const auto number = parse_number(name);
  if (number && *number > 0 && *number <= 64) signal.signal = static_cast<int>(*number);
  const std::string names = "one of HUP, INT, QUIT, USR1, USR2, TERM, CONT, WINCH, ALRM, or a number";
  if (name == "KILL" || name == "STOP" || signal.signal == SIGKILL || signal.signal == SIGSTOP)
    return bad_usage(what, "can't be heard by a command", names);
  if (signal.signal == 0) return bad_usage(what, "names no signal", names);
  const auto ahead = parse_duration(text.substr(at + 1));
  if (!ahead) return fail(Error{ahead.error()});
  signal.ahead = *ahead;
  return signal;
}

Result<RunOptions> parse_run(const std::vector<std::string>& words) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  Raw raw;
  if (auto parsed = parse_raw({words.begin(), dashes}, raw); !parsed) return fail(std::move(parsed.error()));

  RunOptions options;
  options.help = raw.help;
  if (raw.help) return options;
  options.quiet = raw.quiet;
  options.dry_run = raw.dry_run;
  options.saves = raw.saves;
  options.log = raw.log;
  if (auto took = take_limits(raw, options); !took) return fail(std::move(took.error()));
  if (auto took = take("--then", raw.then, options.then, guard::parse_then); !took)
    return fail(std::move(took.error()));
  if (raw.log_format == "json") options.log_format = os::LogFormat::json;
  else if (!raw.log_format.empty() && raw.log_format != "text")
    return bad_usage("--log-format '" + printable(raw.log_format, 40) + "'", "is neither text nor json");
  if (!raw.log_format.empty() && raw.log.empty()) return bad_usage("--log-format", "needs a --log");
  for (const auto& save : raw.saves) {
    if (auto target = save::parse_target(save); !target)
      return fail(std::move(target.error()).within("--save"));
  }
  if (!raw.save_limit.empty() && raw.saves.empty()) return bad_usage("--save-limit", "needs a --save");
  if (auto took = take_save_every(raw, options); !took) return fail(std::move(took.error()));
  for (const auto& place : raw.notify) {
    auto good = notify::check_option(place);
    // What env: and file: point at is looked at later.
    if (const auto target = notify::parse_target(place); good && target)
      good = notify::check_on_ending_machine(*target);
    if (!good) return fail(std::move(good.error()).within("--notify " + notify::shown_option(place)));
  }
  options.notify = raw.notify;

  if (options.early_signal && options.max_time && *options.max_time <= options.early_signal->ahead)
    return bad_usage("--signal " + printable(raw.signal, 40), "would come before the command has started",
                     "the time limit is " + format_duration(*options.max_time));
  options.before_end = raw.before_end;
  if (auto took = take_watches(raw, options.watches); !took) return fail(std::move(took.error()));
  std::vector<std::string> command;
  if (dashes != words.end()) command.assign(dashes + 1, words.end());
  const bool has_dashes = dashes != words.end();
  if (auto took = take_work(raw, has_dashes, std::move(command), options); !took)
    return fail(std::move(took.error()));
  if (auto good = check_without_command(raw, options); !good) return fail(std::move(good.error()));
  return options;
}

std::vector<std::string> start_notes(const RunOptions& options) {
  std::vector<std::string> notes;
  if (!options.max_time) return notes;
  const auto& watches = options.watches;
  const std::array<std::pair<const char*, std::optional<Seconds>>, 4> waits{
      {{"--idle-gpu", watches.idle},
       {"--gpu-start", watches.gpu_start},
       {"--stall", watches.stall},
       {"--save-every", options.save_every}}};
  for (const auto& [option, time] : waits) {
    if (time && *time >= *options.max_time)
      notes.push_back(std::string(option) + " " + format_duration(*time) +
                      " never comes: the time limit is " + format_duration(*options.max_time));
  }
  return notes;
}

}  // namespace curfew::cli
