// One step after another, each with its limit, each undone where a later one can't be done.
#include "launch/sequence.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "layers/l3.hpp"

namespace curfew::launch {
namespace {

constexpr Millis k_first_pause{1'000};
constexpr Millis k_most_pause{15'000};
constexpr Millis k_look_every{5'000};

// Whether the call may have been carried out all the same, or may work later.
bool may_have_happened(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
}

// What the tag curfew:schedule says of a launch that came to its end.
constexpr const char* k_armed = "armed";
constexpr const char* k_none = "none";

bool has_ended(std::string_view state) { return state == "shutting-down" || state == "terminated"; }

class Launch {
 public:
  Launch(World& world, const Plan& plan, const Package& package)
      : world_(world), plan_(plan), package_(package) {}

  Awaitable<Result<Done>> run() {
    auto staged = co_await stage();
    if (!staged) co_return fail(std::move(staged.error()));
    std::string tried;
    for (std::size_t pool = 0; pool < plan_.pools.size(); ++pool) {
      if (world_.interrupted()) co_return co_await give_up_before(tried);
      auto launched = co_await ask_for(pool);
      if (launched) co_return co_await finish(pool, std::move(*launched));
      if (!aws::is_no_capacity(launched.error().code)) co_return fail(std::move(launched.error()));
      const auto& type = plan_.pools[pool].type.name;
      world_.say(type + ": " + launched.error().cause);
      tried += (tried.empty() ? "" : "; ") + type + ": " + launched.error().code;
    }
    forget();
    co_return fail(ErrorKind::unavailable, "launch", "there is no capacity (" + tried + "); nothing was made",
                   "try other types (--instance-type A,B), another --zone or --region, or later");
  }

 private:
  Awaitable<Result<Done>> give_up_before(std::string tried) {
    forget();
    co_return interrupted("nothing was made" + (tried.empty() ? "" : " (" + tried + ")"));
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
    auto put_job = world_.calls.put(package_.job_place, package_.job);
    auto done = co_await std::move(put_job);
    if (!done) co_return done;
    auto put_file = world_.calls.put(package_.launch_file_place, package_.launch_file);
    done = co_await std::move(put_file);
    co_return done;
  }

  // RunInstances until there's a definite answer.
  Awaitable<Result<aws::Launched>> ask_for(std::size_t pool) {
    const auto request = run_request(plan_, pool, package_.user_data);
    record_ = {plan_.launch_id,      plan_.region, plan_.wishes.name,
               request.client_token, "",           world_.clock.wall()};
    if (auto kept = world_.records.keep(record_); !kept)
      co_return fail(std::move(kept.error()).within("note the launch before it's sent"));
    world_.say("asking EC2 for " + request.type + (request.spot ? ", spot" : ", on demand"));
    const auto until = world_.clock.boot() + k_ambiguous_limit;
    Millis wait = k_first_pause;
    for (bool is_doubted = false;; is_doubted = true) {
      auto asked = world_.calls.run(request);
      auto launched = co_await std::move(asked);
      if (launched) co_return launched;
      const bool is_no_capacity = aws::is_no_capacity(launched.error().code);
      const bool is_refused = !may_have_happened(launched.error());
      if (is_no_capacity || is_refused || world_.clock.boot() >= until) {
        // An earlier try may have been carried out before this answer was given: a refusal (of credentials that have
        // expired since, say) doesn't speak of that one. Had it been, "no capacity" would not be the answer.
        const bool is_definite = is_no_capacity || (is_refused && !is_doubted);
        Error error = std::move(launched.error());
        co_return co_await look_up(std::move(error), is_definite);
      }
      world_.say(printable(launched.error().text(), 300) + "; asking the very same again");
      co_await world_.calls.sleep(wait);
      wait = std::min(wait * 2, k_most_pause);
    }
  }

  Awaitable<Result<aws::Launched>> look_up(Error error, bool is_definite) {
    const auto until = world_.clock.boot() + (is_definite ? Millis{0} : k_look_up_limit);
    std::string trouble;
    for (;;) {
      auto asked = world_.calls.find(plan_.launch_id);
      const auto found = co_await std::move(asked);
      if (found) {
        for (const auto& one : *found)
          if (!has_ended(one.state)) co_return aws::Launched{one.id, "", one.state};
      }
      trouble = found ? "" : "; and " + found.error().text();
      if (world_.clock.boot() >= until) break;
      co_await world_.calls.sleep(k_look_every);
    }
    if (is_definite) {
      // Where nobody could look, the next launch does.
      if (!aws::is_no_capacity(error.code) && trouble.empty()) forget();
      co_return fail(std::move(error));
    }
    error.cause += "; whether an instance was made isn't known" + trouble;
    error.hint =
        "`curfew launch` or `curfew launch --clean-up` looks for it again and ends it; it ends itself within "
        "6 "
        "minutes of its boot";
    error.code.clear();
    co_return fail(std::move(error));
  }

  Awaitable<Result<Done>> finish(std::size_t pool, aws::Launched launched) {
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
    forget();
    // A laptop that slept, or an AWS that was slow: the guard has not waited for the tag, which came too late.
    if (is_gone && world_.clock.wall() - record_.sent >= k_guard_waits)
      co_return fail(Error{ErrorKind::unavailable, "launch",
                           launched.id + " ended itself before this launch was finished, which took too long",
                           "launch again", k_ended});
    co_return Done{launched.id, plan_.pools[pool].type.name, launched.zone};
  }

  [[nodiscard]] aws::EndSchedule wanted_schedule(const std::string& instance) const {
    auto wanted =
        layers::schedule_of({instance, plan_.end_at, false, plan_.wishes.scheduler_role, plan_.launch_id});
    wanted.description += ", launch " + plan_.launch_id;
    return wanted;
  }

  Awaitable<Status> make_schedule(std::string instance) {
    const auto wanted = wanted_schedule(instance);
    layers::L3World world{
        [this](aws::EndSchedule one) { return world_.calls.create_schedule(std::move(one)); },
        [this](std::string name) { return world_.calls.schedule(std::move(name)); },
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
      auto asked = world_.calls.tag(instance, tags);
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
    auto asked = world_.calls.find(plan_.launch_id);
    const auto found = co_await std::move(asked);
    if (!found) {
      world_.say("whether there is another instance of this launch couldn't be looked up: " +
                 printable(found.error().text(), 300) +
                 "; one would end itself within 6 minutes of its boot");
      co_return is_gone;
    }
    for (const auto& one : *found) {
      if (one.id == instance) is_gone = has_ended(one.state);
      if (one.id == instance || has_ended(one.state)) continue;
      world_.say("ending " + one.id + ", which a lost answer has made beside " + instance);
      auto asked_end = world_.calls.terminate(one.id);
      const auto state = co_await std::move(asked_end);
      if (!state) world_.say("it can't be ended: " + printable(state.error().text(), 300));
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
  const Plan& plan_;
  const Package& package_;
  Record record_;
};

// Until EC2 says that it's on its way.
Awaitable<Status> end_and_see(World& world, std::string instance) {
  const auto until = world.clock.boot() + k_end_limit;
  for (Millis wait = k_first_pause;; wait = std::min(wait * 2, k_most_pause)) {
    auto asked = world.calls.terminate(instance);
    auto state = co_await std::move(asked);
    if (state && has_ended(*state)) break;
    const bool goes_on =
        state || may_have_happened(state.error()) || state.error().code == "InvalidInstanceID.NotFound";
    if (!goes_on || world.clock.boot() + wait >= until) {
      if (!state) co_return fail(std::move(state.error()));
      co_return fail(ErrorKind::timed_out, "end " + instance, "EC2 says that it is " + printable(*state, 40));
    }
    co_await world.calls.sleep(wait);
  }
  co_return Status{};
}

// After the instance, never before: it's the one layer that would still end it. Left, it would find nothing to end.
Awaitable<void> delete_schedule_of(World& world, std::string instance) {
  auto asked = world.calls.delete_schedule(layers::l3_name(instance));
  const auto deleted = co_await std::move(asked);
  if (!deleted)
    world.say("a schedule of " + instance +
              ", if there is one, goes by itself: " + printable(deleted.error().text(), 300));
}

Awaitable<Result<Done>> Launch::end_it(std::string instance, std::optional<Error> why) {
  world_.say((why ? printable(why->text(), 400) : std::string("interrupted")) + ": ending " + instance);
  const auto ended = co_await end_and_see(world_, instance);
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
  if (plan_.wishes.schedule) co_await delete_schedule_of(world_, instance);
  forget();
  if (!why) co_return interrupted(instance + " was ended again");
  why->hint = instance + " was ended again" + (why->hint.empty() ? "" : "; " + why->hint);
  why->code = k_ended;
  co_return fail(std::move(*why));
}

}  // namespace

Awaitable<Result<Done>> launch(World world, const Plan& plan, const Package& package) {
  Launch one(world, plan, package);
  auto result = co_await one.run();
  co_return result;
}

Awaitable<Status> clean_up(World world, const Record& left) {
  auto asked = world.calls.find(left.launch_id);
  const auto found = co_await std::move(asked);
  if (!found)
    co_return fail(Error{found.error()}.within("look for what launch " + left.launch_id + " has left"));
  for (const auto& one : *found) {
    const bool is_finished = one.schedule == k_armed || one.schedule == k_none;
    if (!has_ended(one.state)) {
      if (is_finished) continue;
      world.say("ending " + one.id + ", which launch " + left.launch_id + " (" + printable(left.job, 80) +
                ") has left half made");
      auto ended = co_await end_and_see(world, one.id);
      if (!ended) co_return ended;
    }
    co_await delete_schedule_of(world, one.id);
  }
  // Nothing yet of a call that was sent just now proves nothing, and its schedule may be all that ends it.
  if (found->empty() && world.clock.wall() - left.sent < k_forget_after) {
    world.say("launch " + left.launch_id +
              " may still show an instance: it's looked for again the next time");
    co_return Status{};
  }
  if (found->empty() && !left.instance.empty()) co_await delete_schedule_of(world, left.instance);
  co_return world.records.forget(left.launch_id);
}

}  // namespace curfew::launch
