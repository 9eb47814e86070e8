// The supervisor with a shim that the test plays, a cloud that the test plays, and a power that ends nothing.
#pragma once

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <functional>
#include <mutex>
#include <thread>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "guard/supervisor.hpp"
#include "os/files.hpp"
#include "support/fake_power.hpp"

namespace curfew::guard::test {

class FakeCloud final : public Cloud {
 public:
  bool saves_all = true;
  std::optional<MachineFacts> known;  // told after a while; empty: IMDS doesn't answer
  std::mutex mutex;
  std::map<std::string, std::string> moved_tags;  // since the facts were told
  std::atomic<int> deadline_looks{0};
  SpotNews news;
  BucketReport buckets;
  save::Shipped shipped;
  save::Shipped finished{0, 0, 0, true, {}, {}};
  std::atomic<int> saves{0};
  bool midway_hangs = false;
  bool midway_works = true;
  std::atomic<int> midway_saves{0};
  std::atomic<bool> midway_under_way{false};
  std::atomic<int> overlaps{0};
  std::atomic<int> ships{0};
  std::atomic<int> finished_logs{0};
  std::atomic<int> ends{0};
  std::atomic<int> finished_live{0};
  std::vector<std::string> written;  // status.json, each time; under the mutex
  std::atomic<bool> status_hangs{false};
  std::atomic<bool> status_refused{false};

  Awaitable<Result<MachineFacts>> facts() override {
    if (known) {
      co_await pause(Millis{300});
      co_return *known;
    }
    co_return fail(ErrorKind::unavailable, "ask IMDS", "this is a test");
  }
  Awaitable<Result<std::optional<std::map<std::string, std::string>>>> tags() override {
    if (!known || !known->tags_known) co_return std::nullopt;
    co_return known->tags;
  }
  Awaitable<Result<std::optional<std::string>>> tag(std::string key) override {
    const std::lock_guard lock(mutex);
    if (key == k_deadline_tag) ++deadline_looks;
    const auto found = moved_tags.find(key);
    if (found != moved_tags.end()) co_return found->second;
    if (!known || !known->tags.contains(key)) co_return std::nullopt;
    co_return known->tags.at(key);
  }
  Awaitable<Result<SpotNews>> spot_news() override { co_return news; }
  Awaitable<Result<std::vector<Maintenance>>> maintenance() override { co_return std::vector<Maintenance>(); }
  Awaitable<Result<std::string>> end_instance(Ending) override {
    ++ends;
    co_return fail(ErrorKind::refused, "TerminateInstances", "this is a test");
  }
  Awaitable<Status> may_save() override { co_return Status{}; }
  Awaitable<BucketReport> look_for_buckets() override { co_return buckets; }
  Awaitable<void> read_cost(CostReading& into) override {
    into.parts.instance_type = "g5.xlarge";
    into.parts.region = "us-east-1";
    co_return;
  }
  Awaitable<save::Shipped> ship_logs() override {
    if (++ships == 1) co_return shipped;
    co_return save::Shipped{};
  }
  Awaitable<save::Shipped> finish_logs(BootTime) override {
    ++finished_logs;
    co_return finished;
  }
  Awaitable<save::Shipped> ship_live() override { co_return save::Shipped{}; }
  Awaitable<save::Shipped> finish_live(BootTime) override {
    ++finished_live;
    co_return save::Shipped{};
  }
  Awaitable<Status> write_status(std::string text) override {
    {
      const std::lock_guard lock(mutex);
      written.push_back(std::move(text));
    }
    while (status_hangs) co_await pause(Millis{5});
    if (status_refused) co_return fail(ErrorKind::refused, "write status.json", "this is a test");
    co_return Status{};
  }
  Awaitable<save::Summary> save(BootTime, bool midway, std::shared_ptr<Cancel> cancel,
                                ShowProgress) override {
    save::Summary summary;
    if (midway) {
      ++midway_saves;
      midway_under_way = true;
      while (midway_hangs && !cancel->asked()) co_await pause(Millis{5});
      midway_under_way = false;
      summary.cancelled = cancel->asked();
      if (!midway_works) summary.failed.add({"out/model", 5, "no such bucket"});
      co_return summary;
    }
    if (midway_under_way) ++overlaps;
    ++saves;
    summary.saved_files = 1;
    if (!saves_all) summary.failed.add({"out/model", 5, "this is a test"});
    co_return summary;
  }
};

class FakeTeller final : public Teller {
 public:
  void tell(const notify::Facts& facts) override {
    const std::lock_guard lock(mutex_);
    told_.push_back(facts);
  }
  Awaitable<void> flush(BootTime) override {
    ++flushes;
    co_return;
  }
  [[nodiscard]] std::vector<std::string> places() const override { return {}; }
  [[nodiscard]] std::vector<notify::Facts> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::atomic<int> flushes{0};

 private:
  mutable std::mutex mutex_;
  std::vector<notify::Facts> told_;
};

// A guard at work on its own thread, and the other end of the shim's socket.
class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "curfew.XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    spec.places = {"/bin/false", folder, folder, folder, folder};
    spec.command = "train";
    spec.owner = ::geteuid();
    spec.rules.limits.max_time = Seconds{3'600};
    sockaddr_un address{};
    auto fd = os::open_socket(os::JobPaths{folder, folder}.shim_socket(), address);
    ASSERT_TRUE(fd);
    listener = std::move(*fd);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener.get(), 4), 0);
  }

  void start() {
    spec.times = job::times_from(spec.rules.limits, {clock.wall(), clock.boot(), os::boot_id()});
    guard = std::thread([this] {
      Supervisor supervisor(spec, {io, clock, power, log, cloud, teller, deadline_look});
      supervisor.run();
      done = true;
    });
    ASSERT_TRUE(eventually([this] {
      const int fd = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) shim.emplace(os::Fd(fd));
      return fd >= 0;
    }));
    tell(os::FromShim::started, "999999999");
  }

  void TearDown() override {
    boost::asio::post(io, [this] { io.stop(); });
    if (guard.joinable()) guard.join();
  }

  void tell(os::FromShim type, std::string_view text) {
    ASSERT_TRUE(shim->send(static_cast<char>(type), text));
  }
  void end_job(std::string_view how) {
    tell(os::FromShim::ended, how);
    tell(os::FromShim::tree_gone, "");
  }

  static bool eventually(const std::function<bool()>& holds) {
    for (int tries = 0; tries < 1'000; ++tries) {
      if (holds()) return true;
      ::usleep(10'000);
    }
    return false;
  }
  Result<Saved> saved() const {
    auto text = os::read_file(spec.state_path());
    if (!text) return fail(std::move(text.error()));
    return saved_from_json(*text);
  }
  bool published(int code) {
    return eventually([&] {
      const auto state = saved();
      return state && state->state.published == code;
    });
  }

  Spec spec;
  Millis deadline_look{50};
  os::SystemClock clock;
  curfew::test::FakePower power;
  os::Log log{clock};
  FakeCloud cloud;
  FakeTeller teller;
  boost::asio::io_context io{1};
  os::Fd listener;
  std::optional<os::Channel> shim;
  std::thread guard;
  std::atomic<bool> done{false};
};

}  // namespace curfew::guard::test
