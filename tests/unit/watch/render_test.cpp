// Golden files of each format, and what must hold of all of them whatever the tags say.
#include "watch/render.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "unit/watch/hostile.hpp"
#include "unit/watch/report.hpp"
#include "watch/display.hpp"

namespace curfew::watch {
namespace {

using Outcome = RegionReading::Outcome;

// One of everything.
Report report() {
  auto overdue = machine("i-0aaaaaaaaaaaaaaa1");
  overdue.name = "train-7b";
  overdue.owner = "vision";
  overdue.launched_by = "AssumedRole:AROAEXAMPLE:alice";
  run_for(overdue, 72h);
  overdue.deadline = Deadline{k_now - 66h};
  overdue.schedule = ScheduleState::missing;

  auto unguarded = machine("i-0aaaaaaaaaaaaaaa2");
  unguarded.name = "notebook of somebody with a long name, who is not here any more";
  unguarded.type = "g9.48xlarge";
  unguarded.zone = "us-east-1-bos-1a";
  unguarded.job.reset();
  unguarded.deadline.reset();
  unguarded.schedule = ScheduleState::not_asked;
  unguarded.gpus = {true, std::nullopt};
  unguarded.cost.hourly.reset();
  unguarded.cost.so_far.reset();
  unguarded.cost.source = "";

  auto spot = machine("i-0aaaaaaaaaaaaaaa3");
  spot.region = "eu-west-1";
  spot.zone = "eu-west-1b";
  spot.type = "p4d.24xlarge";
  spot.lifecycle = Lifecycle::spot;
  spot.name = "学習用サーバー";
  spot.gpus = {true, 8U};
  spot.cost.hourly = Micros{32'772'600};
  spot.cost.at_most = spot.cost.so_far_at_most = true;
  spot.cost.ebs_at_most = true;
  spot.cost.source = "list price of 2025-05-28";
  run_for(spot, 30min);
  spot.group = "workers";

  auto kept = machine("i-0aaaaaaaaaaaaaaa4");
  kept.name = "demo";
  kept.keep = Keep{"for the board", k_now + 24h, false};
  run_for(kept, 240h);
  kept.deadline.reset();
  kept.then_stop = true;

  auto small = machine("i-0aaaaaaaaaaaaaaa5");
  small.type = "t3.micro";
  small.job.reset();
  small.deadline.reset();
  small.gpus = {};
  small.schedule = ScheduleState::not_asked;
  small.name = "bastion";
  small.cost.hourly = Micros{10'400};
  small.cost.ebs_hourly.reset();
  small.cost.notes = std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"its EBS volumes aren't known; no permission for ec2:DescribeVolumes"});
  run_for(small, 3h);
  small.overrides.warn = 2000h;
  small.overrides.crit = 3000h;
  small.ignored_tags = {"curfew:crit-cost"};

  auto stopped = machine("i-0aaaaaaaaaaaaaaa6");
  stopped.state = InstanceState::stopped;
  stopped.deadline = Deadline{{}, "tomorrow, \"maybe\""};
  stopped.protected_from_end = true;

  auto hostile = machine("i-0aaaaaaaaaaaaaaa7");
  hostile.name = "=\033[31m<b>a,\"b\"</b>\n\xff";
  hostile.owner = "@owner\\";
  hostile.cost.so_far = Micros{7'000'000};

