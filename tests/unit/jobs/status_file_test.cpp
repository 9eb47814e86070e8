#include "jobs/status_file.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/jobs/seen_fixture.hpp"

namespace curfew::jobs {
namespace {

std::string document(const std::string& more = "", const std::string& id = k_id) {
  return R"({"version":1,"launch":")" + id +
         R"(","job":"digits","written":"2026-11-27T11:00:00Z","state":"running")" + more + "}";
}

TEST(StatusFile, is_read_whole) {
  const auto status = status_from_json(
      document(
          R"(,"instance":"i-0123456789abcdef0","interrupted":true,"stage":"train","stages":[{"name":"setup","state":"done","began":"x","ms":12,"exit_code":0},{"name":"train","state":"running","exit_code":null}],"exit_code":3,"cause":"time_limit","reason":"4h are up","saved":false,"guard":{"started":"2026-11-27T10:01:00Z","stop_at":{"at":"2026-11-27T14:00:00Z","left_s":10},"end_at":{"at":"2026-11-27T14:16:00Z","left_s":10},"last_output":"2026-11-27T10:59:00Z","gpus":"GPU 0 97%","saving":{"every_s":60,"last_good_age_s":12,"in_trouble":false,"will_fail":null},"cost":{"so_far":"$1.02","complete":true}})"),
      k_id);
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(status->instance, "i-0123456789abcdef0");
  EXPECT_EQ(status->phase, Phase::running);
  EXPECT_TRUE(status->interrupted);
  ASSERT_EQ(status->stages.size(), 2U);
  EXPECT_EQ(status->stages[0].exit_code, 0);
  EXPECT_FALSE(status->stages[1].exit_code);
  EXPECT_EQ(status->exit_code, 3);
  EXPECT_EQ(status->saved, false);
  EXPECT_EQ(status->guard.save_age, Seconds{12});
  EXPECT_FALSE(status->guard.save_in_trouble);
  EXPECT_EQ(status->guard.cost, Micros{1'020'000});
  EXPECT_TRUE(status->guard.cost_is_complete);
  EXPECT_EQ(format_utc(*status->guard.stop_at), "2026-11-27T14:00:00Z");
}

TEST(StatusFile, may_lack_all_but_when_and_what) {
  const auto status = status_from_json(document(), k_id);
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_TRUE(status->instance.empty());
  EXPECT_FALSE(status->saved);
  EXPECT_FALSE(status->guard.cost);
}

TEST(StatusFile, takes_another_guards_fields_for_missing) {
  const auto status = status_from_json(
      document(
          R"(,"instance":"i-../../x","stage":7,"stages":{"name":1},"exit_code":256,"saved":"yes","guard":{"stop_at":"soon","cost":{"so_far":"$-1"},"saving":[]})"),
      k_id);
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_TRUE(status->instance.empty());
  EXPECT_TRUE(status->stage.empty());
  EXPECT_FALSE(status->exit_code) << "a shell can't have seen that";
  EXPECT_FALSE(status->saved);
  EXPECT_FALSE(status->guard.stop_at);
  EXPECT_FALSE(status->guard.cost);
}

TEST(StatusFile, knows_that_nothing_was_spent_yet) {
  const auto status =
      status_from_json(document(R"(,"guard":{"cost":{"so_far":"$0.00","complete":true}})"), k_id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->guard.cost, Micros{0});
}

TEST(StatusFile, is_refused_where_it_cannot_be_trusted) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "is not JSON"},
      {"[]", "is no object"},
      {document("", "20261127-100000-000000000000000000000000"), "another"},
      {R"({"launch":")" + std::string(k_id) + R"(","written":"2026-11-27T11:00:00Z","state":"flying"})",
       "state"},
      {R"({"launch":")" + std::string(k_id) + R"(","written":"yesterday","state":"ended"})", "written"},
      {R"({"launch":")" + std::string(k_id) + R"(","state":"ended"})", "written"},
      {std::string(k_largest_status + 1, ' '), "longer"},
  };
  for (const auto& [text, why] : cases) {
    const auto status = status_from_json(text, k_id);
    ASSERT_FALSE(status) << text.substr(0, 100);
    EXPECT_NE(status.error().text().find(why), std::string::npos) << status.error().text();
  }
}

TEST(StatusFile, keeps_no_text_at_any_length) {
  const auto status = status_from_json(document(R"(,"reason":")" + std::string(5'000, 'x') + "\""), k_id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->reason.size(), k_longest_text);
}

}  // namespace
}  // namespace curfew::jobs
