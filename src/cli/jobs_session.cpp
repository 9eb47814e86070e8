// By the names of setup/names.hpp where no staging place is given.
#include "cli/jobs_session.hpp"

#include <utility>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "launch/launch_file.hpp"
#include "watch/exit_code.hpp"

namespace curfew::cli {

JobsSession::JobsSession(const JobsPlace& place, const os::Clock& clock)
    : place_(place), clock_(clock), account_(place.profile, place.region, clock) {}

int JobsSession::open() {
  auto own = account_.session().credentials->get();
  const auto credentials = account_.complete(std::move(own));
  if (!credentials) {
    say(credentials.error().text());
    return watch::k_exit_no_credentials;
  }
  auto region = account_.region();
  if (!region) return tell_failure(region.error());
  region_ = std::move(*region);
  if (place_.staging.bucket.empty()) {
    const auto place = account_.place();
    if (!place) return tell_failure(std::move(Error{place.error()}).within("--staging isn't given"));
    place_.staging = {place->bucket(), {}};
  }
  place_.staging.key = launch::folder_of(place_.staging);
  source_ = jobs::make_source(account_.session(), place_.staging, region_);
  return 0;
}

Result<std::string> JobsSession::find(const std::string& job, bool quiet) {
  auto finding = jobs::find_job(*source_, job, region_);
  auto found = account_.complete(std::move(finding));
  if (!found) return fail(std::move(found.error()));
  if (!found->how.empty() && !quiet) say(found->how + ": " + found->launch_id);
  return std::move(found->launch_id);
}

int tell_failure(const Error& error) {
  say(error.text());
  return error.kind == ErrorKind::not_found ? k_exit_no_such_job : k_exit_failed;
}

}  // namespace curfew::cli
