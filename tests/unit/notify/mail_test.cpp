#include "notify/mail.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "support/run.hpp"

namespace curfew::notify {
namespace {

using namespace std::chrono_literals;

TEST(Mailbox, is_one_plain_address) {
  for (const auto* good :
       {"team@example.com", "a@b.org", "root@localhost", "a.b+c_d%e-f@sub.ex-ample.co.uk", "1@2.3"}) {
    const auto box = parse_mailbox(good);
    ASSERT_TRUE(box) << good;
    EXPECT_EQ(box->address, good);
  }
  for (const std::string bad : {"",
                                "@",
                                "a@",
                                "@b.org",
                                "a",
                                "a b@c.org",
                                "a@b.org,c@d.org",
                                "<a@b.org>",
                                "a@b.org\nBcc: x@y.org",
                                "a@b.org\r",
                                "-f@b.org",
                                ".a@b.org",
                                "a.@b.org",
                                "a..b@c.org",
                                "a@-b.org",
                                "a@b-.org",
                                "a@b..org",
                                "a@.org",
                                "a@b.org?subject=x",
                                "\"a b\"@c.org",
                                "a@[10.0.0.1]",
                                "ä@b.org",
                                "a@b@c.org",
                                "a|sh@b.org",
                                "a@b.org;id"})
    EXPECT_FALSE(parse_mailbox(bad)) << bad;
  EXPECT_FALSE(parse_mailbox(std::string(65, 'a') + "@b.org"));
  EXPECT_FALSE(parse_mailbox("a@" + std::string(64, 'b') + ".org"));
  std::string_view with_nul("a@b.org\0c", 9);
  EXPECT_FALSE(parse_mailbox(with_nul));
}

TEST(MailText, has_headers_and_a_body_that_passes_every_mail_system) {
  const Message message{"digest", "1 CRITICAL", "curfew check: 1 CRITICAL\n.\nFrom here\n=x é \nlast"};
  EXPECT_EQ(mail_text({"a@b.org"}, message),
            "To: <a@b.org>\n"
            "Auto-Submitted: auto-generated\n"
            "User-Agent: curfew/" CURFEW_VERSION
            "\n"
            "MIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: quoted-printable\n"
            "Subject: 1 CRITICAL\n"
            "\n"
            "curfew check: 1 CRITICAL\n"
            "=2E\n"
            "=46rom here\n"
            "=3Dx =C3=A9=20\n"
            "last\n");
}

TEST(MailText, keeps_its_lines_short_and_its_headers_its_own) {
  const Message message{"digest", "x\nBcc: all@example.com\r\nY: ü\x1b", std::string(1'000, 'F')};
  std::istringstream lines(mail_text({"a@b.org"}, message));
  bool in_headers = true;
  std::size_t headers = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 130U) << line;
    if (line.empty()) in_headers = false;
    headers += in_headers ? 1U : 0U;
    EXPECT_TRUE(in_headers || line.size() <= 76U) << line;
    if (line.starts_with("Subject: ")) {
      EXPECT_EQ(line, "Subject: x?Bcc: all@example.com??Y: ??");
    }
  }
  EXPECT_EQ(headers, 7U);
}

class SendmailTest : public testing::Test {
 protected:
  SendmailTest() {
    std::string name = testing::TempDir() + "curfew-mail-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~SendmailTest() override { std::filesystem::remove_all(folder_); }
  std::string program(const std::string& script) const {
    const auto path = folder_ + "/sendmail";
    std::ofstream(path) << "#!/bin/sh\n" << script;
    ::chmod(path.c_str(), 0755);
    return path;
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Status send(const std::string& script, Millis limit = 20s) {
    auto found = find_sendmail({{"CURFEW_SENDMAIL", program(script)}, {"HOME", folder_}, {"SECRET", "x"}});
    if (!found) return fail(std::move(found.error()));
    const auto mailer = make_mailer(std::move(*found));
    return test::run(mailer->send({"a@b.org"}, {"digest", "subject", "text"}, limit));
  }
  std::string folder_;
};

TEST_F(SendmailTest, gets_the_message_and_little_else) {
  const auto sent = send("cat >$HOME/mail; echo \"$@\" >$HOME/words; env >$HOME/env");
  ASSERT_TRUE(sent) << sent.error().text();
  EXPECT_TRUE(text("mail").starts_with("To: <a@b.org>\n"));
  EXPECT_EQ(text("words"), "-t -i\n");
  EXPECT_EQ(text("env").find("SECRET"), std::string::npos);
}

TEST_F(SendmailTest, that_fails_says_why) {
  const auto failed = send("echo 'no such\033[31m user' >&2; exit 67");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::system);
  EXPECT_NE(failed.error().text().find("ended with exit code 67: no such\\x1b[31m user"), std::string::npos)
      << failed.error().text();
  const auto later = send("exit 75");
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().kind, ErrorKind::unavailable) << "the mail system asks to be tried again";
}

TEST_F(SendmailTest, that_hangs_is_killed) {
  const auto began = std::chrono::steady_clock::now();
  const auto failed = send("echo $$ >$HOME/pid; sleep 100", 300ms);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  const auto pid = static_cast<pid_t>(std::strtol(text("pid").c_str(), nullptr, 10));
  ASSERT_GT(pid, 1);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(SendmailTest, is_named_by_its_whole_path) {
  EXPECT_FALSE(find_sendmail({{"CURFEW_SENDMAIL", "sendmail"}, {"PATH", folder_}}));
  EXPECT_FALSE(find_sendmail({{"CURFEW_SENDMAIL", folder_ + "/nothing"}}));
}

}  // namespace
}  // namespace curfew::notify
