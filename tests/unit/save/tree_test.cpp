// Finding files without ever leaving what is to be saved.
#include "save/tree.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "unit/save/folder.hpp"

namespace curfew::save {
namespace {

Found found_in(const std::string& base, std::vector<std::string> sources, const std::string& own = {}) {
  std::vector<Target> targets;
  for (auto& source : sources) targets.push_back({std::move(source), {"bucket", "p"}});
  const std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> count{0};
  Found found = walk(targets, base, own, stop, count);
  EXPECT_EQ(count, found.tree.size());
  return found;
}

std::vector<std::string> names(const Found& found) {
  std::vector<std::string> out;
  for (FileId i = 0; i < found.tree.size(); ++i) out.push_back(found.tree.relative(i));
  std::sort(out.begin(), out.end());
  return out;
}

std::map<std::string, std::string> said(const Notes& notes) {
  std::map<std::string, std::string> out;
  for (const auto& note : notes.first) out[note.path] = note.reason;
  return out;
}

TEST(Walk, finds_files_at_every_depth_with_any_name) {
  const Folder folder;
  const std::vector<std::string> all{"a",         "b/c",       "b/d/e",        "empty",
                                     "new\nline", "quo\"te's", "spa ce/+%41=", "\xff\xfe/\xc3\xa9"};
  for (const auto& name : all) folder.write("out/" + name, name == "empty" ? "" : "x");
  std::filesystem::create_directories(folder.at("out/no files in here"));
  for (const char* source : {"out", "out/", "./out//", "out/b/.."}) {
    const Found found = found_in(folder.path(), {source});
    EXPECT_EQ(names(found), all) << source;
    EXPECT_EQ(found.failed.count + found.skipped.count, 0U);
  }
}

TEST(Walk, takes_a_file_or_a_link_as_the_source) {
  const Folder folder;
  folder.write("run-7/model.pt", "12345");
  folder.link("latest", "run-7");
  folder.link("best.pt", "run-7/model.pt");
  Found found = found_in(folder.path(), {"run-7/model.pt", "latest", "best.pt"});
  ASSERT_EQ(found.tree.size(), 3U);
  EXPECT_TRUE(found.roots[0].is_file);
  EXPECT_EQ(found.tree.relative(0), "model.pt");
  EXPECT_EQ(found.tree[0].state.size, 5U);
  EXPECT_EQ(found.roots[1].real, folder.at("run-7"));
  EXPECT_EQ(found.tree.relative(2), "best.pt");
  EXPECT_EQ(found.roots[2].real, folder.at("run-7/model.pt"));
}

TEST(Walk, says_where_nothing_was_made_and_goes_on) {
  const Folder folder;
  folder.write("there", "x");
  const Found found = found_in(folder.path(), {"not-there", "there"});
  EXPECT_EQ(names(found), std::vector<std::string>{"there"});
  EXPECT_EQ(said(found.missing).at("not-there"), "nothing was made at " + folder.at("not-there"));
  EXPECT_EQ(found_in(folder.path(), {"there/below"}).missing.count, 1U);
}

TEST(Walk, refuses_the_root_however_it_is_reached) {
  const Folder folder;
  folder.link("root", "/");
  EXPECT_EQ(found_in(folder.path(), {"root"}).tree.size(), 0U);
  EXPECT_EQ(found_in("/", {"."}).failed.count, 1U);
}

TEST(Walk, follows_no_link_out_of_the_tree_and_none_in_a_circle) {
  const Folder folder;
  folder.write("secret", "s");
  folder.write("out/data/real", "12345");
  folder.link("out/inside", "data/real");
  folder.link("out/inside-absolute", folder.at("out/data/real"));
  folder.link("out/outside", "../secret");
  folder.link("out/outside-absolute", "/etc/passwd");
  folder.link("out/dangling", "nothing");
  folder.link("out/loop", "loop");
  folder.link("out/folder", "data");
  folder.link("out/data/up", "..");
  folder.link("out/chain", "inside");
  const Found found = found_in(folder.path(), {"out"});
  EXPECT_EQ(names(found), (std::vector<std::string>{"chain", "data/real", "inside", "inside-absolute"}));
  for (FileId i = 0; i < found.tree.size(); ++i) EXPECT_EQ(found.tree[i].state.size, 5U);
  const auto skipped = said(found.skipped);
  EXPECT_EQ(skipped.size(), 6U);
  EXPECT_EQ(skipped.at("out/outside"), "is a link to outside of out");
  EXPECT_EQ(skipped.at("out/outside-absolute"), "is a link to outside of out");
  EXPECT_EQ(skipped.at("out/dangling"), "is a link to nothing");
  EXPECT_EQ(skipped.at("out/loop"), "is a link in a circle");
  EXPECT_EQ(skipped.at("out/folder"), "is a link to a folder, which is saved under its own name");
  EXPECT_EQ(found.failed.count, 0U);
}

TEST(Walk, skips_what_is_no_file) {
  const Folder folder;
  folder.write("out/file", "x");
  ASSERT_EQ(::mkfifo(folder.at("out/pipe").c_str(), 0600), 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  folder.at("out/sock").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  const Found found = found_in(folder.path(), {"out", "out/pipe"});
  EXPECT_EQ(names(found), std::vector<std::string>{"file"});
  EXPECT_EQ(said(found.skipped),
            (std::map<std::string, std::string>{{"out/pipe", "is a pipe"}, {"out/sock", "is a socket"}}));
  EXPECT_EQ(said(found.failed).at("out/pipe"), "is a pipe, not a file or folder");
}

TEST(Walk, says_which_folder_can_not_be_read) {
  const Folder folder;
  folder.write("out/closed/file", "x");
  folder.write("out/unreadable", "x");
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(folder.at("out/closed").c_str(), 0), 0);
  ASSERT_EQ(::chmod(folder.at("out/unreadable").c_str(), 0), 0);
  const bool root = ::geteuid() == 0;  // reads everything
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const Found found = found_in(folder.path(), {"out"});
  const auto opened = open_below(found.roots[0], "unreadable");
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_EQ(::chmod(folder.at("out/closed").c_str(), 0700), 0);
  EXPECT_EQ(said(found.failed).at("out/closed"), "can't be read: Permission denied");
  EXPECT_EQ(names(found), std::vector<std::string>{"unreadable"});
  EXPECT_EQ(opened.error().kind, ErrorKind::refused);
}

// Root looks as a user who isn't trusted.
constexpr uid_t k_nobody = 65'534;

TEST(Walk, as_another_user_finds_and_opens_what_that_user_could) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has rights to give up";
  const Folder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  folder.write("secret/file", "root's");
  folder.write("shown/file", "for all");
  folder.write("shown/closed", "root's");
  folder.write("shown/of a group", "for 44");
  for (const auto& [name, mode] : {std::pair{"secret", 0700},
                                   {"secret/file", 0644},
                                   {"shown", 0755},
                                   {"shown/file", 0644},
                                   {"shown/closed", 0600},
                                   {"shown/of a group", 0640}})
    ASSERT_EQ(::chmod(folder.at(name).c_str(), static_cast<mode_t>(mode)), 0);
  ASSERT_EQ(::chown(folder.at("shown/of a group").c_str(), 0, 44), 0);
  folder.link("out", "secret");         // what was a folder of the user's
  folder.link("model", "secret/file");  // and a file
  const std::vector<Target> targets{{"out", {"b", "p"}}, {"model", {"b", "m"}}, {"shown", {"b", "s"}}};
  const std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> count{0};
  const auto look = [&](const os::FileUser& user) {
    return walk(targets, folder.path(), {}, stop, count, std::make_shared<const os::FileUser>(user));
  };
  const Found found = look({k_nobody, k_nobody, {44}});
  EXPECT_EQ(names(found), (std::vector<std::string>{"closed", "file", "of a group"}));
  EXPECT_EQ(said(found.failed), (std::map<std::string, std::string>{
                                    {"out", "can't be read: the job's user may not read it"},
                                    {"model", "can't be looked at: the job's user may not read it"}}));
  const Root& shown = found.roots[2];
  EXPECT_TRUE(open_below(shown, "file"));
  EXPECT_TRUE(open_below(shown, "of a group"));
  EXPECT_FALSE(open_below(look({k_nobody, k_nobody, {}}).roots[2], "of a group"));
  const auto closed = open_below(shown, "closed");
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().kind, ErrorKind::refused);
  EXPECT_EQ(closed.error().cause, "the job's user may not read it");
  // A folder that was found is swapped for a link.
  Root swapped{folder.at("out"), false, {}, shown.reader};
  EXPECT_FALSE(open_below(swapped, "file"));
  // Over with that, root is root again.
  EXPECT_EQ(names(found_in(folder.path(), {"out"})), std::vector<std::string>{"file"});
  EXPECT_TRUE(open_below({folder.at("shown"), false, {}}, "closed"));
}

