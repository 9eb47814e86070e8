// Bounded questions, and what their answers are worth.
#include "jobs/reading.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "aws/core/endpoints.hpp"
#include "aws/imds.hpp"
#include "base/text.hpp"
#include "launch/records.hpp"
#include "net/within.hpp"
#include "watch/lanes.hpp"

namespace curfew::jobs {
namespace {

constexpr std::size_t k_at_once = 12;
constexpr std::size_t k_batch = 50;         // launches that are read together while one is looked for
constexpr std::size_t k_most_regions = 40;  // AWS has fewer
constexpr Seconds k_ask_ec2_every{30};
constexpr Millis k_first_pause{5'000};
constexpr Millis k_longest_pause{60'000};

Awaitable<void> read_launch(Source& source, Seen& seen) {
  auto asking = source.read(seen.launch_id, "launch.json", launch::k_largest_launch_file);
  auto text = co_await std::move(asking);
  if (!text) {
    seen.launch_problem = text.error().text();
    co_return;
  }
  if (!*text) co_return;
  auto file = launch::launch_file_from_json(**text);
  if (file && file->launch_id != seen.launch_id)
    file = fail(ErrorKind::invalid_input, "read launch.json", "it is another launch's than it lies under");
  if (!file) {
    seen.launch_problem = file.error().text();
    co_return;
  }
  seen.region = file->region;
  seen.launch = std::move(*file);
}

Awaitable<Status> read_status(Source& source, Seen& seen) {
  auto asking = source.read(seen.launch_id, "status.json", k_largest_status);
  auto text = co_await std::move(asking);
  if (!text) co_return fail(std::move(text.error()));
  if (!*text) co_return Status{};
  auto status = status_from_json(**text, seen.launch_id);
  if (!status) co_return fail(std::move(status.error()));
  seen.status = std::move(*status);
  co_return Status{};
}

Awaitable<void> read_files(Source& source, Seen& seen) {
  co_await read_launch(source, seen);
  auto reading = read_status(source, seen);
  const auto read = co_await std::move(reading);
  if (!read) seen.status_problem = read.error().text();
}

Awaitable<void> read_machines(Source& source, std::string region, std::vector<Seen*> jobs) {
  std::map<std::string, Seen*, std::less<>> by_launch;
  std::vector<std::string> ids;
  for (auto* job : jobs) {
    by_launch[job->launch_id] = job;
    ids.push_back(job->launch_id);
  }
  auto asking = source.machines(std::move(region), std::move(ids));
  auto machines = co_await std::move(asking);
  if (!machines) {
    for (auto* job : jobs) job->machines_problem = machines.error().text();
    co_return;
  }
  for (auto& machine : *machines) {
    const auto found = by_launch.find(machine.launch_id);
    if (found != by_launch.end()) found->second->machines.push_back(std::move(machine));
  }
}

Error no_such(const std::string& job, std::string cause) {
  return {ErrorKind::not_found,
          "the job '" + printable(job, 80) + "'",
          std::move(cause),
          "`curfew ps --all` lists them; --staging and --region say where to look",
          {}};
}

// The newest whose files satisfy `is_it`, a batch at a time.
template <class IsIt>
Awaitable<Result<std::optional<std::string>>> find_among(Source& source, std::string region, IsIt is_it) {
  auto listing = source.launches();
  auto ids = co_await std::move(listing);
  if (!ids) co_return fail(std::move(ids.error()));
  ids->resize(std::min(ids->size(), k_most_searched));
  std::string unread;
  for (std::size_t at = 0; at < ids->size(); at += k_batch) {
    std::vector<Seen> batch(std::min(k_batch, ids->size() - at));
    std::vector<watch::Job> work;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].launch_id = (*ids)[at + i];
      batch[i].region = region;
      work.emplace_back([&source, &seen = batch[i]] { return read_files(source, seen); });
    }
    auto reading = watch::run_all(std::move(work), k_at_once);
    co_await std::move(reading);
    for (const auto& seen : batch) {
      if (is_it(seen)) {
        // A newer one that couldn't be read may be the one that is meant.
        if (!unread.empty()) co_return fail(ErrorKind::unavailable, "look for the job", std::move(unread));
        co_return std::optional(seen.launch_id);
      }
      if (unread.empty() && !seen.launch && !seen.launch_problem.empty())
        unread = "launch " + seen.launch_id + ": " + seen.launch_problem;
    }
  }
  if (!unread.empty()) co_return fail(ErrorKind::unavailable, "look for the job", std::move(unread));
  co_return std::optional<std::string>{};
}

Awaitable<Result<FoundJob>> find_by_instance(Source& source, std::string instance, std::string region) {
  auto asking = source.machine(region, instance);
  auto machine = co_await std::move(asking);
  if (machine && *machine) co_return FoundJob{(*machine)->launch_id, "the launch of " + instance};
  // One that hasn't said anything yet is known to EC2 alone, in the region that its launch went to.
  std::vector<std::string> others;
  auto looking = find_among(source, region, [&](const Seen& seen) {
    const bool is_new = seen.launch && seen.launch->region != region &&
                        std::find(others.begin(), others.end(), seen.launch->region) == others.end();
    if (is_new && others.size() < k_most_regions) others.push_back(seen.launch->region);
    return seen.status && seen.status->instance == instance;
  });
  auto found = co_await std::move(looking);
  if (found && *found) co_return FoundJob{std::move(**found), "the launch of " + instance};
  for (const auto& other : others) {
    auto asking_there = source.machine(other, instance);
    auto there = co_await std::move(asking_there);
    if (there && *there) co_return FoundJob{(*there)->launch_id, "the launch of " + instance};
    if (!there && machine) machine = fail(std::move(there.error()));
  }
  if (!found) co_return fail(std::move(found.error()));
  if (!machine) co_return fail(std::move(machine.error()));
  others.insert(others.begin(), region);
  std::string asked;
  for (const auto& each : others) asked += (asked.empty() ? "" : ", ") + each;
  co_return fail(no_such(instance, "no launch is known to have had that instance, in " + asked));
}

}  // namespace

Awaitable<std::vector<Seen>> read_jobs(Source& source, std::vector<std::string> launch_ids,
                                       std::string region) {
  std::vector<Seen> jobs(launch_ids.size());
  std::vector<watch::Job> work;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].launch_id = std::move(launch_ids[i]);
    jobs[i].region = region;
    work.emplace_back([&source, &seen = jobs[i]] { return read_files(source, seen); });
  }
  auto reading = watch::run_all(std::move(work), k_at_once);
  co_await std::move(reading);
  std::map<std::string, std::vector<Seen*>> by_region;
  for (auto& job : jobs) by_region[job.region].push_back(&job);
  std::vector<watch::Job> asking;
  for (auto& entry : by_region) {
    auto& in_region = entry.second;
    for (std::size_t at = 0; at < in_region.size(); at += k_launches_a_question) {
      const auto end = std::min(in_region.size(), at + k_launches_a_question);
      std::vector<Seen*> some(in_region.begin() + static_cast<std::ptrdiff_t>(at),
                              in_region.begin() + static_cast<std::ptrdiff_t>(end));
      asking.emplace_back([&source, name = entry.first, some = std::move(some)] {
        return read_machines(source, name, some);
      });
    }
  }
  auto all = watch::run_all(std::move(asking), k_at_once);
  co_await std::move(all);
  co_return jobs;
}

