#include "setup/role_view.hpp"

#include <gtest/gtest.h>

namespace curfew::setup {
namespace {

const Place k_place{"aws", "123456789012", "us-east-1"};
const JobPlaces k_places{{{"models", "runs"}}, {{"corpus", ""}}};

RoleFound role(const std::string& policy, std::vector<std::string> names = {"curfew"}) {
  RoleFound found;
  found.role = aws::IamRole{};
  found.policy = policy;
  found.policies = std::move(names);
  return found;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

TEST(RoleView, says_what_setup_lets_it) {
  const auto view = view_role(k_place, role(instance_policy(k_place, k_places)), {});
  EXPECT_EQ(joined(view.may),
            "read s3://curfew-123456789012-*/{bin,jobs,results}/, s3://models/runs, s3://corpus/, and "
            "ssm:/curfew/*\n"
            "write s3://curfew-123456789012-*/{jobs,results}/, s3://models/runs\n"
            "end this instance: no other, no tags, no schedules, no other role\n");
}

TEST(RoleView, finds_what_is_out_of_reach) {
  struct Case {
    aws::S3Location where;
    bool written, read;
  };
  for (const auto& c :
       {Case{{"curfew-123456789012-us-east-1", "results/a"}, true, true},
        Case{{"curfew-123456789012-eu-west-1", "results/"}, true, true},
        Case{{"curfew-123456789012-us-east-1", "bin/x"}, false, true},
        Case{{"curfew-123456789012-us-east-1", "resultsfrom"}, false, false},
        Case{{"curfew-210987654321-us-east-1", "results/a"}, false, false},
        Case{{"models", "runs"}, true, true}, Case{{"models", "runs/7"}, true, true},
        Case{{"models", "runs7"}, false, false}, Case{{"models", ""}, false, false},
        Case{{"corpus", "any/thing"}, false, true}, Case{{"elsewhere", "runs"}, false, false}}) {
    const auto found = role(instance_policy(k_place, k_places));
    EXPECT_EQ(view_role(k_place, found, {{c.where}, {}, {}}).doubtful.empty(), c.written) << c.where.text();
    EXPECT_EQ(view_role(k_place, found, {{}, {c.where}, {}}).doubtful.empty(), c.read) << c.where.text();
  }
  const auto found = role(instance_policy(k_place, k_places));
  EXPECT_TRUE(view_role(k_place, found, {{}, {}, {"/curfew/key"}}).out_of_reach.empty());
  const auto view = view_role(k_place, found, {{{"x", "y"}}, {{"v", "w"}}, {"/other/key"}});
  ASSERT_EQ(view.doubtful.size(), 2U);
  EXPECT_NE(view.doubtful[0].text().find("`curfew setup --results s3://x/y --apply` lets it"),
            std::string::npos);
  EXPECT_NE(view.doubtful[1].text().find("`curfew setup --data s3://v/w --apply` lets it"),
            std::string::npos);
  ASSERT_EQ(view.out_of_reach.size(), 1U);
  EXPECT_NE(view.out_of_reach[0].text().find("ssm:/other/key"), std::string::npos);
}

TEST(RoleView, does_not_judge_what_it_does_not_know) {
  const RoleNeeds needs{{{"x", "y"}}, {}, {}};
  const auto ours = instance_policy(k_place, k_places);
  auto unread = role(ours);
  unread.policy = tl::unexpected<Error>({ErrorKind::refused, "GetRolePolicy", "denied", {}, "AccessDenied"});
  for (const auto& [found, text] : {std::pair{unread, "unknown: GetRolePolicy: denied"},
                                    std::pair{role(ours, {"curfew", "AmazonS3FullAccess"}),
                                              "and what these policies say: AmazonS3FullAccess"},
                                    std::pair{role("{}"), "not what this curfew's setup gives"},
                                    std::pair{role("", {"mine"}), "what its own policies say: mine"}}) {
    const auto view = view_role(k_place, found, needs);
    EXPECT_TRUE(view.out_of_reach.empty() && view.doubtful.empty()) << text;
    EXPECT_NE(joined(view.may).find(text), std::string::npos) << joined(view.may);
  }
  EXPECT_TRUE(view_role(k_place, RoleFound{}, needs).may.empty()) << "there is none";
}

}  // namespace
}  // namespace curfew::setup
