#include "guard/containers.hpp"

#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

const std::string k_a(64, 'a');
const std::string k_b(64, 'b');

WallTime at(std::string_view text, int millis = 0) { return *parse_utc(text) + Millis{millis}; }

std::string line(const std::string& id, const std::string& started = "2026-11-24T18:00:00.123456789Z",
                 const std::string& attached = "true", const std::string& writable = "null",
                 const std::string& command = R"("python","train.py",null)") {
  return R"({"id":")" + id + R"(","started":")" + started + R"(","attached":)" + attached +
         R"(,"image":"trainer:1","command":[)" + command + R"(],"writable":[)" + writable + "]}";
}

TEST(ContainerIds, are_read_and_checked) {
  const struct {
    std::string text;
    std::vector<std::string> ids;
  } cases[] = {
      {"", {}},
      {"\n", {}},
      {k_a + "\n" + k_b + "\n", {k_a, k_b}},
      {k_a + "\r\n" + k_a, {k_a}},
      {"0123456789ab", {"0123456789ab"}},
      {"0123456789a", {}},
      {k_a + "a", {}},
      {"0123456789AB", {}},
      {"-f", {}},
      {"--help", {}},
      {"WARNING: Error loading config file: /root/.docker/config.json: permission denied\n" + k_a, {k_a}},
      {"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
       {}},
  };
  for (const auto& [text, ids] : cases) EXPECT_EQ(parse_container_ids(text), ids) << text;
}

TEST(ContainerIds, are_bounded) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "0123456789ab" + std::to_string(100'000 + i) + "\n";
  EXPECT_EQ(parse_container_ids(text).size(), k_most_containers);
}

TEST(Containers, are_read) {
  const auto got = parse_containers(line(k_a) + "\nwhat docker warns of\n" +
                                    line(k_b, "2026-11-24T19:00:00+01:00", "false",
                                         R"("/data/out/","relative","/a/../b","/with \"\n",null)"));
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].id, k_a);
  EXPECT_EQ(got[0].started, at("2026-11-24T18:00:00Z", 123));
  EXPECT_TRUE(got[0].attached);
  EXPECT_TRUE(got[0].writable.empty());
  EXPECT_EQ(got[0].image, "trainer:1");
  EXPECT_EQ(got[0].command, (std::vector<std::string>{"python", "train.py"}));
  EXPECT_EQ(got[1].started, at("2026-11-24T18:00:00Z"));
  EXPECT_FALSE(got[1].attached);
  EXPECT_EQ(got[1].writable, (std::vector<std::string>{"/data/out", "/b", "/with \"\n"}));
}