TEST(Walk, as_another_user_takes_what_root_has_made_in_that_users_folder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has rights to give up";
  const Folder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  folder.write("elsewhere/key", "root's");
  folder.write("out/model", "a container's");
  folder.write("out/deep/er/model", "a container's");
  folder.link("out/in", "deep/er/model");
  folder.link("out/away", "../elsewhere/key");
  ASSERT_EQ(::link(folder.at("elsewhere/key").c_str(), folder.at("out/linked").c_str()), 0);
  for (const char* const name : {"elsewhere", "out/deep"})
    ASSERT_EQ(::chmod(folder.at(name).c_str(), 0700), 0);
  for (const char* const name : {"elsewhere/key", "out/model", "out/deep/er/model"})
    ASSERT_EQ(::chmod(folder.at(name).c_str(), 0600), 0);
  ASSERT_EQ(::chown(folder.at("out").c_str(), k_nobody, k_nobody), 0);
  const std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> count{0};
  const auto reader = std::make_shared<const os::FileUser>(os::FileUser{k_nobody, k_nobody, {}});
  const std::vector<Target> targets{{"out", {"b", "p"}},
                                    {"elsewhere", {"b", "e"}},
                                    {"out/deep/er", {"b", "d"}},
                                    {"out/deep/er/model", {"b", "f"}}};
  const Found found = walk(targets, folder.path(), {}, stop, count, reader);
  const Root& out = found.roots[0];
  EXPECT_TRUE(out.is_theirs && !found.roots[1].is_theirs);
  EXPECT_EQ(names(found),
            (std::vector<std::string>{"deep/er/model", "in", "linked", "model", "model", "model"}));
  EXPECT_EQ(
      said(found.failed),
      (std::map<std::string, std::string>{{"elsewhere", "can't be read: the job's user may not read it"}}));
  for (const char* const name : {"model", "deep/er/model", "in"}) EXPECT_TRUE(open_below(out, name)) << name;
  EXPECT_TRUE(open_below(found.roots[2], "model"));
  EXPECT_TRUE(open_below(found.roots[3], "model"));
  // A link that begins with the same name.
  folder.write("out/deep/er/model2", "another's");
  ASSERT_EQ(::chmod(folder.at("out/deep/er/model2").c_str(), 0600), 0);
  ASSERT_EQ(::unlink(folder.at("out/deep/er/model").c_str()), 0);
  folder.link("out/deep/er/model", "model2");
  EXPECT_FALSE(open_below(found.roots[3], "model"));
  // What it can't read by itself, and what isn't there by one name alone, isn't taken for its own.
  EXPECT_FALSE(open_below(out, "away"));
  EXPECT_FALSE(open_below(out, "linked"));
  EXPECT_FALSE(open_below(out, "../elsewhere/key"));
  // The folder is swapped for a link after it was found.
  ASSERT_EQ(::rename(folder.at("out").c_str(), folder.at("before").c_str()), 0);
  folder.link("out", "elsewhere");
  EXPECT_FALSE(open_below(out, "key"));
  // Root is the user again after each.
  Root strangers = found.roots[0];
  strangers.is_theirs = false;
  strangers.real = folder.at("elsewhere");
  EXPECT_FALSE(open_below(strangers, "key"));
}