  auto made = report_of({small, overdue, unguarded, spot, kept, stopped, hostile});
  made.regions.push_back(
      {"111122223333", "ap-south-1", Outcome::failed, "DescribeInstances: timed out after 90s"});
  made.regions.push_back({"111122223333", "me-south-1", Outcome::ignored});
  made.regions.push_back(
      {"111122223333", "ap-east-1", Outcome::denied, "UnauthorizedOperation: explicit deny"});
  made.notes = {{"no permission for pricing:GetProducts: prices are of a list", false},
                {"the schedules in ap-south-1 could not be read", true}};
  return made;
}

Report two_accounts() {
  auto first = machine("i-0aaaaaaaaaaaaaaa1");
  auto second = machine("i-0bbbbbbbbbbbbbbb2");
  second.account = "444455556666";
  second.deadline = Deadline{k_now - 1h};
  auto made = report_of({first, second});
  made.accounts.push_back({"444455556666", "arn:aws:iam::444455556666:role/curfew-check"});
  made.regions.push_back({"444455556666", "us-east-1"});
  made.regions.push_back({"444455556666", "eu-west-1", Outcome::failed, "AccessDenied"});
  return made;
}

TEST(Golden, Table) {
  expect_golden("table.txt", rendered(Format::table, report()));
  expect_golden("table_200.txt", rendered(Format::table, report(), {200, false}));
  expect_golden("table_80.txt", rendered(Format::table, report(), {80, false}));
  expect_golden("table_40.txt", rendered(Format::table, report(), {40, false}));
  expect_golden("table_colours.txt", rendered(Format::table, report(), {120, true}));
  expect_golden("table_two_accounts.txt", rendered(Format::table, two_accounts(), {120, false}));
}

// What --enforce did: one that ended, one that didn't, one that was left alone.
Report enforced(Enforced::Mode mode) {
  auto made = two_accounts();
  made.profile = "ops";
  Enforced done;
  done.mode = mode;
  if (mode == Enforced::Mode::refused) done.refused = "this machine's clock is 2m behind AWS's: set it right";
  Act act;
  act.at = k_now;
  act.by = "arn:aws:sts::444455556666:assumed-role/curfew-check/curfew-check";
  act.account = "444455556666";
  act.region = "us-east-1";
  act.instance = "i-0ccccccccccccccc3";
  act.name = "=\033[31mred\n\xff";
  act.why = "past its deadline 2026-11-26T13:00:00Z";
  act.done = mode == Enforced::Mode::on;
  act.outcome = act.done ? "shutting-down" : "";
  done.acts.push_back(act);
  act.instance = "i-0bbbbbbbbbbbbbbb2";
  act.action = Action::stop;
  act.done = false;
  act.outcome = mode == Enforced::Mode::on ? "StopInstances: not authorized" : "";
  done.acts.push_back(act);
  done.left_alone.push_back({"111122223333", "us-east-1", "i-0aaaaaaaaaaaaaaa1", "demo", "kept",
                             "kept by its tag curfew:keep: for the board"});
  made.enforced = std::move(done);
  return made;
}

TEST(Golden, Enforced) {
  using Mode = Enforced::Mode;
  expect_golden("enforced.txt", rendered(Format::table, enforced(Mode::on), {120, false}));
  expect_golden("enforced_dry_run.txt", rendered(Format::table, enforced(Mode::dry_run), {120, false}));
  expect_golden("enforced_refused.txt", rendered(Format::table, enforced(Mode::refused), {120, true}));
  expect_golden("enforced.json", rendered(Format::json, enforced(Mode::on)));
  auto nothing = empty_report();
  nothing.enforced = Enforced{};
  expect_golden("enforced_nothing.txt", rendered(Format::table, nothing, {80, false}));
}

TEST(Commands, AreShownOnlyWhereTheyWouldEndIt) {
  auto made = machine();
  made.deadline = Deadline{k_now - 1h};
  made.managed_by = "eks.amazonaws.com";
  auto text = rendered(Format::table, report_of({made}), {120, false});
  EXPECT_NE(text.find("by which alone it can be ended"), std::string::npos) << text;
  EXPECT_EQ(text.find("curfew stop"), std::string::npos) << text;
  EXPECT_EQ(text.find("terminate-instances"), std::string::npos) << text;

  made.managed_by.clear();
  made.ignored_tags = {"curfew:then"};
  text = rendered(Format::table, report_of({made}), {120, false});
  EXPECT_NE(text.find("--then stop"), std::string::npos) << "what keeps the disks: " << text;
  EXPECT_EQ(text.find("terminate-instances"), std::string::npos) << text;
}

TEST(Golden, Json) { expect_golden("report.json", rendered(Format::json, report())); }
TEST(Golden, Csv) { expect_golden("report.csv", rendered(Format::csv, report())); }
TEST(Golden, Prometheus) { expect_golden("report.prom", rendered(Format::prometheus, report())); }

TEST(Golden, NoInstances) {
  expect_golden("none.txt", rendered(Format::table, empty_report(), {80, false}));
  expect_golden("none.json", rendered(Format::json, empty_report()));
  expect_golden("none.csv", rendered(Format::csv, empty_report()));
  expect_golden("none.prom", rendered(Format::prometheus, empty_report()));
}

TEST(Golden, NoInstancesInWhatCouldBeRead) {
  auto unread = empty_report();
  unread.regions.at(1) = {"111122223333", "eu-west-1", Outcome::failed, "timed out"};
  expect_golden("none_unread.txt", rendered(Format::table, unread, {80, false}));
}

// No control character but the newlines at the ends of our own lines; valid UTF-8.
void expect_harmless(const std::string& text, const std::string& what) {
  std::string cut;
  for (const char c : text)
    if (c != '\n') cut += c;
  EXPECT_EQ(printable(cut, cut.size() + 1), cut) << what;
}

Machine named(const std::string& name) {
  auto made = machine();
  run_for(made, 72h);
  made.deadline = Deadline{{}, name};
  made.name = name;
  made.owner = name;
  made.launched_by = name;
  made.job = name;
  made.group = name;
  made.managed_by = name;
  made.keep = Keep{name, {}, true};
  made.cost.source = name;
  // EC2 sends none such; whoever stands in for it might.
  made.id = "i-" + name;
  made.type = name;
  made.zone = name;
  made.region = name;
  made.account = name;
  return made;
}

Report hostile_report(const std::string& name) {
  auto made = report_of({named(name)});
  made.accounts = {{name, name}, {"1", ""}};
  made.regions = {{name, name},
                  {name, name, Outcome::failed, name},
                  {name, name, Outcome::denied, name},
                  {name, name, Outcome::ignored}};
  made.notes = {{name, false}, {name, true}};
  return made;
}

TEST(EveryFormat, IsHarmlessWhateverTheTagsSay) {
  for (const auto& name : hostile_names()) {
    const auto made = hostile_report(name);
    for (const auto format : {Format::table, Format::json, Format::csv, Format::prometheus}) {
      const auto text = rendered(format, made);
      expect_harmless(text, name.substr(0, 40));
      EXPECT_LT(text.size(), 200'000U) << name.substr(0, 40);
    }
    for (const unsigned width : {40U, 80U, 200U})
      expect_harmless(rendered(Format::table, made, {width, false}), name.substr(0, 40));
  }
}

TEST(Table, KeepsToItsWidthButForCommands) {
  for (const auto& made : {report(), two_accounts(), empty_report()}) {
    for (const unsigned width : {40U, 60U, 80U, 100U, 120U, 160U, 200U}) {
      const auto text = rendered(Format::table, made, {width, false});
      for (const auto line : split(text, '\n')) {
        if (line.starts_with("  aws ec2 ") || line.starts_with("  curfew stop ")) continue;
        EXPECT_LE(columns_of(line), width) << line;
      }
    }
  }
}

TEST(Table, ShowsTheWorstAtAnyWidth) {
  for (const unsigned width : {40U, 80U, 200U}) {
    const auto text = rendered(Format::table, report(), {width, false});
    EXPECT_NE(text.find("CRITICAL  i-0aaaaaaaaaaaaaaa1"), std::string::npos) << text;
    EXPECT_NE(
        text.find("  aws ec2 terminate-instances --region us-east-1 --instance-ids i-0aaaaaaaaaaaaaaa1\n"),
        std::string::npos)
        << text;
  }
}

std::shared_ptr<const std::vector<std::string>> reasons(std::vector<std::string> texts) {
  return std::make_shared<const std::vector<std::string>>(std::move(texts));
}

TEST(Table, SaysOnceWhySumsAreNotExactMostInstancesFirst) {
  std::deque<Machine> machines;
  for (const char* id : {"i-1", "i-2", "i-3"}) machines.push_back(machine(id));
  machines[0].cost.notes = reasons({"its EBS volumes aren't known"});
  machines[1].cost.notes = machines[2].cost.notes = reasons({"its spot prices\033[31m aren't known"});
  const auto text = rendered(Format::table, report_of(machines));
  const auto most = text.find("\nCost of i-2 and 1 more: its spot prices\\x1b[31m aren't known\n");
  const auto least = text.find("\nCost of i-1: its EBS volumes aren't known\n");
  ASSERT_NE(most, std::string::npos) << text;
  ASSERT_NE(least, std::string::npos) << text;
  EXPECT_LT(most, least);

  machines.clear();
  for (int at = 0; at < 50; ++at) {
    machines.push_back(machine("i-" + std::to_string(at)));
    machines.back().cost.notes = reasons({"reason " + std::to_string(at)});
  }
  EXPECT_NE(rendered(Format::table, report_of(machines))
                .find("\nCost: and 44 reasons more why sums aren't exact (--format json)\n"),
            std::string::npos);
}

TEST(Json, TellsWhyACostIsNotExact) {
  auto made = machine();
  made.cost.notes = reasons({"one \"reason\"", "two"});
  const auto value = boost::json::parse(rendered(Format::json, report_of({made, machine("i-2")})));
  EXPECT_EQ(value.at("instances").at(0).at("cost").at("notes"),
            (boost::json::array{"one \"reason\"", "two"}));
  EXPECT_EQ(value.at("instances").at(1).at("cost").at("notes"), boost::json::array{});
}

TEST(Table, QuotesACommandForTheShell) {
  auto made = machine();
  made.id = "i-1; reboot";
  made.region = "$(reboot)";
  made.deadline.reset();
  const auto text = rendered(Format::table, report_of({made}));
  EXPECT_NE(text.find("  aws ec2 terminate-instances --region '$(reboot)' --instance-ids "
                      "'i-1; reboot'\n"),
            std::string::npos)
      << text;
}

TEST(Table, OfThreeHundredNeedingAttentionNamesEach) {
  std::deque<Machine> machines;
  for (int i = 0; i < 300; ++i) {
    auto made = machine("i-" + std::to_string(1'000'000 + i));
    made.deadline.reset();
    machines.push_back(made);
  }
  const auto text = rendered(Format::table, report_of(machines), {80, false});
  EXPECT_NE(text.find("300 instances, 300 GPUs; 300 need attention: 0 CRITICAL, 300 WARNING"),
            std::string::npos);
  std::size_t commands = 0;
  for (const auto line : split(text, '\n'))
    commands += line.starts_with("  aws ec2 terminate-instances ") ? 1U : 0U;
  EXPECT_EQ(commands, 300U);
}

TEST(Table, ColoursAreAddedAndChangeNothingElse) {
  auto coloured = rendered(Format::table, report(), {120, true});
  std::string plain;
  for (std::size_t at = 0; at < coloured.size(); ++at) {
    if (coloured[at] == '\033') at = coloured.find('m', at);
    else plain += coloured[at];
  }
  EXPECT_NE(coloured, plain);
  EXPECT_EQ(plain, rendered(Format::table, report(), {120, false}));
}

TEST(Json, ParsesAndHoldsNamesAsTheyAre) {
  for (const auto& name : hostile_names()) {
    const auto text = rendered(Format::json, hostile_report(name));
    boost::system::error_code error;
    const auto value = boost::json::parse(text, error);
    ASSERT_FALSE(error) << error.message() << "\n" << text.substr(0, 2'000);
    const auto& instance = value.at("instances").at(0);
    EXPECT_EQ(std::string_view(instance.at("name").as_string()), valid_utf8(name));
    EXPECT_EQ(value.at("complete"), false);
  }
}

// A reader of RFC 4180.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> fields(1);
  bool in_quotes = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_quotes && c == '"' && at + 1 < text.size() && text[at + 1] == '"') fields.back() += '"', ++at;
    else if (c == '"') in_quotes = !in_quotes;
    else if (in_quotes) fields.back() += c;
    else if (c == ',') fields.emplace_back();
    else if (c == '\n') lines.push_back(std::exchange(fields, {{}}));
    else fields.back() += c;
  }
  EXPECT_FALSE(in_quotes);
  return lines;
}

