// Saves that go well: what is sent, what is left alone, in what order, with how much memory.
#include "save/saver.hpp"

#include <fstream>

#include "unit/save/bench.hpp"

namespace curfew::save {
namespace {

std::string pattern(std::size_t size, char seed = 'a') {
  std::string text(size, seed);
  for (std::size_t i = 0; i < size; i += 997) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

TEST(Save, stores_files_under_their_keys_with_their_mtime) {
  Bench bench;
  bench.folder.write("out/model.pt", "weights");
  bench.folder.write("out/logs/a.txt", "log");
  bench.folder.write("out/empty", "");
  bench.folder.write("metrics.json", "{}");
  const auto summary =
      bench.save(bench.options({"out/=s3://bucket/run", "metrics.json=s3://bucket/run/m.json"}));
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, 4U);
  EXPECT_EQ(summary.saved_bytes, 12U);
  EXPECT_EQ(bench.s3.objects.size(), 4U);
  EXPECT_EQ(bench.content("run/model.pt"), "weights");
  EXPECT_EQ(bench.content("run/logs/a.txt"), "log");
  EXPECT_EQ(bench.content("run/empty"), "");
  EXPECT_EQ(bench.content("run/m.json"), "{}");
  const aws::Metadata expected{{"curfew-mtime", "1795474800.000000001"}};
  EXPECT_EQ(bench.s3.objects.at("bucket/run/model.pt").metadata, expected);
}

TEST(Save, sends_only_what_changed) {
  Bench bench;
  bench.keep_manifest();
  for (int i = 0; i < 20; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  EXPECT_EQ(bench.save().saved_files, 20U);
  bench.s3.calls.clear();
  auto summary = bench.save();
  EXPECT_EQ(summary.saved_files, 0U);
  EXPECT_EQ(summary.unchanged_files, 20U);
  EXPECT_EQ(bench.s3.count("put") + bench.s3.count("head"), 0);
  EXPECT_EQ(bench.s3.count("list"), 1);

  bench.folder.write("out/3", "TEXT", 60);  // same size
  bench.folder.write("out/4", "longer");    // same mtime
  bench.folder.write("out/20", "new");
  std::filesystem::rename(bench.folder.at("out/5"), bench.folder.at("out/21"));
  summary = bench.save();
  EXPECT_EQ(summary.saved_files, 4U);
  EXPECT_EQ(summary.unchanged_files, 17U);
  EXPECT_EQ(bench.content("run/3"), "TEXT");
  EXPECT_EQ(bench.content("run/21"), "text");
}

TEST(Save, without_a_manifest_asks_s3_what_it_has) {
  for (const int files : {3, 30}) {  // by head alone, by list and head
    Bench bench;
    for (int i = 0; i < files; ++i) bench.folder.write("out/" + std::to_string(i), "text");
    bench.save();
    bench.folder.write("out/0", "TEXT", 60);
    bench.folder.write("out/1", "longer");
    bench.s3.calls.clear();
    const auto summary = bench.save();
    EXPECT_EQ(summary.saved_files, 2U);
    EXPECT_EQ(summary.unchanged_files, static_cast<std::uint64_t>(files) - 2);
    EXPECT_EQ(bench.s3.count("list"), files > 8 ? 1 : 0);
    EXPECT_EQ(bench.content("run/0"), "TEXT");
  }
}

TEST(Save, trusts_the_manifest_no_further_than_s3_agrees) {
  for (const int files : {4, 40}) {
    Bench bench;
    bench.keep_manifest();
    for (int i = 0; i < files; ++i) bench.folder.write("out/" + std::to_string(i), "text");
    bench.save();
    bench.s3.objects.erase("bucket/run/1");
    bench.s3.objects["bucket/run/2"].etag = "somebody-elses";
    EXPECT_EQ(bench.save().saved_files, 2U);
    EXPECT_EQ(bench.content("run/1"), "text");
  }
}

TEST(Save, lists_all_pages) {
  Bench bench;
  bench.keep_manifest();
  bench.s3.page = 7;
  for (int i = 0; i < 50; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  bench.save();
  bench.s3.calls.clear();
  EXPECT_EQ(bench.save().unchanged_files, 50U);
  EXPECT_EQ(bench.s3.count("list"), 8);
}

TEST(Save, with_a_role_that_may_only_write_sends_all_once) {
  for (const int files : {4, 40}) {
    Bench bench;
    bench.keep_manifest();
    bench.s3.refuse = [](const FakeS3::Call& call) -> std::optional<Error> {
      if (call.name == "list" || call.name == "head" || call.name == "uploads") return FakeS3::denied();
      return std::nullopt;
    };
    for (int i = 0; i < files; ++i) bench.folder.write("out/" + std::to_string(i), "text");
    auto summary = bench.save();
    EXPECT_TRUE(summary.all_saved());
    EXPECT_TRUE(summary.warnings.empty());
    EXPECT_EQ(bench.s3.count("put"), files);
    summary = bench.save();
    EXPECT_TRUE(summary.all_saved());
    EXPECT_EQ(summary.unchanged_files, static_cast<std::uint64_t>(files));
    EXPECT_EQ(bench.s3.count("put"), files);
  }
}

TEST(Save, sends_again_what_was_too_young_to_be_sure_of) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write("out/young", "text", 0);
  EXPECT_EQ(bench.save().saved_files, 1U);
  EXPECT_EQ(bench.s3.objects.at("bucket/run/young").metadata.at(1).first, "curfew-unsettled");
  bench.clock.skipped += 5s;
  EXPECT_EQ(bench.save().saved_files, 1U);
  EXPECT_EQ(bench.save().unchanged_files, 1U);
}

TEST(Save, sends_large_files_in_parts) {
  Bench bench;
  bench.s3.keep_up_to = 64U << 20U;
  const std::string large = pattern((20U << 20U) + 3);
  const std::string exact = pattern(8U << 20U, 'x');
  const std::string below = pattern((8U << 20U) - 1, 'y');
  bench.folder.write("out/large", large);
  bench.folder.write("out/exact", exact);
  bench.folder.write("out/below", below);
  const auto summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(bench.content("run/large"), large);
  EXPECT_EQ(bench.content("run/exact"), exact);
  EXPECT_EQ(bench.content("run/below"), below);
  EXPECT_EQ(bench.s3.count("part"), 4);
  EXPECT_EQ(bench.s3.count("put"), 1);
  EXPECT_TRUE(bench.s3.unfinished.empty());
  EXPECT_EQ(bench.s3.objects.at("bucket/run/large").metadata.at(0).first, "curfew-mtime");
  EXPECT_EQ(bench.save().unchanged_files, 3U);
}

TEST(Save, round_trips_odd_names) {
  Bench bench;
  bench.keep_manifest();
  const std::string odd = "sp ace/quo\"te's/100%/pl+us&=?#/new\nline/\xc3\xa9\xf0\x9f\x8e\x89";
  bench.folder.write("out/" + odd, "odd");
  bench.folder.write("out/caf\xe9", "latin-1");
  bench.folder.write("out/" + std::string(250, 'n'), "long");
  auto summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(bench.content("run/" + odd), "odd");
  EXPECT_EQ(bench.content("run/caf%E9"), "latin-1");
  EXPECT_EQ(bench.s3.objects.at("bucket/run/caf%E9").metadata.at(1).first, "curfew-escaped");
  EXPECT_EQ(bench.save().unchanged_files, 3U);
}

TEST(Save, says_which_names_s3_does_not_take) {
  Bench bench;
  std::string deep = "out";
  for (int i = 0; i < 5; ++i) deep += "/" + std::string(250, 'd');
  bench.folder.write(deep + "/file", "x");
  bench.folder.write("out/caf\xe9", "1");
  bench.folder.write("out/caf%E9", "2");  // would have the same key
  bench.folder.write("out/fine", "3");
  const auto summary = bench.save();
  EXPECT_EQ(summary.saved_files, 2U);
  EXPECT_EQ(summary.failed.count, 2U);
  EXPECT_FALSE(summary.all_saved());
}

TEST(Save, of_the_same_file_by_two_targets_sends_it_once) {
  Bench bench;
  bench.folder.write("out/a", "x");
  const auto summary =
      bench.save(bench.options({"out=s3://bucket/run", "out/a=s3://bucket/run/a", "out/=s3://bucket/run/"}));
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(bench.s3.count("put"), 1);
}

TEST(Save, goes_newest_first_and_says_so_by_its_order) {
  Bench bench;
  bench.folder.write("out/old", "o", 3000);
  bench.folder.write("out/newest", "n", 10);
  bench.folder.write("out/same-age-large", "nn", 500);
  bench.folder.write("out/same-age-b", "n", 500);
  bench.folder.write("out/same-age-a", "n", 500);
  auto options = bench.options();
  options.parallel = 1;
  bench.save(options);
  std::vector<std::string> order;
  for (const auto& call : bench.s3.calls)
    if (call.name == "put") order.push_back(call.place.substr(11));
  EXPECT_EQ(order, (std::vector<std::string>{"newest", "same-age-a", "same-age-b", "same-age-large", "old"}));
}

TEST(Save, neither_small_nor_large_files_hold_up_the_others) {
  Bench bench;
  bench.s3.delay = 50ms;  // so long that reading and hashing keep up, with a sanitizer too
  // Each of more parts than there are lanes: the older one is begun after the newer one, not beside it.
  bench.folder.write_sparse("out/checkpoint-2", 136U << 20U, 20);
  bench.folder.write_sparse("out/checkpoint-1", 136U << 20U, 2000);
  for (int i = 0; i < 300; ++i) bench.folder.write("out/small-" + std::to_string(i), "x", 100);
  bench.save();
  const auto at = [&](std::string_view name, std::string_view place) {
    for (std::size_t i = 0; i < bench.s3.calls.size(); ++i)
      if (bench.s3.calls[i].name == name && bench.s3.calls[i].place.ends_with(place)) return i;
    return std::size_t{0};
  };
  EXPECT_LT(at("put", "small-0"), 30U);
  EXPECT_LT(at("complete", "checkpoint-2"), 100U);
  EXPECT_LT(at("complete", "checkpoint-2"), at("complete", "checkpoint-1"));
  EXPECT_EQ(bench.s3.most_at_once, 16);
}

TEST(Save, of_ten_thousand_small_files_is_quick) {
  Bench bench;
  bench.keep_manifest();
  std::filesystem::create_directories(bench.folder.at("out"));
  for (int i = 0; i < 10'000; ++i) std::ofstream(bench.folder.at("out/" + std::to_string(i))) << i;
  bench.clock.skipped = 24h * 365 * 20;  // the files are settled
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(bench.save().saved_files, 10'000U);
  EXPECT_EQ(bench.save().unchanged_files, 10'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 60s);
}

TEST(Save, of_a_large_file_takes_little_memory) {
  const auto peak = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
    return 0UL;
  };
  Bench bench;
  bench.s3.keep_up_to = 0;
  bench.folder.write_sparse("out/large", 300U << 20U);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak counts from here
  const auto before = peak();
  EXPECT_TRUE(bench.save().all_saved());
  EXPECT_EQ(bench.s3.count("part"), 38);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr unsigned long k_most = 200'000;  // kB; they hold on to what was freed
#else
  constexpr unsigned long k_most = 16'000;
#endif
  EXPECT_LT(peak(), before + k_most);
}

TEST(Save, shows_its_progress) {
  Bench bench;
  bench.s3.delay = 2ms;
  for (int i = 0; i < 40; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  auto options = bench.options();
  std::vector<Progress> shown;
  options.progress = [&](const Progress& progress) {
    shown.push_back(progress);
    bench.clock.skipped += 1s;
  };
  bench.save(options);
  ASSERT_GE(shown.size(), 3U);
  EXPECT_EQ(shown.front().phase, Phase::looking);
  EXPECT_EQ(shown.back().phase, Phase::sending);
  EXPECT_EQ(shown.back().files_total, 40U);
  EXPECT_EQ(shown.back().bytes_total, 160U);
  EXPECT_LE(shown.back().files_done, 40U);
}

}  // namespace
}  // namespace curfew::save
