// `curfew launch`: from here to a job on an instance that can't outlive it.
#include "cli/launch.hpp"

#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "aws/core/hash.hpp"
#include "aws/session.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/launch_findings.hpp"
#include "cli/launch_options.hpp"
#include "cli/launch_questions.hpp"
#include "cli/output.hpp"
#include "launch/describe.hpp"
#include "launch/launch_file.hpp"
#include "launch/sequence.hpp"
#include "launch/user_data.hpp"
#include "net/environment.hpp"
#include "os/fd.hpp"
#include "os/files.hpp"
#include "os/local_time.hpp"
#include "os/signals.hpp"
#include "os/terminal.hpp"
#include "save/summary.hpp"

namespace curfew::cli {
namespace asio = boost::asio;
namespace {

constexpr int k_exit_interrupted = 130;  // 128 + SIGINT
constexpr std::size_t k_largest_program = 256U << 20U;

// Where launches are noted; empty where there's no place for it.
std::string record_folder(const net::Environment& environment) {
  const auto state = net::get(environment, "XDG_STATE_HOME");
  if (state.starts_with('/')) return state + "/curfew/launches";
  const auto home = net::get(environment, "HOME");
  return home.starts_with('/') ? home + "/.local/state/curfew/launches" : "";
}

bool agrees(const std::string& question) {
  std::fprintf(stderr, "curfew: %s [y/N] ", question.c_str());
  char answer[16] = {};
  if (std::fgets(answer, sizeof answer, stdin) == nullptr) return false;
  return answer[0] == 'y' || answer[0] == 'Y';
}

// A signal's handler: what may be called there is little.
void end_while_asked(int) {
  static constexpr std::string_view k_said = "\ncurfew: interrupted: nothing was made\n";
  (void)!::write(STDERR_FILENO, k_said.data(), k_said.size());
  ::_exit(k_exit_interrupted);
}

// A file that is there is somebody's work.
int write_template(const std::string& path) {
  const os::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (!fd) {
    say("write " + path + ": " +
        (errno == EEXIST ? "it is there already, and stays as it is" : std::strerror(errno)));
    return k_exit_failed;
  }
  if (auto written = os::write_all(fd.get(), k_job_template, path); !written) {
    say(written.error().text());
    return k_exit_failed;
  }
  std::printf("wrote %s: fill in what is yours, then: curfew launch %s --dry-run\n", printable(path).c_str(),
              printable(path).c_str());
  return 0;
}

std::string first_region(const LaunchOptions& options) {
  return options.regions.empty() ? std::string{} : options.regions.front();
}

class LaunchCommand {
 public:
  LaunchCommand(const LaunchOptions& options, const os::Clock& clock, net::Environment environment,
                std::string folder)
      : options_(options),
        clock_(clock),
        environment_(std::move(environment)),
        records_(std::move(folder)),
        http_(net::make_http_client(io_.get_executor(), net::client_options_from(environment_))),
        session_(aws::make_session(*http_, clock_, environment_, {options_.profile, first_region(options_)})),
        signals_(io_, SIGINT, SIGTERM) {}

