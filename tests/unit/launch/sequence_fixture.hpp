// An AWS and a folder of records that the test plays, and a launch with them.
#pragma once

#include <deque>
#include <map>

#include "launch/sequence.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"
#include "unit/launch/plan_fixture.hpp"

namespace curfew::launch::test {

inline constexpr const char* k_instance = "i-0123456789abcdef0";
inline constexpr const char* k_other = "i-0123456789abcdef1";

inline Error error(ErrorKind kind, const std::string& code, const std::string& cause = "m") {
  return {kind, "call", code.empty() ? cause : code + ": " + cause, {}, code};
}
inline const Error k_lost = error(ErrorKind::timed_out, "", "no answer");
inline const Error k_no_capacity = error(ErrorKind::unavailable, "InsufficientInstanceCapacity");
inline const Error k_denied = error(ErrorKind::refused, "AccessDeniedException");
inline const Error k_young =
    error(ErrorKind::invalid_input, "ValidationException", "must allow to assume the role");

struct FakeCalls final : Calls {
  explicit FakeCalls(curfew::test::FakeClock& fake_clock) : clock(fake_clock) {}

  std::vector<std::string> made;  // the calls, in order
  // What each call answers first, by its name; then it does what it should.
  std::map<std::string, std::deque<Error>> failures;
  std::function<void(const std::string&)> after = [](auto&) {};
  bool reply_of_run_is_lost = false;  // it's carried out all the same
  bool is_staged = false;
  bool is_listed = true;                  // false: as a new instance may be for seconds
  std::map<std::string, aws::Kept> kept;  // what conditional writes have written, by key
  std::vector<Found> instances;
  std::map<std::string, aws::EndSchedule> schedules;
  std::vector<aws::RunRequest> requests;
  curfew::test::FakeClock& clock;

  std::optional<Error> begin(const std::string& name) {
    made.push_back(name);
    auto& list = failures[name];
    if (list.empty()) return {};
    Error first = list.front();
    // The last one stays where it's said twice.
    list.pop_front();
    return first;
  }
  void end(const std::string& name) { after(name); }

