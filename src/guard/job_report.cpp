// The way of status.json to S3.
#include "guard/job_report.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/serialize.hpp>

#include "os/own_file.hpp"

namespace curfew::guard {
namespace {

constexpr Millis k_write_limit{20'000};  // the next one has more to tell
constexpr Millis k_read_limit{500};
constexpr Millis k_cut_look{20};

}  // namespace

JobReport::JobReport(Launched launched, uid_t owner, World world)
    : launched_(std::move(launched)), owner_(owner), world_(std::move(world)), workers_(world_.executor, 1) {}

JobState JobReport::job(bool is_over) const {
  auto job = world_.look(is_over);
  job.stages = stages_;
  return job;
}

Awaitable<void> JobReport::run() {
  while (world_.goes_on() && !finishing_) {
    co_await read_stages();
    if (!world_.goes_on() || finishing_) co_return;
    const auto gist = gist_of(job(false));
    const bool due = is_due(told_, gist, world_.clock.boot());
    if (due) co_await tell(false, k_write_limit);
    co_await pause(world_.look_every);
  }
}

Awaitable<void> JobReport::finish(BootTime until) {
  finishing_ = true;
  co_await read_stages();
  while (writing_ && world_.clock.boot() < until) co_await pause(k_cut_look);
  const Millis left = until - world_.clock.boot();
  if (left > Millis{0}) co_await tell(true, left);
}

Awaitable<void> JobReport::until_cut(Millis limit) const {
  const auto until = world_.clock.boot() + limit;
  while (!finishing_ && world_.clock.boot() < until) co_await pause(k_cut_look);
}

Awaitable<void> JobReport::tell(bool is_over, Millis limit) {
  using namespace boost::asio::experimental::awaitable_operators;
  const auto state = job(is_over);
  told_ = Told{gist_of(state), world_.clock.boot(), false};
  auto text =
      boost::json::serialize(job_state_of(launched_, state, world_.clock.wall(), world_.guard())) + "\n";
  auto writing = world_.write(std::move(text));
  writing_ = true;
  Status written =
      fail(ErrorKind::timed_out, "write " + launched_.place + "status.json", "S3 gave no answer");
  if (is_over) {
    auto bounded = within(limit, std::move(writing));
    auto done = co_await std::move(bounded);
    if (done) written = std::move(*done);
  } else {
    auto first = std::move(writing) || until_cut(limit);
    auto done = co_await std::move(first);
    if (done.index() == 0) written = std::move(std::get<0>(done));
  }
  writing_ = false;
  if (is_over || !finishing_) take(written);
}

void JobReport::take(const Status& written) {
  told_->well = written.has_value();
  if (!written && !std::exchange(in_trouble_, true))
    world_.warn("what `curfew ps` shows of this job isn't up to date: " + written.error().text());
  if (written && std::exchange(in_trouble_, false)) world_.inform("what `curfew ps` shows is written again");
}

// On a thread, and not for long. One that hangs is left alone: nothing new is read then.
Awaitable<void> JobReport::read_stages() {
  if (reading_ && !reading_->done) co_return;
  reading_ = std::make_shared<Read>();
  const auto reading = reading_;
  std::function<void()> work = [reading, path = launched_.stages + "/stages.json", owner = owner_] {
    const auto text = os::read_file_of(path, owner, k_largest_stages_file);
    reading->stages =
        text ? stages_seen_from_json(*text) : Result<std::vector<StageSeen>>(fail(Error{text.error()}));
    reading->done = true;
  };
  auto running = workers_.run(std::move(work));
  auto bounded = within(k_read_limit, std::move(running));
  (void)co_await std::move(bounded);
  if (!reading->done) co_return;
  auto& stages = *reading->stages;
  if (stages) stages_ = std::move(*stages);
  // Before the first stage begins there's no such file. Of one that can't be read what was known stands.
  const bool is_bad = !stages && stages.error().kind != ErrorKind::not_found;
  const auto trouble = is_bad ? stages.error().text() : std::string();
  if (is_bad && read_trouble_.empty()) world_.warn("the stages of this job aren't known: " + trouble);
  if (is_bad || stages) read_trouble_ = trouble;
}

}  // namespace curfew::guard
