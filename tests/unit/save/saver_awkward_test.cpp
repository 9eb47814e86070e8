// Saves of trees as jobs leave them: odd names, things that are no files, very many files, very large ones.
#include <fcntl.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>

#include "unit/save/bench.hpp"

namespace curfew::save {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool k_sanitized = true;  // they hold on to what was freed
#else
constexpr bool k_sanitized = false;
#endif

unsigned long peak_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
  return 0;
}
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

TEST(SaveAwkward, every_name_gets_a_key_of_its_own_and_is_known_again) {
  Bench bench;
  bench.keep_manifest();
  const std::vector<std::string> names{"with space",
                                       " leading",
                                       "trailing ",
                                       "a+b",
                                       "50%",
                                       "%41",
                                       "A",
                                       "quo\"te",
                                       "it's",
                                       "back\\slash",
                                       "#hash",
                                       "ques?tion",
                                       "am&p=1",
                                       "new\nline",
                                       "tab\t",
                                       "\x01\x1b[31m",
                                       "\xc3\xa9",
                                       "\xe2\x80\xae"
                                       "rtl",
                                       "-rf",
                                       "~",
                                       "...",
                                       "a\xcc\x81",
                                       "\xc3\xa1",
                                       "C:",
                                       "*"};
  for (const auto& name : names) bench.folder.write("out/" + name, name);
  auto summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, names.size());
  for (const auto& name : names) EXPECT_EQ(bench.content("run/" + name), name);
  EXPECT_EQ(bench.save().unchanged_files, names.size());
  // Not UTF-8: the bytes that don't fit, and "%", as %XX; the metadata says so.
  bench.folder.write("out/5%\xff", "odd");
  bench.folder.write("out/\xed\xa0\x80", "surrogate");
  summary = bench.save();
  EXPECT_EQ(summary.saved_files, 2U);
  EXPECT_EQ(bench.content("run/5%25%FF"), "odd");
  EXPECT_EQ(bench.content("run/%ED%A0%80"), "surrogate");
  EXPECT_EQ(bench.save().unchanged_files, names.size() + 2);
}

TEST(SaveAwkward, what_is_no_file_is_said_and_never_opened) {
  Bench bench;
  bench.folder.write("out/file", "x");
  bench.folder.write("out/empty", "");
  std::filesystem::create_directories(bench.folder.at("out/folder/empty"));
  ASSERT_EQ(::mkfifo(bench.folder.at("out/pipe").c_str(), 0600), 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  bench.folder.at("out/sock").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  bench.folder.link("out/zero", "/dev/zero");
  bench.folder.link("out/to-pipe", "pipe");
  bench.folder.link("out/self", "../out");
  bench.folder.link("out/passwd", "/etc/passwd");
  const auto summary = bench.save();
  ::close(fd);
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, 2U);
  std::vector<std::string> said;
  for (const auto& note : summary.skipped.first) said.push_back(note.path + " " + note.reason);
  std::sort(said.begin(), said.end());
  EXPECT_EQ(said, (std::vector<std::string>{"out/passwd is a link to outside of out", "out/pipe is a pipe",
                                            "out/self is a link to outside of out", "out/sock is a socket",
                                            "out/to-pipe is a link to what is a pipe",
                                            "out/zero is a link to outside of out"}));
}

TEST(SaveAwkward, a_file_that_becomes_a_pipe_holds_up_nothing) {
  Bench bench;
  bench.folder.write("out/turns", "x");
  bench.folder.write("out/fine", "x");
  bench.s3.refuse = [&](const FakeS3::Call& call) -> std::optional<Error> {
    if (call.name == "head" && call.place.ends_with("turns")) {
      std::filesystem::remove(bench.folder.at("out/turns"));
      EXPECT_EQ(::mkfifo(bench.folder.at("out/turns").c_str(), 0600), 0);
    }
    return std::nullopt;
  };
  const auto summary = bench.save();
  EXPECT_EQ(summary.saved_files, 1U);
  ASSERT_EQ(summary.failed.count, 1U);
  EXPECT_NE(summary.failed.first[0].reason.find("no longer a regular file"), std::string::npos);
}

TEST(SaveAwkward, a_folder_without_permission_is_named_and_the_rest_is_saved) {
  Bench bench;
  bench.folder.write("out/closed/file", "x");
  bench.folder.write("out/unreadable", "secret");
  bench.folder.write("out/fine", "x");
  ASSERT_EQ(::chmod(bench.folder.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(bench.folder.at("out/closed").c_str(), 0), 0);
  ASSERT_EQ(::chmod(bench.folder.at("out/unreadable").c_str(), 0), 0);
  const bool root = ::geteuid() == 0;  // reads everything
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);  // of all threads
  }
  const auto summary = bench.save();
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_EQ(::chmod(bench.folder.at("out/closed").c_str(), 0700), 0);
  EXPECT_EQ(summary.saved_files, 1U);
  ASSERT_EQ(summary.failed.count, 2U);
  EXPECT_EQ(summary.failed.first[0].path, "out/closed");
  EXPECT_EQ(summary.failed.first[1].path, "out/unreadable");
  EXPECT_EQ(summary.failed.first[1].size, 6U);
  EXPECT_NE(summary.failed.first[1].reason.find("Permission denied"), std::string::npos);
}