TEST(Csv, HasOneLineAnInstanceAndNoFormula) {
  for (const auto& name : hostile_names()) {
    const auto lines = parse_csv(rendered(Format::csv, hostile_report(name)));
    ASSERT_EQ(lines.size(), 2U) << name.substr(0, 40);
    ASSERT_EQ(lines[1].size(), lines[0].size()) << name.substr(0, 40);
    for (std::size_t i = 0; i < lines[1].size(); ++i) {
      const auto& field = lines[1][i];
      if (field.empty() || lines[0][i].ends_with("_seconds")) continue;
      EXPECT_EQ(std::string("=+-@\t\r").find(field.front()), std::string::npos)
          << lines[0][i] << ": " << field;
      EXPECT_FALSE(field.starts_with(" =") || field.starts_with("＝")) << field;
    }
  }
  const auto lines = parse_csv(rendered(Format::csv, report()));
  EXPECT_EQ(lines.size(), 8U);
}

TEST(Csv, KeepsNumbersAsTheyAre) {
  auto made = machine();
  made.deadline = Deadline{k_now - 1h};
  const auto lines = parse_csv(rendered(Format::csv, report_of({made})));
  const auto column = std::find(lines[0].begin(), lines[0].end(), "left_seconds") - lines[0].begin();
  EXPECT_EQ(lines[1].at(static_cast<std::size_t>(column)), "-3600");
}

