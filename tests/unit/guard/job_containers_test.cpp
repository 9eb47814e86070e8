// A Docker that is a shell script over a folder: running/ID holds what an inspection prints.
#include "guard/job_containers.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::guard {
namespace {

constexpr const char* k_docker = R"sh(#!/bin/sh
cd "$(dirname "$0")" || exit 9
[ "$1 $2" = "--host unix://$PWD/socket" ] || { echo "no such host: $1 $2"; exit 9; }
shift 2
echo "$*" >>calls
verb=$1; shift
[ -e "hang-$verb" ] && exec sleep 1000
[ -e "fail-$verb" ] && { cat "fail-$verb"; exit 1; }
code=0
case $verb in
  ps) echo 'WARNING: something of no matter' >&2; ls running ;;
  inspect) shift 2; for id; do cat "running/$id" 2>/dev/null || { echo "Error: No such object: $id" >&2; code=1; }; done ;;
  stop) shift 2; for id; do [ -e "deaf-$id" ] || rm "running/$id"; done ;;
  kill) for id; do [ -e "stuck-$id" ] || rm "running/$id"; done ;;
esac
exit $code
)sh";

class JobContainersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "curfew.XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    folder = made;
    ASSERT_EQ(::mkdir((folder + "/running").c_str(), 0700), 0);
    put("socket");
    put("docker", k_docker);
    ASSERT_EQ(::chmod((folder + "/docker").c_str(), 0755), 0);
    spec.places.state = folder;
    log.listen([this](os::LogLevel, std::string_view text) { lines += std::string(text) + "\n"; });
  }

  void put(const std::string& name, const std::string& text = "") const {
    std::ofstream(folder + "/" + name) << text;
  }
  [[nodiscard]] std::string calls() const { return os::read_file(folder + "/calls").value_or(""); }

  std::string runs(char c, Seconds after_start, bool attached = false,
                   const std::string& mount = "null") const {
    const std::string id(64, c);
    put("running/" + id, R"({"id":")" + id + R"(","started":")" + format_utc(began + after_start) +
                             R"(","attached":)" + (attached ? "true" : "false") +
                             R"(,"image":"trainer","command":["train",null],"writable":[)" + mount + "]}\n");
    return id;
  }
  [[nodiscard]] bool is_running(const std::string& id) const { return os::exists(folder + "/running/" + id); }

  std::unique_ptr<JobContainers> make() {
    return std::make_unique<JobContainers>(
        spec, JobContainers::World{io, clock, log, [this] { return stays; }, [this] { return clients; },
                                   [this] { return clock.boot() < ending_until; }, folder + "/docker",
                                   folder + "/socket"});
  }
  // Until nothing is under way.
  void work() {
    io.restart();
    io.run();
  }
  // What `when_gone` waited for.
  Millis settle(JobContainers& containers) {
    const auto start = clock.boot();
    std::optional<BootTime> gone;
    containers.when_gone([&] { gone = clock.boot(); });
    work();
    EXPECT_TRUE(gone);
    return gone.value_or(start) - start;
  }

  std::string folder;
  std::string lines;
  bool stays = false;
  std::vector<std::vector<std::string>> clients;
  Spec spec;
  os::SystemClock clock;
  os::Log log{clock};
  boost::asio::io_context io{1};
  WallTime began = std::chrono::floor<Seconds>(clock.wall());
  BootTime ending_until = clock.boot() + Seconds{3'600};
};

