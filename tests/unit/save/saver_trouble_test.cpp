// Saves that don't go well: S3 refuses, is deaf or forgets, files change, time runs out, the guard dies.
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "os/files.hpp"
#include "unit/save/bench.hpp"

namespace curfew::save {
namespace {

bool is(const FakeS3::Call& call, std::string_view name) { return call.name == name; }

// Refuses the first `times` calls of a name.
auto first(int times, std::string name, Error error) {
  return [left = std::make_shared<int>(times), name = std::move(name),
          error = std::move(error)](const FakeS3::Call& call) -> std::optional<Error> {
    if (!is(call, name) || *left == 0) return std::nullopt;
    --*left;
    return error;
  };
}

void grow(const std::string& path, std::string_view more) { std::ofstream(path, std::ios::app) << more; }

TEST(SaveTrouble, nothing_made_is_a_failure_and_holds_up_nothing) {
  Bench bench;
  bench.folder.write("out/a", "x");
  const auto summary = bench.save(bench.options({"model=s3://bucket/m", "out=s3://bucket/run"}));
  EXPECT_FALSE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, 1U);
  ASSERT_EQ(summary.failed.count, 1U);
  EXPECT_EQ(summary.failed.first[0].path, "model");
  EXPECT_EQ(summary.failed.first[0].reason, "nothing was made at " + bench.folder.at("model"));
}

TEST(SaveTrouble, what_is_unavailable_is_tried_again) {
  Bench bench;
  bench.s3.refuse = first(30, "put", FakeS3::unavailable());
  for (int i = 0; i < 20; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  const auto summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(bench.s3.count("put"), 50);
}

TEST(SaveTrouble, parts_that_are_unavailable_are_tried_again) {
  Bench bench;
  bench.folder.write_sparse("out/large", 40U << 20U);
  for (const std::string name : {"start", "part", "complete"}) {
    bench.s3.objects.clear();
    bench.s3.refuse = first(3, name, FakeS3::unavailable());
    EXPECT_TRUE(bench.save().all_saved()) << name;
    EXPECT_EQ(bench.s3.objects.size(), 1U);
    EXPECT_TRUE(bench.s3.unfinished.empty());
  }
}

TEST(SaveTrouble, credentials_that_come_late_are_waited_for) {
  Bench bench;
  bench.s3.refuse = first(12, "put", FakeS3::denied());
  for (int i = 0; i < 100; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  EXPECT_TRUE(bench.save().all_saved());
}

TEST(SaveTrouble, credentials_that_never_come_are_not_waited_for_long) {
  Bench bench;
  bench.s3.refuse = [](const FakeS3::Call&) -> std::optional<Error> { return FakeS3::denied(); };
  for (int i = 0; i < 1000; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  const auto began = std::chrono::steady_clock::now();
  const auto summary = bench.save();
  EXPECT_EQ(summary.failed.count, 1000U);
  EXPECT_EQ(summary.failed.first.size(), Notes::k_kept);
  EXPECT_NE(summary.failed.first[0].reason.find("Access Denied"), std::string::npos);
  EXPECT_FALSE(summary.limit_hit);
  EXPECT_LT(bench.s3.count("put"), 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(SaveTrouble, one_key_that_is_refused_holds_up_no_other) {
  Bench bench;
  bench.s3.refuse = [](const FakeS3::Call& call) -> std::optional<Error> {
    if (is(call, "put") && call.place.ends_with("/7")) return FakeS3::denied();
    return std::nullopt;
  };
  for (int i = 0; i < 50; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  const auto summary = bench.save();
  EXPECT_EQ(summary.saved_files, 49U);
  ASSERT_EQ(summary.failed.count, 1U);
  EXPECT_EQ(summary.failed.first[0].path, "out/7");
}

TEST(SaveTrouble, a_bucket_that_is_not_there_is_given_up_at_once) {
  Bench bench;
  for (int i = 0; i < 500; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  const auto summary = bench.save(bench.options({"out=s3://buckett/run", "out=s3://bucket/run"}));
  EXPECT_EQ(summary.saved_files, 500U);
  EXPECT_EQ(summary.failed.count, 500U);
  const auto wrong = std::count_if(bench.s3.calls.begin(), bench.s3.calls.end(),
                                   [](const auto& call) { return call.place.starts_with("buckett/"); });
  EXPECT_LT(wrong, 20);
}

TEST(SaveTrouble, bytes_that_change_on_their_way_are_sent_again) {
  Bench bench;
  bench.folder.write("out/small", "text");
  bench.folder.write("out/medium", std::string(200'000, 'm'));
  bench.folder.write_sparse("out/large", 20U << 20U);
  int left = 3;
  bench.s3.corrupt = [&](const FakeS3::Call&) { return left-- > 0; };
  EXPECT_TRUE(bench.save().all_saved());
  EXPECT_EQ(bench.content("run/small"), "text");

  bench.s3.corrupt = [](const FakeS3::Call& call) { return call.place.ends_with("small"); };
  bench.folder.write("out/small", "TEXT", 10);
  const auto summary = bench.save();
  EXPECT_EQ(summary.failed.count, 1U);
  EXPECT_NE(summary.failed.first.at(0).reason.find("checksum"), std::string::npos);
  EXPECT_EQ(bench.content("run/small"), "text");
}

TEST(SaveTrouble, answers_that_get_lost_cost_no_file_and_leave_no_upload) {
  for (const std::string name : {"put", "start", "part", "complete"}) {
    Bench bench;
    bench.keep_manifest();
    bench.folder.write("out/small", "text");
    bench.folder.write_sparse("out/large", 20U << 20U);
    int left = 1;
    bench.s3.lose_answer = [&](const FakeS3::Call& call) { return is(call, name) && left-- > 0; };
    EXPECT_TRUE(bench.save().all_saved()) << name;
    EXPECT_EQ(bench.s3.objects.size(), 2U);
    EXPECT_EQ(bench.save().unchanged_files, 2U) << name;
    EXPECT_TRUE(bench.s3.unfinished.empty()) << name;
    EXPECT_TRUE(Manifest::load(bench.manifest)->leftovers().empty()) << name;
  }
}

TEST(SaveTrouble, a_file_that_changes_is_sent_again) {
  for (const std::uint64_t size : {5U, 100'000U, 20U << 20U}) {
    Bench bench;
    bench.keep_manifest();
    bench.folder.write_sparse("out/log", size);
    int left = 1;
    bench.s3.while_sending = [&](const FakeS3::Call&) {
      if (left-- > 0) grow(bench.folder.at("out/log"), "more");
    };
    const auto summary = bench.save();
    EXPECT_TRUE(summary.all_saved());
    EXPECT_EQ(summary.saved_files, 1U);
    EXPECT_EQ(summary.saved_bytes, size + 4);
    EXPECT_EQ(summary.changing.count, 0U);
    EXPECT_EQ(bench.s3.objects.at("bucket/run/log").size, size + 4);
    EXPECT_TRUE(bench.s3.unfinished.empty());
  }
}

TEST(SaveTrouble, a_file_that_never_stops_changing_is_stored_and_said) {
  for (const std::uint64_t size : {5U, 100'000U, 20U << 20U}) {
    Bench bench;
    bench.keep_manifest();
    bench.folder.write_sparse("out/log", size);
    bench.s3.while_sending = [&](const FakeS3::Call&) { grow(bench.folder.at("out/log"), "more"); };
    const auto summary = bench.save();
    EXPECT_TRUE(summary.all_saved());
    ASSERT_EQ(summary.changing.count, 1U) << size;
    EXPECT_EQ(summary.changing.first[0].path, "out/log");
    EXPECT_GE(bench.s3.objects.at("bucket/run/log").size, size);
    EXPECT_TRUE(bench.s3.unfinished.empty());
    bench.s3.while_sending = nullptr;
    bench.clock.skipped = 24h * 365 * 20;
    EXPECT_EQ(bench.save().saved_files, 1U);  // the manifest claims nothing
    EXPECT_EQ(bench.save().unchanged_files, 1U);
  }
}

TEST(SaveTrouble, a_file_that_shrinks_is_sent_again) {
  for (const std::uint64_t size : {100'000U, 20U << 20U}) {
    Bench bench;
    bench.folder.write_sparse("out/file", size);
    int left = 1;
    bench.s3.while_sending = [&](const FakeS3::Call&) {
      if (left-- > 0) {
        EXPECT_EQ(::truncate(bench.folder.at("out/file").c_str(), 7), 0);
      }
    };
    const auto summary = bench.save();
    EXPECT_TRUE(summary.all_saved()) << size;
    EXPECT_EQ(bench.s3.objects.at("bucket/run/file").size, 7U);
    EXPECT_TRUE(bench.s3.unfinished.empty());
  }
}

TEST(SaveTrouble, a_file_that_vanishes_is_said) {
  Bench bench;
  bench.folder.write("out/checkpoint", std::string(100'000, 'x'));
  bench.folder.write("out/temporary", "x", 100'000);
  auto options = bench.options();
  options.parallel = 1;
  bench.s3.while_sending = [&](const FakeS3::Call&) { std::filesystem::remove_all(bench.folder.at("out")); };
  const auto summary = bench.save(options);
  EXPECT_EQ(summary.saved_files, 1U);
  ASSERT_EQ(summary.changing.count, 1U);
  EXPECT_EQ(summary.changing.first[0].path, "out/checkpoint");
  ASSERT_EQ(summary.skipped.count, 1U);
  EXPECT_EQ(summary.skipped.first[0].path, "out/temporary");
}

TEST(SaveTrouble, a_file_that_can_not_be_read_fails_alone) {
  Bench bench;
  bench.folder.write("out/fine", "x");
  bench.folder.write("out/turns-into-a-link", "x");
  bench.folder.write("secret", "s");
  bench.s3.refuse = [&](const FakeS3::Call& call) -> std::optional<Error> {
    if (!is(call, "head") || !call.place.ends_with("link")) return std::nullopt;
    std::filesystem::remove(bench.folder.at("out/turns-into-a-link"));
    bench.folder.link("out/turns-into-a-link", "../secret");
    return std::nullopt;
  };
  const auto summary = bench.save();
  EXPECT_EQ(summary.saved_files, 1U);
  EXPECT_EQ(summary.failed.count, 1U);
  EXPECT_EQ(bench.s3.objects.size(), 1U);
}

// Runs the save until `now` holds, does `act`, and returns the summary, which must come within a second.
template <class Now, class Act>
Summary interrupted(Bench& bench, Saver& saver, Now now, Act act) {
  const auto summary = bench.start(saver);
  EXPECT_TRUE(bench.until(now));
  EXPECT_FALSE(summary->has_value());
  const auto began = std::chrono::steady_clock::now();
  act();
  EXPECT_TRUE(bench.until([&] { return summary->has_value(); }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  return summary->value_or(Summary{});
}

TEST(SaveTrouble, cancelled_amid_an_upload_it_aborts_it_and_says_what_is_missing) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write_sparse("out/large", 100U << 20U, 10);
  bench.folder.write("out/done", "x");
  bench.folder.write_sparse("out/later", 100U << 20U, 1000);
  bench.s3.mood = [](const FakeS3::Call& call) {
    return call.part == 5 ? FakeS3::Mood::deaf : FakeS3::Mood::fine;
  };
  Saver saver(bench.io->get_executor(), bench.s3, bench.clock, bench.options());
  const auto summary = interrupted(
      bench, saver,
      [&] {
        // Until the saver knows of the small file as well, which a slow build may come to later.
        const auto manifest = os::read_file(bench.manifest);
        return manifest && manifest->find("done") != std::string::npos &&
               std::any_of(bench.s3.calls.begin(), bench.s3.calls.end(),
                           [](const auto& call) { return call.part == 5; });
      },
      [&] { saver.cancel(); });
  EXPECT_TRUE(summary.cancelled);
  EXPECT_FALSE(summary.limit_hit);
  EXPECT_FALSE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, 1U);
  EXPECT_EQ(summary.failed.count, 2U);
  EXPECT_EQ(summary.failed.bytes, 200U << 20U);
  EXPECT_EQ(summary.failed.first[0].path, "out/large");
  EXPECT_EQ(summary.failed.first[0].reason, "saving was cut short");
  EXPECT_TRUE(bench.s3.unfinished.empty());
}

TEST(SaveTrouble, cancelled_as_a_coroutine_it_ends_in_order_too) {
  Bench bench;
  bench.folder.write_sparse("out/large", 100U << 20U);
  bench.s3.mood = [](const FakeS3::Call& call) {
    return call.part == 5 ? FakeS3::Mood::deaf : FakeS3::Mood::fine;
  };
  Saver saver(bench.io->get_executor(), bench.s3, bench.clock, bench.options());
  boost::asio::cancellation_signal signal;
  std::optional<Summary> summary;
  boost::asio::co_spawn(
      *bench.io, saver.save(),
      boost::asio::bind_cancellation_slot(signal.slot(), [&](const std::exception_ptr& thrown, Summary done) {
        EXPECT_FALSE(thrown);
        summary = std::move(done);
      }));
  EXPECT_TRUE(bench.until([&] { return bench.s3.count("part") > 5; }));
  signal.emit(boost::asio::cancellation_type::terminal);
  EXPECT_TRUE(bench.until([&] { return summary.has_value(); }));
  EXPECT_TRUE(summary->cancelled);
  EXPECT_EQ(summary->failed.count, 1U);
  EXPECT_TRUE(bench.s3.unfinished.empty());
}

TEST(SaveTrouble, cancelled_before_it_begins_it_does_nothing) {
  Bench bench;
  bench.folder.write("out/a", "x");
  Saver saver(bench.io->get_executor(), bench.s3, bench.clock, bench.options());
  saver.cancel();
  const auto summary = bench.start(saver);
  EXPECT_TRUE(bench.until([&] { return summary->has_value(); }));
  EXPECT_TRUE((*summary)->cancelled);
  EXPECT_EQ((*summary)->failed.count, 1U);
  EXPECT_TRUE(bench.s3.calls.empty());
}

TEST(SaveTrouble, the_limit_cuts_it_and_names_the_reason_before) {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.folder.write("out/" + std::to_string(i), "text", 100 + i);
  bench.s3.refuse = [](const FakeS3::Call& call) -> std::optional<Error> {
    if (is(call, "put") && !call.place.ends_with("/0")) return FakeS3::unavailable();
    return std::nullopt;
  };
  auto options = bench.options();
  options.pace.longest_delay = 1h;
  options.pace.first_delay = 1h;
  std::uint64_t done = 0;
  options.progress = [&](const Progress& progress) {
    done = progress.phase == Phase::sending ? progress.files_done : 0;
  };
  Saver saver(bench.io->get_executor(), bench.s3, bench.clock, options);
  const auto summary = interrupted(
      bench, saver, [&] { return bench.s3.count("put") >= 9 && done == 1; },
      [&] { bench.clock.skipped += 1h; });
  EXPECT_TRUE(summary.limit_hit);
  EXPECT_EQ(summary.saved_files, 1U);
  EXPECT_EQ(summary.failed.count, 99U);
  EXPECT_NE(summary.failed.first[0].reason.find("the limit for saving ran out; before that: "),
            std::string::npos);
  EXPECT_NE(summary.failed.first[0].reason.find("Slow down"), std::string::npos);
  EXPECT_EQ(summary.failed.first.back().reason, "the limit for saving ran out");
}

TEST(SaveTrouble, a_limit_that_has_passed_sends_nothing) {
  Bench bench;
  bench.folder.write("out/a", "x");
  auto options = bench.options();
  options.until = bench.clock.boot();
  const auto summary = bench.save(options);
  EXPECT_TRUE(summary.limit_hit);
  EXPECT_FALSE(summary.all_saved());
  EXPECT_TRUE(bench.s3.calls.empty());
}

TEST(SaveTrouble, an_s3_that_never_answers_takes_no_more_than_the_limit) {
  for (const auto mood : {FakeS3::Mood::deaf, FakeS3::Mood::stubborn}) {
    for (const int files : {3, 30}) {
      Bench bench;
      bench.keep_manifest();
      for (int i = 0; i < files; ++i) bench.folder.write("out/" + std::to_string(i), "text");
      bench.folder.write_sparse("out/large", 20U << 20U);
      bench.s3.mood = [mood](const FakeS3::Call&) { return mood; };
      Saver saver(bench.io->get_executor(), bench.s3, bench.clock, bench.options());
      const auto summary = interrupted(
          bench, saver, [&] { return !bench.s3.calls.empty(); }, [&] { bench.clock.skipped += 1h; });
      EXPECT_TRUE(summary.limit_hit);
      EXPECT_EQ(summary.failed.count, static_cast<std::uint64_t>(files) + 1);
    }
  }
}

TEST(SaveTrouble, a_listing_that_never_ends_takes_a_tenth_of_the_time) {
  Bench bench;
  for (int i = 0; i < 30; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  bench.s3.mood = [](const FakeS3::Call& call) {
    return is(call, "list") ? FakeS3::Mood::deaf : FakeS3::Mood::fine;
  };
  auto options = bench.options();
  options.until = bench.clock.boot() + 20s;
  Saver saver(bench.io->get_executor(), bench.s3, bench.clock, options);
  const auto summary = interrupted(
      bench, saver, [&] { return bench.s3.count("list") == 1; }, [&] { bench.clock.skipped += 2s; });
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, 30U);
}

TEST(SaveTrouble, what_a_dead_guard_left_behind_is_aborted_by_the_next) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write("out/done", "x");
  bench.folder.write_sparse("out/large", 40U << 20U);
  bench.s3.unfinished["somebody-elses"] = {{"bucket", "run/other"}, {}, {}};
  bench.s3.mood = [](const FakeS3::Call& call) {
    return call.part == 3 ? FakeS3::Mood::deaf : FakeS3::Mood::fine;
  };
  {
    Saver saver(bench.io->get_executor(), bench.s3, bench.clock, bench.options());
    const auto summary = bench.start(saver);
    EXPECT_TRUE(bench.until([&] { return bench.s3.count("part") >= 4 && bench.s3.objects.size() == 1; }));
    // What it had stored by now is in the manifest a tick later.
    EXPECT_TRUE(bench.until([&] { return Manifest::load(bench.manifest)->size() == 1; }));
  }
  bench.io = std::make_unique<boost::asio::io_context>();  // the guard dies
  ASSERT_EQ(bench.s3.unfinished.size(), 2U);
  bench.s3.mood = nullptr;
  bench.s3.calls.clear();
  const auto summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, 1U);
  EXPECT_EQ(summary.unchanged_files, 1U);
  EXPECT_EQ(bench.s3.count("abort"), 1);
  EXPECT_EQ(bench.s3.unfinished.size(), 1U);
  EXPECT_TRUE(bench.s3.unfinished.contains("somebody-elses"));
}

TEST(SaveTrouble, an_abort_that_fails_is_made_up_for_by_the_next_save) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write_sparse("out/large", 40U << 20U);
  bench.s3.mood = [](const FakeS3::Call& call) {
    return call.part == 3 || is(call, "abort") ? FakeS3::Mood::stubborn : FakeS3::Mood::fine;
  };
  Saver saver(bench.io->get_executor(), bench.s3, bench.clock, bench.options());
  interrupted(
      bench, saver, [&] { return bench.s3.count("part") >= 4; }, [&] { saver.cancel(); });
  EXPECT_EQ(bench.s3.unfinished.size(), 1U);
  bench.s3.mood = nullptr;
  EXPECT_TRUE(bench.save().all_saved());
  EXPECT_TRUE(bench.s3.unfinished.empty());
}

TEST(SaveTrouble, a_manifest_that_can_not_be_kept_is_a_warning) {
  Bench bench;
  bench.manifest = bench.folder.at("no/such/saved.jsonl");
  bench.folder.write("out/a", "x");
  auto summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.warnings.size(), 1U);
  bench.manifest = bench.folder.at("out");  // can't even be read
  summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  EXPECT_GE(summary.warnings.size(), 1U);
}

}  // namespace
}  // namespace curfew::save
