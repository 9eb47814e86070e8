#include "save/fetch.hpp"

#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "os/files.hpp"
#include "save/fetched_files.hpp"
#include "save/verify.hpp"
#include "support/fake_s3.hpp"
#include "support/run.hpp"
#include "unit/save/folder.hpp"

namespace curfew::save {
namespace {

namespace fs = std::filesystem;

// Reads what the fake S3 holds.
class FakeGet final : public aws::S3Get {
 public:
  explicit FakeGet(testing::FakeS3& s3) : s3_(s3) {}

  Awaitable<Result<aws::Piece>> get(aws::S3Location object, std::uint64_t offset, std::uint64_t length,
                                    std::uint64_t size, std::string etag) override {
    ++gets;
    ++now_;
    most_at_once = std::max(most_at_once, now_);
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, std::chrono::milliseconds{1});
    co_await timer.async_wait(boost::asio::use_awaitable);
    --now_;
    if (refuse) {
      if (auto error = refuse(object)) co_return fail(std::move(*error));
    }
    const auto& held = s3_.objects.at(object.bucket + "/" + object.key);
    if (held.etag != etag)
      co_return fail(ErrorKind::conflict, "get", "it was changed while it was being read");
    aws::Piece piece{held.content.substr(offset, length), facts_of(object)};
    if (corrupt && !piece.bytes.empty()) piece.bytes[0] = static_cast<char>(piece.bytes[0] ^ 1);
    if (offset != 0 || length != size) piece.facts = {length, etag, {}, false};
    co_return piece;
  }
  Awaitable<Result<aws::ObjectFacts>> facts(aws::S3Location object, int part) override {
    ++heads;
    auto facts = facts_of(object);
    if (part > 0) facts.size = part_size;
    co_return facts;
  }
  aws::ObjectFacts facts_of(const aws::S3Location& object) {
    const auto& held = s3_.objects.at(object.bucket + "/" + object.key);
    aws::ObjectFacts facts{held.size, held.etag, {}, etag_is_md5};
    if (has_checksums) facts.checksums = {{"CRC64NVME", *checksum_of("CRC64NVME", held.content)}};
    return facts;
  }

  std::function<std::optional<Error>(const aws::S3Location&)> refuse;
  bool corrupt = false;
  bool has_checksums = true;
  bool etag_is_md5 = false;
  std::uint64_t part_size = 0;
  int gets = 0;
  int heads = 0;
  int most_at_once = 0;

 private:
  testing::FakeS3& s3_;
  int now_ = 0;
};

class FetchTest : public ::testing::Test {
 protected:
  void put(const std::string& key, const std::string& content, const std::string& etag = {}) {
    s3_.objects["bucket/" + key] = {content, content.size(), "", etag.empty() ? "etag-of-" + key : etag, {}};
  }
  Result<Fetched> run(const std::string& key, const std::string& to) {
    boost::asio::io_context io;
    auto options = options_;
    options.manifest = folder_.at("manifest");
    return test::run(
        io, fetch(io.get_executor(), s3_, get_, {"bucket", key}, to, options, [](const std::string&) {}));
  }
  [[nodiscard]] std::string text(const std::string& path) const {
    return os::read_file(folder_.at(path)).value_or("none");
  }
  // All files below, one a line.
  [[nodiscard]] std::string files(const std::string& below) const {
    std::vector<std::string> names;
    for (const auto& each : fs::recursive_directory_iterator(folder_.at(below)))
      if (!each.is_directory()) names.push_back(each.path().lexically_relative(folder_.at(below)).string());
    std::sort(names.begin(), names.end());
    std::string all;
    for (const auto& name : names) all += name + "\n";
    return all;
  }

