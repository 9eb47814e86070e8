#include "jobs/results.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/fake_s3.hpp"
#include "support/run.hpp"

namespace curfew::jobs {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

Paths paths_of(const std::vector<std::string>& saves) {
  const auto places = result_places(saves);
  Paths paths;
  if (!places) return {places.error().text()};
  for (const auto& place : *places) paths.push_back(place.path);
  return paths;
}

TEST(ResultPlaces, lie_below_the_folder) {
  EXPECT_EQ(paths_of({"model/=s3://bucket/a", "./out=s3://bucket/b", "/opt/ml/model=s3://bucket/c",
                      "a//b/./c=s3://bucket/d", ".=s3://bucket/e"}),
            (Paths{"model", "out", "opt/ml/model", "a/b/c", ""}));
}

TEST(ResultPlaces, are_refused_where_they_could_lead_out_of_it) {
  for (const auto* save : {"../x=s3://bucket/a", "a/../../x=s3://bucket/a", "..=s3://bucket/a"})
    EXPECT_NE(paths_of({save}).front().find("lead out of"), std::string::npos) << save;
  EXPECT_NE(paths_of({"no save"}).front().find("launch.json"), std::string::npos);
}

class Listing : public ::testing::Test {
 protected:
  void put(const std::string& key, const std::string& content = "x") {
    s3_.objects["bucket/" + key] = {content, content.size(), "", "etag-" + key, {}};
  }
  Paths list(const std::string& save) {
    const auto places = result_places({save});
    if (!places) return {places.error().text()};
    auto listing = list_results(s3_, places->front());
    const auto files = test::run(std::move(listing));
    if (!files) return {files.error().text()};
    Paths paths;
    for (const auto& file : *files) paths.push_back(file.path + " < " + file.from.key);
    return paths;
  }
  testing::FakeS3 s3_;
};

TEST_F(Listing, turns_keys_into_the_paths_that_they_came_from) {
  put("run/model.bin");
  put("run/sub/log.txt");
  put("runner/other");
  put("run/_curfew/i-0/output-000001.log");
  EXPECT_EQ(list("out/=s3://bucket/run"),
            (Paths{"out/model.bin < run/model.bin", "out/sub/log.txt < run/sub/log.txt"}));
  EXPECT_EQ(list("out=s3://bucket/run/"),
            (Paths{"out/model.bin < run/model.bin", "out/sub/log.txt < run/sub/log.txt"}));
  EXPECT_EQ(list("model.bin=s3://bucket/run/"), (Paths{"model.bin < run/model.bin"}))
      << "a file below a prefix";
  EXPECT_EQ(list("final=s3://bucket/run/model.bin"), (Paths{"final < run/model.bin"}))
      << "a file under another name";
  EXPECT_EQ(list("out=s3://bucket/nothing"), Paths{});
}

TEST_F(Listing, refuses_a_key_that_could_lead_out_of_the_folder) {
  for (const auto* key : {"run/../../etc/passwd", "run//x", "run/./x", "run/a/.."}) {
    s3_.objects.clear();
    put(key);
    const auto paths = list("out=s3://bucket/run");
    ASSERT_EQ(paths.size(), 1U) << key;
    EXPECT_NE(paths[0].find("can't be a path"), std::string::npos) << paths[0];
  }
}

TEST_F(Listing, passes_on_what_cannot_be_read) {
  s3_.refuse = [](const testing::FakeS3::Call&) { return testing::FakeS3::denied(); };
  EXPECT_NE(list("out=s3://bucket/run").front().find("Access Denied"), std::string::npos);
}

TEST(ResultFolder, has_the_jobs_name_only_where_that_is_a_single_step) {
  EXPECT_EQ(folder_name("digits", "launch"), "digits");
  for (const auto* name : {"", ".", "..", ".ssh", "../x", "a/b", "/etc", "-rf", "a\nb"})
    EXPECT_EQ(folder_name(name, "launch"), "launch") << name;
}

TEST(ResultFiles, that_were_changed_here_are_told_from_those_that_were_fetched) {
  std::string folder = ::testing::TempDir() + "results.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + "/" + name) << text;
  };
  write("fetched", "x");
  write("changed", "y");
  write("mine", "z");
  fs::create_symlink("/etc/passwd", folder + "/link");
  const auto line = [&](const std::string& name, std::int64_t modified) {
    return save::FetchedFiles::line_of({{"bucket", name}, folder + "/" + name, "old-etag", 1, modified});
  };
  struct stat about {};
  ASSERT_EQ(::stat((folder + "/fetched").c_str(), &about), 0);
  const auto modified = std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec;
  const auto known =
      save::FetchedFiles::parse(line("fetched", modified) + line("changed", 1) + line("link", modified));
  std::vector<ResultFile> files;
  for (const auto* name : {"fetched", "changed", "mine", "link", "new"})
    files.push_back({{"bucket", name}, name, "etag", 1, {}});
  EXPECT_EQ(changed_here(folder, files, known),
            (Paths{folder + "/changed", folder + "/mine", folder + "/link"}));
  fs::remove_all(folder);
}

TEST(ResultFiles, that_would_go_to_the_same_place_are_found) {
  std::vector<ResultFile> files{{{"bucket", "a"}, "out/x", "", 1, {}}, {{"bucket", "b"}, "out/y", "", 1, {}}};
  EXPECT_EQ(path_of_two(files), "");
  files.push_back({{"bucket", "c"}, "out/x", "", 1, {}});
  EXPECT_EQ(path_of_two(files), "out/x");
}

}  // namespace
}  // namespace curfew::jobs