TEST(Walk, as_another_user_leaves_the_other_threads_as_they_are) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has rights to give up";
  const Folder folder;
  folder.write("file", "root's");
  ASSERT_EQ(::chmod(folder.path().c_str(), 0700), 0);
  const auto may_read = [&] { return std::ifstream(folder.at("file")).good(); };
  const auto groups = [] {
    std::vector<gid_t> all(static_cast<std::size_t>(::getgroups(0, nullptr)));
    return ::getgroups(static_cast<int>(all.size()), all.data()) < 0 ? std::vector<gid_t>{} : all;
  };
  const auto before = groups();
  std::promise<void> taken;
  std::promise<void> looked;
  std::thread other([&] {
    const os::FileUser user{k_nobody, k_nobody, {44, 45}};
    const os::AsFileUser as(&user);
    EXPECT_TRUE(as.status());
    EXPECT_FALSE(may_read());
    EXPECT_EQ(groups(), (std::vector<gid_t>{44, 45}));
    taken.set_value();
    looked.get_future().wait();
  });
  taken.get_future().wait();
  EXPECT_TRUE(may_read());
  EXPECT_EQ(groups(), before);
  looked.set_value();
  other.join();
  {
    const os::FileUser root;
    const os::AsFileUser as(&root);
    EXPECT_TRUE(as.status() && may_read());
  }
}

