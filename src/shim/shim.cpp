// Makes this process the shim, then hands over to its loop.
#include "shim/shim.hpp"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "os/terminal.hpp"
#include "shim/loop.hpp"

namespace curfew::shim {

namespace {

void become_shim() {
  os::fill_standard_descriptors();
  ::prctl(PR_SET_NAME, "curfew-shim");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::umask(077);
  // A terminal's signals and its end are the front end's business; a lost reader is an error code.
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2})
    ::signal(number, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, it would make children vanish unseen
  // Freed memory goes back: the job's description may be megabytes, and is needed once.
  ::mallopt(M_TRIM_THRESHOLD, 128 * 1024);
}

}  // namespace

int run_shim(const os::JobPaths& paths, const ShimOptions& options) {
  become_shim();
  return Loop(paths, options).run();
}

}  // namespace curfew::shim