TEST(SaveAwkward, files_that_change_in_size_or_vanish_all_at_once_are_all_accounted_for) {
  Bench bench;
  for (int i = 0; i < 300; ++i)
    bench.folder.write("out/" + std::to_string(i), std::string(70'000, 'x'), 100 + i);
  int number = 0;
  bench.s3.while_sending = [&](const FakeS3::Call& call) {
    const std::string path = bench.folder.at("out/" + call.place.substr(call.place.rfind('/') + 1));
    std::error_code gone;
    if (++number % 3 == 0) std::filesystem::remove(path, gone);
    else if (number % 3 == 1 && std::filesystem::exists(path)) std::filesystem::resize_file(path, 10, gone);
    else if (std::filesystem::exists(path)) std::ofstream(path, std::ios::app) << "more";
  };
  const auto summary = bench.save();
  EXPECT_EQ(summary.saved_files + summary.skipped.count + summary.failed.count, 300U);
  EXPECT_FALSE(summary.limit_hit);
}

TEST(SaveAwkward, twenty_thousand_files_take_little_memory_and_unchanged_ones_few_requests) {
  constexpr int k_files = 20'000;
  Bench bench;
  bench.keep_manifest();
  bench.s3.keep_up_to = 0;
  for (int folder = 0; folder < k_files / 100; ++folder) {
    std::filesystem::create_directories(bench.folder.at("out/" + std::to_string(folder)));
    for (int i = 0; i < 100; ++i)
      std::ofstream(bench.folder.at("out/" + std::to_string(folder) + "/" + std::to_string(i))) << i;
  }
  bench.clock.skipped = 24h * 365 * 20;  // the files are settled
  EXPECT_EQ(bench.save().saved_files, static_cast<std::uint64_t>(k_files));
  bench.s3.calls.clear();
  bench.s3.calls.shrink_to_fit();
  forget_peak();
  const auto before = peak_kb();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(bench.save().unchanged_files, static_cast<std::uint64_t>(k_files));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
  EXPECT_EQ(bench.s3.calls.size(), static_cast<std::size_t>(k_files) / 1000);
  EXPECT_EQ(bench.s3.count("list"), k_files / 1000);
  // About 130 bytes a file, and a page of the listing.
  EXPECT_LT(peak_kb(), before + (k_sanitized ? 100'000UL : 8'000UL));
}

TEST(SaveAwkward, a_new_guard_finds_a_hundred_thousand_unchanged_files_quickly_and_in_little_memory) {
  constexpr int k_files = 100'000;
  Bench bench;
  bench.keep_manifest();
  for (int folder = 0; folder < k_files / 1000; ++folder) {
    const std::string path = bench.folder.at("out/" + std::to_string(folder));
    std::filesystem::create_directories(path);
    for (int i = 0; i < 1000; ++i)
      os::Fd{::open((path + "/sample-" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  }
  {  // as if all had been stored
    const std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> count{0};
    const auto options = bench.options();
    const Plan plan(options.targets, walk(options.targets, options.base_dir, {}, stop, count), Manifest{});
    std::ofstream out(bench.manifest, std::ios::binary);
    for (FileId i = 0; i < plan.tree().size(); ++i)
      out << line_stored({plan.place_of(i), plan.absolute(i), plan.tree()[i].state, "etag"});
  }
  bench.s3.refuse = [](const FakeS3::Call&) -> std::optional<Error> { return FakeS3::denied(); };
  ::malloc_trim(0);
  forget_peak();
  const auto before = peak_kb();
  const auto began = std::chrono::steady_clock::now();
  const auto summary = bench.save();
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(summary.unchanged_files, static_cast<std::uint64_t>(k_files));
  EXPECT_EQ(bench.s3.calls.size(), 1U);  // a listing, refused
  EXPECT_LT(took, 30s);
  // Of a file 48 bytes and its name, 32 of the manifest's, 13 of the plan's.
  EXPECT_LT(peak_kb(), before + (k_sanitized ? 200'000UL : 14'000UL));
  RecordProperty("kB", static_cast<int>(peak_kb() - before));
  RecordProperty("ms", static_cast<int>(std::chrono::duration_cast<Millis>(took).count()));
}

TEST(SaveAwkward, fifty_gigabytes_that_are_sparse_are_planned_within_what_s3_takes) {
  Bench bench;
  bench.folder.write_sparse("out/large", 50ULL << 30U);
  std::vector<Target> targets{parse_target("out=s3://bucket/run").value()};
  const std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> count{0};
  Found found = walk(targets, bench.folder.path(), {}, stop, count);
  Plan plan(targets, std::move(found), Manifest{});
  const auto order = plan.order();
  ASSERT_EQ(order.large.size(), 1U);
  EXPECT_EQ(order.bytes, 50ULL << 30U);
  EXPECT_EQ(part_size_of(plan.tree()[order.large[0]].state.size), k_part);
}

TEST(SaveAwkward, more_unfinished_uploads_than_are_looked_through_are_said) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write("out/a", "x");
  bench.folder.write("state/saved.jsonl", line_starting({"bucket", "run/large"}));
  for (const char* id : {"1", "2", "3"}) bench.s3.unfinished[id] = {{"bucket", "run/large-too"}, {}, {}};
  bench.s3.most_uploads = 2;
  auto summary = bench.save();
  EXPECT_TRUE(summary.all_saved());
  ASSERT_EQ(summary.warnings.size(), 1U);
  EXPECT_NE(summary.warnings[0].find("more than the 2 looked through"), std::string::npos);
  bench.s3.most_uploads = 10;
  EXPECT_TRUE(bench.save().warnings.empty());
  EXPECT_TRUE(Manifest::load(bench.manifest)->leftovers().empty());
}

}  // namespace
}  // namespace curfew::save