// What node_exporter's textfile collector asks for: families together, each with its two lines once, no series twice,
// nothing after the value.
void expect_prometheus(const std::string& text) {
  ASSERT_TRUE(text.ends_with("\n# EOF\n"));
  std::set<std::string> families;
  std::set<std::string> series;
  std::string family;
  for (const auto line : split(text, '\n')) {
    if (line.empty() || line == "# EOF" || line.starts_with("# HELP ")) continue;
    if (line.starts_with("# TYPE ")) {
      family = std::string(split(line, ' ').at(2));
      EXPECT_TRUE(families.insert(family).second) << line;
      EXPECT_TRUE(line.ends_with(" gauge")) << line;
      continue;
    }
    ASSERT_TRUE(line.starts_with(family)) << line;
    // Labels end at the first "}" outside of quotes.
    std::size_t end = family.size();
    if (line[end] == '{') {
      bool in_quotes = false;
      for (; end < line.size() && (in_quotes || line[end] != '}'); ++end) {
        if (in_quotes && line[end] == '\\') ++end;
        else if (line[end] == '"') in_quotes = !in_quotes;
      }
      ++end;
    }
    ASSERT_LT(end, line.size()) << line;
    EXPECT_TRUE(series.insert(std::string(line.substr(0, end))).second) << line;
    EXPECT_EQ(line[end], ' ') << line;
    EXPECT_EQ(line.find_first_not_of("0123456789.", end + 1), std::string::npos) << line;
  }
}

