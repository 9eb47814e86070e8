// What the benchmarks run as the guarded command, and as `shutdown`: it notes times by CLOCK_MONOTONIC and starts in no
// time of its own, as a script can't. It ends nothing: called `shutdown`, it only writes down that it was.
//
//   probe now FILE              the time
//   probe end MILLIS FILE       sleep, then the time as the last act
//   probe exec FILE CMD ARG...  the time, then CMD in this process
//   probe burn MILLIONS FILE    so many rounds of arithmetic; wall and CPU nanoseconds
//   probe print BYTES FILE      so many bytes of lines to stdout; wall and CPU nanoseconds
//   shutdown ARG...             the time and the words, to $PROBE_SHUTDOWN or /run/bench/shutdown
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void die(const char* what) {
  fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
  _exit(99);
}

static void note(const char* path, const char* line) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0 || write(fd, line, strlen(line)) < 0) die(path);
  close(fd);
}

static void note_times(const char* path, long long first, long long second) {
  char line[64];
  snprintf(line, sizeof line, "%lld %lld\n", first, second);
  note(path, line);
}

static int as_shutdown(long long now, int argc, char** argv) {
  const char* path = getenv("PROBE_SHUTDOWN");
  char line[256];
  int used = snprintf(line, sizeof line, "%lld", now);
  for (int i = 1; i < argc && used < (int)sizeof line - 40; ++i)
    used += snprintf(line + used, 32, " %s", argv[i]);
  snprintf(line + used, sizeof line - (size_t)used, "\n");
  note(path ? path : "/run/bench/shutdown", line);
  return 0;
}

static void burn(long long millions) {
  volatile unsigned long long out;
  unsigned long long x = 88172645463325252ULL;
  for (long long i = 0; i < millions * 1000000; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  out = x;
  (void)out;
}

// In pieces of 4 KiB, as stdio writes to whatever isn't a terminal.
static void print(long long bytes) {
  char piece[4096];
  for (size_t i = 0; i < sizeof piece; ++i) piece[i] = (char)(i % 64 == 63 ? '\n' : 'a' + i % 26);
  while (bytes > 0) {
    const size_t want = bytes < (long long)sizeof piece ? (size_t)bytes : sizeof piece;
    const ssize_t wrote = write(STDOUT_FILENO, piece, want);
    if (wrote < 0 && errno != EINTR) die("stdout");
    if (wrote > 0) bytes -= wrote;
  }
}

int main(int argc, char** argv) {
  const long long start = nanoseconds(CLOCK_MONOTONIC);
  const char* slash = strrchr(argv[0], '/');
  if (strcmp(slash ? slash + 1 : argv[0], "shutdown") == 0) return as_shutdown(start, argc, argv);
  const char* verb = argc > 2 ? argv[1] : "";
  if (strcmp(verb, "now") == 0) {
    note_times(argv[2], start, 0);
    return 0;
  }
  if (strcmp(verb, "exec") == 0 && argc > 3) {
    note_times(argv[2], nanoseconds(CLOCK_MONOTONIC), 0);
    execvp(argv[3], argv + 3);
    die(argv[3]);
  }
  if (argc != 4) {
    fputs("probe: bad usage\n", stderr);
    return 99;
  }
  const long long amount = atoll(argv[2]);
  if (strcmp(verb, "end") == 0) {
    const struct timespec pause = {amount / 1000, amount % 1000 * 1000000};
    nanosleep(&pause, NULL);
    note_times(argv[3], nanoseconds(CLOCK_MONOTONIC), 0);
    _exit(0);
  }
  if (strcmp(verb, "burn") == 0) burn(amount);
  if (strcmp(verb, "print") == 0) print(amount);
  note_times(argv[3], nanoseconds(CLOCK_MONOTONIC) - start, nanoseconds(CLOCK_PROCESS_CPUTIME_ID));
  return 0;
}
