// `curfew ssh`: a shell on a launched job's instance.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/jobs_commands.hpp"
#include "cli/jobs_options.hpp"
#include "cli/jobs_session.hpp"
#include "cli/output.hpp"
#include "jobs/connection.hpp"
#include "jobs/reading.hpp"
#include "net/environment.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

// Only returns where it can't be run.
int run(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  // execvp(3) takes them so, and changes nothing.
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  say("run " + words[0] + ": " + std::strerror(errno) +
      (words[0] == "aws" ? " (the AWS CLI and its Session Manager plugin are needed here)" : ""));
  return k_exit_failed;
}

}  // namespace

int ssh_command(const Words& words, const World& world) {
  const auto options = parse_ssh(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_ssh_help)) ? 0 : k_exit_failed;
  JobsSession session(options->place, world.clock);
  if (const int code = session.open(); code != 0) return code;
  auto launch_id = session.find(options->job);
  if (!launch_id) return tell_failure(launch_id.error());
  jobs::JobWatch watch(session.source(), session.clock(), *launch_id, session.region());
  auto looking = watch.look();
  const auto row = session.complete(std::move(looking));
  if (!row) return tell_failure(row.error());
  const auto& launch = watch.seen().launch;
  const auto environment = net::process_environment();
  const jobs::ConnectWish wish{options->by_ssm, options->user, options->key,
                               std::string(net::get(environment, "HOME")), options->place.profile};
  const auto connection = jobs::connection_of(*row, launch ? &*launch : nullptr, wish, os::exists);
  if (!connection) return tell_failure(connection.error());
  if (!connection->note.empty()) say(connection->note);
  const auto typed = shell_quoted(connection->words);
  if (options->print) return show(typed + "\n") ? 0 : k_exit_failed;
  say(typed);
  return run(connection->words);
}

}  // namespace curfew::cli
