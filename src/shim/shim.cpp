// Makes this process the shim, then hands over to its loop.
#include "shim/shim.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/loop.hpp"

namespace curfew::shim {

namespace {

// Descriptors 0 to 2 must not be handed out to anything else: what is printed there would land in it.
void fill_standard_descriptors() {
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
    if (fd <= 2) continue;
    ::close(fd);
    return;
  }
}

void become_shim() {
  fill_standard_descriptors();
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
