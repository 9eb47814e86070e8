// What configuration files have to do with the command line of `curfew run`.
#include <algorithm>

#include <gtest/gtest.h>

#include "cli/prepare.hpp"
#include "cli/run_options.hpp"

namespace curfew::cli {
namespace {

using Words = std::vector<std::string>;

std::vector<Setting> settings_of(const std::string& text) {
  auto settings = parse_config("[run]\n" + text, "f", configurable_options());
  EXPECT_TRUE(settings) << settings.error().text();
  return settings ? std::move(*settings) : std::vector<Setting>{};
}

TEST(Configurable, are_the_options_that_belong_to_no_single_run) {
  const auto& known = configurable_options();
  const auto find = [&](std::string_view name) {
    return std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.name == name; });
  };
  EXPECT_EQ(find("help"), known.end());
  for (const auto* name : {"pid", "shell", "dry-run", "jupyter"}) {
    ASSERT_NE(find(name), known.end()) << name;
    const auto refused =
        parse_config("[run]\n" + std::string(name) + " = \"x\"", "f.toml", configurable_options());
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().text().find("f.toml:2: '" + std::string(name) + "' can't stand in a file: "),
              std::string::npos)
        << refused.error().text();
    EXPECT_EQ(refused.error().hint, "type it: --" + std::string(name));
  }
  const auto unknown = parse_config("[run]\nshel = \"x\"", "f.toml", configurable_options());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().text().find("did you mean shell"), std::string::npos) << unknown.error().text();
  ASSERT_NE(find("max-time"), known.end());
  EXPECT_EQ(find("max-time")->takes, Takes::text);
  EXPECT_EQ(find("max-cost")->takes, Takes::number);
  EXPECT_EQ(find("quiet")->takes, Takes::flag);
  EXPECT_EQ(find("save")->takes, Takes::list);
  EXPECT_EQ(find("notify")->takes, Takes::list);
  EXPECT_EQ(find("notify")->shown("https://hooks.slack.com/SECRET").find("SECRET"), std::string::npos);
}

TEST(WithSettings, what_is_typed_holds_over_files) {
  const std::vector<Setting> settings{{"max-time", "8h", "f:1", Takes::text},
                                      {"grace", "5s", "f:2", Takes::text},
                                      {"quiet", "true", "f:3", Takes::flag},
                                      {"save", "a=s3://bkt", "f:4", Takes::list}};
  struct Case {
    Words typed, all;
  };
  for (const auto& c : {
           Case{{"--", "x"}, {"--max-time=8h", "--grace=5s", "--quiet", "--save=a=s3://bkt", "--", "x"}},
           Case{{"--max-time", "1h", "--", "x"},
                {"--grace=5s", "--quiet", "--save=a=s3://bkt", "--max-time", "1h", "--", "x"}},
           Case{{"--max-hours=2", "--", "x"},
                {"--grace=5s", "--quiet", "--save=a=s3://bkt", "--max-hours=2", "--", "x"}},
           // A list grows; a flag isn't given twice; the command's own words aren't options.
           Case{{"--quiet", "--save", "b=s3://bkt", "--", "x", "--grace", "1s"},
                {"--max-time=8h", "--grace=5s", "--save=a=s3://bkt", "--quiet", "--save", "b=s3://bkt", "--",
                 "x", "--grace", "1s"}},
       }) {
    EXPECT_EQ(with_settings(c.typed, settings), c.all);
    EXPECT_TRUE(parse_run(with_settings(c.typed, settings)));
  }
}

TEST(WithSettings, a_default_that_needs_another_option_waits_for_it) {
  const std::vector<Setting> settings{{"save-limit", "5m", "f:1", Takes::text},
                                      {"save-every", "10m", "f:2", Takes::text}};
  EXPECT_EQ(with_settings({"--", "x"}, settings), (Words{"--", "x"}));
  const auto options = parse_run(with_settings({"--save", "a=s3://bkt", "--", "x"}, settings));
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->save_limit, Seconds{300});
  EXPECT_EQ(options->save_every, Seconds{600});
}

TEST(WithSettings, what_has_no_meaning_without_a_command_is_left_out) {
  const auto settings = settings_of(
      "keep-on-failure = \"30m\"\ndone-pattern = \"x\"\nstall = \"45m\"\nsignal = \"USR1@1m\"\n"
      "idle-gpu-any = true\nmax-cost = 5\ndeadline = \"2126-01-01T00:00Z\"\nlog-format = \"json\"\n");
  struct Case {
    Words typed, from_files;
    Asked asked = Asked::run;
  };
  const Words all{"keep-on-failure", "done-pattern", "stall", "signal", "max-cost", "deadline"};
  for (const auto& c : {
           Case{{"--", "x"}, all},
           Case{{"--shell", "x"}, all},
           Case{{"--idle-gpu", "30m"}, {"max-cost", "deadline"}},
           Case{{"--idle-gpu", "30m", "--stall-path", "w"}, {"stall", "max-cost", "deadline"}},
           Case{{"--pid", "1234"}, {"max-cost", "deadline"}},
           Case{{"--idle-gpu", "30m", "--pid=1234"}, {"idle-gpu-any", "max-cost", "deadline"}},
           Case{{"--idle-gpu", "30m", "--", "x"},
                {"keep-on-failure", "done-pattern", "stall", "signal", "idle-gpu-any", "max-cost",
                 "deadline"}},
           Case{{"--idle-gpu", "30m"}, {}, Asked::install},
       }) {
    // idle-gpu-any waits for an idle-gpu as well.
    const auto options = parse_with(c.typed, settings, c.asked);
    ASSERT_TRUE(options) << options.error().text();
    Words names;
    for (const auto& setting : options->from_files) names.push_back(setting.name);
    EXPECT_EQ(names, c.from_files) << c.typed.back();
  }
  // What is typed is refused as ever.
  for (const Words& typed :
       {Words{"--idle-gpu", "30m", "--keep-on-failure", "1h"}, Words{"--pid", "1234", "--stall", "1h"},
        Words{"--pid", "1", "--max-time", "1h"}})
    EXPECT_FALSE(parse_with(typed, settings)) << typed.back();
}