TEST(Containers, that_are_odd_are_skipped) {
  const std::string cases[] = {
      "",
      "null",
      "[]",
      "{",
      "{}",
      line("-t"),
      line(k_a + "a"),
      line(k_a, "0001-01-01T00:00:00Z"),  // never started
      line(k_a, "yesterday"),
      line(k_a, "2026-11-24T18:00:00Z", "\"true\""),
      line(k_a, "2026-11-24T18:00:00Z", "true", "\"/a\",]"),
      R"({"id":")" + k_a + R"(","started":"2026-11-24T18:00:00Z","attached":true})",
      line(k_a, "2026-11-24T18:00:00Z", "true", "null", "{}"),
      R"({"id":")" + k_a + R"(","started":"2026-11-24T18:00:00Z","attached":true,"writable":{}})",
      std::string(100'000, '['),
  };
  for (const auto& text : cases) EXPECT_TRUE(parse_containers(text).empty()) << text.substr(0, 200);
}

TEST(Containers, have_a_bounded_number_of_mounts) {
  std::string mounts;
  for (int i = 0; i < 1'000; ++i) mounts += "\"/" + std::to_string(i) + "\",";
  const auto got = parse_containers(line(k_a, "2026-11-24T18:00:00Z", "true", mounts + "null"));
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].writable.size(), k_most_mounts);
}

TEST(Containers, are_the_jobs_by_what_ran_before_or_by_their_start) {
  const auto began = at("2026-11-24T18:00:00Z", 500);
  const auto container = [](WallTime started) { return Container{k_a, started, false, {}, {}, {}}; };
  const struct {
    const char* name;
    WallTime started;
    std::optional<std::vector<std::string>> running;
    bool since;
  } cases[] = {
      {"started later", began + Seconds{5}, {}, true},
      {"started within the same second", began + Millis{1}, {}, true},
      {"started before, within the same second", began - Millis{1}, {}, false},
      {"started before", began - Seconds{3600}, {}, false},
      {"ran before, and was restarted by Docker", began + Seconds{5}, {{k_a}}, false},
      {"started later, others ran", began + Seconds{5}, {{k_b}}, true},
      {"started later, none ran", began + Seconds{5}, {{}}, true},
      {"not there before, and the clock went back", began - Seconds{3600}, {{k_b}}, true},
  };
  for (const auto& [name, started, running, since] : cases)
    EXPECT_EQ(is_since(container(started), {began, running}), since) << name;
}

TEST(Containers, may_write_where_they_have_a_mount) {
  const auto saved = saved_paths(
      {"out/=s3://bucket/run", "/data/model.pt=s3://bucket/model", "./a/../b=s3://bucket/p", "nonsense"},
      "/home/me/job");
  EXPECT_EQ(saved, (std::vector<std::string>{"/home/me/job/out", "/data/model.pt", "/home/me/job/b"}));
  const struct {
    const char* mount;
    bool may;
  } cases[] = {{"/home/me/job/out", true},
               {"/home/me/job", true},
               {"/home/me/job/out/deep", true},
               {"/", true},
               {"/data", true},
               {"/data/model.pt", true},
               {"/home/me/job/output", false},
               {"/home/me/other", false},
               {"/data/model", false},
               {"/var/lib/docker/volumes", false}};
  for (const auto& [mount, may] : cases)
    EXPECT_EQ(may_write_to(Container{k_a, {}, false, {mount}, {}, {}}, saved), may) << mount;
  EXPECT_FALSE(may_write_to(Container{k_a, {}, false, {}, {}, {}}, saved));
  EXPECT_FALSE(may_write_to(Container{k_a, {}, false, {"/"}, {}, {}}, {}));
}

TEST(Containers, are_a_clients_by_image_and_command) {
  const Container container{k_a, {}, true, {}, "trainer:1", {"python", "train.py"}};
  const struct {
    std::vector<std::string> argv;
    bool is;
  } cases[] = {
      {{"docker", "run", "--rm", "trainer:1", "python", "train.py"}, true},
      {{"docker", "run", "trainer:1"}, true},
      {{"docker", "container", "run", "-v", "/a:/b", "trainer:1", "python", "train.py"}, true},
      {{"docker", "run", "--name", "trainer:1", "trainer:1", "python", "train.py"}, true},
      {{"/bin/sh", "/usr/bin/docker", "run", "trainer:1"}, true},
      {{"docker", "run", "trainer:2", "python", "train.py"}, false},
      {{"docker", "run", "trainer:1", "python", "eval.py"}, false},
      {{"docker", "run", "trainer:1", "python"}, false},
      {{"docker", "logs", "trainer:1"}, false},
      {{"docker", "run"}, false},
      {{"run"}, false},
      {{}, false},
  };
  for (const auto& [argv, is] : cases)
    EXPECT_EQ(is_run_by(container, argv), is) << (argv.empty() ? "" : argv.back());
  EXPECT_FALSE(is_run_by(Container{k_a, {}, true, {}, "", {}}, {"docker", "run", ""}));
}

TEST(DockerSocket, is_this_machines_or_none) {
  EXPECT_EQ(docker_socket("unix:///run/user/1000/docker.sock"), "/run/user/1000/docker.sock");
  for (const auto* other :
       {"", "tcp://10.0.0.9:2375", "ssh://me@host", "unix://", "unix://relative", "/run/docker.sock"})
    EXPECT_EQ(docker_socket(other), "") << other;
}

TEST(JobBegan, survives_a_guard) {
  const JobBegan began{at("2026-11-24T18:00:00Z", 7), {{k_a, k_b}}};
  const auto read = job_began_from_json(to_json(began));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->at, began.at);
  EXPECT_EQ(read->running, began.running);
  for (const auto* bad : {"", "{}", "[]", R"({"job_began_ms":1})", R"({"job_began_ms":1,"running":[1]})"})
    EXPECT_FALSE(job_began_from_json(bad)) << bad;
}

TEST(ContainerIds, are_shown_short) {
  const auto container = [](char c) { return Container{std::string(64, c), {}, false, {}, {}, {}}; };
  EXPECT_EQ(ids_text({container('a')}), "aaaaaaaaaaaa");
  EXPECT_EQ(ids_text({container('a'), container('b'), container('c'), container('d'), container('e')}),
            "aaaaaaaaaaaa, bbbbbbbbbbbb, cccccccccccc and 2 more");
}

}  // namespace
}  // namespace curfew::guard
