// Looks, prints, pauses, and so on.
#include "cli/follow_job.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "aws/s3_browse.hpp"
#include "aws/s3_get.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "jobs/log_reader.hpp"
#include "jobs/terminal_text.hpp"
#include "launch/launch_file.hpp"
#include "net/within.hpp"
#include "os/screen.hpp"

namespace curfew::cli {
namespace asio = boost::asio;
namespace {

constexpr Millis k_poll{3'000};
constexpr int k_exit_interrupted = 130;  // 128 + SIGINT

// The logs' text on stdout.
class Printer {
 public:
  explicit Printer(bool raw) : filters_(!raw && ::isatty(STDOUT_FILENO) == 1) {}
  void print(std::string_view text) {
    if (filters_) write(filter_.take(text));
    else write(text);
  }
  void end() {
    if (filters_) write(filter_.end());
  }

 private:
  static void write(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  bool filters_;
  jobs::TerminalText filter_;
};

class Follower {
 public:
  Follower(JobsSession& session, FollowWish wish)
      : session_(session),
        wish_(std::move(wish)),
        printer_(wish_.raw),
        watch_(session.source(), session.clock(), wish_.launch_id, session.region()),
        browse_(aws::make_s3_browse(session.session(), session.region())),
        get_(aws::make_s3_get(session.session(), session.region())),
        reader_(
            *browse_, *get_,
            {launch::place_of(session.staging(), wish_.launch_id, ""), wish_.names, wish_.tail,
             !wish_.names.empty()},
            [this](std::string_view text) { printer_.print(text); },
            [](std::string_view text) { say(std::string(text)); }),
        began_(session.clock().boot()) {}

  net::Awaitable<Result<Followed>> run() {
    for (;;) {
      auto looking = watch_.look();
      auto row = co_await std::move(looking);
      Status passed;
      if (row) {
        tell(*row);
        if (!wish_.names.empty()) {
          auto passing = reader_.pass(jobs::is_over(row->state));
          passed = co_await std::move(passing);
        }
      }
      if (row && jobs::is_hopeless(*row, session_.clock().wall()))
        co_return fail(ErrorKind::refused, "tell what became of launch " + wish_.launch_id,
                       jobs::describe_end(*row));
      if (row && passed) {
        failures_ = 0;
        if (jobs::is_over(row->state) || !wish_.until_over)
          co_return Followed{std::move(*row), reader_.has_shown()};
      } else {
        const Error& error = row ? passed.error() : row.error();
        if (!jobs::may_pass(error) || !wish_.until_over) co_return fail(Error{error});
        if (++failures_ == 1) say(error.text() + "; trying again");
      }
      auto pause = failures_ > 0 ? jobs::pause_after(failures_) : k_poll;
      if (wish_.limit) {
        const auto left = *wish_.limit - (session_.clock().boot() - began_);
        if (left <= Millis{0})
          co_return fail(ErrorKind::timed_out, "wait for launch " + wish_.launch_id,
                         "it isn't over after " + format_duration(*wish_.limit));
        pause = std::min(pause, std::chrono::ceil<Millis>(left));
      }
      co_await net::pause(pause);
    }
  }

  void end() { printer_.end(); }

 private:
  void tell(const jobs::Row& row) {
    auto text = std::string(jobs::name_of(row.state));
    if (!row.stage.empty() && !jobs::is_over(row.state)) text += ", stage " + printable(row.stage, 80);
    if (text == told_) return;
    told_ = text;
    if (!wish_.tell_states || jobs::is_over(row.state)) return;
    say((row.job.empty() ? row.launch_id : row.job) + ": " + text);
  }

  JobsSession& session_;
  FollowWish wish_;
  Printer printer_;
  jobs::JobWatch watch_;
  std::unique_ptr<aws::S3Browse> browse_;
  std::unique_ptr<aws::S3Get> get_;
  jobs::LogReader reader_;
  BootTime began_;
  int failures_ = 0;
  std::string told_;
};

net::Awaitable<Result<Followed>> run_with_signals(Follower& follower, std::vector<std::string> on_interrupt) {
  const auto executor = co_await asio::this_coro::executor;
  asio::signal_set signals(executor, SIGINT, SIGTERM);
  asio::co_spawn(
      executor,
      [&]() -> net::Awaitable<void> {
        boost::system::error_code failed;
        (void)co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
        follower.end();
        std::fflush(stdout);
        for (const auto& line : on_interrupt) say(line);
        ::_exit(k_exit_interrupted);
      },
      [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
  auto running = follower.run();
  auto followed = co_await std::move(running);
  signals.cancel();
  // The one who waits for them ends before they do.
  co_await net::pause(Millis{0});
  co_return followed;
}

}  // namespace

Result<Followed> follow_job(JobsSession& session, FollowWish wish) {
  auto on_interrupt = wish.on_interrupt;
  Follower follower(session, std::move(wish));
  auto running = run_with_signals(follower, std::move(on_interrupt));
  auto followed = session.complete(std::move(running));
  follower.end();
  return followed;
}

int follow_launched(const JobsPlace& place, const std::string& launch_id, const os::Clock& clock,
                    std::optional<jobs::Row>& last) {
  say("following it; Ctrl-C ends that alone, and the job goes on");
  os::exit_on_signals_with(k_exit_interrupted);  // until they are waited for
  JobsSession session(place, clock);
  if (const int code = session.open(); code != 0) return code;
  FollowWish wish;
  wish.launch_id = launch_id;
  wish.names = jobs::stage_names();
  wish.tell_states = true;
  wish.on_interrupt = {
      "no longer followed; the job goes on, and its machine ends by itself",
      "look again: curfew logs " + launch_id + " -f; its exit code: curfew wait " + launch_id,
      "stop it: curfew stop " + launch_id};
  auto followed = follow_job(session, std::move(wish));
  if (!followed) {
    say(followed.error().text());
    say("the job goes on; look again: curfew logs " + launch_id + " -f");
    return k_exit_failed;
  }
  say(launch_id + ": " + jobs::describe_end(followed->row));
  const int code = jobs::exit_code_of(followed->row);
  last = std::move(followed->row);
  return code;
}

}  // namespace curfew::cli
