// The claim on a launch that is to be launched again: all orders in which those who want it can be served, lost replies, and
// what makes a claim free.
#include "launch/claim.hpp"

#include <list>
#include <map>
#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "launch/launch_file.hpp"
#include "support/fake_clock.hpp"
#include "unit/launch/sequence_fixture.hpp"

namespace curfew::launch::test {
namespace {

namespace asio = boost::asio;

constexpr const char* k_old = "20261124-170000-00bb";
const aws::S3Location k_staging{"bucket", "curfew"};
const std::string k_claim_key = "curfew/jobs/20261124-170000-00bb/retried.json";

std::string id_of(int racer) { return "20261124-18000" + std::to_string(racer) + "-0a"; }

LaunchFile file_of(const std::string& id) {
  auto file = launch_file(plan());
  file.launch_id = id;
  file.retry_of = id == k_old ? "" : k_old;
  return file;
}

Again again() {
  Again again;
  again.retry_of = k_old;
  again.last_made = file_of(k_old).made;
  return again;
}

// Takes the choices of one run, one after another, and goes on to the next combination: all of them, each once, or so many by
// chance where they are too many.
class Choices {
 public:
  explicit Choices(int by_chance = 0) : by_chance_(by_chance) {}
  std::size_t take(std::size_t of) {
    if (by_chance_ > 0) return random_() % of;
    if (at_ == made_.size()) made_.push_back({0, of});
    return made_[at_++].chosen;
  }
  bool next() {
    at_ = 0;
    if (by_chance_ > 0) return --by_chance_ > 0;
    while (!made_.empty() && ++made_.back().chosen == made_.back().of) made_.pop_back();
    return !made_.empty();
  }

 private:
  struct Made {
    std::size_t chosen, of;
  };
  std::vector<Made> made_;
  std::size_t at_ = 0;
  int by_chance_;
  std::mt19937 random_{7};
};

// One S3 for all racers. Each call waits until its turn is chosen; then it's carried out at once.
struct Store {
  asio::io_context io{1};
  Choices* choices = nullptr;
  std::list<std::pair<asio::steady_timer, bool>> waiting;  // and whether it writes
  std::map<std::string, aws::Kept> objects;
  int writes = 0;
  int mishaps_left = 0;  // replies that get lost, and 409s of S3's own

  Awaitable<void> turn(bool is_write) {
    waiting.emplace_back(asio::steady_timer(io, asio::steady_timer::time_point::max()), is_write);
    const auto mine = std::prev(waiting.end());
    boost::system::error_code woken;
    co_await mine->first.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    waiting.erase(mine);
  }
  void put(const std::string& key, std::string text, Seconds age = {}) {
    objects[key] = {std::move(text), "etag" + std::to_string(++writes), age};
  }
  void serve_all() {
    for (io.poll(); !waiting.empty(); io.poll()) {
      auto next = waiting.begin();
      std::advance(next, choices->take(waiting.size()));
      next->first.cancel();
      io.restart();
    }
  }
};

struct Racer final : Calls {
  explicit Racer(Store& one) : store(one) {}
  Store& store;

  Awaitable<Result<std::string>> put_if(aws::S3Location to, std::string body, std::string etag) override {
    co_await store.turn(true);
    const bool is_crowded =
        std::any_of(store.waiting.begin(), store.waiting.end(), [](const auto& one) { return one.second; });
    const auto mishap = store.mishaps_left > 0 ? store.choices->take(is_crowded ? 3 : 2) : 0;
    if (mishap > 0) --store.mishaps_left;
    if (mishap == 2) co_return fail(error(ErrorKind::conflict, "ConditionalRequestConflict"));
    const auto there = store.objects.find(to.key);
    const bool holds = etag.empty() ? there == store.objects.end()
                                    : there != store.objects.end() && there->second.etag == etag;
    if (!holds) co_return fail(error(ErrorKind::conflict, "PreconditionFailed"));
    store.put(to.key, std::move(body));
    // The signed request is sent again by the client below, and is refused then.
    if (mishap == 1) co_return fail(error(ErrorKind::conflict, "PreconditionFailed"));
    co_return store.objects.at(to.key).etag;
  }
  Awaitable<Result<std::optional<aws::Kept>>> read(aws::S3Location from, std::size_t) override {
    co_await store.turn(false);
    const auto there = store.objects.find(from.key);
    if (there == store.objects.end()) co_return std::optional<aws::Kept>{};
    co_return there->second;
  }
  Awaitable<void> sleep(Millis) override { co_await store.turn(false); }