  int run() {
    const auto rethrow = [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(io_, hear_signals(), rethrow);
    asio::co_spawn(
        io_,
        [this]() -> net::Awaitable<void> {
          code_ = co_await work();
          signals_.cancel();
        },
        rethrow);
    io_.run();
    return code_;
  }
  [[nodiscard]] const std::optional<Launched>& launched() const { return launched_; }

 private:
  // Before anything was asked of EC2 a signal ends at once. After that it's undone first; a second one doesn't wait for it.
  net::Awaitable<void> hear_signals() {
    for (;;) {
      boost::system::error_code failed;
      (void)co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
      if (failed) co_return;
      if (!sending_) {
        say("interrupted: nothing was made");
        ::_exit(k_exit_interrupted);
      }
      if (interrupted_) {
        say("interrupted again: `curfew launch --clean-up` ends what is left; an instance ends itself "
            "within 6 minutes of its boot");
        ::_exit(k_exit_interrupted);
      }
      interrupted_ = true;
      say("interrupted: what was begun is undone first (Ctrl-C again: at once)");
    }
  }

  launch::World world_for(launch::Calls& calls) {
    return {calls,
            records_,
            clock_,
            [this] { return interrupted_; },
            [](const std::string& text) { say(text); },
            {},
            session_->random};
  }

  // False where something that was left could not be dealt with.
  net::Awaitable<bool> clean_up() {
    std::vector<std::string> unread;
    auto left = records_.left_over(unread);
    for (const auto& line : unread) say(line);
    bool well = unread.empty();
    sending_ = !left.empty();
    for (const auto& one : left) {
      if (interrupted_) co_return false;
      if (!aws::is_region(one.record.region)) {
        say("the record of launch " + one.record.launch_id + " names no region");
        well = false;
        continue;
      }
      const auto calls = launch::make_calls(*session_, one.record.region);
      auto cleaning = launch::clean_up(world_for(*calls), one.record);
      const auto cleaned = co_await std::move(cleaning);
      if (!cleaned) say("an earlier launch isn't cleaned up: " + cleaned.error().text());
      well = well && cleaned.has_value();
    }
    sending_ = false;
    co_return well;
  }

  net::Awaitable<int> work() {
    auto own = session_->credentials->get();
    const auto credentials = co_await std::move(own);
    if (!credentials) co_return refuse(credentials.error());
    const bool cleaned = co_await clean_up();
    if (interrupted_) {
      say("interrupted: nothing was launched");
      co_return k_exit_interrupted;
    }
    if (options_.clean_up) co_return cleaned ? 0 : k_exit_failed;
    auto asking = session_->region();
    const auto region = co_await std::move(asking);
    if (!region) co_return refuse(region.error());
    auto regions = options_.regions;
    if (regions.empty()) regions.push_back(*region);
    auto questions = ask_before_launch(*session_, options_.wishes, regions, environment_, note_);
    auto answers = co_await std::move(questions);
    if (!answers) co_return refuse(answers.error());
    const auto& defaults = answers->defaults;
    for (const auto& missing : answers->missing) say(missing.text());
    for (const auto& doubt : answers->doubtful) say(doubt.text());
    is_doubtful_ = !answers->doubtful.empty();
    const bool is_whole = answers->missing.empty();
    if (!is_whole && !options_.dry_run) co_return k_exit_failed;
    const auto id = launch::new_launch_id(clock_.wall());
    auto wishes = defaults.wishes;
    std::string workdir;
    if (const auto& again = wishes.again) {
      wishes.stages.workdir = again->workdir;
      wishes.stages.restore = again->restore;
    }
    if (auto& packed = answers->packed) {
      say("packed " + wishes.workdir + ": " + save::count_of_files(packed->files) + ", " +
          format_bytes(packed->bytes));
      workdir = std::move(packed->archive);
      wishes.stages.workdir = {launch::workdir_place(wishes.staging, id), packed->sha256, workdir.size()};
    }
    auto findings = std::move(answers->findings);
    const auto plan = launch::make_plan(wishes, findings, id, clock_.wall());
    if (!plan) co_return refuse(plan.error());
    home_ = regions.front();
    const auto package = package_for(*plan, std::move(workdir));
    if (!package) co_return refuse(package.error());
    auto shown = launch::describe(*plan, os::format_local);
    if (!defaults.taken.empty()) shown += fmt::format("{:<14} {}\n", "by setup", defaults.taken);
    if (!show(shown)) {
      say("the plan can't be shown, so nothing is made");
      co_return k_exit_failed;
    }
    if (!options_.wishes.schedule)
      say("WITHOUT A SCHEDULE: should the instance lose its kernel or its network, nothing from outside ends "
          "it");
    if (plan->refusal) co_return refuse(*plan->refusal);
    auto going_on = options_.dry_run
                        ? try_it(*plan, *package, is_whole)
                        : launch_it(*plan, *package, renewal_of(wishes, std::move(findings), id));
    const int code = co_await std::move(going_on);
    if (is_whole) co_return code;
    // The plan has moved them out of sight.
    for (const auto& missing : answers->missing) say(missing.text());
    say("dry run: this launch would be refused; nothing was made");
    co_return k_exit_failed;
  }

  static int refuse(const Error& error) {
    say(error.text());
    return k_exit_failed;
  }

  [[nodiscard]] Result<launch::Package> package_for(const launch::Plan& plan, std::string workdir) const {
    auto path = os::own_path();
    if (!path) return fail(std::move(path.error()));
    auto program = os::read_file(*path, k_largest_program);
    if (!program) return fail(std::move(program.error()));
    launch::Package package;
    package.program = std::move(*program);
    package.workdir_place = launch::workdir_place(plan.wishes.staging, plan.launch_id);
    package.workdir = std::move(workdir);
    if (auto filled = fill(plan, package); !filled) return fail(std::move(filled.error()));
    return package;
  }

  // All that depends on the plan's times and region.
  Status fill(const launch::Plan& plan, launch::Package& package) const {
    const auto job = launch::job_file(plan);
    package.job = launch::to_json(job);
    if (package.job.size() > launch::k_largest_job_file)
      return fail(ErrorKind::invalid_input, "the job", "is larger than 256 KiB",
                  "put long texts into files, and fetch those");
    const auto program_sha = aws::sha256_hex(package.program);
    package.program_place = launch::program_place(plan.wishes.staging, program_sha);
    package.job_place = launch::job_place(plan.wishes.staging, plan.launch_id);
    auto file = launch::launch_file(plan);
    file.options = options_.given;
    package.launch_file = launch::to_json(file);
    package.launch_file_place = launch::launch_file_place(plan.wishes.staging, plan.launch_id);
    auto program_url = staged_url(package.program_place, home_, job.environment);
    auto job_url = staged_url(package.job_place, home_, job.environment);
    if (!program_url) return fail(std::move(program_url.error()));
    if (!job_url) return fail(std::move(job_url.error()));
    launch::InstanceParts parts;
    parts.launch_id = plan.launch_id;
    parts.region = home_;
    parts.l0_at = plan.l0_at;
    parts.until_l0 = std::chrono::ceil<Seconds>(plan.l0_at - plan.made);
    parts.program = {std::move(*program_url), program_sha};
    parts.job = {std::move(*job_url), aws::sha256_hex(package.job)};
    auto user_data = launch::user_data(parts);
    if (!user_data) return fail(std::move(user_data.error()));
    package.user_data = std::move(*user_data);
    return {};
  }

  launch::Renewal renewal_of(launch::Wishes wishes, launch::Findings findings, std::string id) {
    wishes_ = std::move(wishes);
    findings_ = std::move(findings);
    return {[this](const launch::Plan& plan, launch::Package& package) { return fill(plan, package); },
            [this, id = std::move(id)] { return plan_again(id); }};
  }

  net::Awaitable<Result<launch::Plan>> plan_again(std::string id) {
    auto refreshing = refresh_prices(*session_, wishes_, findings_);
    const auto refreshed = co_await std::move(refreshing);
    if (!refreshed) co_return fail(Error{refreshed.error()});
    co_return launch::make_plan(wishes_, findings_, id, clock_.wall());
  }

  launch::Calls& calls_in(const std::string& region) {
    auto& calls = calls_[region];
    if (!calls) calls = launch::make_calls(*session_, region);
    return *calls;
  }

  net::Awaitable<int> try_it(const launch::Plan& plan, const launch::Package& package, bool is_whole) {
    std::set<std::tuple<std::string, std::string, bool>>
        tried;  // a zone makes no difference to what is allowed
    for (const auto& pool : plan.pools) {
      if (!tried.emplace(pool.region, pool.type.name, pool.spot).second) continue;
      const auto ec2 = aws::make_ec2_launch(*session_, pool.region);
      auto request = launch::run_request(plan, pool, 1, package.user_data);
      const auto asked = co_await ec2->try_run(std::move(request));
      if (!asked) co_return refuse(asked.error());
    }
    if (is_whole) say("dry run: EC2 would allow it (it isn't asked for capacity); nothing was made");
    co_return 0;
  }

  net::Awaitable<int> launch_it(launch::Plan plan, launch::Package package, launch::Renewal renewal) {
    const bool is_much = !plan.worst_case || *plan.worst_case > options_.confirm_above;
    if ((is_much || is_doubtful_) && !options_.yes) {
      std::string what = plan.worst_case ? "the worst case is " + format_dollars(*plan.worst_case)
                                         : std::string("what it costs at most isn't known");
      if (is_doubtful_) what = "the job may not reach all that it needs, as said above; " + what;
      if (::isatty(STDIN_FILENO) != 1)
        co_return refuse({ErrorKind::refused,
                          "launch",
                          what + ", and nobody can be asked",
                          "--yes, or a smaller --max-time or --max-cost",
                          {}});
      // While it's asked, Ctrl-C ends this at once.
      for (const int signal : {SIGINT, SIGTERM}) {
        signals_.remove(signal);
        std::signal(signal, end_while_asked);
      }
      const bool agreed = agrees(what + ". Launch?");
      for (const int signal : {SIGINT, SIGTERM}) {
        std::signal(signal, SIG_DFL);
        signals_.add(signal);
      }
      if (!agreed) {
        say("nothing was made");
        co_return k_exit_failed;
      }
    }
    sending_ = true;
    auto world = world_for(calls_in(home_));
    world.calls_in = [this](const std::string& region) -> launch::Calls& { return calls_in(region); };
    const auto id = plan.launch_id;
    const auto staging = plan.wishes.staging;
    auto launching =
        launch::launch(std::move(world), std::move(plan), std::move(package), std::move(renewal));
    const auto done = co_await std::move(launching);
    if (!done) {
      say(done.error().text());
      co_return done.error().code == launch::k_interrupted ? k_exit_interrupted : k_exit_failed;
    }
    launched_ = Launched{{staging, home_, options_.profile}, id};
    const auto told = fmt::format(
        "instance       {0} ({1}), gone by {2} at the latest\n"
        "its logs       curfew logs {3} -f\n"
        "look           curfew check --region {4} --tag curfew:launch={3}\n"
        "its console    aws ec2 get-console-output --latest --output text --region {4} --instance-id {0}\n",
        done->instance, done->type, format_utc(done->end_at), id, done->region);
    // It was launched, whoever reads: that must not be taken for a failure, and launched again.
    if (!show(told)) {
      std::fputs(told.c_str(), stderr);
      ::__fpurge(stdout);
      std::clearerr(stdout);
    }
    co_return 0;
  }

  const LaunchOptions& options_;
  const os::Clock& clock_;
  net::Environment environment_;
  launch::RecordFolder records_;
  asio::io_context io_{1};
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<aws::Session> session_;
  asio::signal_set signals_;
  std::function<void(const std::string&)> note_ = [](const std::string& text) { say(text); };
  // While it's launched: what another round of asking is made of.
  std::string home_;  // the region where staging is
  launch::Wishes wishes_;
  launch::Findings findings_;
  std::map<std::string, std::unique_ptr<launch::Calls>> calls_;  // by region
  std::optional<Launched> launched_;
  bool is_doubtful_ = false;  // there may be something that the job can't reach
  bool sending_ = false;
  bool interrupted_ = false;
  int code_ = k_exit_failed;
};

}  // namespace

int launch_with(const LaunchOptions& options, const World& world, std::optional<Launched>& launched) {
  os::survive_broken_pipes();
  if (os::stdout_was_closed()) {
    say("stdout is closed: nobody would see what is launched, so nothing is");
    return k_exit_failed;
  }
  auto environment = net::process_environment();
  auto folder = record_folder(environment);
  if (folder.empty()) {
    say("launch: there is no place to note what is being made (set HOME or XDG_STATE_HOME)");
    return k_exit_failed;
  }
  LaunchCommand command(options, world.clock, std::move(environment), std::move(folder));
  const int code = command.run();
  launched = command.launched();
  std::fflush(stdout);
  return code;
}

int launch_command(const Words& words, const World& world) {
  std::optional<JobText> job;
  if (const auto file = named_job_file(words)) {
    auto text = os::read_file(*file, k_longest_config);
    if (!text) {
      say(std::move(text.error()).within("the job file").text());
      return k_exit_failed;
    }
    job = JobText{*file, std::move(*text)};
  }
  const auto options = parse_launch(words, job);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (!options->init.empty()) return write_template(options->init);
  if (options->help) return std::fputs(k_launch_help.data(), stdout) < 0 ? k_exit_failed : 0;
  std::optional<Launched> launched;
  const int code = launch_with(*options, world, launched);
  // Following has signals and a session of its own.
  if (code != 0 || !options->follow || !launched) return code;
  return follow_through(std::move(*launched), options->retries, world);
}

}  // namespace curfew::cli
