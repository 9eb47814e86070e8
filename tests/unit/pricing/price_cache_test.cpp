#include "pricing/price_cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::pricing {
namespace {

using namespace std::chrono_literals;

const WallTime k_now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 18h};
const PriceKey k_g5{"us-east-1", "g5.xlarge", "RunInstances", "Shared"};
const PriceKey k_p5{"us-east-1", "p5.48xlarge", "RunInstances", "Shared"};

TEST(PriceCache, KeepsAPriceForAWeek) {
  PriceCache cache;
  cache.put(k_g5, {{1'006'000}, k_now});
  EXPECT_EQ(cache.find(k_g5, k_now)->per_hour, Micros{1'006'000});
  EXPECT_TRUE(cache.find(k_g5, k_now + 7 * 24h));
  EXPECT_FALSE(cache.find(k_g5, k_now + 7 * 24h + 1s));
  EXPECT_FALSE(cache.find(k_g5, k_now - 1s));  // read at a time that hasn't come
  EXPECT_FALSE(cache.find(k_p5, k_now));
  auto dedicated = k_g5;
  dedicated.tenancy = "Dedicated";
  EXPECT_FALSE(cache.find(dedicated, k_now));
}

TEST(PriceCache, LeavesTheOldestOut) {
  PriceCache cache;
  for (std::size_t at = 0; at <= k_most_cached_prices; ++at) {
    auto key = k_g5;
    key.type = "t" + std::to_string(at);
    cache.put(key, {{1}, k_now + Seconds{at == 7 ? -1 : 0}});
  }
  EXPECT_EQ(cache.prices.size(), k_most_cached_prices);
  auto oldest = k_g5;
  oldest.type = "t7";
  EXPECT_FALSE(cache.find(oldest, k_now));
}

TEST(PriceCache, IsReadAsItWasWritten) {
  PriceCache cache;
  cache.put(k_g5, {{1'006'000}, k_now});
  cache.put(k_p5, {{98'320'000}, k_now - 24h});
  const auto text = to_json(cache);
  EXPECT_EQ(text,
            R"({"version":1,"prices":[{"region":"us-east-1","type":"g5.xlarge","operation":"RunInstances",)"
            R"("tenancy":"Shared","micros_per_hour":1006000,"read_at":"2026-11-24T18:00:00Z"},)"
            R"({"region":"us-east-1","type":"p5.48xlarge","operation":"RunInstances","tenancy":"Shared",)"
            R"("micros_per_hour":98320000,"read_at":"2026-11-23T18:00:00Z"}]})"
            "\n");
  const auto read = price_cache_from_json(text);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->prices.size(), 2U);
  EXPECT_EQ(read->find(k_p5, k_now)->per_hour, Micros{98'320'000});
  EXPECT_EQ(read->find(k_p5, k_now)->read_at, k_now - 24h);
}

std::string entry(const std::string& type, const std::string& price, const std::string& time) {
  return R"({"version":1,"prices":[{"region":"us-east-1","type":)" + type +
         R"(,"operation":"RunInstances","tenancy":"Shared","micros_per_hour":)" + price + R"(,"read_at":)" +
         time + "}]}";
}

