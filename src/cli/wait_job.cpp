// `curfew wait JOB`: until a launched job is over, for scripts that go on with what it exits with.
#include <utility>

#include "cli/follow_job.hpp"
#include "cli/jobs_commands.hpp"
#include "cli/jobs_options.hpp"
#include "cli/jobs_session.hpp"
#include "cli/output.hpp"

namespace curfew::cli {
namespace {

constexpr int k_exit_timeout = 124;  // as timeout(1)

}  // namespace

int wait_for_job(const Words& words, const World& world) {
  const auto options = parse_wait(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_wait_help)) ? 0 : k_exit_failed;
  JobsSession session(options->place, world.clock);
  if (const int code = session.open(); code != 0) return code;
  auto launch_id = session.find(options->job, options->quiet);
  // 1 would be the job's.
  if (!launch_id) {
    (void)tell_failure(launch_id.error());
    return k_exit_failed;
  }
  FollowWish wish;
  wish.launch_id = *launch_id;
  wish.tell_states = !options->quiet;
  wish.limit = options->limit;
  const auto followed = follow_job(session, std::move(wish));
  if (!followed) {
    say(followed.error().text());
    return followed.error().kind == ErrorKind::timed_out && options->limit ? k_exit_timeout : k_exit_failed;
  }
  if (!options->quiet) say(*launch_id + ": " + jobs::describe_end(followed->row));
  return jobs::exit_code_of(followed->row);
}

}  // namespace curfew::cli