TEST(ParseWith, an_error_from_a_file_names_its_line) {
  struct Case {
    std::string file;
    Words typed;
    const char* says;
  };
  for (const auto& c : {
           Case{"quiet = true\nmax-time = \"8 h\"", {"--", "x"}, "f:3: --max-time: duration '8 h': "},
           Case{"save = [\"a=s3://bkt\",\n\"b\"]", {"--", "x"}, "f:3: --save: "},
           Case{"save = \"a=s3://bkt\"", {"--save", "b", "--", "x"}, "--save: "},
           Case{"save = \"a=s3://bkt\"\nsave-every = \"1s\"", {"--", "x"}, "f:3: --save-every 1s: "},
           Case{"max-time = \"8 h\"", {"--max-time", "7 h", "--", "x"}, "--max-time: duration '7 h': "},
           Case{"signal = \"USR1@10m\"", {"--max-time", "5m", "--", "x"}, "f:2: --signal USR1@10m: "},
           Case{"max-time = \"5m\"", {"--signal", "USR1@10m", "--", "x"}, "--signal USR1@10m: "},
           Case{"max-time = \"1h\"\nmax-hours = 1", {"--", "x"}, "f:2: --max-time and --max-hours: "},
           Case{"notify = \"https://u:SECRET@h/\"", {"--", "x"}, "f:2: --notify …: "},
           Case{"notify = \"env:HOOK\"", {"--notify", "http://a/SECRET", "--", "x"}, "--notify …: "},
           Case{"then = \"maybe\"", {"--idle-gpu", "30m"}, "f:2: --then: 'maybe': "},
           Case{"idle-gpu = \"30m\"",
                {"--max-time", "8h"},
                "no command to run: --idle-gpu of f:2 is for commands: without one it has to be typed"},
           Case{"idle-gpu = \"30m\"", {"--"}, "no command to run"},
       }) {
    const auto options = parse_with(c.typed, settings_of(c.file));
    ASSERT_FALSE(options) << c.file;
    EXPECT_TRUE(options.error().text().starts_with(c.says)) << options.error().text();
    EXPECT_EQ(options.error().text().find("SECRET"), std::string::npos) << options.error().text();
  }
  EXPECT_EQ(parse_with({"--"}, settings_of("idle-gpu = \"30m\"")).error().text().find("f:2"),
            std::string::npos);
}

TEST(Mistakes, are_all_found_in_the_order_of_the_file) {
  const auto settings = settings_of(
      "max-time = \"8 h\"\nsave = [\"a=s3://bkt\", \"b\"]\ngrace = \"5s\"\nnotify = \"http://a/SECRET\"\n");
  const auto mistakes = mistakes_in(settings);
  ASSERT_EQ(mistakes.size(), 3U);
  EXPECT_EQ(mistakes[0].setting, settings[0]);
  EXPECT_EQ(mistakes[1].setting, settings[2]);
  EXPECT_EQ(mistakes[2].setting, settings[4]);
  EXPECT_TRUE(mistakes[0].error.text().starts_with("f:2: --max-time: ")) << mistakes[0].error.text();
  EXPECT_TRUE(mistakes[2].error.text().starts_with("f:5: --notify …: ")) << mistakes[2].error.text();
  EXPECT_TRUE(mistakes_in(settings_of("max-time = \"8h\"")).empty());
  std::string many = "save = [";
  for (int i = 0; i < 1'000; ++i) many += "\"x\", ";
  EXPECT_LE(mistakes_in(settings_of(many + "]")).size(), 20U);
}

TEST(ResolveNotify, tells_each_place_once_and_names_the_file_of_an_error) {
  auto options = parse_with({"--notify", "https://h/x", "--notify", "env:HOOK", "--", "x"},
                            settings_of("notify = [\"file:/hook\", \"https://h/y\"]"));
  ASSERT_TRUE(options) << options.error().text();
  std::vector<std::string> notes;
  const auto read = [](const std::string&) -> Result<notify::SecretFile> {
    return notify::SecretFile{"https://h/x", "every user may read it"};
  };
  const auto places = resolve_notify(*options, {{"HOOK", "https://h/y"}}, read, notes);
  ASSERT_TRUE(places) << places.error().text();
  EXPECT_EQ(*places, (Words{"https://h/x", "https://h/y"}));
  EXPECT_EQ(notes, (Words{"f:2: --notify file:/hook: every user may read it"}));
  const auto none = [](const std::string& path) -> Result<notify::SecretFile> {
    return fail(ErrorKind::not_found, "read " + path, "no such file");
  };
  const auto refused = resolve_notify(*options, {}, none, notes);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text().starts_with("f:2: --notify file:/hook: ")) << refused.error().text();
}

}  // namespace
}  // namespace curfew::cli
