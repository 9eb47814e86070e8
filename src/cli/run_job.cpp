// `curfew run-job FILE`: what a launched instance starts. The words of `curfew run`, the command's environment and whom it
// runs as come from the file that the launch has staged.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/local_user.hpp"
#include "cli/run.hpp"
#include "launch/user_data.hpp"
#include "os/command.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

int refuse(const Error& error) {
  std::fprintf(stderr, "curfew: %s\n", printable(error.text(), 1'000).c_str());
  return k_exit_failed;
}

// cloud-init gives next to nothing: no HOME, a bare PATH.
Status set_surroundings(const LocalUser& user) {
  for (const auto& [name, value] : {std::pair{"HOME", &user.home}, std::pair{"USER", &user.name},
                                    std::pair{"LOGNAME", &user.name}, std::pair{"SHELL", &user.shell}})
    ::setenv(name, value->c_str(), 1);
  ::setenv("PATH", std::string(os::k_system_path).c_str(), 1);
  ::setenv("LANG", "C.UTF-8", 0);
  if (::chdir(user.home.c_str()) != 0) return fail_errno("go to the home " + user.home, errno);
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
  const auto user = find_local_user(job->user.empty() ? "root" : job->user);
  if (!user) return refuse(user.error());
  if (auto set = set_surroundings(*user); !set) return refuse(set.error());
  for (const auto& [name, value] : job->environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::umask(022);
  return run_words(job->words, world, Identity{user->uid, user->gid, user->groups});
}

}  // namespace curfew::cli
