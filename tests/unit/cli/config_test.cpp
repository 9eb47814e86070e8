#include "cli/config.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "notify/target.hpp"

namespace curfew::cli {
namespace {

using Words = std::vector<std::string>;

const std::vector<KnownOption> k_known{
    {"max-time"},
    {"max-hours", Takes::number},
    {"price", Takes::number},
    {"dry-run", Takes::flag},
    {"quiet", Takes::flag},
    {"save", Takes::list},
    {"notify", Takes::list, [](std::string_view) { return std::string("(hidden)"); }},
    {"idle-gpu"}};

Words words(const std::string& text) {
  const auto found = config_words(text, "f.toml", k_known);
  EXPECT_TRUE(found) << text << ": " << found.error().text();
  return found.value_or(Words{"(none)"});
}

struct Folder {
  Folder() {
    std::string name = testing::TempDir() + "curfew-config-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const auto file = path + "/" + name;
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::string path;
};

TEST(Config, looks_into_the_table_of_its_command_alone) {
  const std::string text = "[check]\nmax-time = 7\nnobody = 1\n[run]\nmax-time = \"8h\"\n";
  EXPECT_EQ(words(text), (Words{"--max-time=8h"}));
  const auto other =
      parse_config("[run]\nnobody = 1\n[check]\nmax-time = \"9h\"\n", "f.toml", k_known, k_check_table);
  ASSERT_TRUE(other) << other.error().text();
  EXPECT_EQ(words_of(*other), (Words{"--max-time=9h"}));
  const auto outside = parse_config("max-time = \"9h\"\n", "f.toml", k_known, k_check_table);
  ASSERT_FALSE(outside);
  EXPECT_NE(outside.error().text().find("stands outside [check]"), std::string::npos)
      << outside.error().text();
}

TEST(Config, gives_words_in_the_order_of_its_lines) {
  EXPECT_EQ(words("[run]\n"
                  "save = [\"a=s3://b/c\", \"d=s3://e\"]  # both\n"
                  "max-time = \"8h\"\n"
                  "dry-run = true\n"
                  "quiet = false\n"
                  "idle-gpu = '30m'\n"),
            (Words{"--save=a=s3://b/c", "--save=d=s3://e", "--max-time=8h", "--dry-run", "--idle-gpu=30m"}));
  EXPECT_EQ(words(""), Words{});
  EXPECT_EQ(words("[run]"), Words{});
  EXPECT_EQ(words("run = { max-time = \"1h\" }"), (Words{"--max-time=1h"}));
  EXPECT_EQ(words("[run]\nsave = []\n"), Words{});
  EXPECT_EQ(words("[run]\nsave = \"a=s3://b\""), (Words{"--save=a=s3://b"}));
}

TEST(Config, takes_numbers_as_they_are_written) {
  EXPECT_EQ(words("[run]\nmax-hours = 8\nprice = 1.006"), (Words{"--max-hours=8", "--price=1.006"}));
  EXPECT_EQ(words("[run]\nmax-hours = 0.5\nprice = \"$5.00\""), (Words{"--max-hours=0.5", "--price=$5.00"}));
  EXPECT_EQ(words("[run]\nprice = 5.00"), (Words{"--price=5"}));
  EXPECT_EQ(words("[run]\nprice = -1e-3"), (Words{"--price=-0.001"}));
}

TEST(Config, lets_no_value_pass_for_an_option) {
  EXPECT_EQ(words("[run]\nmax-time = \"--\""), (Words{"--max-time=--"}));
  EXPECT_EQ(words("[run]\nmax-time = \"--dry-run\""), (Words{"--max-time=--dry-run"}));
}

TEST(Config, is_refused_with_line_and_reason) {
  struct Case {
    std::string text;
    const char* says;
  };
  for (const auto& c : {
           Case{"[run]\n\nmax-tme = \"8h\"",
                "f.toml:3: there is no option 'max-tme' (did you mean max-time?)"},
           Case{"[run]\nzzzzzzzzz = 1", "f.toml:2: there is no option 'zzzzzzzzz'"},
           Case{"[rnu]\nmax-time = \"8h\"", "f.toml:1: there is no table 'rnu' (did you mean run?)"},
           Case{"max-time = \"8h\"", "f.toml:1: 'max-time' stands outside [run]"},
           Case{"run = 3", "f.toml:1: [run] is a table, not a value"},
           Case{"[[run]]\nquiet = true", "[run] is a table, not a value"},
           Case{"[run]\nmax-time = 8", "f.toml:2: 'max-time' takes a text in quotes"},
           Case{"[run]\nmax-time = 8h", "f.toml:2: is not TOML"},
           Case{"[run]\nmax-time = [\"8h\"]", "'max-time' takes a text"},
           Case{"[run]\nmax-time = 2026-11-24", "'max-time' takes a text"},
           Case{"[run]\nquiet = \"true\"", "'quiet' takes true or false"},
           Case{"[run]\nquiet = 1", "'quiet' takes true or false"},
           Case{"[run]\nprice = true", "'price' takes a number"},
           Case{"[run]\nprice = inf", "'price' takes a number"},
           Case{"[run]\nprice = 1e300", "'price' takes a number"},
           Case{"[run]\nsave = [\"a=s3://b\",\n 3]", "f.toml:3: 'save' takes a list of texts"},
           Case{"[run]\nsave = [[\"a=s3://b\"]]", "'save' takes a list of texts"},
           Case{"[run]\nsave = {}", "'save' takes a list of texts"},
           Case{"[run]\nmax-time = \"\"", "f.toml:2: 'max-time' is empty"},
           Case{"[run]\nmax-time = \"a\\u0000b\"", "'max-time' holds a NUL"},
           Case{"[run.max-time]\nx = 1", "'max-time' takes a text"},
           Case{"[run]\nmax-time = \"1h\"\nmax-time = \"2h\"", "f.toml:3: is not TOML"},
           Case{"[run]\nmax-time = \"\xff\"", "is not TOML"},
           Case{"[run", "f.toml:1: is not TOML"},
           Case{"[]", "is not TOML"},
           Case{"\xc5\xb5]p", "f.toml:1: is not TOML"},
           Case{"[.x]\n", "is not TOML"},
           Case{"[[[x", "is not TOML"},
           Case{"= 1", "is not TOML"},
           Case{"run = { = 1 }", "is not TOML"},
           Case{"run = {,}", "is not TOML"},
           Case{"run = { [ = 1 }", "is not TOML"},
           Case{"[run]\n\"\\u001b[31m\" = 1", "there is no option '\\x1b[31m'"},
           Case{std::string(64 * 1024 + 1, ' '), "f.toml: is longer than 64 KiB"},
       }) {
    const auto found = config_words(c.text, "f.toml", k_known);
    ASSERT_FALSE(found) << c.text;
    EXPECT_NE(found.error().text().find(c.says), std::string::npos) << found.error().text();
    EXPECT_EQ(found.error().kind, ErrorKind::invalid_input);
  }
}

TEST(Config, never_tells_a_value) {
  for (const auto* text :
       {"[run]\nnotify = https://hooks/SECRET", "[run]\nnotify = SECRET", "[run]\nnotify = \"https://SECRET",
        "[run]\nmax-time = [\"SECRET\"]", "[run]\nnotify = [[\"SECRET\"]]", "[run]\nnotify = \"SECRET\\q\"",
        "[run]\nnotify = \"a\" SECRET", "[run]\nnotify = 'SECRET'\nnotify = 'SECRET'"}) {
    const auto found = config_words(text, "f.toml", k_known);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().text().find("SEC"), std::string::npos) << found.error().text();
  }
}

TEST(Config, of_the_user_replaces_the_systems_but_lists_grow) {
  const auto under = parse_config(
      "[run]\nmax-time = \"8h\"\nsave = [\"a=s3://b\"]\ndry-run = true\nquiet = true", "sys", k_known);
  const auto over =
      parse_config("[run]\nmax-time = \"1h\"\nsave = [\"c=s3://d\"]\ndry-run = false", "own", k_known);
  ASSERT_TRUE(under && over);
  const auto both = merged(*under, *over);
  EXPECT_EQ(words_of(both), (Words{"--save=a=s3://b", "--quiet", "--max-time=1h", "--save=c=s3://d"}));
  EXPECT_EQ(both[0].from, "sys:3");
  EXPECT_EQ(both[2].from, "own:2");
}

TEST(Config, is_looked_for_where_xdg_says) {
  const std::string system = "/etc/curfew/config.toml";
  EXPECT_EQ(config_paths({}), (Words{system}));
  EXPECT_EQ(config_paths({{"HOME", "/home/u"}}), (Words{system, "/home/u/.config/curfew/config.toml"}));
  EXPECT_EQ(config_paths({{"HOME", "/home/u"}, {"XDG_CONFIG_HOME", "/x"}}),
            (Words{system, "/x/curfew/config.toml"}));
  EXPECT_EQ(config_paths({{"HOME", "/home/u"}, {"XDG_CONFIG_HOME", "x"}}),
            (Words{system, "/home/u/.config/curfew/config.toml"}));
  EXPECT_EQ(config_paths({{"HOME", "relative"}}), (Words{system}));
}

TEST(Config, is_read_from_all_its_files) {
  const Folder folder;
  const Words paths{folder.write("a", "[run]\nmax-time = \"8h\"\nquiet = true"), folder.path + "/none",
                    folder.path + "/a/below-a-file", folder.write("b", "[run]\nmax-time = \"1h\"")};
  const auto settings = load_config(paths, k_known, false);
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(words_of(*settings), (Words{"--quiet", "--max-time=1h"}));
  folder.write("b", "[run]\nx = 1");
  const auto bad = load_config(paths, k_known, false);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().text().find(paths[3] + ":2"), std::string::npos) << bad.error().text();
}

TEST(Config, that_is_no_sane_file_is_refused) {
  const Folder folder;
  ASSERT_EQ(::mkfifo((folder.path + "/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(read_config(folder.path + "/pipe", false));
  EXPECT_FALSE(read_config(folder.path, false));
  EXPECT_FALSE(read_config("/dev/zero", false));
  EXPECT_FALSE(read_config(folder.write("long", std::string(64 * 1024 + 1, '#')), false));
  EXPECT_TRUE(read_config(folder.write("long", std::string(64 * 1024, '#')), false));
  const auto none = read_config(folder.path + "/none", true);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST(Config, that_others_can_write_is_not_for_root) {
  const Folder folder;
  for (const mode_t mode : {0666U, 0664U, 0602U}) {
    const auto file = folder.write("f", "[run]", mode);
    EXPECT_TRUE(read_config(file, false));
    const auto refused = read_config(file, true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  }
  const auto file = folder.write("f", "[run]", 0644);
  EXPECT_EQ(read_config(file, true).has_value(), ::getuid() == 0);
  if (::getuid() != 0) return;
  for (const mode_t mode : {0777U, 0775U, 0702U}) {
    ASSERT_EQ(::chmod(folder.path.c_str(), mode), 0);
    EXPECT_TRUE(read_config(file, false));
    EXPECT_TRUE(read_config(folder.path + "/none", true));  // nothing is read there
    const auto refused = read_config(file, true);
    ASSERT_FALSE(refused) << mode;
    EXPECT_NE(refused.error().text().find("its folder can be written by others"), std::string::npos)
        << refused.error().text();
  }
  ASSERT_EQ(::chmod(folder.path.c_str(), 0755), 0);
  ASSERT_EQ(::chown(folder.path.c_str(), 12'345, 0), 0);
  EXPECT_FALSE(read_config(file, true));
  ASSERT_EQ(::chown(folder.path.c_str(), 0, 0), 0);
  EXPECT_TRUE(read_config(file, true));
  ASSERT_EQ(::chown(file.c_str(), 12'345, 0), 0);
  EXPECT_FALSE(read_config(file, true));
}

TEST(Config, is_shown_as_a_table) {
  const auto settings =
      parse_config("[run]\nmax-time = \"8h\"\nnotify = \"https://a/SECRET\"", "f.toml", k_known);
  ASSERT_TRUE(settings);
  auto rows = rows_of(*settings, k_known);
  rows.push_back({"--grace", "60s", "default"});
  EXPECT_EQ(config_table(rows),
            "OPTION      VALUE     FROM\n"
            "--max-time  8h        f.toml:2\n"
            "--notify    (hidden)  f.toml:3\n"
            "--grace     60s       default\n");
}

TEST(Config, table_is_safe_for_a_terminal) {
  const std::vector<ConfigRow> rows{{"--save", "caf\xc3\xa9", "x"},
                                    {"--log", "\x1b[31m\n\xff", "a\tb"},
                                    {"--log", std::string(5'000, 'x'), "y"}};
  const auto table = config_table(rows);
  EXPECT_EQ(table.find_first_of("\x1b\t"), std::string::npos);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4);
  EXPECT_LT(table.size(), 1'000U);
}

TEST(Config, shows_a_place_to_notify_without_its_secret) {
  const std::vector<KnownOption> known{
      {"notify", Takes::list, [](std::string_view value) { return notify::shown_option(value); }}};
  const auto settings =
      parse_config("[run]\nnotify = [\"https://hooks.slack.com/SECRET\", \"env:HOOK\"]", "f", known);
  ASSERT_TRUE(settings);
  const auto rows = rows_of(*settings, known);
  EXPECT_EQ(rows.at(0).value, "https://hooks.slack.com/…");
  EXPECT_EQ(rows.at(1).value, "env:HOOK");
}

}  // namespace
}  // namespace curfew::cli
