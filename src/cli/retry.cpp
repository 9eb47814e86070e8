// `curfew retry`: a job that was interrupted or failed is launched again, from what it has saved, with the time and money that
// are left.
#include "jobs/retry.hpp"

#include <algorithm>
#include <utility>

#include "aws/s3.hpp"
#include "cli/follow_job.hpp"
#include "cli/jobs_commands.hpp"
#include "cli/jobs_options.hpp"
#include "cli/jobs_session.hpp"
#include "cli/launch.hpp"
#include "cli/output.hpp"
#include "launch/calls.hpp"
#include "launch/claim.hpp"

namespace curfew::cli {
namespace {

Error nothing_known(const std::string& launch_id, const jobs::Seen& seen) {
  return {ErrorKind::not_found,
          "retry " + launch_id,
          seen.launch_problem.empty() ? "its launch.json isn't there" : seen.launch_problem,
          "curfew launch, with its options",
          {}};
}

class Retrying {
 public:
  Retrying(JobsSession& session, std::string launch_id)
      : session_(session),
        launch_id_(std::move(launch_id)),
        watch_(session.source(), session.clock(), launch_id_, session.region()) {}

  Result<jobs::Retry> plan() {
    auto looking = jobs::look_for_sure(watch_);
    auto row = session_.complete(std::move(looking));
    if (!row) return fail(std::move(row.error()));
    const auto& last = watch_.seen().launch;
    if (!last) return fail(nothing_known(launch_id_, watch_.seen()));
    if (auto newest = check_unclaimed(); !newest) return fail(std::move(newest.error()));
    auto retry = jobs::plan_retry(*last, *row, session_.staging(), session_.clock().wall());
    if (!retry || !retry->again.workdir) return retry;
    if (auto there = check_code(*retry->again.workdir); !there) return fail(std::move(there.error()));
    return retry;
  }

 private:
  // Whether it was launched again already: what the launch itself makes sure of, said before the plan.
  Status check_unclaimed() {
    const auto calls = launch::make_calls(session_.session(), session_.region());
    auto checking = launch::check_unclaimed(*calls, session_.staging(), launch_id_);
    return session_.complete(std::move(checking));
  }

  Status check_code(const launch::PackedCode& packed) {
    const auto s3 = aws::make_s3(session_.session(), session_.region());
    const auto head = session_.complete(s3->head(packed.place));
    if (head) return {};
    if (head.error().kind != ErrorKind::not_found) return fail(Error{head.error()});
    return fail(ErrorKind::not_found, "retry " + launch_id_, "its packed folder isn't there any more",
                "curfew launch, to run it anew");
  }

  JobsSession& session_;
  std::string launch_id_;
  jobs::JobWatch watch_;
};

std::vector<std::string> words_of(const jobs::Retry& retry) {
  std::vector<std::string> words;
  for (const auto& [name, value] : retry.options) {
    const bool is_flag = std::any_of(
        launch_file_options().begin(), launch_file_options().end(),
        [&name = name](const auto& known) { return known.name == name && known.takes == Takes::flag; });
    if (!is_flag) words.push_back("--" + name + "=" + value);
    else if (value == "true") words.push_back("--" + name);
  }
  if (retry.command.empty()) return words;
  words.emplace_back("--");
  words.insert(words.end(), retry.command.begin(), retry.command.end());
  return words;
}

// By EC2, or by something that nobody knows; not by a hand that meant it.
bool was_taken(const jobs::Row& row) {
  return row.state == jobs::JobState::interrupted ||
         (row.state == jobs::JobState::lost && !row.ec2_reason.starts_with("Client."));
}

int retry_job(const RetryOptions& options, const World& world, std::optional<Launched>& launched) {
  JobsSession session(options.place, world.clock);
  if (const int code = session.open(); code != 0) return code;
  const auto launch_id = session.find(options.job);
  if (!launch_id) return tell_failure(launch_id.error());
  auto retry = Retrying(session, *launch_id).plan();
  if (!retry) {
    say(retry.error().text());
    return k_exit_failed;
  }
  auto wanted = parse_launch(words_of(*retry));
  if (!wanted) {
    say(std::move(wanted.error()).within("the options of " + *launch_id).text());
    return k_exit_failed;
  }
  wanted->wishes.again = std::move(retry->again);
  wanted->profile = options.place.profile;
  wanted->yes = options.yes;
  wanted->dry_run = options.dry_run;
  if (options.confirm_above) wanted->confirm_above = *options.confirm_above;
  return launch_with(*wanted, world, launched);
}

}  // namespace

int follow_through(Launched launched, std::uint64_t retries, const World& world) {
  for (;; --retries) {
    std::optional<jobs::Row> last;
    const int code = follow_launched(launched.place, launched.id, world.clock, last);
    if (retries == 0 || !last || !was_taken(*last)) return code;
    say("launching it again, from what it has saved");
    RetryOptions options;
    options.place = launched.place;
    options.job = launched.id;
    options.yes = true;  // it's part of what was agreed to
    std::optional<Launched> next;
    if (const int failed = retry_job(options, world, next); failed != 0 || !next) return code;
    launched = std::move(*next);
  }
}

int retry_command(const Words& words, const World& world) {
  const auto options = parse_retry(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_retry_help)) ? 0 : k_exit_failed;
  std::optional<Launched> launched;
  const int code = retry_job(*options, world, launched);
  if (code != 0 || !options->follow || !launched) return code;
  return follow_through(std::move(*launched), options->retries, world);
}

}  // namespace curfew::cli