  static Error unasked() { return error(ErrorKind::system, "", "isn't asked here"); }
  Awaitable<Result<bool>> is_there(aws::S3Location, std::size_t) override { co_return fail(unasked()); }
  Awaitable<Status> put(aws::S3Location, std::string) override { co_return fail(unasked()); }
  Awaitable<Result<aws::Launched>> run(aws::RunRequest) override { co_return fail(unasked()); }
  Awaitable<Result<std::vector<Found>>> find(std::string) override { co_return fail(unasked()); }
  Awaitable<Status> tag(std::string, aws::KeyValues) override { co_return fail(unasked()); }
  Awaitable<Result<std::string>> terminate(std::string) override { co_return fail(unasked()); }
  Awaitable<Status> create_schedule(aws::EndSchedule) override { co_return fail(unasked()); }
  Awaitable<Result<aws::Schedule>> schedule(std::string) override { co_return fail(unasked()); }
  Awaitable<Status> delete_schedule(std::string) override { co_return fail(unasked()); }
};

struct Race {
  // `sleeper` is the attempt number 9, which holds a claim and wakes up.
  Race(Choices& choices, int racers, int mishaps, const std::function<void(Store&)>& prepare, bool sleeper) {
    store.choices = &choices;
    store.mishaps_left = mishaps;
    store.put("curfew/jobs/" + std::string(k_old) + "/launch.json", to_json(file_of(k_old)));
    prepare(store);
    if (sleeper) add(9);
    for (int i = 0; i < racers; ++i) add(i);
    for (auto& each : claims) {
      const bool wakes = sleeper && &each == &claims.front();
      const auto done = [this, racer = racer_ids[&each]](std::exception_ptr thrown, Status result) {
        if (thrown) std::rethrow_exception(thrown);
        results.emplace(racer, std::move(result));
      };
      if (wakes) asio::co_spawn(store.io, wake(each), done);
      else asio::co_spawn(store.io, each.take(), done);
    }
    store.serve_all();
  }
  static Awaitable<Status> wake(RetryClaim& claim) {
    auto taking = claim.take();
    auto taken = co_await std::move(taking);
    if (!taken) co_return taken;
    auto renewing = claim.renew();
    co_return co_await std::move(renewing);
  }
  void add(int racer) {
    calls.emplace_back(store);
    claims.emplace_back(calls.back(), clock, k_staging, again(), id_of(racer));
    racer_ids[&claims.back()] = racer;
  }
  [[nodiscard]] std::vector<int> winners() const {
    std::vector<int> ids;
    for (const auto& [racer, result] : results)
      if (result) ids.push_back(racer);
    return ids;
  }

