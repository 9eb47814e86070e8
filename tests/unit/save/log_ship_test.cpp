// Logs on their way to S3, in parts.
#include "save/log_ship.hpp"

#include <fstream>

#include "save/log_ship_state.hpp"
#include "unit/save/bench.hpp"

namespace curfew::save {
namespace {

constexpr const char* k_key = "run/_curfew/i-1/20261124T000000Z/";

TEST(LogPlace, is_below_the_prefix_and_beside_a_single_file) {
  const WallTime started{Seconds{1'795'478'400}};
  struct Case {
    const char* target;
    SourceKind kind;
    const char* place;
  };
  const std::vector<Case> cases{
      {"out=s3://bucket/run", SourceKind::folder, "run/_curfew/"},
      {"out=s3://bucket/run/", SourceKind::folder, "run/_curfew/"},
      {"out=s3://bucket", SourceKind::folder, "_curfew/"},
      {"m.pt=s3://bucket/run/m.pt", SourceKind::file, "run/_curfew/"},
      {"m.pt=s3://bucket/run/", SourceKind::file, "run/_curfew/"},
      {"m.pt=s3://bucket/m.pt", SourceKind::file, "_curfew/"},
      {"m.pt=s3://bucket", SourceKind::file, "_curfew/"},
      {"out/m.pt=s3://bucket/run/m.pt", SourceKind::unknown, "run/_curfew/"},
      {"out=s3://bucket/run/out", SourceKind::unknown, "run/out/_curfew/"},
      {"v1.2/=s3://bucket/run/v1.2", SourceKind::unknown, "run/v1.2/_curfew/"},
      {".cache=s3://bucket/.cache", SourceKind::unknown, ".cache/_curfew/"},
  };
  for (const auto& test : cases) {
    const auto place = log_place(parse_target(test.target).value(), test.kind, "i-1", started);
    EXPECT_EQ(place.text(), std::string("s3://bucket/") + test.place + "i-1/20261124T000000Z/")
        << test.target;
  }
  const auto odd = [&](std::string_view who) {
    return log_place({"out", {"b", "p"}}, SourceKind::folder, who, started).key;
  };
  EXPECT_EQ(odd("a/b c\xff"), "p/_curfew/a_b_c_/20261124T000000Z/");
  EXPECT_EQ(odd(".."), "p/_curfew/unknown/20261124T000000Z/");
  EXPECT_EQ(odd(""), "p/_curfew/unknown/20261124T000000Z/");
  EXPECT_EQ(odd(std::string(500, 'x')).size(), 10 + 64 + 18U);
}

struct Ship : Bench {
  LogShipOptions ship_options() const {
    LogShipOptions out;
    out.to = {"bucket", k_key};
    out.sources = {{"guard", folder.at("guard.log")}, {"output", folder.at("output.log")}};
    out.state_path = folder.at("logs.json");
    out.every = 10min;
    out.retry = 5ms;
    return out;
  }
  std::unique_ptr<LogShip> make() {
    return std::make_unique<LogShip>(io->get_executor(), s3, clock, ship_options());
  }
  void add(std::string_view name, std::string_view text) const {
    std::ofstream(folder.at(std::string(name) + ".log"), std::ios::app | std::ios::binary) << text;
  }
  std::shared_ptr<std::optional<Shipped>> begin(net::Awaitable<Shipped> what) {
    auto out = std::make_shared<std::optional<Shipped>>();
    boost::asio::co_spawn(*io, std::move(what), [out](const std::exception_ptr& thrown, Shipped shipped) {
      if (!thrown) *out = std::move(shipped);
    });
    return out;
  }
  Shipped wait(net::Awaitable<Shipped> what) {
    const auto out = begin(std::move(what));
    EXPECT_TRUE(until([&] { return out->has_value(); }));
    return out->value_or(Shipped{});
  }
  std::string part(const std::string& name) const { return content(k_key + name + ".log"); }
};

TEST(LogShip, sends_what_was_appended_once_a_period_is_over) {
  Ship bench;
  const auto ship = bench.make();
  bench.add("output", "one\n");
  EXPECT_EQ(bench.wait(ship->ship()).parts, 0U);
  bench.clock.skipped += 10min;
  auto shipped = bench.wait(ship->ship());
  EXPECT_EQ(shipped.parts, 1U);
  EXPECT_EQ(shipped.bytes, 4U);
  EXPECT_TRUE(shipped.all);
  EXPECT_FALSE(shipped.alert);
  bench.add("output", "two\nthr");
  bench.add("guard", "decided\n");
  bench.clock.skipped += 10min;
  EXPECT_EQ(bench.wait(ship->ship()).parts, 2U);
  EXPECT_EQ(bench.wait(ship->ship()).parts, 0U);
  bench.add("output", "ee\n");
  shipped = bench.wait(ship->finish(bench.clock.boot() + 10s));
  EXPECT_TRUE(shipped.all);
  EXPECT_EQ(bench.part("output-000001"), "one\n");
  EXPECT_EQ(bench.part("output-000002"), "two\n");
  EXPECT_EQ(bench.part("output-000003"), "three\n");
  EXPECT_EQ(bench.part("guard-000001"), "decided\n");
  EXPECT_EQ(bench.s3.objects.size(), 4U);
}

TEST(LogShip, sends_a_mebibyte_at_once_and_much_in_many_parts) {
  Ship bench;
  bench.s3.keep_up_to = 64U << 20U;
  const auto ship = bench.make();
  std::string all;
  while (all.size() < (10U << 20U)) all += "line " + std::to_string(all.size()) + "\n";
  bench.add("output", all);
  EXPECT_EQ(bench.wait(ship->ship()).parts, 3U);
  std::string got;
  for (int i = 1; i <= 3; ++i) got += bench.part("output-00000" + std::to_string(i));
  EXPECT_EQ(got, all);
}

TEST(LogShip, goes_on_where_the_last_guard_was) {
  Ship bench;
  auto ship = bench.make();
  bench.add("output", "one\n");
  bench.wait(ship->finish(bench.clock.boot() + 10s));
  ship.reset();
  std::filesystem::rename(bench.folder.at("output.log"), bench.folder.at("output.log.1"));
  bench.add("output", "two\n");
  EXPECT_TRUE(bench.wait(bench.make()->finish(bench.clock.boot() + 10s)).all);
  EXPECT_EQ(bench.part("output-000001"), "one\n");
  EXPECT_EQ(bench.part("output-000002"), "two\n");
}

TEST(LogShip, of_another_job_begins_anew) {
  Ship bench;
  bench.folder.write("logs.json", to_json(LogShipState{{"bucket", "run/_curfew/i-1/20261123T000000Z/"},
                                                       {{"output", {1, 2, 3, "x"}, 7}}}));
  bench.add("output", "one\n");
  EXPECT_TRUE(bench.wait(bench.make()->finish(bench.clock.boot() + 10s)).all);
  EXPECT_EQ(bench.part("output-000001"), "one\n");
}

TEST(LogShip, overwrites_nothing_where_it_can_not_know_how_far_it_got) {
  Ship bench;
  bench.add("output", "one\n");
  bench.wait(bench.make()->finish(bench.clock.boot() + 10s));
  bench.folder.write("logs.json", "{\"bucket\":");
  bench.add("output", "two\n");
  const auto shipped = bench.wait(bench.make()->finish(bench.clock.boot() + 10s));
  EXPECT_TRUE(shipped.alert);
  EXPECT_EQ(bench.part("output-000001"), "one\n");
  EXPECT_EQ(bench.part("after-20261124T000000Z/output-000001"), "one\ntwo\n");
  bench.add("output", "three\n");
  EXPECT_FALSE(bench.wait(bench.make()->finish(bench.clock.boot() + 10s)).alert);
  EXPECT_EQ(bench.part("after-20261124T000000Z/output-000002"), "three\n");
}

TEST(LogShip, says_once_that_it_fails_and_once_that_it_works_again_and_sends_all) {
  Ship bench;
  const auto ship = bench.make();
  bool refuse = true;
  bench.s3.refuse = [&](const FakeS3::Call&) -> std::optional<Error> {
    if (refuse) return FakeS3::denied();
    return std::nullopt;
  };
  bench.add("output", "one\n");
  bench.clock.skipped += 10min;
  EXPECT_TRUE(bench.wait(ship->ship()).alert);
  bench.add("output", "two\n");
  auto shipped = bench.wait(ship->ship());
  EXPECT_TRUE(shipped.error);
  EXPECT_FALSE(shipped.alert);
  refuse = false;
  shipped = bench.wait(ship->ship());
  EXPECT_EQ(shipped.alert, "the logs are sent to S3 again");
  bench.wait(ship->finish(bench.clock.boot() + 10s));
  EXPECT_EQ(bench.part("output-000001"), "one\n");
  EXPECT_EQ(bench.part("output-000002"), "two\n");
}

TEST(LogShip, at_the_end_tries_again_what_is_unavailable_but_not_what_is_refused) {
  Ship bench;
  int left = 5;
  bench.s3.refuse = [&](const FakeS3::Call&) -> std::optional<Error> {
    if (left-- > 0) return FakeS3::unavailable();
    return std::nullopt;
  };
  bench.add("output", "one\n");
  EXPECT_TRUE(bench.wait(bench.make()->finish(bench.clock.boot() + 10s)).all);
  EXPECT_EQ(bench.part("output-000001"), "one\n");
  bench.s3.refuse = [](const FakeS3::Call&) -> std::optional<Error> { return FakeS3::denied(); };
  bench.s3.calls.clear();
  bench.add("output", "two\n");
  const auto shipped = bench.wait(bench.make()->finish(bench.clock.boot() + 1h));
  EXPECT_FALSE(shipped.all);
  EXPECT_TRUE(shipped.alert);
  EXPECT_EQ(bench.s3.calls.size(), 1U);
}

TEST(LogShip, at_the_end_takes_no_longer_than_it_may) {
  for (const auto mood : {FakeS3::Mood::deaf, FakeS3::Mood::stubborn}) {
    Ship bench;
    bench.s3.mood = [&](const FakeS3::Call&) { return mood; };
    bench.add("output", "one\n");
    const auto ship = bench.make();
    const auto out = bench.begin(ship->finish(bench.clock.boot() + 1h));
    EXPECT_TRUE(bench.until([&] { return !bench.s3.calls.empty(); }));
    EXPECT_FALSE(out->has_value());
    bench.clock.skipped += 1h;
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(bench.until([&] { return out->has_value(); }));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
    EXPECT_FALSE((*out)->all);
    EXPECT_TRUE((*out)->error);
  }
}

TEST(LogShip, at_the_end_sends_again_what_hangs) {
  for (const auto mood : {FakeS3::Mood::deaf, FakeS3::Mood::stubborn}) {
    Ship bench;
    bool hang = true;
    bench.s3.mood = [&](const FakeS3::Call&) { return hang ? mood : FakeS3::Mood::fine; };
    bench.add("output", "one\n");
    const auto ship = bench.make();
    bench.clock.skipped += 10min;
    const auto hanging = bench.begin(ship->ship());
    EXPECT_TRUE(bench.until([&] { return !bench.s3.calls.empty(); }));
    EXPECT_EQ(bench.wait(ship->ship()).parts, 0U);  // never two at once
    hang = false;
    bench.add("output", "two\n");
    const auto out = bench.begin(ship->finish(bench.clock.boot() + 1h));
    for (int i = 0; i < 10; ++i) bench.io->run_one_for(10ms);
    EXPECT_FALSE(out->has_value());
    bench.clock.skipped += 31min;  // half of it
    EXPECT_TRUE(bench.until([&] { return out->has_value(); }));
    EXPECT_TRUE((*out)->all);
    EXPECT_EQ(bench.part("output-000001"), "one\n");
    EXPECT_EQ(bench.part("output-000002"), "two\n");
  }
}

TEST(LogShip, without_a_place_for_its_state_says_so_and_goes_on) {
  Ship bench;
  auto options = bench.ship_options();
  options.state_path = bench.folder.at("no/such/logs.json");
  bench.add("output", "one\n");
  LogShip ship(bench.io->get_executor(), bench.s3, bench.clock, options);
  const auto shipped = bench.wait(ship.finish(bench.clock.boot() + 1h));
  EXPECT_EQ(shipped.parts, 1U);
  EXPECT_TRUE(shipped.alert);
}

TEST(LogShipState, survives_its_own_json_and_nothing_else) {
  const LogShipState state{{"b", "k/"}, {{"output", {~0ULL, ~0ULL - 1, 1ULL << 40U, "head"}, 12}}};
  const auto back = log_ship_state_from_json(to_json(state));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(to_json(*back), to_json(state));
  for (const char* bad :
       {"", "[]", "{}", "{\"bucket\":\"b\",\"key\":\"k\",\"sources\":[1]}",
        "{\"bucket\":\"b\",\"key\":\"k\",\"sources\":[{\"name\":\"o\",\"device\":1,\"inode\":1,"
        "\"offset\":-1,\"head\":\"\",\"part\":1}]}",
        "{\"bucket\":\"b\",\"key\":\"k\",\"sources\":[{\"name\":\"o\",\"device\":1,\"inode\":1,"
        "\"offset\":1,\"head\":\"\",\"part\":0}]}"})
    EXPECT_FALSE(log_ship_state_from_json(bad)) << bad;
}

}  // namespace
}  // namespace curfew::save
