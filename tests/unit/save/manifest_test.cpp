// What this machine knows to be in S3.
#include "save/manifest.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "unit/save/folder.hpp"

namespace curfew::save {
namespace {

Stored stored(const std::string& key, std::uint64_t size = 5) {
  return {{"bucket", key},
          "/job/" + key,
          {size, 1'700'000'000'000'000'001, 1'700'000'000'000'000'002, 77},
          "etag-" + key};
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ManifestFile, knows_exactly_what_was_stored) {
  const Folder folder;
  Journal journal(folder.at("saved"));
  journal.append(line_stored(stored("a")) + line_stored(stored("caf\xc3\xa9")));
  EXPECT_FALSE(journal.failure());
  const auto manifest = Manifest::load(folder.at("saved"));
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->size(), 2U);
  EXPECT_EQ(manifest->find(stored("a")), etag_mark("etag-a"));
  EXPECT_EQ(manifest->find(stored("caf\xc3\xa9")), etag_mark("etag-caf\xc3\xa9"));
  EXPECT_FALSE(manifest->find(stored("b")));
  // Any doubt is a no.
  std::vector<Stored> others(7, stored("a"));
  others[0].to.bucket = "other";
  others[1].to.key = "other";
  others[2].path = "/job/other";
  others[3].state.size = 6;
  others[4].state.modified += 1;
  others[5].state.changed += 1;
  others[6].state.inode += 1;
  for (const auto& other : others) EXPECT_FALSE(manifest->find(other));
}

TEST(ManifestFile, that_is_not_there_knows_nothing) {
  const Folder folder;
  EXPECT_EQ(Manifest::load(folder.at("none"))->size(), 0U);
  EXPECT_EQ(Manifest::load("")->size(), 0U);
  EXPECT_FALSE(Manifest::load(folder.path()));  // a folder
}

TEST(ManifestFile, counts_the_last_line_for_a_key) {
  const Folder folder;
  Journal journal(folder.at("saved"));
  journal.append(line_stored(stored("a", 1)));
  journal.append(line_stored(stored("a", 2)));
  const auto manifest = Manifest::load(folder.at("saved"));
  EXPECT_FALSE(manifest->find(stored("a", 1)));  // S3 holds the other one now
  EXPECT_TRUE(manifest->find(stored("a", 2)));
}

TEST(ManifestFile, knows_what_is_doubtful_until_it_is_stored_again) {
  const Folder folder;
  Journal journal(folder.at("saved"));
  journal.append(line_stored(stored("a")) + line_doubtful({"bucket", "a"}));
  EXPECT_EQ(Manifest::load(folder.at("saved"))->find(stored("a")), 0U);
  EXPECT_EQ(Manifest::load(folder.at("saved"))->find(stored("a", 9)), 0U);
  EXPECT_FALSE(Manifest::load(folder.at("saved"))->find(stored("b")));
  journal.append(line_stored(stored("a")));
  EXPECT_EQ(Manifest::load(folder.at("saved"))->find(stored("a")), etag_mark("etag-a"));
}

TEST(ManifestFile, survives_what_a_crash_leaves_behind) {
  const Folder folder;
  const std::string line = line_stored(stored("b"));
  std::string text = line_stored(stored("a"));
  text += std::string(100'000, '\0') + "\n";
  text +=
      "{\"what\":\"stored\",\"bucket\":\"bucket\",\"key\":\"c\",\"size\":-1,\"mtime\":\"x\"}\n[]\n\n\xff\n";
  text += line.substr(0, line.size() / 2);
  folder.write("saved", text);
  ASSERT_TRUE(Manifest::load(folder.at("saved")));
  EXPECT_TRUE(Manifest::load(folder.at("saved"))->find(stored("a")));
  Journal(folder.at("saved")).append(line);
  const auto manifest = Manifest::load(folder.at("saved"));
  EXPECT_EQ(manifest->size(), 2U);
  EXPECT_TRUE(manifest->find(stored("b")));
}

TEST(ManifestFile, a_line_without_its_end_was_torn_and_does_not_count) {
  const Folder folder;
  const std::string line = line_stored(stored("a"));
  folder.write("saved", line.substr(0, line.size() - 1));
  EXPECT_EQ(Manifest::load(folder.at("saved"))->size(), 0U);
}

TEST(ManifestFile, tells_unfinished_uploads) {
  const Folder folder;
  Journal journal(folder.at("saved"));
  const aws::S3Location a{"bucket", "a"};
  const aws::S3Location b{"bucket", "b"};
  journal.append(line_starting(a) + line_upload(a, "1") + line_starting(b) + line_upload(b, "2") +
                 line_closed(a, "1") + line_starting(a));
  const auto manifest = Manifest::load(folder.at("saved"));
  ASSERT_EQ(manifest->leftovers().size(), 2U);
  EXPECT_EQ(manifest->leftovers()[0].to.key, "b");
  EXPECT_EQ(manifest->leftovers()[0].id, "2");
  EXPECT_EQ(manifest->leftovers()[1].to.key, "a");
  EXPECT_EQ(manifest->leftovers()[1].id, "");
  journal.append(line_closed(b, "2") + line_closed(a, ""));
  EXPECT_TRUE(Manifest::load(folder.at("saved"))->leftovers().empty());
}

TEST(ManifestFile, is_rewritten_once_most_of_it_is_old) {
  const Folder folder;
  Journal journal(folder.at("saved"));
  const aws::S3Location at{"bucket", "k"};
  journal.append(line_stored(stored("kept")) + line_starting(at) + line_upload(at, "7"));
  const auto before = text_of(folder.at("saved"));
  journal.compact();
  EXPECT_EQ(text_of(folder.at("saved")), before);
  for (std::uint64_t i = 0; i < 200; ++i) journal.append(line_stored(stored("often", i)));
  journal.compact();
  EXPECT_FALSE(journal.failure());
  const auto after = text_of(folder.at("saved"));
  EXPECT_EQ(std::count(after.begin(), after.end(), '\n'), 3);
  journal.append(line_stored(stored("later")));
  const auto manifest = Manifest::load(folder.at("saved"));
  EXPECT_EQ(manifest->size(), 3U);
  EXPECT_TRUE(manifest->find(stored("kept")));
  EXPECT_TRUE(manifest->find(stored("often", 199)));
  EXPECT_EQ(manifest->leftovers().size(), 1U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}),
            1);  // no temporary file is left
}

TEST(ManifestFile, that_was_loaded_is_rewritten_as_well_once_enough_was_added) {
  const Folder folder;
  Journal(folder.at("saved")).append(line_stored(stored("often")));
  Journal journal(folder.at("saved"));
  journal.loaded(*Manifest::load(folder.at("saved")));
  journal.compact();
  for (std::uint64_t i = 0; i < 200; ++i) journal.append(line_stored(stored("often", i)));
  journal.compact();
  const auto manifest = Manifest::load(folder.at("saved"));
  EXPECT_EQ(manifest->lines(), 1U);
  EXPECT_TRUE(manifest->find(stored("often", 199)));
}

TEST(ManifestFile, that_can_not_be_written_is_said_and_no_more) {
  const Folder folder;
  Journal journal(folder.at("no/such/folder"));
  journal.append(line_stored(stored("a")));
  journal.append(line_stored(stored("a")));
  ASSERT_TRUE(journal.failure());
  EXPECT_EQ(journal.failure()->kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace curfew::save