  Folder folder_;
  testing::FakeS3 s3_;
  FakeGet get_{s3_};
  FetchOptions options_{"", 3, 10, 0, 1'000};
};

TEST_F(FetchTest, brings_all_below_a_prefix) {
  put("set/a", "0123456789");
  put("set/sub/b c", "0123456789abcdefghijklmnop");
  put("set/empty", "");
  put("set/folder/", "");
  put("settle/c", "not asked for");
  const auto fetched = run("set", folder_.at("to"));
  ASSERT_TRUE(fetched) << fetched.error().text();
  EXPECT_EQ(files("to"), "a\nempty\nsub/b c\n");
  EXPECT_EQ(text("to/sub/b c"), "0123456789abcdefghijklmnop");
  EXPECT_EQ(fetched->files, 3U);
  EXPECT_EQ(fetched->bytes, 36U);
  EXPECT_EQ(fetched->unverified, 0U);
  EXPECT_EQ(get_.gets, 4) << "one whole, three pieces, and nothing of what is empty";
  EXPECT_EQ(get_.heads, 1) << "what came whole has told its checksum";
}

TEST_F(FetchTest, leaves_out_what_it_is_told_to) {
  put("run/model.pt", "abc");
  put("run/_curfew/i-1/guard-000001.log", "not the job's");
  options_.leave_out = "_curfew/";
  ASSERT_TRUE(run("run", folder_.at("model")));
  EXPECT_EQ(files("model"), "model.pt\n");
  const auto nothing = run("run/_curfew", folder_.at("logs"));
  EXPECT_TRUE(nothing) << "only what is right below from";
}

TEST_F(FetchTest, brings_one_object_to_a_file_or_into_a_folder) {
  put("set/a.bin", "abc");
  ASSERT_TRUE(run("set/a.bin", folder_.at("b")));
  EXPECT_EQ(text("b"), "abc");
  ASSERT_TRUE(run("set/a.bin", folder_.at("c") + "/"));
  EXPECT_EQ(text("c/a.bin"), "abc");
}

TEST_F(FetchTest, asks_for_many_at_once_but_not_for_more) {
  for (int i = 0; i < 20; ++i) put("set/" + std::to_string(i), "x");
  ASSERT_TRUE(run("set/", folder_.at("to")));
  EXPECT_EQ(get_.most_at_once, 3);
}

TEST_F(FetchTest, leaves_out_what_is_there_already_and_unchanged) {
  put("set/a", "one");
  put("set/b", "two");
  put("set/c", "three");
  ASSERT_TRUE(run("set", folder_.at("to")));
  put("set/b", "new");
  s3_.objects["bucket/set/b"].etag = "other";
  std::ofstream(folder_.at("to/c")) << "eerht";
  const auto again = run("set", folder_.at("to"));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->there, 1U);
  EXPECT_EQ(again->files, 2U);
  EXPECT_EQ(text("to/b"), "new");
  EXPECT_EQ(text("to/c"), "three");
}

TEST_F(FetchTest, never_gives_a_name_to_what_is_not_whole) {
  put("set/a", "0123456789abcdef");
  get_.corrupt = true;
  const auto fetched = run("set", folder_.at("to"));
  ASSERT_FALSE(fetched);
  EXPECT_NE(fetched.error().text().find("CRC64NVME"), std::string::npos) << fetched.error().text();
  EXPECT_EQ(files("to"), "");
}

TEST_F(FetchTest, checks_by_the_parts_of_an_etag) {
  const std::string content = "0123456789abcdef0123";
  const auto md5 = [](const std::string& part) { return *net::from_base64(*checksum_of("MD5", part)); };
  const auto sum = md5(md5(content.substr(0, 12)) + md5(content.substr(12)));
  const auto etag = net::hex({reinterpret_cast<const unsigned char*>(sum.data()), sum.size()}) + "-2";
  put("set/a", content, etag);
  get_.has_checksums = false;
  get_.etag_is_md5 = true;
  get_.part_size = 12;
  auto fetched = run("set", folder_.at("to"));
  ASSERT_TRUE(fetched) << fetched.error().text();
  EXPECT_EQ(fetched->unverified, 0U);
  get_.corrupt = true;
  EXPECT_FALSE(run("set", folder_.at("other")));
  get_.part_size = 5;  // four parts, and the ETag speaks of two
  fetched = run("set", folder_.at("third"));
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->unverified, 1U) << "and that is told";
}

