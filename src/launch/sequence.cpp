// One step after another, each with its limit, each undone where a later one can't be done.
#include "launch/sequence.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "launch/claim.hpp"
#include "launch/launch_file.hpp"
#include "launch/refusals.hpp"
#include "launch/undo.hpp"
#include "layers/l3.hpp"

namespace curfew::launch {
namespace {

constexpr Millis k_look_every{5'000};
constexpr int k_most_checks = 5;
constexpr Millis k_slice{1'000};  // of a long pause, so that Ctrl-C is heard

class Launch {
 public:
  Launch(World& world, Plan plan, Package package, Renewal renewal)
      : world_(world), plan_(std::move(plan)), package_(std::move(package)), renewal_(std::move(renewal)) {
    if (const auto& again = plan_.wishes.again)
      claim_.emplace(world_.calls, world_.clock, plan_.wishes.staging, *again, plan_.launch_id);
  }

  Awaitable<Result<Done>> run() {
    checked_ = world_.clock.boot();  // before the claim: this machine may sleep while it's taken
    if (claim_) {
      if (world_.interrupted()) co_return interrupted("nothing was made");
      auto taking = claim_->take();
      auto taken = co_await std::move(taking);
      if (!taken) co_return fail(std::move(taken.error()));
    }
    auto going = go();
    auto done = co_await std::move(going);
    if (!done && !may_be_made_) co_await say_that_nothing_was_made();
    co_return done;
  }

 private:
  Awaitable<Result<Done>> go() {
    auto staged = co_await stage();
    if (!staged) co_return fail(std::move(staged.error()));
    const auto until = world_.clock.boot() + plan_.wishes.wait_capacity;
    Millis wait = k_first_round_pause;
    for (int round = 1;; ++round) {
      tried_.clear();
      auto asking = ask_all(round == 1);
      auto done = co_await std::move(asking);
      if (!done) co_return fail(std::move(done.error()));
      if (*done) co_return std::move(**done);
      const auto left = until - world_.clock.boot();
      if (left <= Millis{0} || !may_change(tried_)) break;
      // Half of it more or less: those who wait for the same capacity don't all ask at once.
      const auto spread =
          Millis{static_cast<std::int64_t>(static_cast<double>(wait.count()) * (0.5 + world_.random()))};
      const auto next = std::min<Millis>(spread, left);
      world_.say("no capacity (" + summary(tried_) + "): asking again in " + rounded(next) + ", for " +
                 rounded(left) + " more");
      co_await wait_for(next);
      if (world_.interrupted()) co_return give_up_before();
      co_await renew();
      wait = std::min(wait * 2, k_most_round_pause);
    }
    forget();
    co_return fail(nothing_to_be_had(tried_, plan_.quotas));
  }

  // An error ends the launch; nothing: all pools have refused.
  Awaitable<Result<std::optional<Done>>> ask_all(bool is_first) {
    for (std::size_t i = 0; i < plan_.pools.size(); ++i) {
      const auto pool = plan_.pools[i];
      const bool is_over = std::any_of(tried_.begin(), tried_.end(), [&pool](const Tried& one) {
        return one.refused == Refused::quota && shares_quota(one.pool, pool);
      });
      if (is_over) continue;
      if (world_.interrupted()) co_return give_up_before();
      auto preparing = prepare(pool.region);
      auto ready = co_await std::move(preparing);
      if (!ready) {
        forget();
        co_return fail(std::move(ready.error()));
      }
      if (is_first) world_.say("asking EC2 for " + name_of(pool));
      auto asking = ask_for(pool);
      auto launched = co_await std::move(asking);
      if (launched) {
        auto finishing = finish(pool, std::move(*launched));
        auto done = co_await std::move(finishing);
        if (!done) co_return fail(std::move(done.error()));
        co_return std::optional<Done>(std::move(*done));
      }
      const auto refused = meaning_of(launched.error(), pool);
      if (refused == Refused::all) co_return fail(std::move(launched.error()));
      const auto& error = launched.error();
      auto why = refused == Refused::for_now ? error.code : error.cause;
      if (refused == Refused::quota) why += "; " + quota_fix(pool, plan_.quotas);
      if (is_first) world_.say(name_of(pool) + ": " + printable(why, 400));
      tried_.push_back({pool, refused, error.code});
    }
    co_return std::optional<Done>{};
  }

  // Those of the region of the pool that is asked.
  [[nodiscard]] Calls& calls() const {
    return world_.calls_in ? world_.calls_in(plan_.region) : world_.calls;
  }

  static std::string rounded(Millis time) { return format_duration(std::chrono::ceil<Seconds>(time)); }

  Awaitable<void> wait_for(Millis time) {
    for (const auto end = world_.clock.boot() + time; world_.clock.boot() < end && !world_.interrupted();)
      co_await world_.calls.sleep(std::min<Millis>(k_slice, end - world_.clock.boot()));
  }

  // For those who look for the job, and those who would launch it again; it helps, and no more.
  Awaitable<void> say_that_nothing_was_made() {
    // What it held is held by who launched it again.
    if (is_launched_again_ && claim_) co_return;
    auto file = launch_file_from_json(package_.launch_file);
    Status noted;
    if (is_noted_ && file) {
      file->nothing_made = true;
      auto put = world_.calls.put(package_.launch_file_place, to_json(*file));
      noted = co_await std::move(put);
    }
    // In this order: who takes the claim over must see it.
    if (claim_ && noted) {
      auto leaving = claim_->give_up();
      noted = co_await std::move(leaving);
    }
    if (!noted)
      world_.say("that nothing was made can't be noted in S3: " + printable(noted.error().text(), 300));
  }

  // Who slept, or waited for long, may have been given up by somebody who launches the job again.
  Awaitable<Status> check_still_ours() {
    // Again where this machine slept in the middle of it.
    for (int tries = 0; world_.clock.boot() - checked_ >= k_plan_holds; ++tries) {
      if (tries == k_most_checks)
        co_return fail(ErrorKind::timed_out, "launch",
                       "whether it was launched again takes too long to find out", "launch again");
      const auto began = world_.clock.boot();
      auto looking = look_for_claim();
      auto free = co_await std::move(looking);
      if (!free) co_return free;
      if (claim_) {
        auto renewing = claim_->renew();
        auto renewed = co_await std::move(renewing);
        if (!renewed) co_return renewed;
      }
      checked_ = began;
    }
    co_return Status{};
  }

  Awaitable<Status> look_for_claim() {
    Millis wait = k_first_pause;
    for (int tries = 1;; ++tries) {
      auto looking = check_unclaimed(world_.calls, plan_.wishes.staging, plan_.launch_id);
      auto free = co_await std::move(looking);
      if (free) co_return free;
      is_launched_again_ = free.error().kind == ErrorKind::conflict;
      if (!may_have_happened(free.error()) || tries == k_most_checks) {
        // Who may only put into staging can't retry jobs either.
        if (free.error().kind != ErrorKind::refused) co_return free;
        world_.say("whether it was launched again can't be seen: " + printable(free.error().text(), 300));
        co_return Status{};
      }
      co_await world_.calls.sleep(wait);
      wait = std::min(wait * 2, k_most_pause);
    }
  }

  // Before another round.
  Awaitable<void> renew() {
    if (!renewal_.plan) co_return;
    auto asking = renewal_.plan();
    auto plan = co_await std::move(asking);
    if (plan) plan_ = std::move(*plan);
    else world_.say("prices are taken as they were: " + printable(plan.error().text(), 300));
    if (!plan) count_from(plan_, world_.clock.wall());
  }

  // What is staged is for one region and one time.
  Awaitable<Status> prepare(std::string region) {
    plan_.region = std::move(region);
    if (!renewal_.package) co_return Status{};
    const auto now = world_.clock.wall();
    if (now - plan_.made >= k_plan_holds) count_from(plan_, now);
    if (plan_.stop_at < plan_.made + k_least_time)
      co_return fail(ErrorKind::refused, "launch", "no time is left for the job; nothing was made",
                     "curfew launch, to run it anew");
    if (staged_region_ != plan_.region || staged_made_ != plan_.made) {
      if (auto filled = renewal_.package(plan_, package_); !filled) co_return filled;
      auto staging = stage_job();
      auto staged = co_await std::move(staging);
      if (!staged) co_return staged;
    }
    // Once it's noted anew: whoever would launch it again looks there after having said so.
    auto checking = check_still_ours();
    co_return co_await std::move(checking);
  }

  tl::unexpected<Error> give_up_before() {
    forget();
    return interrupted("nothing was made" + (tried_.empty() ? "" : " (" + summary(tried_) + ")"));
  }

  static tl::unexpected<Error> interrupted(std::string left) {
    return fail(
        Error{ErrorKind::unavailable, "launch", "interrupted: " + std::move(left), {}, k_interrupted});
  }

  Awaitable<Status> stage() {
    if (world_.interrupted()) co_return interrupted("nothing was made");
    auto asked = world_.calls.is_there(package_.program_place, package_.program.size());
    const auto there = co_await std::move(asked);
    // Who may not look may still be allowed to put.
    if (!there && there.error().kind != ErrorKind::refused) co_return fail(Error{there.error()});
    if (!there || !*there) {
      world_.say("uploading curfew (" + format_bytes(package_.program.size()) + ") to " +
                 package_.program_place.text());
      auto put = world_.calls.put(package_.program_place, package_.program);
      auto done = co_await std::move(put);
      if (!done) co_return fail(std::move(done.error()));
    }
    if (!package_.workdir.empty()) {
      world_.say("uploading the packed folder (" + format_bytes(package_.workdir.size()) + ")");
      auto put = world_.calls.put(package_.workdir_place, package_.workdir);
      auto done = co_await std::move(put);
      if (!done) co_return fail(std::move(done.error()));
      if (world_.interrupted()) co_return interrupted("nothing was made");
    }
    co_return co_await stage_job();
  }

  Awaitable<Status> stage_job() {
    auto put_job = world_.calls.put(package_.job_place, package_.job);
    auto done = co_await std::move(put_job);
    if (!done) co_return done;
    is_noted_ = true;
    auto put_file = world_.calls.put(package_.launch_file_place, package_.launch_file);
    done = co_await std::move(put_file);
    staged_region_ = plan_.region;
    staged_made_ = plan_.made;
    co_return done;
  }

  // RunInstances until there's a definite answer.
  Awaitable<Result<aws::Launched>> ask_for(Pool pool) {
    const auto request = run_request(plan_, pool, ++attempts_, package_.user_data);
    asked_.insert(plan_.region);
    record_ = {plan_.launch_id,      plan_.region, plan_.wishes.name,
               request.client_token, "",           world_.clock.wall()};
    if (auto kept = world_.records.keep(record_); !kept)
      co_return fail(std::move(kept.error()).within("note the launch before it's sent"));
    const auto until = world_.clock.boot() + k_ambiguous_limit;
    Millis wait = k_first_pause;
    for (bool is_doubted = false;; is_doubted = true) {
      auto asked = calls().run(request);
      auto launched = co_await std::move(asked);
      if (launched) co_return launched;
      const auto meaning = meaning_of(launched.error(), pool);
      const bool is_no_capacity = meaning != Refused::all;
      const bool is_refused = !may_have_happened(launched.error());
      if (is_no_capacity || is_refused || world_.clock.boot() >= until) {
        // An earlier try may have been carried out before this answer was given: a refusal (of credentials that have
        // expired since, say) doesn't speak of that one, and "no capacity" may be the answer of one that came in between.
        const bool is_definite = !is_doubted && (is_no_capacity || is_refused);
        Error error = std::move(launched.error());
        auto looking = look_up(std::move(error), is_definite, is_no_capacity);
        co_return co_await std::move(looking);
      }
      world_.say(printable(launched.error().text(), 300) + "; asking the very same again");
      co_await world_.calls.sleep(wait);
      // This machine slept, too: by now it may have been launched again.
      if (world_.clock.boot() >= until + k_ambiguous_limit) {
        Error error = std::move(launched.error());
        auto looking = look_up(std::move(error), false, false);
        co_return co_await std::move(looking);
      }
      wait = std::min(wait * 2, k_most_pause);
    }
  }

  Awaitable<Result<aws::Launched>> look_up(Error error, bool is_definite, bool goes_on) {
    const auto until = world_.clock.boot() + (is_definite ? Millis{0} : k_look_up_limit);
    std::string trouble;
    for (;;) {
      auto asked = calls().find(plan_.launch_id);
      const auto found = co_await std::move(asked);
      if (found) {
        for (const auto& one : *found)
          if (!has_ended(one.state)) co_return aws::Launched{one.id, "", one.state};
      }
      trouble = found ? "" : "; and " + found.error().text();
      if (world_.clock.boot() >= until) break;
      co_await world_.calls.sleep(k_look_every);
    }
    if (is_definite || (goes_on && trouble.empty())) {
      // Where nobody could look, the next launch does.
      if (!goes_on && trouble.empty()) forget();
      co_return fail(std::move(error));
    }
    may_be_made_ = true;
    error.cause += "; whether an instance was made isn't known" + trouble;
    error.hint =
        "`curfew launch` or `curfew launch --clean-up` looks for it again and ends it; it ends itself within "
        "6 "
        "minutes of its boot";
    error.code.clear();
    co_return fail(std::move(error));
  }

  Awaitable<Result<Done>> finish(Pool pool, aws::Launched launched) {
    may_be_made_ = true;
    record_.instance = launched.id;
    if (auto kept = world_.records.keep(record_); !kept)
      world_.say("the record of this launch can't be written: " + kept.error().text());
    std::optional<Error> why;  // named: g++ 12 destroys such temporaries of a co_await twice
    world_.say("launched " + launched.id + (launched.zone.empty() ? "" : " in " + launched.zone));
    if (world_.interrupted()) co_return co_await end_it(launched.id, why);
    if (plan_.wishes.schedule) {
      auto scheduled = co_await make_schedule(launched.id);
      if (!scheduled) why = std::move(scheduled.error());
      if (why) co_return co_await end_it(launched.id, why);
      if (world_.interrupted()) co_return co_await end_it(launched.id, why);
    }
    auto tagged = co_await tag_as_finished(launched.id);
    if (!tagged) why = std::move(tagged.error());
    if (why) co_return co_await end_it(launched.id, why);
    if (world_.interrupted()) co_return co_await end_it(launched.id, why);
    const bool is_gone = co_await look_again(launched.id);
    if (world_.interrupted()) co_return co_await end_it(launched.id, why);
    if (!may_be_another_) forget();
    // A laptop that slept, or an AWS that was slow: the guard has not waited for the tag, which came too late.
    if (is_gone && world_.clock.wall() - record_.sent >= k_guard_waits)
      co_return fail(Error{ErrorKind::unavailable, "launch",
                           launched.id + " ended itself before this launch was finished, which took too long",
                           "launch again", k_ended});
    co_return Done{launched.id, pool.type.name, launched.zone, pool.region, plan_.end_at};
  }

  [[nodiscard]] aws::EndSchedule wanted_schedule(const std::string& instance) const {
    auto wanted =
        layers::schedule_of({instance, plan_.end_at, false, plan_.wishes.scheduler_role, plan_.launch_id});
    wanted.description += ", launch " + plan_.launch_id;
    return wanted;
  }

  Awaitable<Status> make_schedule(std::string instance) {
    const auto wanted = wanted_schedule(instance);
    layers::L3World world{[this](aws::EndSchedule one) { return calls().create_schedule(std::move(one)); },
                          [this](std::string name) { return calls().schedule(std::move(name)); },
                          [this](Millis time) { return world_.calls.sleep(time); },
                          world_.clock,
                          world_.interrupted,
                          world_.say,
                          k_schedule_limit};
    auto arming = layers::arm_l3(std::move(world), wanted, plan_.region);
    auto armed = co_await std::move(arming);
    if (armed) world_.say("schedule " + wanted.name + ": ends it from " + format_utc(wanted.start) + " on");
    co_return armed;
  }

  // Without a schedule too: until then nobody knows that a launch has come to its end, and whoever died before is cleaned
  // up after.
  Awaitable<Status> tag_as_finished(std::string instance) {
    const char* const value = plan_.wishes.schedule ? k_armed : k_none;
    const auto until = world_.clock.boot() + k_tag_limit;
    for (Millis wait = k_first_pause;; wait = std::min(wait * 2, k_most_pause)) {
      const aws::KeyValues tags{{"curfew:schedule", value}};
      auto asked = calls().tag(instance, tags);
      auto tagged = co_await std::move(asked);
      if (tagged) co_return tagged;
      // A new instance isn't known everywhere at once.
      const bool goes_on =
          may_have_happened(tagged.error()) || tagged.error().code == "InvalidInstanceID.NotFound";
      if (!goes_on || world_.interrupted() || world_.clock.boot() + wait >= until) co_return tagged;
      co_await world_.calls.sleep(wait);
    }
  }

  // Ends what a lost answer and another pool have made beside it after all. True where the instance itself has ended.
  Awaitable<bool> look_again(std::string instance) {
    bool is_gone = false;
    for (const auto& region : asked_) {
      auto& there = world_.calls_in ? world_.calls_in(region) : world_.calls;
      auto asked = there.find(plan_.launch_id);
      const auto found = co_await std::move(asked);
      if (!found) {
        world_.say("whether there is another instance of this launch in " + region +
                   " couldn't be looked up: " + printable(found.error().text(), 300) +
                   "; one would end itself within 6 minutes of its boot");
        may_be_another_ = true;
        continue;
      }
      for (const auto& one : *found) {
        if (one.id == instance) is_gone = has_ended(one.state);
        if (one.id == instance || has_ended(one.state)) continue;
        world_.say("ending " + one.id + ", which a lost answer has made beside " + instance);
        auto asked_end = there.terminate(one.id);
        const auto state = co_await std::move(asked_end);
        if (!state) world_.say("it can't be ended: " + printable(state.error().text(), 300));
        if (!state || !has_ended(*state)) may_be_another_ = true;
      }
    }
    co_return is_gone;
  }

  // `why` empty: interrupted.
  Awaitable<Result<Done>> end_it(std::string instance, std::optional<Error> why);

  void forget() {
    if (auto gone = world_.records.forget(plan_.launch_id); !gone)
      world_.say("the record of this launch can't be removed: " + gone.error().text());
  }

  World& world_;
  Plan plan_;
  Package package_;
  Renewal renewal_;
  std::optional<RetryClaim> claim_;  // of one that goes on with an earlier one's job
  BootTime checked_{};               // that nobody else launches this job
  bool is_noted_ = false;            // launch.json is in S3, or may be
  bool is_launched_again_ = false;   // by somebody who found this launch asleep
  bool may_be_made_ = false;         // an instance
  bool may_be_another_ = false;      // beside the instance: the next launch looks for it
  Record record_;
  std::vector<Tried> tried_;     // in this round
  std::size_t attempts_ = 0;     // in all
  std::set<std::string> asked_;  // regions
  std::string staged_region_;
  WallTime staged_made_{};
};

Awaitable<Result<Done>> Launch::end_it(std::string instance, std::optional<Error> why) {
  world_.say((why ? printable(why->text(), 400) : std::string("interrupted")) + ": ending " + instance);
  auto ending = end_and_see(world_.clock, calls(), instance);
  const auto ended = co_await std::move(ending);
  if (!ended) {
    const std::string left = instance + " could not be ended: " + ended.error().text();
    co_return fail(
        Error{ErrorKind::unavailable,
              "launch",
              (why ? why->text() + "; " : "") + left,
              "it ends itself within 6 minutes of its boot; `curfew launch --clean-up` ends it now",
              {}});
  }
  world_.say(instance + " is being terminated");
  if (plan_.wishes.schedule) co_await delete_schedule_of(world_, calls(), instance);
  forget();
  if (!why) co_return interrupted(instance + " was ended again");
  why->hint = instance + " was ended again" + (why->hint.empty() ? "" : "; " + why->hint);
  why->code = k_ended;
  co_return fail(std::move(*why));
}

}  // namespace

Awaitable<Result<Done>> launch(World world, Plan plan, Package package, Renewal renewal) {
  Launch one(world, std::move(plan), std::move(package), std::move(renewal));
  auto result = co_await one.run();
  co_return result;
}

}  // namespace curfew::launch