  Awaitable<Result<bool>> is_there(aws::S3Location, std::size_t) override {
    auto failed = begin("head");
    end("head");
    if (failed) co_return fail(*failed);
    co_return is_staged;
  }
  Awaitable<Status> put(aws::S3Location to, std::string) override {
    auto failed = begin("put " + to.key);
    end("put");
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<Result<std::string>> put_if(aws::S3Location to, std::string body, std::string etag) override {
    auto failed = begin("claim " + to.key);
    const auto there = kept.find(to.key);
    const bool holds = etag.empty() ? there == kept.end() : there != kept.end() && there->second.etag == etag;
    if (!failed && !holds) failed = error(ErrorKind::conflict, "PreconditionFailed");
    auto given = "etag" + std::to_string(made.size());
    if (!failed) kept[to.key] = {std::move(body), given, Seconds{}};
    end("claim");
    if (failed) co_return fail(*failed);
    co_return given;
  }
  Awaitable<Result<std::optional<aws::Kept>>> read(aws::S3Location from, std::size_t) override {
    auto failed = begin("read " + from.key);
    end("read");
    if (failed) co_return fail(*failed);
    if (!kept.contains(from.key)) co_return std::optional<aws::Kept>{};
    co_return kept.at(from.key);
  }
  Awaitable<Result<aws::Launched>> run(aws::RunRequest request) override {
    auto failed = begin("run " + request.type);
    const auto before = requests;
    requests.push_back(request);
    if (!failed) {
      const bool is_known = std::any_of(before.begin(), before.end(), [&](const aws::RunRequest& one) {
        return one.client_token == request.client_token;
      });
      if (!is_known || instances.empty())
        instances.push_back({instances.empty() ? k_instance : k_other, "pending", ""});
      if (std::exchange(reply_of_run_is_lost, false)) failed = k_lost;
    }
    end("run");
    if (failed) co_return fail(*failed);
    co_return aws::Launched{instances.back().id, "us-east-1a", "pending"};
  }
  Awaitable<Result<std::vector<Found>>> find(std::string) override {
    auto failed = begin("find");
    end("find");
    if (failed) co_return fail(*failed);
    co_return is_listed ? instances : std::vector<Found>{};
  }
  Awaitable<Status> tag(std::string instance, aws::KeyValues tags) override {
    auto failed = begin("tag");
    if (!failed)
      for (auto& one : instances)
        if (one.id == instance) one.schedule = tags.at(0).second;
    end("tag");
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<Result<std::string>> terminate(std::string instance) override {
    auto failed = begin("terminate " + instance);
    if (!failed)
      for (auto& one : instances)
        if (one.id == instance) one.state = "shutting-down";
    end("terminate");
    if (failed) co_return fail(*failed);
    co_return "shutting-down";
  }
  Awaitable<Status> create_schedule(aws::EndSchedule wanted) override {
    auto failed = begin("create_schedule");
    if (!failed) schedules[wanted.name] = wanted;
    end("create_schedule");
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<Result<aws::Schedule>> schedule(std::string name) override {
    auto failed = begin("schedule");
    end("schedule");
    if (failed) co_return fail(*failed);
    if (!schedules.contains(name)) co_return fail(error(ErrorKind::not_found, "ResourceNotFoundException"));
    const auto& one = schedules.at(name);
    co_return aws::Schedule{name,     "default",
                            true,     "rate(10 minutes)",
                            "UTC",    one.start,
                            one.end,  aws::end_target("us-east-1"),
                            one.role, aws::end_input(one.instance)};
  }
  Awaitable<Status> delete_schedule(std::string name) override {
    auto failed = begin("delete_schedule");
    if (!failed) schedules.erase(name);
    end("delete_schedule");
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<void> sleep(Millis pause) override {
    clock.advance(pause);
    co_return;
  }
};

struct FakeRecords final : Records {
  Status keep(const Record& record) override {
    if (is_full) return fail(ErrorKind::no_space, "write", "no space left");
    kept = record;
    all.push_back(record);
    return {};
  }
  Status forget(const std::string&) override {
    kept.reset();
    return {};
  }
  bool is_full = false;
  std::optional<Record> kept;
  std::vector<Record> all;
};

class SequenceTest : public testing::Test {
 protected:
  SequenceTest() {
    package.program_place = {"bucket", "bin/curfew"};
    package.program = "program";
    package.job_place = {"bucket", "job.json"};
    package.job = "{}";
    package.launch_file_place = {"bucket", "launch.json"};
    package.launch_file = "{}";
    package.user_data = "#!/bin/sh";
  }
  World world() {
    return {calls, records, clock, [this] { return interrupted; },
            [this](const std::string& text) { said += text + "\n"; }};
  }
  // What is made anew counts from the clock; each is noted.
  Renewal renewal() {
    return {[this](const Plan& now, Package& changed) -> Status {
              filled.push_back(now.region + " " + format_utc(now.stop_at));
              changed.user_data = "#!/bin/sh " + filled.back();
              return {};
            },
            [this]() -> Awaitable<Result<Plan>> {
              if (no_prices) co_return fail(error(ErrorKind::unavailable, "RequestLimitExceeded"));
              co_return make_plan(the_plan.wishes, found, k_id, clock.wall());
            }};
  }
  // Spot in two zones, then on demand.
  void wish_spot_then_on_demand() {
    auto wanted = wishes();
    wanted.spot = wanted.then_on_demand = true;
    the_plan = plan(wanted, found);
  }
  [[nodiscard]] std::string asked() const {
    std::string text;
    for (const auto& request : calls.requests)
      text += (text.empty() ? "" : ", ") + (request.zone.empty() ? "anywhere" : request.zone) +
              (request.spot ? " spot" : "");
    return text;
  }
  Result<Done> launch_it() { return curfew::test::run(launch(world(), the_plan, package)); }

  [[nodiscard]] std::vector<std::string> living() const {
    std::vector<std::string> ids;
    for (const auto& one : calls.instances)
      if (one.state != "shutting-down" && one.state != "terminated") ids.push_back(one.id);
    return ids;
  }
  [[nodiscard]] std::string sequence() const {
    std::string text;
    for (const auto& call : calls.made) text += (text.empty() ? "" : ", ") + call;
    return text;
  }

  curfew::test::FakeClock clock;
  FakeCalls calls{clock};
  FakeRecords records;
  Findings found = findings();
  Plan the_plan = plan();
  std::vector<std::string> filled;
  bool no_prices = false;
  Package package;
  bool interrupted = false;
  std::string said;
};

}  // namespace curfew::launch::test