TEST(Walk, bounds_the_depth) {
  const Folder folder;
  std::string deep = "out";
  for (int i = 0; i < Tree::k_deepest + 2; ++i) deep += "/d";
  folder.write(deep + "/file", "x");
  const Found found = found_in(folder.path(), {"out"});
  EXPECT_EQ(found.tree.size(), 0U);
  EXPECT_EQ(found.failed.count, 1U);
}

TEST(Walk, leaves_out_its_own_state) {
  const Folder folder;
  folder.write("results", "x");
  folder.write("state/saved.jsonl", "{}");
  EXPECT_EQ(names(found_in(folder.path(), {"."}, folder.at("state"))), std::vector<std::string>{"results"});
}

TEST(OpenBelow, opens_nothing_outside_whatever_the_path_has_become) {
  const Folder folder;
  folder.write("secret/file", "s");
  folder.write("out/sub/file", "12345");
  const Root root{folder.at("out"), false, {}};
  auto opened = open_below(root, "sub/file");
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->state.size, 5U);
  std::filesystem::rename(folder.at("out/sub"), folder.at("out/was"));
  EXPECT_EQ(open_below(root, "sub/file").error().kind, ErrorKind::not_found);
  folder.link("out/sub", "../secret");
  EXPECT_EQ(open_below(root, "sub/file").error().kind, ErrorKind::refused);
  std::filesystem::remove(folder.at("out/sub"));
  std::filesystem::create_directories(folder.at("out/sub"));
  ASSERT_EQ(::mkfifo(folder.at("out/sub/file").c_str(), 0600), 0);
  EXPECT_EQ(open_below(root, "sub/file").error().kind, ErrorKind::invalid_input);
}

TEST(SinceOpened, sees_changes_replacement_and_disappearance) {
  const Folder folder;
  folder.write("out/file", "12345");
  const Root root{folder.at("out"), false, {}};
  const auto opened = open_below(root, "file");
  ASSERT_TRUE(opened);
  const auto since = [&] { return since_opened(root, "file", opened->fd.get(), opened->state); };
  EXPECT_EQ(since(), Since::same);
  folder.write("out/file", "54321", 10);
  EXPECT_EQ(since(), Since::changed);
  folder.write("out/file", "1234567");
  EXPECT_EQ(since(), Since::changed);
  folder.write("out/file", "12345");
  EXPECT_EQ(since(), Since::same);
  folder.write("out/new", "12345");
  std::filesystem::rename(folder.at("out/new"), folder.at("out/file"));
  EXPECT_EQ(since(), Since::changed);
  std::filesystem::remove(folder.at("out/file"));
  EXPECT_EQ(since(), Since::vanished);
}

}  // namespace
}  // namespace curfew::save
