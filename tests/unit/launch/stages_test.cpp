#include "launch/stages.hpp"

#include <gtest/gtest.h>

namespace curfew::launch {
namespace {

TEST(Repo, is_a_url_and_what_to_take_of_it) {
  const struct {
    const char* text;
    const char* url;
    const char* ref;
  } cases[] = {
      {"https://github.com/me/train", "https://github.com/me/train", ""},
      {"https://github.com/me/train.git@main", "https://github.com/me/train.git", "main"},
      {"https://h:8443/me/train@feature/x", "https://h:8443/me/train", "feature/x"},
      {"https://h/r@0123abc", "https://h/r", "0123abc"},
      {"git@github.com:me/train.git@v1.0", "git@github.com:me/train.git", "v1.0"},
      {"ssh://git@h:2222/me/train@v1", "ssh://git@h:2222/me/train", "v1"},
      {"ssh://h/me/train", "ssh://h/me/train", ""},
  };
  for (const auto& [text, url, ref] : cases) {
    const auto repo = parse_repo(text);
    ASSERT_TRUE(repo) << text << ": " << repo.error().text();
    EXPECT_EQ(repo->url, url);
    EXPECT_EQ(repo->ref, ref);
  }
}

TEST(Repo, is_refused_without_showing_a_token) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"https://hunter2@github.com/me/train", "--repo-token"},
      {"https://me:hunter2@github.com/me/train@main", "--repo-token"},
      {"https://me:hunt/er2@github.com/me/train", "--repo"},
      {"ssh://git:hunter2@h/r", "--repo-token"},
      {"http://hunter2@h/r", "neither https nor ssh"},
      {"http://h/r", "neither https nor ssh"},
      {"file:///etc", "neither https nor ssh"},
      {"ext::sh -c id", "neither https nor ssh"},
      {"/home/me/train", "neither https nor ssh"},
      {"--upload-pack=id", "neither https nor ssh"},
      {"git@-oProxyCommand=id:r", "has no host"},
      {"-it@h:r", "--repo"},
      {"ssh://-oProxyCommand=id/r", "has no host"},
      {"git@h:$(id)", "names no repository"},
      {"git@h:", "names no repository"},
      {"https://h", "names no repository"},
      {"https://h/", "names no repository"},
      {"https://h/r?access_token=hunter2", "has a ?"},
      {"https://h/r@", "no branch, tag or commit"},
      {"https://h/r@-x", "no branch, tag or commit"},
      {"https://h/r@a..b", "no branch, tag or commit"},
      {"https://h/r@a b", "no branch, tag or commit"},
      {"", "neither https nor ssh"},
  };
  for (const auto& [text, why] : cases) {
    const auto repo = parse_repo(text);
    ASSERT_FALSE(repo) << text;
    const auto said = repo.error().text();
    EXPECT_NE(said.find(why), std::string::npos) << text << ": " << said;
    for (const char* secret : {"hunter2", "hunt", "er2"})
      EXPECT_EQ(said.find(secret), std::string::npos) << said;
  }
}

TEST(Data, is_a_place_in_s3_and_one_here) {
  const auto data = parse_data("s3://bucket/a=b/c=/mnt/data");
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ(data->from.text(), "s3://bucket/a=b/c");
  EXPECT_EQ(data->path, "/mnt/data");
  EXPECT_EQ(parse_data("s3://bucket=data")->from.key, "");
  for (const char* text : {"s3://bucket/a", "s3://bucket/a=", "https://h/a=b", "s3://B/a=b", "=b", ""})
    EXPECT_FALSE(parse_data(text)) << text;
}

TEST(SavedPlaces, are_where_a_save_may_have_put_it) {
  const auto text = [](const char* key, const char* path) {
    std::string all;
    for (const auto& place : saved_places({{"b", key}, path}))
      all += place.from.text() + " to " + place.path + "\n";
    return all;
  };
  EXPECT_EQ(text("run/model.pt", "out/model.pt"), "s3://b/run/model.pt to out/model.pt\n");
  EXPECT_EQ(text("run", "model/"), "s3://b/run/ to model/\n")
      << "an object of that very name isn't the folder's";
  EXPECT_EQ(text("run/", "model/"), "s3://b/run/ to model/\n");
  EXPECT_EQ(text("run/", "out/model.pt"),
            "s3://b/run/model.pt to out/model.pt\n"
            "s3://b/run/ to out/model.pt\n");
  EXPECT_EQ(text("", "model"),
            "s3://b/model to model\n"
            "s3://b/ to model\n");
}

TEST(Secret, is_a_parameters_name_and_never_a_value) {
  EXPECT_EQ(*parse_secret("KEY=ssm:/job/key"), (Secret{"KEY", "/job/key"}));
  for (const char* text :
       {"KEY=hunter2", "KEY=ssm:hunter2 ", "KEY", "1K=ssm:/a", "=ssm:/a", "KEY=ssm:", ""}) {
    const auto secret = parse_secret(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().text().find("hunter2"), std::string::npos);
  }
}

Stages whole() {
  Stages stages;
  stages.repo = Repo{"https://h/r", "main", "/token"};
  stages.setup = {"pip install \"x\"", "é\n"};
  stages.data = {{{"bucket", "a b/é"}, "data/"}};
  stages.restore = {{{"bucket", "run7"}, "model/"}};
  stages.secrets = {{"KEY", "/k"}};
  stages.command = {"python3", "train.py", ""};
  stages.setup_limit = Seconds{7};
  return stages;
}

TEST(Stages, are_read_as_they_were_written) {
  auto stages = whole();
  auto read = stages_from_json(to_json(stages));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, stages);
  stages.repo.reset();
  stages.workdir = PackedCode{{"bucket", "k"}, std::string(64, 'a'), 12};
  stages.command.clear();
  stages.shell = "a && b";
  read = stages_from_json(to_json(stages));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, stages);
}

TEST(Stages, are_checked_again_where_they_are_read) {
  const auto text = to_json(whole());
  const std::pair<const char*, const char*> broken[] = {{"https://h/r", "https://me:x@h/r"},
                                                        {"https://h/r", "ext::id"},
                                                        {"\"main\"", "\"-x\""},
                                                        {"\"/token\"", "\"a b\""},
                                                        {"\"KEY\"", "\"K Y\""},
                                                        {"\"/k\"", "\"\""},
                                                        {"\"bucket\":\"bucket\"", "\"bucket\":\"B\""},
                                                        {"\"data/\"", "\"\""},
                                                        {"\"setup_limit_s\":7", "\"setup_limit_s\":0"},
                                                        {"\"setup_limit_s\":7", "\"setup_limit_s\":1e99"},
                                                        {"\"shell\":\"\"", "\"shell\":\"x\""},
                                                        {"\"workdir\":null", "\"workdir\":{}"},
                                                        {"\"setup\":[", "\"setup\":[1,"}};
  for (const auto& [from, to] : broken) {
    auto other = text;
    const auto at = other.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << other;
    other.replace(at, std::string_view(from).size(), to);
    EXPECT_FALSE(stages_from_json(other)) << other;
  }
}

}  // namespace
}  // namespace curfew::launch