TEST_F(JobContainersTest, what_the_job_left_is_stopped_and_older_ones_are_not) {
  const auto older = runs('a', Seconds{-60});
  const auto containers = make();
  containers->begin(began);
  work();
  const auto left = runs('b', Seconds{5});
  containers->stop(clock.boot() + Millis{30'900});
  work();
  EXPECT_FALSE(is_running(left));
  EXPECT_TRUE(is_running(older));
  EXPECT_NE(calls().find("stop -t 30 " + left + "\n"), std::string::npos) << calls();
  EXPECT_LT(settle(*containers), Millis{5'000});
  EXPECT_TRUE(is_running(older));
  EXPECT_NE(lines.find("container bbbbbbbbbbbb\n"), std::string::npos) << lines;
}

TEST_F(JobContainersTest, what_a_client_passes_signals_to_is_stopped_once_the_tree_is_gone) {
  const auto containers = make();
  containers->begin(began);
  work();
  const auto attached = runs('b', Seconds{5}, true);
  const auto detached = runs('c', Seconds{5}, false);
  containers->stop(clock.boot() + Seconds{30});
  work();
  EXPECT_TRUE(is_running(attached));
  EXPECT_FALSE(is_running(detached));
  (void)settle(*containers);
  EXPECT_FALSE(is_running(attached));
}

TEST_F(JobContainersTest, a_later_guard_knows_what_ran_before) {
  const auto restarted = runs('a', Seconds{-60});
  {
    const auto first = make();
    first->begin(began);
    work();
  }
  runs('a', Seconds{20});  // by Docker, which restarts it
  const auto left = runs('b', Seconds{5});
  const auto second = make();
  second->resume(began);
  (void)settle(*second);
  EXPECT_TRUE(is_running(restarted));
  EXPECT_FALSE(is_running(left));
}

TEST_F(JobContainersTest, a_later_guard_that_does_not_know_goes_by_their_start) {
  for (const auto* record : {"", "garbage", R"({"version":1,"job_began_ms":5,"running":[]})"}) {
    if (*record != '\0') put("containers.json", record);
    const auto older = runs('a', Seconds{-60});
    const auto left = runs('b', Seconds{5});
    const auto second = make();
    second->resume(began);
    (void)settle(*second);
    EXPECT_TRUE(is_running(older)) << record;
    EXPECT_FALSE(is_running(left)) << record;
  }
}

TEST_F(JobContainersTest, one_that_the_job_started_before_it_was_asked_is_the_jobs) {
  const auto quick = runs('b', Seconds{0});
  const auto containers = make();
  containers->begin(began);
  work();
  (void)settle(*containers);
  EXPECT_FALSE(is_running(quick));
}

TEST_F(JobContainersTest, a_deaf_one_is_killed) {
  const auto deaf = runs('b', Seconds{5});
  put("deaf-" + deaf);
  const auto containers = make();
  containers->begin(began);
  containers->stop(clock.boot() + Seconds{30});
  work();
  EXPECT_TRUE(is_running(deaf));
  containers->kill();
  (void)settle(*containers);
  EXPECT_FALSE(is_running(deaf));
  EXPECT_NE(lines.find("killing what was started since the job began: container bbbbbbbbbbbb"),
            std::string::npos)
      << lines;
}

TEST_F(JobContainersTest, one_that_nothing_ends_is_said_and_not_waited_for_longer_than_the_policy) {
  const auto stuck = runs('b', Seconds{5});
  put("deaf-" + stuck);
  put("fail-kill", "Error response from daemon: cannot kill container: \x1b[31mpermission denied\n");
  const auto containers = make();
  containers->begin(began);
  work();
  ending_until = clock.boot() + Millis{1'500};
  containers->kill();
  EXPECT_LT(settle(*containers), Millis{5'000});
  EXPECT_NE(
      lines.find("still running, and may still write: container bbbbbbbbbbbb (docker kill: Error response"),
      std::string::npos)
      << lines;
  EXPECT_EQ(lines.find('\x1b'), std::string::npos);
}

TEST_F(JobContainersTest, trouble_with_docker_is_said_once_and_gone_without) {
  const struct {
    const char* file;
    const char* text;
    Millis most;
  } cases[] = {
      {"fail-ps", "permission denied while trying to connect to the Docker daemon socket", Millis{2'000}},
      {"fail-ps", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", Millis{2'000}},
      {"fail-inspect", "template parsing error: template: :1:8: executing \"\" at <.Config>", Millis{2'000}},
      {"hang-ps", "did not end within 5s", JobContainers::k_ask_limit + Millis{2'000}},
  };
  for (const auto& [file, text, most] : cases) {
    lines.clear();
    (void)os::remove_file(folder + "/fail-ps");
    const auto left = runs('b', Seconds{5});
    put(file, text);
    const auto containers = make();
    containers->begin(began);
    containers->stop(clock.boot() + Seconds{30});
    work();
    EXPECT_LT(settle(*containers), most) << text;
    const auto first = lines.find("can't be seen or stopped");
    EXPECT_NE(first, std::string::npos) << text;
    EXPECT_EQ(lines.find("can't be seen or stopped", first + 1), std::string::npos) << lines;
    EXPECT_NE(lines.find(text), std::string::npos) << lines;
    EXPECT_TRUE(is_running(left));
    (void)os::remove_file(folder + "/" + file);
  }
}

TEST_F(JobContainersTest, nothing_is_asked_where_there_is_no_docker) {
  for (const auto* missing : {"socket", "DOCKER_HOST elsewhere"}) {
    SetUp();
    if (missing == std::string("socket")) (void)os::remove_file(folder + "/socket");
    else spec.environment["DOCKER_HOST"] = "tcp://10.0.0.9:2375";
    runs('b', Seconds{5});
    const auto containers = make();
    containers->begin(began);
    containers->stop(clock.boot() + Seconds{30});
    containers->kill();
    bool called = false;
    containers->when_gone([&] { called = true; });
    EXPECT_TRUE(called) << "at once, without the loop";
    work();
    EXPECT_EQ(calls(), "") << missing;
    EXPECT_EQ(lines, "");
  }
}

TEST_F(JobContainersTest, the_daemon_that_the_job_names_is_asked) {
  spec.environment["DOCKER_HOST"] = "unix://" + folder + "/socket";
  (void)os::remove_file(folder + "/socket");
  const auto left = runs('b', Seconds{5});
  const auto containers = make();
  (void)settle(*containers);
  EXPECT_FALSE(is_running(left));
}

TEST_F(JobContainersTest, where_the_machine_stays_only_what_may_write_to_results_is_stopped) {
  stays = true;
  spec.folder = "/home/me";
  spec.saves = {"out=s3://bucket/run"};
  const auto writes = runs('b', Seconds{5}, false, R"("/home/me/out")");
  const auto other = runs('c', Seconds{5}, false, R"("/home/you")");
  const auto containers = make();
  containers->begin(began);
  containers->stop(clock.boot() + Seconds{30});
  containers->kill();
  work();
  (void)settle(*containers);
  EXPECT_FALSE(is_running(writes));
  EXPECT_TRUE(is_running(other));
  const std::string said = "it may be somebody else's: container cccccccccccc";
  const auto first = lines.find(said);
  EXPECT_NE(first, std::string::npos) << lines;
  EXPECT_EQ(lines.find(said, first + 1), std::string::npos) << "once";
}

TEST_F(JobContainersTest, where_the_machine_stays_what_the_jobs_own_client_runs_is_killed) {
  stays = true;
  clients = {{"docker", "run", "--rm", "trainer", "train"}};
  const auto own = runs('b', Seconds{5}, true);
  const auto detached = runs('c', Seconds{5}, false);
  const auto containers = make();
  containers->begin(began);
  containers->stop(clock.boot() + Seconds{30});
  work();
  EXPECT_TRUE(is_running(own)) << "its client passes the signal on";
  clients.clear();
  containers->kill();
  work();
  EXPECT_FALSE(is_running(own));
  EXPECT_TRUE(is_running(detached));
}

TEST(DockerClients, are_found_below_a_process) {
  EXPECT_TRUE(JobContainers::clients_below(0).empty());
  EXPECT_TRUE(JobContainers::clients_below(-1).empty());
  EXPECT_TRUE(JobContainers::clients_below(::getpid()).empty());
  std::string folder = testing::TempDir() + "curfew.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/docker") << "#!/bin/sh\nread line\n";
  ASSERT_EQ(::chmod((folder + "/docker").c_str(), 0755), 0);
  std::unique_ptr<FILE, int (*)(FILE*)> client(
      ::popen(("exec sh -c '" + folder + "/docker run \"a b\" \"\"; true'").c_str(), "w"), ::pclose);
  ASSERT_TRUE(client);
  std::vector<std::vector<std::string>> found;
  for (int tries = 0; found.empty() && tries < 500; ++tries) {
    ::usleep(10'000);
    found = JobContainers::clients_below(::getpid());
  }
  ASSERT_EQ(found.size(), 1U);
  const std::vector<std::string> last(found[0].end() - std::min<std::ptrdiff_t>(3, std::ssize(found[0])),
                                      found[0].end());
  EXPECT_EQ(last, (std::vector<std::string>{"run", "a b", ""}));
}

}  // namespace
}  // namespace curfew::guard
