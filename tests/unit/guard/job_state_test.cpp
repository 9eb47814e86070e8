// What is told of a launched job in S3, and when.
#include "guard/job_state.hpp"

#include <functional>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

namespace json = boost::json;

const std::string k_stages =
    R"({"version":1,"stages":[{"name":"setup","state":"done","began":"2026-11-24T18:00:00Z","ms":1500,"exit_code":0},)"
    R"({"name":"train","state":"failed","began":"2026-11-24T18:00:02Z","ms":70000,"exit_code":3}]})";

std::vector<StageSeen> stages() {
  auto seen = stages_seen_from_json(k_stages);
  EXPECT_TRUE(seen) << seen.error().text();
  return *seen;
}

TEST(StagesSeen, are_those_of_the_runner) {
  const auto seen = stages();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1], (StageSeen{"train", "failed", *parse_utc("2026-11-24T18:00:02Z"), Millis{70'000}, 3}));
  EXPECT_TRUE(stages_seen_from_json(R"({"version":1,"stages":[]})"));
}

TEST(StagesSeen, are_refused_where_they_are_none) {
  const std::pair<const char*, const char*> broken[] = {
      {"\"version\":1", "\"version\":2"},
      {"\"setup\"", "\"train\""},
      {"\"setup\"", "\"Setup\""},
      {"\"setup\"", "\"\\u001b[31m\""},
      {"\"failed\"", "\"lost\""},
      {"18:00:02Z", "18:00:02"},
      {"70000", "-1"},
      {"70000", "99999999999999"},
      {"\"exit_code\":3", "\"exit_code\":256"},
      {"\"exit_code\":3", "\"exit_code\":\"3\""},
      {"{\"name\":\"setup\"", "1,{\"name\":\"setup\""},
  };
  for (const auto& [from, to] : broken) {
    auto text = k_stages;
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, std::string_view(from).size(), to);
    const auto seen = stages_seen_from_json(text);
    EXPECT_FALSE(seen) << text;
    const auto said = seen ? std::string() : seen.error().text();
    EXPECT_EQ(said.find('\x1b'), std::string::npos) << from;
  }
  for (const auto& text : {std::string(), std::string("[]"), std::string(k_largest_stages_file + 1, ' '),
                           std::string(10'000, '[')})
    EXPECT_FALSE(stages_seen_from_json(text));
}

TEST(JobState, has_a_word_for_every_stage_of_the_guard) {
  const std::pair<Stage, const char*> words[] = {
      {Stage::arming, "starting"},  {Stage::running, "running"},     {Stage::draining, "stopping"},
      {Stage::killing, "stopping"}, {Stage::before_end, "stopping"}, {Stage::saving, "saving"},
      {Stage::holding, "ending"},   {Stage::ending, "ending"},       {Stage::done, "ending"}};
  for (const auto& [stage, word] : words) {
    EXPECT_EQ(word_of(stage, false), word);
    EXPECT_EQ(word_of(stage, true), "ended");
  }
}

TEST(JobState, is_told_as_documented) {
  State state;
  state.stage = Stage::ending;
  state.cause = Cause::spot_interruption;
  state.reason = "EC2 takes it";
  state.published = 75;
  state.all_saved = true;
  const Launched launched{"l-1", "digits", "s3://b/jobs/l-1/", "/home/u/curfew-logs"};
  const JobState job{state, "i-0123456789abcdef0", stages(), true};
  const auto told = job_state_of(launched, job, *parse_utc("2026-11-24T18:05:00Z"), {{"stage", "ending"}});
  const auto wanted = json::parse(
      R"({"version":1,"launch":"l-1","job":"digits","instance":"i-0123456789abcdef0",)"
      R"("written":"2026-11-24T18:05:00Z","state":"ended","interrupted":true,"stage":"train","stages":[)"
      R"({"name":"setup","state":"done","began":"2026-11-24T18:00:00Z","ms":1500,"exit_code":0},)"
      R"({"name":"train","state":"failed","began":"2026-11-24T18:00:02Z","ms":70000,"exit_code":3}],)"
      R"("exit_code":75,"cause":"spot_interruption","reason":"EC2 takes it","saved":true,)"
      R"("guard":{"stage":"ending"}})");
  EXPECT_EQ(json::value(told), wanted) << json::serialize(told);
}

TEST(JobState, tells_nothing_that_is_not_known_yet) {
  const State state;
  const auto told = job_state_of({}, {state, "", {}, false}, WallTime{}, {});
  EXPECT_EQ(told.at("state").as_string(), "starting");
  EXPECT_FALSE(told.at("interrupted").as_bool());
  for (const char* name : {"instance", "stage", "exit_code", "cause", "reason", "saved"})
    EXPECT_TRUE(told.at(name).is_null()) << name;
  EXPECT_TRUE(told.at("stages").as_array().empty());
}

TEST(JobState, changes_its_gist_where_somebody_waits_for_it) {
  const auto gist = [](const std::function<void(State&, JobState&)>& change) {
    State state;
    state.stage = Stage::running;
    JobState job{state, "i-1", stages(), false};
    change(state, job);
    return gist_of(job);
  };
  const auto before = gist([](State&, JobState&) {});
  EXPECT_NE(before, gist([](State& s, JobState&) { s.stage = Stage::saving; }));
  EXPECT_NE(before, gist([](State& s, JobState&) { s.cause = Cause::time_limit; }));
  EXPECT_NE(before, gist([](State& s, JobState&) { s.all_saved = false; }));
  EXPECT_NE(before, gist([](State& s, JobState&) { s.published = 0; }));
  EXPECT_NE(before, gist([](State&, JobState& j) { j.stages[1].state = "done"; }));
  EXPECT_NE(before, gist([](State&, JobState& j) { j.stages.pop_back(); }));
  EXPECT_NE(before, gist([](State&, JobState& j) { j.instance = "i-2"; }));
  EXPECT_NE(before, gist([](State&, JobState& j) { j.is_over = true; }));
  EXPECT_EQ(before, gist([](State& s, JobState&) { s.warned = true; }));
  EXPECT_EQ(before, gist([](State&, JobState& j) { j.stages[1].took += Millis{5}; }));
}

TEST(JobState, is_written_at_a_change_and_once_a_minute) {
  struct Case {
    std::optional<Told> last;
    const char* gist;
    int now_ms;
    bool due;
  };
  const Told well{"a", BootTime{}, true};
  const Told badly{"a", BootTime{}, false};
  const Case cases[] = {{{}, "a", 0, true},        {well, "a", 59'999, false}, {well, "a", 60'000, true},
                        {well, "b", 1'999, false}, {well, "b", 2'000, true},   {badly, "a", 4'999, false},
                        {badly, "a", 5'000, true}, {badly, "b", 4'999, false}, {badly, "b", 5'000, true}};
  for (const auto& test : cases)
    EXPECT_EQ(is_due(test.last, test.gist, BootTime{Millis{test.now_ms}}), test.due)
        << test.gist << " at " << test.now_ms << (test.last ? test.last->well ? " well" : " badly" : " none");
}

}  // namespace
}  // namespace curfew::guard
