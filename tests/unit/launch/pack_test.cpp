#include "launch/pack.hpp"

#include <stdlib.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "aws/core/hash.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "support/run.hpp"

namespace curfew::launch {
namespace {

namespace fs = std::filesystem;

class Pack : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "pack.XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    fs::create_directory(code());
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string code() const { return folder_ + "/code"; }
  void sh(const std::string& script) const {
    const auto outcome = os::run_command({"sh", "-ec",
                                          "cd \"$1\"; export HOME=\"$1/..\"; g() { git -c user.name=t -c "
                                          "user.email=t@t -c protocol.file.allow=always \"$@\"; }; " +
                                              script,
                                          "sh", code()},
                                         Millis{60'000});
    ASSERT_TRUE(outcome && outcome->code == 0) << (outcome ? outcome->output : outcome.error().text());
  }
  Result<Packed> pack_it(const std::string& what) {
    notes_.clear();
    const net::Environment environment{{"HOME", folder_}, {"PATH", "/usr/bin:/bin"}, {"TMPDIR", folder_}};
    return test::run(pack(what, environment, [this](const std::string& note) { notes_ += note; }));
  }
  // The names in it, one a line.
  std::string names(const Packed& packed) {
    const auto archive = folder_ + "/archive";
    EXPECT_TRUE(os::replace_file(archive, packed.archive, 0600, os::Sync::no));
    const auto listed = os::run_command({"tar", "-tzf", archive}, Millis{30'000});
    return listed ? listed->output : listed.error().text();
  }

  std::string folder_, notes_;
};

TEST_F(Pack, takes_what_git_would_give_to_others) {
  sh("mkdir -p lib ckpt; echo a >lib/a; echo b >'-b c'; ln -s /etc/passwd link; echo x >.env; echo x >ckpt/1;"
     "printf '.env\\nckpt/\\n' >.gitignore; echo gone >gone; echo '*.global' >../ignored; echo x >x.global;"
     "git config --global core.excludesFile \"$HOME/ignored\";"
     "g init -q; g add -A; g commit -qm x; rm gone; echo new >new");
  const auto packed = pack_it(code());
  ASSERT_TRUE(packed) << packed.error().text();
  EXPECT_EQ(names(*packed), "-b c\n.gitignore\nlib/a\nlink\nnew");
  EXPECT_EQ(packed->files, 5U);
  EXPECT_EQ(packed->sha256, aws::sha256_hex(packed->archive));
  EXPECT_EQ(notes_, "");
  for (const auto& each : fs::directory_iterator(folder_))
    EXPECT_FALSE(each.path().filename().string().starts_with("curfew-pack")) << "left behind";
}

TEST_F(Pack, takes_a_folder_below_a_repositorys_root_and_its_submodules_files) {
  sh("mkdir ../sub; cd ../sub; g init -q; echo s >s; echo i >i; echo i >.gitignore; g add -A; g commit -qm x;"
     "cd \"$1\"; g init -q; mkdir below; echo b >below/b; echo t >t; g submodule --quiet add ../sub "
     "below/sub;"
     "g add -A; g commit -qm x; echo i >below/sub/i");
  const auto packed = pack_it(code() + "/below");
  ASSERT_TRUE(packed) << packed.error().text();
  EXPECT_EQ(names(*packed), "b\nsub/.gitignore\nsub/s");
}

TEST_F(Pack, takes_all_where_there_is_no_git_and_says_so) {
  sh("mkdir -p a/b; echo x >a/b/c; echo x >.env; mkfifo pipe; ln -s nowhere link");
  const auto packed = pack_it(code() + "/");
  ASSERT_TRUE(packed) << packed.error().text();
  EXPECT_EQ(names(*packed), ".env\na/b/c\nlink");
  EXPECT_NE(notes_.find("is no git repository"), std::string::npos) << notes_;
}

TEST_F(Pack, refuses_what_can_not_be_code) {
  EXPECT_EQ(pack_it(code() + "/missing").error().kind, ErrorKind::not_found);
  EXPECT_FALSE(pack_it(code())) << "it's empty";
  sh("echo x >file");
  EXPECT_FALSE(pack_it(code() + "/file"));
  sh("truncate -s 1100M large");
  const auto large = pack_it(code());
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().text().find("1 GiB"), std::string::npos) << large.error().text();
  EXPECT_NE(large.error().text().find("--data"), std::string::npos);
}

TEST_F(Pack, never_takes_all_where_git_is_there_and_fails) {
  sh("echo x >.env; mkdir .git");
  const auto packed = pack_it(code());
  ASSERT_FALSE(packed);
  EXPECT_NE(packed.error().text().find("git"), std::string::npos) << packed.error().text();
}

TEST(PackedNames, are_each_once_and_below_the_folder) {
  const std::string lists("b\0a\0b\0../x\0/etc/passwd\0a/../../x\0..a\0", 37);
  EXPECT_EQ(names_in(lists), (std::vector<std::string>{"..a", "a", "b"}));
}

}  // namespace
}  // namespace curfew::launch