TEST(PriceCache, BelievesNothingThatCantBe) {
  const std::string type = R"("g5.xlarge")";
  const std::string time = R"("2026-11-24T18:00:00Z")";
  ASSERT_TRUE(price_cache_from_json(entry(type, "1006000", time)));
  for (const auto& text : {std::string(),
                           std::string("garbage"),
                           std::string("[]"),
                           std::string("{}"),
                           std::string(R"({"version":2,"prices":[]})"),
                           std::string(R"({"version":1,"prices":{}})"),
                           std::string(R"({"version":1,"prices":[7]})"),
                           std::string(R"({"version":1,"prices":[{}]})"),
                           entry(type, "0", time),
                           entry(type, "-1", time),
                           entry(type, "1.5", time),
                           entry(type, "1000000000000001", time),
                           entry(type, "\"1\"", time),
                           entry("7", "1", time),
                           entry("\"\"", "1", time),
                           entry(R"("g5 \u001b[31m")", "1", time),
                           entry("\"" + std::string(65, 'g') + "\"", "1", time),
                           entry(type, "1", "7"),
                           entry(type, "1", R"("yesterday")"),
                           std::string(5U << 20U, ' ')})
    EXPECT_FALSE(price_cache_from_json(text)) << text.substr(0, 200);
}

class PriceCacheFile : public testing::Test {
 protected:
  PriceCacheFile() {
    std::string name = "/tmp/curfew-prices-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    cache_.put(k_g5, {{1'006'000}, k_now});
  }
  ~PriceCacheFile() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return folder_ + "/curfew/prices.json"; }
  [[nodiscard]] mode_t mode_of(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::stat(name.c_str(), &info), 0) << name;
    return info.st_mode & 07777U;
  }
  void expect_refused(const std::string& word) const {
    const auto loaded = load_prices(path());
    EXPECT_TRUE(loaded.cache.prices.empty()) << word;
    EXPECT_NE(loaded.warning.find(word), std::string::npos) << loaded.warning;
  }

  std::string folder_;
  PriceCache cache_;
};

TEST_F(PriceCacheFile, IsStoredForItsOwnerAlone) {
  cache_.put(k_p5, {{98'320'000}, k_now - 8 * 24h});  // too old to be kept
  ASSERT_TRUE(store_prices(path(), cache_, k_now));
  EXPECT_EQ(mode_of(path()), 0600U);
  EXPECT_EQ(mode_of(folder_ + "/curfew"), 0700U);
  const auto loaded = load_prices(path());
  EXPECT_EQ(loaded.warning, "");
  EXPECT_EQ(loaded.cache.prices.size(), 1U);
  EXPECT_TRUE(loaded.cache.find(k_g5, k_now));
  // A folder that was there keeps its mode.
  ASSERT_EQ(::chmod((folder_ + "/curfew").c_str(), 0755), 0);
  ASSERT_TRUE(store_prices(path(), cache_, k_now));
  EXPECT_EQ(mode_of(folder_ + "/curfew"), 0755U);
}

TEST_F(PriceCacheFile, ThatIsMissingIsEmpty) {
  const auto loaded = load_prices(path());
  EXPECT_TRUE(loaded.cache.prices.empty());
  EXPECT_EQ(loaded.warning, "");
}

TEST_F(PriceCacheFile, IsNotTrustedWhereOthersMayHaveWrittenIt) {
  ASSERT_TRUE(store_prices(path(), cache_, k_now));
  for (const mode_t mode : {mode_t{0620}, mode_t{0602}, mode_t{0666}}) {
    ASSERT_EQ(::chmod(path().c_str(), mode), 0);
    expect_refused("others may write it");
  }
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  EXPECT_EQ(load_prices(path()).cache.prices.size(), 1U);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path().c_str(), 12345, 12345), 0);
    expect_refused("belongs to another user");
  }
}

TEST_F(PriceCacheFile, IsNotTrustedWhereItIsNoFile) {
  ASSERT_TRUE(store_prices(path(), cache_, k_now));
  const auto elsewhere = folder_ + "/elsewhere.json";
  std::filesystem::rename(path(), elsewhere);
  std::filesystem::create_symlink(elsewhere, path());
  expect_refused("symbolic link");
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  expect_refused("no regular file");
  std::filesystem::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  expect_refused("no regular file");
}

TEST_F(PriceCacheFile, ThatIsGarbageIsEmptyAndSaysSo) {
  ASSERT_TRUE(store_prices(path(), cache_, k_now));
  for (const auto& text : {std::string("gar\x1b[31mbage"), std::string(5U << 20U, ' ')}) {
    ASSERT_TRUE(os::replace_file(path(), text, 0600, os::Sync::no));
    expect_refused("prices are asked for anew");
  }
  ASSERT_TRUE(store_prices(path(), cache_, k_now));
  EXPECT_EQ(load_prices(path()).warning, "");
}

}  // namespace
}  // namespace curfew::pricing
