#include "aws/core/credential_process.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "os/files.hpp"
#include "unit/aws/chain_fixture.hpp"

namespace curfew::aws {
namespace {

using Words = std::vector<std::string>;

// What Python's shlex.split(), botocore's, makes of them.
TEST(SplitCommand, MakesTheWordsThatAPosixShellWould) {
  const std::vector<std::pair<const char*, Words>> cases{
      {"a b", {"a", "b"}},       {"  a\t\tb\n c ", {"a", "b", "c"}}, {"'a b' \"c d\"", {"a b", "c d"}},
      {"a'b c'd", {"ab cd"}},    {"a '' \"\"", {"a", "", ""}},       {R"(a\ b)", {"a b"}},
      {R"(a\\b)", {R"(a\b)"}},   {R"('a\b')", {R"(a\b)"}},           {R"("a\"b")", {R"(a"b)"}},
      {R"("a\\b")", {R"(a\b)"}}, {R"("a\$b\n")", {R"(a\$b\n)"}},     {"$HOME ~ #x", {"$HOME", "~", "#x"}},
      {"a;b|c&d", {"a;b|c&d"}},
  };
  for (const auto& [text, words] : cases) {
    const auto got = split_command(text);
    ASSERT_TRUE(got) << text << got.error().text();
    EXPECT_EQ(*got, words) << text;
  }
  for (const auto* bad : {"", "  ", "'hunter2", "\"hunter2", "hunter2\\", "'' hunter2"}) {
    const auto got = split_command(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().text().find("hunter2"), std::string::npos);
  }
  EXPECT_FALSE(split_command(std::string_view("a\0b", 3)));
}

TEST(ProcessOutput, IsCheckedAndNeverShown) {
  for (
      const auto* good :
      {R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"})",
       R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":null,"Expiration":null})",
       R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2026-11-24T19:00:00.5+01:00"})"})
    EXPECT_TRUE(parse_process_output(good, "x")) << good;
  for (const auto* bad :
       {"", "[]", "hunter2", R"({"AccessKeyId":"A","SecretAccessKey":"hunter2"})",
        R"({"Version":"1","AccessKeyId":"A","SecretAccessKey":"hunter2"})",
        R"({"Version":2,"AccessKeyId":"A","SecretAccessKey":"hunter2"})",
        R"({"Version":1,"AccessKeyId":"hunter2"})",
        R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2\r\n"})",
        R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"tomorrow"})",
        R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":5})"}) {
    const auto got = parse_process_output(bad, "x");
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().text().find("hunter2"), std::string::npos);
  }
}

TEST_F(ChainTest, AProgramSeesTheVariablesAndNotOurDescriptors) {
  const std::string config =
      "[default]\ncredential_process = sh -c 'printf \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"AK$WHO\\\","
      "\\\"SecretAccessKey\\\":\\\"s\\\",\\\"SessionToken\\\":null,\\\"Expiration\\\":\\\"2026-11-24T19:00:"
      "00Z\\\"}\"'\n";
  const auto got = get({{"PATH", "/usr/bin:/bin"}, {"WHO", "ME"}}, {{k_config, config}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->access_key, "AKME");
  EXPECT_EQ(got->expires, clock_.now + std::chrono::hours{1});
  EXPECT_TRUE(get({{"WHO", "ME"}}, {{k_config, config}}));  // no PATH, as a service
  // What it says on stderr is no part of what it prints.
  const auto chatty = replaced(config, "printf", "echo warning >&2; printf");
  EXPECT_TRUE(get({{"WHO", "ME"}}, {{k_config, chatty}}));
}

TEST(RunAs, RootGivesAnothersProgramTheirRightsAndTrustsNoFileThatOthersWrite) {
  if (::geteuid() != 0) {
    EXPECT_FALSE(run_as_owner("/etc/passwd").value());
    return;
  }
  std::string path = "/tmp/curfew-runas-XXXXXX";
  const os::Fd file{::mkstemp(path.data())};
  ASSERT_TRUE(file);
  EXPECT_FALSE(run_as_owner(path).value());
  ASSERT_EQ(::fchmod(file.get(), 0664), 0);
  EXPECT_EQ(run_as_owner(path).error().kind, ErrorKind::refused);
  ASSERT_EQ(::fchown(file.get(), 12345, 23456), 0);
  const auto account = run_as_owner(path).value();
  ASSERT_TRUE(account);
  EXPECT_EQ(account->user, 12345U);
  (void)os::remove_file(path);
  EXPECT_FALSE(run_as_owner(path));  // gone: whose it was isn't known

  const ProcessSource source{
      "p", path,
      R"(sh -c 'printf "{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\"}" $(id -u)-$(id -G)')"};
  const RunAs theirs = [&](const std::string&) { return account; };
  auto got = test::run(run_credential_process(source, {}, theirs));
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->access_key, "12345-23456");
}

TEST_F(ChainTest, ManyWhoAskAtOnceStartOneProgram) {
  std::string folder = "/tmp/curfew-chain-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto count = folder + "/count";
  const std::string config =
      "[default]\ncredential_process = sh -c 'echo x >> " + count +
      R"(; sleep 0.1; echo "{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"s\"}"'
)";
  const auto source = make({{"PATH", "/usr/bin:/bin"}}, {{k_config, config}});
  boost::asio::io_context io;
  int found = 0;
  for (int i = 0; i < 30; ++i)
    boost::asio::co_spawn(io, source->get(), [&](const std::exception_ptr&, const Result<Credentials>& got) {
      found += got ? 1 : 0;
    });
  io.run();
  EXPECT_EQ(found, 30);
  EXPECT_EQ(os::read_file(count).value(), "x\n");
  (void)os::remove_file(count);
  ::rmdir(folder.c_str());
}

}  // namespace
}  // namespace curfew::aws