TEST_F(FetchTest, checks_parts_as_large_as_its_pieces_while_they_come) {
  const std::string content = "0123456789abcdefghijK";
  const auto etag = etag_of_parts({md5_of_part("0123456789"), md5_of_part("abcdefghij"), md5_of_part("K")});
  put("set/a", content, etag);
  get_.has_checksums = false;
  get_.etag_is_md5 = true;
  get_.part_size = 10;
  const auto fetched = run("set", folder_.at("to"));
  ASSERT_TRUE(fetched) << fetched.error().text();
  EXPECT_EQ(text("to/a"), content);
  EXPECT_EQ(fetched->unverified, 0U);
  EXPECT_EQ(get_.heads, 0) << "nothing is left to be asked";
  get_.corrupt = true;
  EXPECT_FALSE(run("set", folder_.at("other")));
  EXPECT_EQ(files("other"), "");
}

TEST_F(FetchTest, ends_with_the_first_failure) {
  for (int i = 0; i < 20; ++i) put("set/" + std::to_string(i), "x");
  get_.refuse = [](const aws::S3Location& object) -> std::optional<Error> {
    if (object.key != "set/1") return {};
    return testing::FakeS3::denied();
  };
  const auto fetched = run("set", folder_.at("to"));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().kind, ErrorKind::refused);
  EXPECT_LT(get_.gets, 10);
}

TEST_F(FetchTest, tells_an_object_that_changes_meanwhile) {
  put("set/a", "0123456789abcdef");
  get_.refuse = [this](const aws::S3Location&) -> std::optional<Error> {
    s3_.objects["bucket/set/a"].etag = "other";
    return {};
  };
  const auto fetched = run("set", folder_.at("to"));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().kind, ErrorKind::conflict);
}

TEST_F(FetchTest, refuses_before_anything_is_fetched) {
  EXPECT_EQ(run("set", folder_.at("to")).error().kind, ErrorKind::not_found);
  s3_.refuse = [](const testing::FakeS3::Call&) { return testing::FakeS3::denied(); };
  EXPECT_EQ(run("set", folder_.at("to")).error().kind, ErrorKind::refused);
  s3_.refuse = nullptr;
  put("set/../../etc/passwd", "x");
  EXPECT_EQ(run("set", folder_.at("to")).error().kind, ErrorKind::invalid_input);
  s3_.objects.clear();
  put("set/a", "x");
  s3_.objects["bucket/set/a"].size = std::uint64_t{1} << 60U;
  EXPECT_EQ(run("set", folder_.at("to")).error().kind, ErrorKind::no_space);
  for (int i = 0; i < 1'001; ++i) put("many/" + std::to_string(i), "x");
  EXPECT_NE(run("many", folder_.at("to")).error().text().find("more than 1000"), std::string::npos);
  EXPECT_EQ(get_.gets, 0);
}

TEST(PathBelow, has_no_step_that_leads_elsewhere) {
  for (const char* good : {"a", "a/b", "..a/b..", "a b/é", "-x"}) EXPECT_TRUE(is_path_below(good)) << good;
  for (const char* bad : {"", "/a", "a//b", "a/", ".", "..", "a/../b", "a/."})
    EXPECT_FALSE(is_path_below(bad)) << bad;
  EXPECT_FALSE(is_path_below(std::string_view("a\0b", 3)));
}

TEST(FetchedFiles, pass_over_what_is_no_line) {
  const Folder folder;
  folder.write("a", "abc");
  const FetchedFile file{{"bucket", "k"}, folder.at("a"), "e", 3, 0};
  EXPECT_FALSE(FetchedFiles::parse("{}\nx\n" + FetchedFiles::line_of(file)).has(file))
      << "its time is another";
  EXPECT_FALSE(FetchedFiles::parse("").has(file));
}

}  // namespace
}  // namespace curfew::save
