// `curfew logs`: what a launched job has printed.
#include <cstdio>
#include <utility>

#include "cli/follow_job.hpp"
#include "cli/jobs_commands.hpp"
#include "cli/jobs_options.hpp"
#include "cli/jobs_session.hpp"
#include "cli/output.hpp"
#include "jobs/log_parts.hpp"

namespace curfew::cli {

int logs_command(const Words& words, const World& world) {
  const auto options = parse_logs(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_logs_help)) ? 0 : k_exit_failed;
  JobsSession session(options->place, world.clock);
  if (const int code = session.open(); code != 0) return code;
  auto launch_id = session.find(options->job);
  if (!launch_id) return tell_failure(launch_id.error());
  FollowWish wish;
  wish.launch_id = *launch_id;
  wish.names = options->names;
  wish.tail = options->tail;
  wish.raw = options->raw;
  wish.until_over = options->follow;
  const auto followed = follow_job(session, std::move(wish));
  if (!followed) return tell_failure(followed.error());
  const auto& row = followed->row;
  const bool is_over = jobs::is_over(row.state);
  if (!followed->shown && options->names != jobs::stage_names())
    say(*launch_id + " has no such log" + (is_over ? "" : " yet") + ": curfew logs " + *launch_id +
        " shows what there is");
  if (is_over) say(*launch_id + ": " + jobs::describe_end(row));
  else if (!followed->shown)
    say(*launch_id + " is " + std::string(jobs::name_of(row.state)) +
        ", and nothing that it printed is here yet (text comes some 15 s after it was printed)");
  return followed->shown ? 0 : k_exit_no_such_job;
}

}  // namespace curfew::cli
