// A session with AWS for commands that look at launched jobs, and where those are.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "cli/account_session.hpp"
#include "cli/jobs_options.hpp"
#include "jobs/reading.hpp"
#include "jobs/source.hpp"
#include "os/clock.hpp"

namespace curfew::cli {

// Of `curfew logs`, `result` and `ssh`.
inline constexpr int k_exit_no_such_job = 1;

class JobsSession {
 public:
  JobsSession(const JobsPlace& place, const os::Clock& clock);

  // Credentials, region, staging place. 0, or the exit code, and it has said why.
  [[nodiscard]] int open();
  // After open().
  [[nodiscard]] jobs::Source& source() { return *source_; }
  [[nodiscard]] aws::Session& session() { return account_.session(); }
  [[nodiscard]] const std::string& region() const { return region_; }
  // With a slash at the end, where it has a prefix.
  [[nodiscard]] const aws::S3Location& staging() const { return place_.staging; }
  [[nodiscard]] const os::Clock& clock() const { return clock_; }

  // JOB, and says how it was understood.
  [[nodiscard]] Result<std::string> find(const std::string& job, bool quiet = false);

  template <class T>
  T complete(net::Awaitable<T> work) {
    return account_.complete(std::move(work));
  }

 private:
  JobsPlace place_;
  const os::Clock& clock_;
  AccountSession account_;
  std::string region_;
  std::unique_ptr<jobs::Source> source_;
};

// The exit code of an error that ended a command, which is said.
[[nodiscard]] int tell_failure(const Error& error);

}  // namespace curfew::cli
