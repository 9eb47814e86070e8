// Who may speak to the shim, what it tells them, and that nonsense only costs the one who talks it.
#include "shim/clients.hpp"

#include <sys/socket.h>

#include <random>

#include "harness.hpp"

namespace curfew::shim::testing {
namespace {

TEST(Clients, that_come_late_learn_what_happened) {
  Shim shim;
  shim.options.front_wait = 10'000ms;  // it lingers for a front end that long
  shim.start_shell("sleep 1000 & exit 11");
  {
    Peer first = shim.guard();
    EXPECT_EQ(first.await(FromShim::ended), "exited 11");
  }
  Peer second = shim.guard();
  const auto started = second.next();
  ASSERT_TRUE(started);
  EXPECT_EQ(started->type, static_cast<char>(FromShim::started));
  const auto ended = second.next();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->type, static_cast<char>(FromShim::ended));
  EXPECT_EQ(ended->text, "exited 11");
  EXPECT_FALSE(second.await(FromShim::tree_gone, 100ms));
  ASSERT_TRUE(second.say(ToShim::kill_tree));
  EXPECT_TRUE(second.await(FromShim::tree_gone));
  Peer third = shim.guard();
  EXPECT_EQ(third.await(FromShim::ended), "exited 11");
  EXPECT_TRUE(third.await(FromShim::tree_gone));
}

TEST(Clients, hear_of_the_end_within_5_ms) {
  Shim shim;
  shim.start_shell("read line");
  Peer guard = shim.guard();
  const auto pid = guard.await(FromShim::started);
  ASSERT_TRUE(pid);
  ASSERT_TRUE(eventually([&] { return os::read_process(std::stoi(*pid)).has_value(); }));
  Peer front = shim.front(STDERR_FILENO, STDERR_FILENO);
  ASSERT_TRUE(front.await(FromShim::started));
  // Until it reads, so that its start isn't measured.
  ASSERT_TRUE(eventually([&] { return os::read_process(std::stoi(*pid))->state == 'S'; }));
  const auto began = Clock::now();
  ASSERT_EQ(::kill(std::stoi(*pid), SIGKILL), 0);
  ASSERT_TRUE(guard.await(FromShim::ended));
  const auto took = Clock::now() - began;
  RecordProperty("microseconds",
                 static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  std::printf("from the kill to the word of it: %lld us\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  EXPECT_LT(took, 100ms);  // a busy machine; alone it takes a fraction of 5 ms
}

TEST(Clients, talking_nonsense_are_dropped_and_the_job_goes_on) {
  Shim shim;
  shim.start_shell("read line; exit 12");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    auto peer = shim.connect();
    ASSERT_TRUE(peer);
    // No front end: one that goes ends the job's input.
    if (round % 2 == 0) {
      ASSERT_TRUE(peer->say(ToShim::hello_guard));
    }
    for (int packet = 0; packet < 3; ++packet) {
      std::string text(random() % 2'000, '\0');
      for (char& c : text) c = static_cast<char>(random());
      char type = static_cast<char>(random());
      // What would be obeyed.
      if (std::string_view("gfskla").find(type) != std::string_view::npos) type = 'z';
      static_cast<void>(peer->channel().send(type, text));
    }
    EXPECT_TRUE(peer->is_closed());
  }
  // A known word with a value that makes no sense.
  for (const auto& [type, text] :
       std::vector<std::pair<ToShim, std::string>>{{ToShim::signal_tree, ""},
                                                   {ToShim::signal_tree, "x"},
                                                   {ToShim::signal_tree, "0"},
                                                   {ToShim::signal_tree, "65"},
                                                   {ToShim::signal_tree, "-9"},
                                                   {ToShim::signal_tree, "99999999999999999999"},
                                                   {ToShim::input, "not a guard's"},
                                                   {ToShim::window, "1 1"},
                                                   {ToShim::hello_guard, ""}}) {
    Peer peer = shim.guard();
    ASSERT_TRUE(peer.await(FromShim::started));
    ASSERT_TRUE(peer.say(type, text));
    EXPECT_TRUE(peer.is_closed()) << text;
  }
  ASSERT_TRUE(guard.say(ToShim::signal_tree, "15"));
  EXPECT_EQ(guard.await(FromShim::ended), "signalled 15");
}

TEST(Clients, that_are_front_ends_may_not_signal) {
  Shim shim;
  shim.options.front_wait = 10'000ms;
  shim.start_shell("read line; exit 13");
  Peer front = shim.front(STDERR_FILENO, STDERR_FILENO);
  ASSERT_TRUE(front.await(FromShim::started));
  ASSERT_TRUE(front.say(ToShim::kill_tree));
  EXPECT_TRUE(front.is_closed());
  EXPECT_EQ(shim.guard().await(FromShim::ended), "exited 13");  // its input has ended
}

TEST(Clients, send_too_large_a_packet_or_none) {
  Shim shim;
  shim.start_shell("read line; sleep 1000");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  for (const std::size_t size : {std::size_t{0}, os::k_largest_message + 1, std::size_t{150'000}}) {
    auto peer = shim.connect();
    ASSERT_TRUE(peer);
    const std::string packet(size, 'g');
    ASSERT_EQ(::send(peer->channel().fd(), packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(size));
    EXPECT_TRUE(peer->is_closed()) << size;
  }
  EXPECT_TRUE(guard.say(ToShim::guard_alive));
  EXPECT_TRUE(guard.say(ToShim::kill_tree));
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
}

TEST(Clients, past_the_eighth_are_closed) {
  Shim shim;
  shim.start_shell("sleep 1000");
  std::vector<Peer> peers;
  for (std::size_t count = 0; count < Clients::k_most; ++count) {
    peers.push_back(shim.guard());
    ASSERT_TRUE(peers.back().await(FromShim::started));
  }
  auto one_too_many = shim.connect();
  ASSERT_TRUE(one_too_many);
  EXPECT_TRUE(one_too_many->is_closed());
  peers.pop_back();
  EXPECT_TRUE(eventually([&] { return shim.guard().await(FromShim::started).has_value(); }));
}

TEST(Clients, that_do_not_read_are_dropped) {
  // As many words as fit into the socket, and one more: played on the class itself.
  const Folder folder;
  const std::string path = folder.path() + "/socket";
  Clients clients;
  ASSERT_TRUE(clients.listen(path));
  ASSERT_TRUE(clients.admit(::geteuid()));
  auto peer = os::connect_to_shim({folder.path(), folder.path()});
  EXPECT_FALSE(peer);  // another name
  sockaddr_un address{};
  auto fd = os::open_socket(path, address);
  ASSERT_TRUE(fd);
  ASSERT_EQ(::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  clients.accept();
  ASSERT_TRUE(clients.at(0));
  int sent = 0;
  while (clients.tell(0, FromShim::output_at, "1") && sent < 100'000) ++sent;
  EXPECT_GT(sent, 10);
  EXPECT_LT(sent, 100'000);
  EXPECT_FALSE(clients.at(0));
}

// Runs `body` as somebody else; its exit status.
int as_user(uid_t user, const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) ::_exit(99);
    ::_exit(body());
  }
  int status = -1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// 0: answered; 1: closed; 2: not even connected.
int answer_to(const os::JobPaths& paths, ToShim hello) {
  auto channel = os::connect_to_shim(paths);
  if (!channel) return 2;
  Peer peer(std::move(*channel));
  peer.say(hello);
  return peer.await(FromShim::started) ? 0 : 1;
}

TEST(Clients, are_root_the_jobs_user_or_nobody) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  constexpr uid_t k_job = 65'533;
  constexpr uid_t k_foreign = 65'532;
  Shim shim;
  shim.spec.uid = shim.spec.gid = k_job;
  shim.options.front_wait = 10'000ms;
  shim.start({"/bin/sleep", "1000"});
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));

  struct stat info {};
  ASSERT_EQ(::stat(shim.paths().shim_socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(info.st_uid, k_job);

  EXPECT_EQ(as_user(k_foreign, [&] { return answer_to(shim.paths(), ToShim::hello_front); }), 2);
  EXPECT_EQ(as_user(k_job, [&] { return answer_to(shim.paths(), ToShim::hello_guard); }), 1);
  EXPECT_EQ(as_user(k_job, [&] { return answer_to(shim.paths(), ToShim::hello_front); }), 0);
  // Not only by the socket's mode.
  ASSERT_EQ(::chmod(shim.paths().shim_socket().c_str(), 0666), 0);
  EXPECT_EQ(as_user(k_foreign, [&] { return answer_to(shim.paths(), ToShim::hello_front); }), 1);
  EXPECT_EQ(as_user(k_foreign, [&] { return answer_to(shim.paths(), ToShim::hello_guard); }), 1);
}

TEST(Clients, of_the_jobs_user_cannot_keep_the_guard_out) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  Shim shim;
  shim.spec.uid = shim.spec.gid = 65'533;
  shim.start({"/bin/sleep", "1000"});
  ASSERT_TRUE(shim.guard().await(FromShim::started));
  Collector done;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(65'533, 65'533, 65'533) != 0 || ::setresuid(65'533, 65'533, 65'533) != 0) ::_exit(99);
    std::vector<Peer> held;
    for (int count = 0; count < 20; ++count)
      if (auto channel = os::connect_to_shim(shim.paths())) held.emplace_back(std::move(*channel));
    const bool closed = held.back().is_closed();
    [[maybe_unused]] const auto wrote = ::write(done.fd(), closed ? "closed" : "all in", 6);
    ::poll(nullptr, 0, 60'000);
    ::_exit(0);
  }
  EXPECT_TRUE(done.contains("closed"));
  EXPECT_TRUE(shim.guard().await(FromShim::started));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace curfew::shim::testing
