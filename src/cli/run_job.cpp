// `curfew run-job FILE`: what a launched instance starts. The options of `curfew run`, the job's environment and whom it
// runs as come from the file that the launch has staged. The command is `curfew run-stages FILE LOGS`, the job's stages.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/local_user.hpp"
#include "cli/run.hpp"
#include "launch/run_stages.hpp"
#include "launch/user_data.hpp"
#include "layers/l2.hpp"
#include "os/command.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

int refuse(const Error& error) {
  std::fprintf(stderr, "curfew: %s\n", printable(error.text(), 1'000).c_str());
  return k_exit_failed;
}

// Where the job's user can run it: the guard's own copy lies in a folder of root's.
constexpr const char* k_program = "/usr/local/lib/curfew/curfew";
constexpr const char* k_stages_folder = "/run/curfew-stages";
constexpr const char* k_stages_file = "/run/curfew-stages/stages.json";
constexpr const char* k_logs_folder = "curfew-logs";
constexpr const char* k_code_folder = "job";

// cloud-init gives next to nothing: no HOME, a bare PATH.
Status set_surroundings(const LocalUser& user, const std::string& folder) {
  for (const auto& [name, value] : {std::pair{"HOME", &user.home}, std::pair{"USER", &user.name},
                                    std::pair{"LOGNAME", &user.name}, std::pair{"SHELL", &user.shell}})
    ::setenv(name, value->c_str(), 1);
  ::setenv("PATH", std::string(os::k_system_path).c_str(), 1);
  ::setenv("LANG", "C.UTF-8", 0);
  if (::chdir(folder.c_str()) != 0) return fail_errno("go to the folder " + folder, errno);
  return {};
}

// New, and the user's. What an image has there already, because it was made from an instance like this, is moved aside.
Status make_users_folder(const std::string& path, const LocalUser& user, WallTime now) {
  if (::mkdir(path.c_str(), 0755) != 0) {
    const auto aside =
        path + "." + std::to_string(std::chrono::floor<Seconds>(now.time_since_epoch()).count());
    if (errno != EEXIST) return fail_errno("make the folder " + path, errno);
    if (::rename(path.c_str(), aside.c_str()) != 0) return fail_errno("move " + path + " aside", errno);
    if (::mkdir(path.c_str(), 0755) != 0) return fail_errno("make the folder " + path, errno);
  }
  if (::lchown(path.c_str(), user.uid, user.gid) != 0)
    return fail_errno("give " + path + " to " + user.name, errno);
  return {};
}

Status put_stages(const launch::Stages& stages, const LocalUser& user) {
  auto program = os::own_path();
  if (!program) return fail(std::move(program.error()));
  if (auto put = layers::install_program(*program, k_program); !put) return put;
  if (auto made = os::make_private_folder(k_stages_folder, 0755); !made) return made;
  const auto text = launch::to_json(stages);
  if (auto put = os::replace_file(k_stages_file, text, 0600, os::Sync::no); !put) return put;
  if (::lchown(k_stages_file, user.uid, user.gid) != 0)
    return fail_errno("give the stages to " + user.name, errno);
  return {};
}

}  // namespace

int run_job_command(const Words& words, const World& world) {
  if (words.size() != 1)
    return refuse({ErrorKind::invalid_input, "run-job", "needs a file, and nothing else", {}, {}});
  if (::geteuid() != 0) return refuse({ErrorKind::refused, "run-job", "this is not root", {}, {}});
  const auto text = os::read_file(words.front(), launch::k_largest_job_file);
  if (!text) return refuse(text.error());
  const auto job = launch::job_file_from_json(*text);
  if (!job) return refuse(job.error());
  // It may hold secrets, and isn't needed any more: the guard has its own, for root alone.
  if (auto gone = os::remove_file(words.front()); !gone) return refuse(gone.error());
  const auto user = find_local_user(job->user);
  if (!user) return refuse(user.error());
  const auto now = world.clock.wall();
  const auto logs = user->home + "/" + k_logs_folder;
  auto folder = user->home;
  if (auto made = make_users_folder(logs, *user, now); !made) return refuse(made.error());
  if (job->stages.has_code()) {
    folder += std::string("/") + k_code_folder;
    if (auto made = make_users_folder(folder, *user, now); !made) return refuse(made.error());
  }
  if (auto put = put_stages(job->stages, *user); !put) return refuse(put.error());
  if (auto set = set_surroundings(*user, folder); !set) return refuse(set.error());
  for (const auto& [name, value] : job->environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::umask(022);
  auto run = job->words;
  run.insert(run.end(), {"--save", logs + "=" + job->place.text() + "logs", "--", k_program, "run-stages",
                         k_stages_file, logs});
  const auto shown = job->stages.command.empty() ? job->stages.shell : shell_quoted(job->stages.command);
  return run_words(run, world,
                   {Identity{user->uid, user->gid, user->groups}, shown,
                    guard::Launched{job->launch, job->name, job->place.text(), logs}});
}

int run_stages_command(const Words& words, const World& world) {
  if (words.size() != 2)
    return refuse(
        {ErrorKind::invalid_input, "run-stages", "is started by `curfew run-job`, not by hand", {}, {}});
  const auto text = os::read_file(words.front(), launch::k_largest_job_file);
  if (!text) return refuse(text.error());
  const auto stages = launch::stages_from_json(*text);
  if (!stages) return refuse(stages.error());
  std::error_code error;
  const auto folder = std::filesystem::current_path(error);
  if (error) return refuse({ErrorKind::system, "find the current folder", error.message(), {}, {}});
  return launch::run_stages(*stages, {world.clock, net::process_environment(), folder.string(), words[1]});
}

}  // namespace curfew::cli