  curfew::test::FakeClock clock;
  Store store;
  std::list<Racer> calls;
  std::list<RetryClaim> claims;
  std::map<const RetryClaim*, int> racer_ids;
  std::map<int, Status> results;
};

struct Start {
  const char* name;
  std::function<void(Store&)> prepare;
};

void claim_of(Store& store, int attempt, Seconds age, bool given_up = false) {
  store.put(k_claim_key, to_json(Claim{id_of(attempt), k_now, 1, given_up}), age);
}

const std::vector<Start>& free_ones() {
  static const std::vector<Start> k_starts{
      {"never claimed", [](Store&) {}},
      {"given up", [](Store& store) { claim_of(store, 9, Seconds{1}, true); }},
      {"held by a launcher that died", [](Store& store) { claim_of(store, 9, k_claim_holds); }},
      {"held by one that made nothing",
       [](Store& store) {
         claim_of(store, 9, Seconds{1});
         auto file = file_of(id_of(9));
         file.nothing_made = true;
         store.put("curfew/jobs/" + id_of(9) + "/launch.json", to_json(file));
       }},
  };
  return k_starts;
}

TEST(RetryClaim, has_one_winner_in_every_order) {
  for (const auto& start : free_ones()) {
    for (const int racers : {2, 3}) {
      Choices choices(racers == 2 ? 0 : 500);
      int runs = 0;
      do {
        const Race race(choices, racers, racers == 2 ? 1 : 2, start.prepare, false);
        ASSERT_EQ(race.results.size(), static_cast<std::size_t>(racers));
        ASSERT_EQ(race.winners().size(), 1U) << start.name << ", run " << runs;
        for (const auto& [racer, result] : race.results) {
          if (result) continue;
          ASSERT_EQ(result.error().kind, ErrorKind::conflict) << result.error().text();
          ASSERT_NE(result.error().text().find(id_of(race.winners()[0]) + " is launching it again"),
                    std::string::npos)
              << result.error().text();
        }
        const auto held = claim_from_json(race.store.objects.at(k_claim_key).text);
        ASSERT_EQ(held.value().launch_id, id_of(race.winners()[0]));
        ++runs;
      } while (choices.next());
      EXPECT_GT(runs, 20) << start.name;
    }
  }
}

// A machine that slept since it claimed, and one that takes the claim over: only one goes on to EC2.
TEST(RetryClaim, has_one_winner_where_one_wakes_up_that_was_given_up) {
  Choices choices;
  int woke = 0, taken_over = 0;
  const auto prepare = [](Store& store) { claim_of(store, 9, k_claim_holds); };
  do {
    const Race race(choices, 1, 1, prepare, true);
    const auto winners = race.winners();
    ASSERT_LE(winners.size(), 1U);
    if (winners.empty()) continue;  // the other took it over and saw nobody: it's tried again
    ++(winners[0] == 9 ? woke : taken_over);
  } while (choices.next());
  EXPECT_GT(woke, 0);
  EXPECT_GT(taken_over, 0);
}

TEST(RetryClaim, is_refused_where_another_holds_it) {
  struct Case {
    const char* name;
    std::function<void(Store&)> prepare;
    std::string words;
  };
  const auto staged = [](Store& store, Seconds age) {
    claim_of(store, 9, age);
    store.put("curfew/jobs/" + id_of(9) + "/launch.json", to_json(file_of(id_of(9))));
  };
  const std::vector<Case> cases{
      {"just claimed", [](Store& store) { claim_of(store, 9, k_claim_holds - Seconds{1}); },
       id_of(9) + " is launching it again"},
      {"of unknown age",
       [](Store& store) {
         claim_of(store, 9, {});
         store.objects[k_claim_key].age.reset();
       },
       id_of(9) + " is launching it again"},
      {"launched", [&](Store& store) { staged(store, Seconds{5}); }, "curfew logs " + id_of(9) + " -f"},
      {"launched long ago", [&](Store& store) { staged(store, Seconds{100'000}); },
       "curfew retry " + id_of(9)},
      {"no claim of curfew's", [](Store& store) { store.put(k_claim_key, "{}"); }, "retried.json"},
      {"its launch.json can't be read",
       [](Store& store) {
         claim_of(store, 9, k_claim_holds);
         store.put("curfew/jobs/" + id_of(9) + "/launch.json", "{}");
       },
       "launch.json"},
      // It made nothing, after it had slept and was launched again itself.
      {"given up by one that was launched again",
       [](Store& store) {
         claim_of(store, 9, Seconds{1}, true);
         store.put("curfew/jobs/" + id_of(9) + "/retried.json", to_json(Claim{id_of(8), k_now, 1, false}));
         store.put("curfew/jobs/" + id_of(8) + "/launch.json", to_json(file_of(id_of(8))));
       },
       "it was launched again as " + id_of(8)},
      {"held by one that made nothing and was launched again",
       [](Store& store) {
         claim_of(store, 9, Seconds{1});
         auto file = file_of(id_of(9));
         file.nothing_made = true;
         store.put("curfew/jobs/" + id_of(9) + "/launch.json", to_json(file));
         store.put("curfew/jobs/" + id_of(9) + "/retried.json", to_json(Claim{id_of(8), k_now, 1, false}));
       },
       id_of(8) + " is launching it again"},
      {"the launch before made nothing, in the place of another",
       [](Store& store) {
         auto file = file_of(k_old);
         file.nothing_made = true;
         file.retry_of = id_of(7);
         store.put("curfew/jobs/" + std::string(k_old) + "/launch.json", to_json(file));
       },
       "curfew retry " + id_of(7)},
      {"the launch before goes on",
       [](Store& store) {
         auto file = file_of(k_old);
         file.made += Seconds{700};
         store.put("curfew/jobs/" + std::string(k_old) + "/launch.json", to_json(file));
       },
       "it goes on by itself"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    Choices choices;
    const Race race(choices, 1, 0, one.prepare, false);
    ASSERT_FALSE(race.results.at(0));
    const auto text = race.results.at(0).error().text();
    EXPECT_NE(text.find(one.words), std::string::npos) << text;
    const auto left = claim_from_json(race.store.objects.at(k_claim_key).text);
    if (!left) continue;
    EXPECT_TRUE(left->launch_id != id_of(0) || left->given_up) << "what it took it has given back";
  }
}

TEST(RetryClaim, does_not_mind_a_first_launch_that_has_made_nothing) {
  Choices choices;
  const auto prepare = [](Store& store) {
    auto file = file_of(k_old);
    file.made += Seconds{700};  // it was noted anew, and then gave up
    file.nothing_made = true;
    store.put("curfew/jobs/" + std::string(k_old) + "/launch.json", to_json(file));
  };
  const Race race(choices, 1, 0, prepare, false);
  EXPECT_TRUE(race.results.at(0)) << race.results.at(0).error().text();
}

TEST(Claim, is_read_as_it_was_written_and_nothing_else_is) {
  const Claim claim{id_of(3), k_now, 7, true};
  const auto read = claim_from_json(to_json(claim));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_json(*read), to_json(claim));
  for (
      const auto* text :
      {"", "[]", "{}",
       R"({"version":2,"launch":"20261124-180000-0a","at":"2026-11-24T18:00:00Z","renewed":1,"given_up":false})",
       R"({"version":1,"launch":"../x","at":"2026-11-24T18:00:00Z","renewed":1,"given_up":false})",
       R"({"version":1,"launch":"20261124-180000-0a","at":"soon","renewed":1,"given_up":false})"})
    EXPECT_FALSE(claim_from_json(text)) << text;
  EXPECT_FALSE(claim_from_json(to_json(claim) + std::string(k_largest_claim, ' ')));
}

// In a launch: before anything is staged, given up where nothing came of it, and looked at again after a long wait.
class RetrySequence : public SequenceTest {
 protected:
  RetrySequence() {
    the_plan.wishes.again = again();
    the_plan.wishes.again->latest_stop = k_now + Seconds{4 * 3'600};
    package.launch_file = to_json(file_of(k_id));
  }
  Result<Done> launch_for_long() { return curfew::test::run(launch(world(), the_plan, package, renewal())); }
  [[nodiscard]] Claim claim() const { return *claim_from_json(calls.kept.at(k_claim_key).text); }
};

TEST_F(RetrySequence, claims_first) {
  ASSERT_TRUE(launch_it());
  EXPECT_TRUE(sequence().starts_with("claim " + k_claim_key +
                                     ", read curfew/jobs/20261124-170000-00bb/launch.json, "
                                     "head, put bin/curfew"))
      << sequence();
  EXPECT_EQ(claim().launch_id, k_id);
  EXPECT_FALSE(claim().given_up);
}

TEST_F(RetrySequence, makes_nothing_where_another_holds_it) {
  calls.kept[k_claim_key] = {to_json(Claim{id_of(9), k_now, 1, false}), "x", Seconds{}};
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(calls.requests.empty());
  EXPECT_EQ(sequence().find("put"), std::string::npos) << sequence();
}

TEST_F(RetrySequence, gives_it_up_where_nothing_was_made) {
  for (const auto* step : {"put bin/curfew", "put job.json", "put launch.json", "run g5.xlarge"}) {
    SCOPED_TRACE(step);
    calls.kept.clear();
    calls.failures[step] = {k_denied};
    EXPECT_FALSE(launch_it());
    calls.failures.clear();
    EXPECT_TRUE(claim().given_up);
    EXPECT_TRUE(calls.instances.empty());
  }
}

// The machine sleeps while it claims: by then the claim may be too old to hold.
TEST_F(RetrySequence, looks_again_after_it_has_slept_while_it_claimed) {
  bool slept = false;
  calls.after = [&](const std::string& name) {
    if (name != "claim" || std::exchange(slept, true)) return;
    clock.advance(Seconds{1'200});
    calls.kept[k_claim_key] = {to_json(Claim{id_of(9), k_now, 1, false}), "x", Seconds{}};
  };
  const auto done = launch_for_long();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(calls.requests.empty());
}

// The launch before slept too: it found the claim too old, and went on.
TEST_F(RetrySequence, makes_nothing_where_the_launch_before_has_woken) {
  bool slept = false;
  calls.after = [&](const std::string& name) {
    if (name != "head" || std::exchange(slept, true)) return;
    clock.advance(Seconds{1'200});
    auto file = file_of(k_old);
    file.made += Seconds{700};
    calls.kept["curfew/jobs/" + std::string(k_old) + "/launch.json"] = {to_json(file), "y", Seconds{}};
  };
  const auto done = launch_for_long();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("it goes on by itself"), std::string::npos) << done.error().text();
  EXPECT_TRUE(calls.requests.empty());
  EXPECT_TRUE(claim().given_up);
}

// It slept, somebody launched it again: what it held isn't free by that.
TEST_F(RetrySequence, keeps_its_claim_where_it_was_launched_again_itself) {
  the_plan.wishes.wait_capacity = Seconds{3'600};
  calls.failures["run g5.xlarge"] = {k_no_capacity};
  calls.after = [&](const std::string& name) {
    if (name != "run") return;
    clock.advance(Seconds{1'000});
    calls.kept[claim_place(k_staging, k_id).key] = {to_json(Claim{id_of(9), k_now, 1, false}), "x",
                                                    Seconds{}};
  };
  const auto done = launch_for_long();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find(id_of(9)), std::string::npos) << done.error().text();
  EXPECT_EQ(calls.requests.size(), 1U);
  EXPECT_FALSE(claim().given_up);
}

TEST_F(SequenceTest, goes_on_where_nobody_may_look_whether_it_was_launched_again) {
  the_plan.wishes.wait_capacity = Seconds{3'600};
  calls.failures["run g5.xlarge"] = {k_no_capacity};
  for (int i = 0; i < 20; ++i) calls.failures["read " + claim_place(k_staging, k_id).key].push_back(k_denied);
  bool waited = false;
  calls.after = [&](const std::string& name) {
    if (name == "run" && !std::exchange(waited, true)) clock.advance(Seconds{1'000});
  };
  const auto done = curfew::test::run(launch(world(), the_plan, package, renewal()));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_EQ(calls.requests.size(), 2U);
}

TEST_F(RetrySequence, keeps_it_where_something_may_have_been_made) {
  for (int i = 0; i < 100; ++i) calls.failures["run g5.xlarge"].push_back(k_lost);
  EXPECT_FALSE(launch_it());
  EXPECT_FALSE(claim().given_up);
}

TEST_F(SequenceTest, asks_no_more_where_it_was_launched_again_while_it_waited) {
  the_plan.wishes.wait_capacity = Seconds{3'600};
  calls.failures["run g5.xlarge"] = {k_no_capacity};
  // By somebody who saw nothing of it for long enough.
  calls.after = [&](const std::string& name) {
    if (name != "run") return;
    clock.advance(Seconds{1'000});
    const auto key = claim_place(k_staging, k_id).key;
    calls.kept[key] = {to_json(Claim{id_of(9), k_now, 1, false}), "x", Seconds{}};
  };
  const auto done = curfew::test::run(launch(world(), the_plan, package, renewal()));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find(id_of(9)), std::string::npos) << done.error().text();
  EXPECT_EQ(calls.requests.size(), 1U);
}

TEST_F(SequenceTest, does_not_send_a_call_again_hours_later) {
  calls.failures["run g5.xlarge"] = {k_lost};
  bool slept = false;
  calls.after = [&](const std::string& name) {
    if (name == "run" && !std::exchange(slept, true)) clock.advance(Seconds{3'600});
  };
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_EQ(calls.requests.size(), 1U);
  EXPECT_NE(done.error().text().find("isn't known"), std::string::npos) << done.error().text();
}

}  // namespace
}  // namespace curfew::launch::test
