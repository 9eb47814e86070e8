// `curfew ps`: what was launched, and what became of it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cli/jobs_commands.hpp"
#include "cli/jobs_options.hpp"
#include "cli/jobs_session.hpp"
#include "cli/output.hpp"
#include "jobs/render.hpp"
#include "net/environment.hpp"
#include "os/terminal.hpp"
#include "watch/exit_code.hpp"

namespace curfew::cli {
namespace {

watch::TableOptions table_options() {
  watch::TableOptions table;
  if (::isatty(STDOUT_FILENO) != 1) return table;
  const auto environment = net::process_environment();
  table.width = os::window_size(STDOUT_FILENO).columns;
  // https://no-color.org: whatever its value, if it has one.
  table.colours = net::get(environment, "NO_COLOR").empty() && net::get(environment, "TERM") != "dumb";
  return table;
}

int show_jobs(const PsOptions& options, JobsSession& session) {
  auto listing = session.source().launches();
  auto launches = session.complete(std::move(listing));
  if (!launches) {
    auto error = std::move(launches.error());
    if (error.code == "NoSuchBucket")
      error.hint = "`curfew setup --apply` makes the one that launches take; or name another by --staging";
    say(error.text());
    return watch::k_exit_unread;
  }
  jobs::JobList list;
  list.staging = session.staging().text();
  list.launches = launches->size();
  if (options.newest > 0 && launches->size() > options.newest) launches->resize(options.newest);
  auto reading = jobs::read_jobs(session.source(), std::move(*launches), session.region());
  const auto seen = session.complete(std::move(reading));
  list.at = session.clock().wall();
  for (const auto& each : seen) list.rows.push_back(jobs::assess(each, list.at));
  if (!show(options.json ? jobs::render_json(list) : jobs::render_table(list, table_options())))
    return k_exit_failed;
  return jobs::is_complete(list) ? 0 : watch::k_exit_unread;
}

}  // namespace

int ps_command(const Words& words, const World& world) {
  const auto options = parse_ps(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_ps_help)) ? 0 : k_exit_failed;
  JobsSession session(options->place, world.clock);
  if (const int code = session.open(); code != 0) return code;
  return show_jobs(*options, session);
}

}  // namespace curfew::cli
