#include "cli/run_options.hpp"

#include <signal.h>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "cli/prepare.hpp"
#include "cli/start.hpp"

namespace curfew::cli {
namespace {

using Words = std::vector<std::string>;

TEST(RunOptions, have_the_defaults_that_help_states) {
  const auto options = parse_run({"--", "python", "train.py"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->argv, (Words{"python", "train.py"}));
  EXPECT_EQ(options->max_time, std::chrono::hours{4});
  EXPECT_EQ(options->grace, Seconds{60});
  EXPECT_EQ(options->save_limit, std::chrono::minutes{15});
  EXPECT_EQ(options->then, guard::Then::automatic);
  EXPECT_EQ(options->limits().save, Seconds{0});  // nothing to save: nothing to wait for
}

TEST(RunOptions, take_what_is_typed) {
  const auto options =
      parse_run({"--max-time",   "1h30m",   "--grace=5s", "--save", "a=s3://bkt/p", "--save",  "c=d=s3://bkt",
                 "--save-limit", "2m",      "--then",     "stop",   "--log",        "x.log",   "--log-format",
                 "json",         "--quiet", "--dry-run",  "--",     "cmd",          "--grace", "--"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->max_time, Seconds{5'400});
  EXPECT_EQ(options->saves, (Words{"a=s3://bkt/p", "c=d=s3://bkt"}));
  EXPECT_EQ(options->argv, (Words{"cmd", "--grace", "--"}));  // the command's own words stay its own
  EXPECT_EQ(options->limits().after_stop(), Seconds{125});
  EXPECT_TRUE(options->quiet && options->dry_run);
}

TEST(RunOptions, know_no_limit_by_its_word_only) {
  EXPECT_FALSE(parse_run({"--max-time", "off", "--", "x"})->max_time);
  EXPECT_FALSE(parse_run({"--deadline", "2126-01-01T00:00Z", "--", "x"})->max_time);
  EXPECT_EQ(parse_run({"--deadline", "2126-01-01T00:00Z", "--max-hours", "0.5", "--", "x"})->max_time,
            Seconds{1'800});
}

TEST(RunOptions, run_a_string_by_a_shell) {
  const auto options = parse_run({"--shell", "a | b && c"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->argv[1], "-c");
  EXPECT_EQ(options->argv[2], "a | b && c");
  EXPECT_EQ(options->command, "a | b && c");
}

TEST(RunOptions, refuse_with_a_line_that_names_what_is_wrong) {
  struct Case {
    Words words;
    const char* says;
  };
  const Case cases[] = {
      {{}, "no command"},
      {{"--"}, "no command"},
      {{"--", ""}, "no command"},
      {{"--grce", "5s", "--", "x"}, "did you mean --grace"},
      {{"--max-tme=4h", "--", "x"}, "did you mean --max-time"},
      {{"ls"}, "put -- before the command"},
      {{"--max-time", "--", "x"}, "--max-time"},
      {{"--max-time", "", "--", "x"}, "--max-time"},
      {{"--max-time", "0s", "--", "x"}, "--max-time"},
      {{"--max-time", "-5m", "--", "x"}, "--max-time"},
      {{"--max-time", "5", "--", "x"}, "unit"},
      {{"--max-time", "99999999999999999999h", "--", "x"}, "--max-time"},
      {{"--max-time", "4h", "--max-hours", "4", "--", "x"}, "--max-hours"},
      {{"--max-hours", "nan", "--", "x"}, "--max-hours"},
      {{"--max-hours", "1e9", "--", "x"}, "8784 (a year) is the most"},
      {{"--max-hours", "0", "--", "x"}, "--max-hours: hours '0': must be at least 1s (write it as 4 or 0.5"},
      {{"--grace", "off", "--", "x"}, "--grace"},
      {{"--grace", "25h", "--", "x"}, "--grace: '25h': is longer than 24h"},
      {{"--save-limit", "15d", "--save", "a=s3://bkt", "--", "x"}, "--save-limit: '15d': is longer than 24h"},
      {{"--before-end", "x", "--before-end-limit", "2d", "--", "x"},
       "--before-end-limit: '2d': is longer than"},
      {{"--deadline", "tomorrow", "--", "x"}, "2026-11-24T18:00Z"},
      {{"--deadline", "2026-11-24T18:00", "--", "x"}, "zone"},
      {{"--then", "explode", "--", "x"},
       "--then: 'explode': is not a way to end (one of auto, terminate, stop, none)"},
      {{"--spot-notice", "maybe", "--", "x"}, "--spot-notice: 'maybe': is none of auto, on, off"},
      {{"--signal", "KILL@10m", "--", "x"}, "can't be heard by a command"},
      {{"--signal", "sigstop@10m", "--", "x"}, "can't be heard by a command"},
      {{"--signal", "19@10m", "--", "x"}, "can't be heard by a command"},
      {{"--signal", "NOSUCH@10m", "--", "x"}, "names no signal"},
      {{"--log-format", "json", "--", "x"}, "--log-format: needs a --log"},
      {{"--notify", "https://", "--", "x"},
       "--notify …: use the place to notify: its URL can't be used: the host name is empty"},
      {{"--notify", "https://u:p@h/", "--", "x"}, "has a user name or password"},
      {{"--notify", "env:1A", "--", "x"}, "is no variable's name"},
      {{"--notify", "file:", "--", "x"}, "is no path"},
      {{"--log-format", "xml", "--", "x"}, "text nor json"},
      {{"--save", "out", "--", "x"}, "--save"},
      {{"--save", "out=s3://", "--", "x"}, "--save"},
      {{"--save", "/=s3://bucket", "--", "x"}, "--save"},
      {{"--save-limit", "5m", "--", "x"}, "needs a --save"},
      {{"--save-every", "5m", "--", "x"}, "needs a --save"},
      {{"--save", "a=s3://bkt", "--save-every", "1s", "--", "x"}, "less than 10s"},
      {{"--max-cost", "0", "--", "x"}, "--max-cost"},
      {{"--max-cost", "five", "--", "x"}, "--max-cost"},
      {{"--price", "-1", "--", "x"}, "--price"},
      {{"--shell", "a", "--", "b"}, "--shell"},
  };
  for (const auto& c : cases) {
    const auto options = parse_run(c.words);
    ASSERT_FALSE(options) << c.says;
    EXPECT_NE(options.error().text().find(c.says), std::string::npos) << options.error().text();
    EXPECT_EQ(options.error().text().find('\n'), std::string::npos) << options.error().text();
  }
}

TEST(Help, fits_the_width_of_a_page_and_names_all_options) {
  for (const auto line : split(k_run_help, '\n')) EXPECT_LE(line.size(), 120U) << line;
  for (const auto& option : run_option_names()) {
    if (option == "--help") continue;
    EXPECT_NE(k_run_help.find(" " + option + " "), std::string_view::npos) << option;
  }
}

TEST(ParseRun, takes_what_ends_a_job) {
  const auto options = parse_run({"--idle-gpu",
                                  "30m:2.5%",
                                  "--idle-gpu-any",
                                  "--gpu-start",
                                  "20m",
                                  "--stall",
                                  "45m",
                                  "--stall-path",
                                  "logs",
                                  "--done-file",
                                  "done",
                                  "--done-pattern",
                                  "^epoch 50",
                                  "--signal",
                                  "SIGUSR1@10m",
                                  "--before-end",
                                  "make report",
                                  "--before-end-limit",
                                  "5m",
                                  "--keep-on-failure",
                                  "30m",
                                  "--spot-notice",
                                  "on",
                                  "--",
                                  "train"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->watches.idle, Seconds{1800});
  EXPECT_EQ(options->watches.idle_millipercent, 2'500);
  EXPECT_TRUE(options->watches.idle_any);
  EXPECT_EQ(options->watches.gpu_start, Seconds{1200});
  EXPECT_EQ(options->watches.stall, Seconds{2700});
  EXPECT_EQ(options->watches.stall_path, "logs");
  EXPECT_EQ(options->watches.done_file, "done");
  EXPECT_EQ(options->watches.done_pattern, "^epoch 50");
  ASSERT_TRUE(options->early_signal);
  EXPECT_EQ(options->early_signal->signal, SIGUSR1);
  EXPECT_EQ(options->early_signal->ahead, Seconds{600});
  EXPECT_EQ(options->before_end, "make report");
  EXPECT_EQ(options->limits().before_end, Seconds{300});
  EXPECT_EQ(options->keep_on_failure, Seconds{1800});
  EXPECT_EQ(options->spot_notice, guard::SpotNotice::on);
}

TEST(ParseRun, refuses_what_ends_no_job) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--idle-gpu", "30"},
                                             {"--idle-gpu", "30m:0%"},
                                             {"--idle-gpu-any"},
                                             {"--gpu-start", "soon"},
                                             {"--stall-path", "logs"},
                                             {"--done-pattern", "("},
                                             {"--signal", "USR1"},
                                             {"--signal", "KILL@10m"},
                                             {"--signal", "9@10m"},
                                             {"--signal", "NOSUCH@10m"},
                                             {"--signal", "USR1@10"},
                                             {"--max-time", "10m", "--signal", "USR1@10m"},
                                             {"--before-end-limit", "5m"},
                                             {"--keep-on-failure", "0s"},
                                             {"--spot-notice", "maybe"}}) {
    auto with_command = words;
    with_command.insert(with_command.end(), {"--", "train"});
    EXPECT_FALSE(parse_run(with_command)) << words.front() << " " << words.back();
  }
  EXPECT_TRUE(parse_run({"--pid", "1234"}));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--pid", "1"},
                                             {"--pid", "x"},
                                             {"--pid", "1234", "--keep-on-failure", "1h"},
                                             {"--pid", "1234", "--", "train"},
                                             {"--pid", "1234", "--shell", "train"},
                                             {"--pid", "1234", "--signal", "USR1@10m"},
                                             {"--pid", "1234", "--stall", "5m"},
                                             {"--pid", "1234", "--done-pattern", "x"}})
    EXPECT_FALSE(parse_run(words)) << words.back();
}

TEST(ParseRun, takes_costs_periods_and_places) {
  const auto options =
      parse_run({"--max-cost", "$5", "--price", "1.006", "--save", "a=s3://bkt", "--save-every", "10m",
                 "--notify", "env:HOOK", "--notify", "file:/x", "--", "train"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->max_cost, Micros{5'000'000});
  EXPECT_EQ(options->price, Micros{1'006'000});
  EXPECT_EQ(options->save_every, Seconds{600});
  EXPECT_EQ(options->notify, (Words{"env:HOOK", "file:/x"}));
}

TEST(StartNotes, name_what_takes_as_long_as_the_whole_time) {
  struct Case {
    Words words;
    std::vector<std::string> notes;
  };
  for (const auto& c : {
           Case{{"--stall", "45m", "--", "x"}, {}},
           Case{{"--stall", "4h", "--", "x"}, {"--stall 4h never comes: the time limit is 4h"}},
           Case{{"--stall", "5h", "--max-time", "off", "--", "x"}, {}},
           Case{{"--max-time", "20m", "--idle-gpu", "30m", "--gpu-start", "20m", "--save", "a=s3://bkt",
                 "--save-every", "1h", "--", "x"},
                {"--idle-gpu 30m never comes: the time limit is 20m",
                 "--gpu-start 20m never comes: the time limit is 20m",
                 "--save-every 1h never comes: the time limit is 20m"}},
       }) {
    const auto options = parse_run(c.words);
    ASSERT_TRUE(options) << options.error().text();
    EXPECT_EQ(start_notes(*options), c.notes) << c.words.front();
  }
}

TEST(ParseEarlySignal, takes_names_in_either_case) {
  for (const auto* text : {"USR1@1m", "usr1@1m", "SIGUSR1@1m", "sigusr1@1m", "10@1m"}) {
    const auto signal = parse_early_signal(text);
    ASSERT_TRUE(signal) << signal.error().text();
    EXPECT_EQ(signal->signal, SIGUSR1) << text;
  }
}

TEST(ParseRun, says_why_the_first_process_is_not_guarded) {
  const auto options = parse_run({"--pid", "1"});
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().text().find("the machine's first process"), std::string::npos)
      << options.error().text();
}

TEST(ParseRun, guards_a_machine_without_a_command_where_something_tells_its_end) {
  struct Case {
    Words words;
    const char* says;  // empty: taken
  };
  const Case cases[] = {
      {{"--idle-gpu", "30m"}, ""},
      {{"--idle-gpu", "30m", "--max-time", "8h", "--jupyter", "http://127.0.0.1:8888/?token=secret"}, ""},
      {{"--done-file", "DONE"}, ""},
      {{"--idle-gpu", "30m", "--stall", "45m", "--stall-path", "work"}, ""},
      {{"--idle-gpu", "30m", "--gpu-start", "1h", "--before-end", "make", "--save", "a=s3://bkt/p"}, ""},
      {{"--max-time", "8h"}, "without one it needs --idle-gpu, --done-file or --pid"},
      {{"--gpu-start", "20m"}, "no command"},
      {{"--idle-gpu", "30m", "--"}, "no command"},  // -- $UNSET
      {{"--idle-gpu", "30m", "--", ""}, "no command"},
      {{"--idle-gpu", "30m", "--idle-gpu-any"}, "--idle-gpu-any"},
      {{"--idle-gpu", "30m", "--signal", "USR1@10m"}, "--signal"},
      {{"--idle-gpu", "30m", "--done-pattern", "x"}, "--done-pattern"},
      {{"--idle-gpu", "30m", "--stall", "45m"}, "--stall-path"},
      {{"--idle-gpu", "30m", "--keep-on-failure", "1h"}, "--keep-on-failure"},
      {{"--done-file", "DONE", "--jupyter", "http://127.0.0.1:8888/?token=secret"}, "needs --idle-gpu"},
      {{"--idle-gpu", "30m", "--jupyter", "http://10.0.0.1:8888/?token=secret"}, "https"},
      {{"--idle-gpu", "30m", "--jupyter", "http://me:secret@127.0.0.1:8888/"}, "--jupyter"},
      {{"--idle-gpu", "30m", "--jupyter", "http://127.0.0.1/?token=secret", "--", "x"}, "without a command"},
      {{"--idle-gpu", "30m", "--jupyter", "http://127.0.0.1/?token=secret", "--pid", "12"},
       "without a command"},
  };
  for (const auto& c : cases) {
    const auto options = parse_run(c.words);
    ASSERT_EQ(options.has_value(), *c.says == '\0') << c.words.back();
    if (!options) {
      EXPECT_NE(options.error().text().find(c.says), std::string::npos) << options.error().text();
      EXPECT_EQ(options.error().text().find("secret"), std::string::npos) << options.error().text();
      continue;
    }
    EXPECT_TRUE(options->guards_machine && options->argv.empty()) << c.words.back();
    EXPECT_EQ(options->command, "this machine");
    EXPECT_EQ(options->watches.jupyter.find("secret"), std::string::npos);
    EXPECT_EQ(options->watches.jupyter_token, options->watches.jupyter.empty() ? "" : "secret");
  }
  EXPECT_FALSE(parse_run({"--idle-gpu", "30m", "--", "train"})->guards_machine);
  EXPECT_FALSE(parse_run({"--idle-gpu", "30m", "--pid", "12"})->guards_machine);
  EXPECT_FALSE(parse_run({"--idle-gpu", "30m", "--shell", "train"})->guards_machine);
}

TEST(GuardEnvironment, is_what_concerns_aws_and_the_network) {
  const auto chosen = guard_environment({{"AWS_SECRET_ACCESS_KEY", "s"},
                                         {"AWS_ENDPOINT_URL", "u"},
                                         {"https_proxy", "p"},
                                         {"SSL_CERT_FILE", "c"},
                                         {"HOME", "/h"},
                                         {"WANDB_API_KEY", "w"},
                                         {"LD_PRELOAD", "l"},
                                         {"PATH", "/evil"}});
  EXPECT_EQ(chosen.size(), 5U);
  EXPECT_FALSE(chosen.contains("LD_PRELOAD"));
  EXPECT_FALSE(chosen.contains("PATH"));
}

TEST(IsOnEc2, follows_the_machine_and_the_standard_variables) {
  EXPECT_FALSE(is_on_ec2({}, false));
  EXPECT_TRUE(is_on_ec2({}, true));
  EXPECT_TRUE(is_on_ec2({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1"}}, false));
  EXPECT_FALSE(is_on_ec2({{"AWS_EC2_METADATA_DISABLED", "true"}}, true));
}

TEST(StartRequest, survives_the_way_to_sudo_with_bytes_that_are_no_text) {
  StartRequest request;
  request.job.argv = {"echo", "a b"};
  request.job.cwd = "/tmp/\xe9t\xe9";
  request.job.env = {"A=\xff\xfe", "B="};
  request.guard.command = "echo";
  request.guard.owner = 1000;
  const auto read = start_request_from_json(to_json(request));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->job.argv, request.job.argv);
  EXPECT_EQ(read->job.env, request.job.env);
  EXPECT_EQ(read->job.cwd, request.job.cwd);
  EXPECT_EQ(read->guard.owner, 1000U);
  EXPECT_FALSE(start_request_from_json("{\"job\":\"{}\",\"guard\":\"{}\"}"));
}

}  // namespace
}  // namespace curfew::cli
