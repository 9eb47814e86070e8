#include "jobs/connection.hpp"

#include <gtest/gtest.h>

#include "unit/jobs/seen_fixture.hpp"

namespace curfew::jobs {
namespace {

using Words = std::vector<std::string>;

Row running_row() {
  auto seen = running_job();
  seen.machines[0].public_ipv4 = "192.0.2.7";
  return assess(seen, k_now);
}

launch::LaunchFile with(const std::string& option, const std::string& value) {
  auto file = launched();
  file.options.emplace_back(option, value);
  return file;
}

bool nothing_is_there(const std::string&) { return false; }

Words words_of(const Row& row, const launch::LaunchFile& file, const ConnectWish& wish,
               const std::function<bool(const std::string&)>& exists = nothing_is_there) {
  const auto connection = connection_of(row, &file, wish, exists);
  return connection ? connection->words : Words{connection.error().text()};
}

TEST(Connection, goes_by_session_manager_without_a_key) {
  EXPECT_EQ(words_of(running_row(), launched(), {}), (Words{"aws", "ssm", "start-session", "--target",
                                                            "i-0123456789abcdef0", "--region", "us-east-1"}));
  ConnectWish wish;
  wish.profile = "lab";
  wish.by_ssm = true;
  EXPECT_EQ(words_of(running_row(), with("key-name", "mine"), wish),
            (Words{"aws", "ssm", "start-session", "--target", "i-0123456789abcdef0", "--region", "us-east-1",
                   "--profile", "lab"}));
}

TEST(Connection, goes_by_ssh_with_a_key) {
  ConnectWish wish;
  wish.home = "/home/me";
  EXPECT_EQ(words_of(running_row(), with("key-name", "mine"), wish,
                     [](const std::string& path) { return path == "/home/me/.ssh/mine.pem"; }),
            (Words{"ssh", "-i", "/home/me/.ssh/mine.pem", "ubuntu@192.0.2.7"}));
  EXPECT_EQ(words_of(running_row(), with("key-name", "mine"), wish), (Words{"ssh", "ubuntu@192.0.2.7"}));
  wish.key = "/keys/other";
  wish.user = "admin";
  EXPECT_EQ(words_of(running_row(), launched(), wish),
            (Words{"ssh", "-i", "/keys/other", "admin@192.0.2.7"}));
}

TEST(Connection, knows_whom_an_image_is_made_for) {
  auto file = with("key-name", "mine");
  file.options.emplace_back("image",
                            "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64");
  EXPECT_EQ(words_of(running_row(), file, {}), (Words{"ssh", "ec2-user@192.0.2.7"}));
}

TEST(Connection, goes_by_session_manager_where_ssh_cannot_reach_it) {
  auto row = running_row();
  for (const auto* address : {"", "192.0.2", "192.0.2.7 -oProxyCommand=x", "-oProxyCommand=x"}) {
    row.public_ipv4 = address;
    EXPECT_EQ(words_of(row, with("key-name", "mine"), {}).front(), "aws") << address;
  }
}

TEST(Connection, takes_no_word_that_could_be_an_option_or_a_path) {
  ConnectWish wish;
  wish.home = "/home/me";
  std::vector<std::string> asked;
  const auto note = [&](const std::string& path) {
    asked.push_back(path);
    return true;
  };
  for (const auto* key : {"../../etc/x", "-oProxyCommand=x", ".ssh", "a/b", "a\nb"})
    EXPECT_EQ(words_of(running_row(), with("key-name", key), wish, note), (Words{"ssh", "ubuntu@192.0.2.7"}))
        << key;
  EXPECT_TRUE(asked.empty());
  for (const auto* user : {"-oProxyCommand=x", "-lroot", "a b", "a@b"}) {
    wish.user = user;
    EXPECT_NE(words_of(running_row(), with("key-name", "mine"), wish).front().find("--user"),
              std::string::npos)
        << user;
  }
}

TEST(Connection, is_refused_where_nothing_runs) {
  auto row = running_row();
  row.instance_state = "terminated";
  EXPECT_NE(words_of(row, launched(), {}).front().find("terminated"), std::string::npos);
  row.instance_state.clear();
  EXPECT_NE(words_of(row, launched(), {}).front().find("EC2 doesn't know it"), std::string::npos);
  row.instance = "i-1; rm -rf /";
  EXPECT_NE(words_of(row, launched(), {}).front().find("no instance"), std::string::npos);
}

}  // namespace
}  // namespace curfew::jobs