namespace {

// As new_launch_id() makes them, "20261127-100000-4f2a…": a job can write below jobs/, and mustn't pass for a launch by the
// name of another.
bool is_new_id(std::string_view text) {
  constexpr std::string_view k_digits = "0123456789";
  return launch::is_launch_id(text) && text.size() > 16 && text[8] == '-' && text[15] == '-' &&
         text.substr(0, 8).find_first_not_of(k_digits) == std::string_view::npos &&
         text.substr(9, 6).find_first_not_of(k_digits) == std::string_view::npos &&
         text.substr(16).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Awaitable<Result<FoundJob>> find_job(Source& source, std::string job, std::string region) {
  if (is_new_id(job)) {
    auto asking = source.is_there(job);
    const auto there = co_await std::move(asking);
    if (!there) co_return fail(Error{there.error()});
    if (*there) co_return FoundJob{std::move(job), ""};
    // A job can have such a name too.
  }
  if (aws::is_instance_id(job)) {
    auto looking = find_by_instance(source, std::move(job), std::move(region));
    co_return co_await std::move(looking);
  }
  auto looking = find_among(source, region, [&](const Seen& seen) {
    if (seen.launch) return seen.launch->job == job && !seen.launch->nothing_made;
    return seen.status && seen.status->job == job;
  });
  auto found = co_await std::move(looking);
  if (!found) co_return fail(std::move(found.error()));
  if (!*found) co_return fail(no_such(job, "no launch there has that id or that job's name"));
  co_return FoundJob{std::move(**found), "the newest launch of the job " + printable(job, 80)};
}

JobWatch::JobWatch(Source& source, const os::Clock& clock, std::string launch_id, std::string region)
    : source_(source), clock_(clock) {
  seen_.launch_id = std::move(launch_id);
  seen_.region = std::move(region);
}

Awaitable<Result<Row>> JobWatch::look() {
  const bool asks = !asked_ || clock_.boot() - *asked_ >= k_ask_ec2_every;
  // While there's no instance, the launch may go on to another region.
  if (!seen_.launch || (asks && !seen_.status && seen_.machines.empty())) {
    seen_.launch_problem.clear();
    co_await read_launch(source_, seen_);
  }
  auto reading = read_status(source_, seen_);
  auto read = co_await std::move(reading);
  if (!read) co_return fail(std::move(read.error()));
  if (asks) {
    seen_.machines.clear();
    seen_.machines_problem.clear();
    std::vector<Seen*> one{&seen_};
    auto asking = read_machines(source_, seen_.region, std::move(one));
    co_await std::move(asking);
    asked_ = clock_.boot();
    // What EC2 says that is gone may have said its last word while it was asked.
    auto again = read_status(source_, seen_);
    read = co_await std::move(again);
    if (!read) co_return fail(std::move(read.error()));
  }
  auto row = assess(seen_, clock_.wall());
  // Its machine is about to go: that makes it sure.
  if (row.state == JobState::ending) asked_.reset();
  if (row.state != JobState::lost && row.state != JobState::never_launched) {
    gone_since_.reset();
    co_return row;
  }
  // EC2's lists may lag behind.
  if (!gone_since_) gone_since_ = clock_.boot();
  if (clock_.boot() - *gone_since_ < k_sure_after) {
    row.state = JobState::unknown;
    asked_.reset();
  }
  co_return row;
}

Awaitable<Result<Row>> look_for_sure(JobWatch& watch) {
  for (int looks = 1;; ++looks) {
    auto looking = watch.look();
    auto row = co_await std::move(looking);
    // Where something couldn't be read, another look won't tell.
    if (!row || row->state != JobState::unknown || !row->complete || looks == k_most_looks) co_return row;
    co_await net::pause(k_look_pause);
  }
}

Millis pause_after(int failures) {
  Millis pause = k_first_pause;
  for (int i = 1; i < failures && pause < k_longest_pause; ++i) pause *= 2;
  return std::min(pause, k_longest_pause);
}

bool may_pass(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
}

}  // namespace curfew::jobs