TEST(Prometheus, IsWhatTheTextfileCollectorReads) {
  expect_prometheus(rendered(Format::prometheus, report()));
  expect_prometheus(rendered(Format::prometheus, two_accounts()));
  expect_prometheus(rendered(Format::prometheus, empty_report()));
  for (const auto& name : hostile_names())
    expect_prometheus(rendered(Format::prometheus, hostile_report(name)));
}

TEST(Prometheus, TellsAnInstanceOnceThatIsListedTwice) {
  const auto once = rendered(Format::prometheus, report_of({machine("i-1"), machine("i-2")}));
  const auto twice =
      rendered(Format::prometheus, report_of({machine("i-1"), machine("i-2"), machine("i-1")}));
  EXPECT_EQ(once, twice);
}

TEST(Prometheus, LeavesOutWhatIsntKnown) {
  auto made = machine();
  made.cost = {};
  made.gpus = {true, std::nullopt};
  const auto text = rendered(Format::prometheus, report_of({made}));
  EXPECT_EQ(text.find("curfew_instance_cost_dollars{"), std::string::npos);
  EXPECT_EQ(text.find("curfew_instance_hourly_cost_dollars{"), std::string::npos);
  EXPECT_EQ(text.find("curfew_instance_gpus{"), std::string::npos);
  EXPECT_NE(text.find("curfew_prices_unknown 1\n"), std::string::npos);
}

TEST(Format, IsReadByName) {
  EXPECT_EQ(parse_format("table").value(), Format::table);
  EXPECT_EQ(parse_format("json").value(), Format::json);
  EXPECT_EQ(parse_format("csv").value(), Format::csv);
  EXPECT_EQ(parse_format("prometheus").value(), Format::prometheus);
  EXPECT_FALSE(parse_format("JSON"));
  EXPECT_FALSE(parse_format(""));
}

}  // namespace
}  // namespace curfew::watch
