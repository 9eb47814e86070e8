#include "cli/launch_options.hpp"

#include <gtest/gtest.h>

#include "cli/launch_findings.hpp"
#include "cli/local_user.hpp"

namespace curfew::cli {
namespace {

using Words = std::vector<std::string>;

const Words k_enough{"--instance-type",    "g5.xlarge",
                     "--instance-profile", "trainer",
                     "--staging",          "s3://bucket/curfew",
                     "--scheduler-role",   "arn:aws:iam::123456789012:role/curfew-scheduler"};

Words with(Words more, Words from = k_enough) {
  from.insert(from.end(), more.begin(), more.end());
  return from;
}

TEST(LaunchOptions, have_defaults_for_all_but_what_only_the_user_knows) {
  const auto options = parse_launch(with({"--", "python3", "train.py", "--lr", "1"}));
  ASSERT_TRUE(options) << options.error().text();
  const auto& wishes = options->wishes;
  EXPECT_EQ(wishes.stages.command, (Words{"python3", "train.py", "--lr", "1"}));
  EXPECT_EQ(wishes.name, "python3");
  EXPECT_FALSE(wishes.spot);
  EXPECT_EQ(wishes.image, "auto");
  EXPECT_EQ(wishes.max_time, Seconds{4 * 3'600});
  EXPECT_TRUE(wishes.schedule);
  EXPECT_EQ(options->confirm_above, Micros{25'000'000});
}

TEST(LaunchOptions, follow_a_job_only_where_asked) {
  for (const auto& [words, follows] : std::vector<std::pair<Words, bool>>{
           {{}, false}, {{"-d"}, false}, {{"--detach"}, false}, {{"--follow"}, true}}) {
    auto all = with(words);
    all.insert(all.end(), {"--", "a"});
    const auto options = parse_launch(all);
    ASSERT_TRUE(options) << options.error().text();
    EXPECT_EQ(options->follow, follows);
  }
}

TEST(LaunchOptions, are_taken_as_typed) {
  const auto options = parse_launch(with({"--spot",
                                          "--instance-type",
                                          "g5.xlarge,g6.xlarge,g5.xlarge",
                                          "--max-cost",
                                          "5",
                                          "--no-schedule",
                                          "--image",
                                          "ssm:/a/b",
                                          "--disk",
                                          "200",
                                          "--zone",
                                          "us-east-1a",
                                          "--subnet",
                                          "subnet-1",
                                          "--security-group",
                                          "sg-1",
                                          "--security-group",
                                          "sg-2",
                                          "--key-name",
                                          "me",
                                          "--user",
                                          "ubuntu",
                                          "--env",
                                          "A=b=c",
                                          "--env",
                                          "EMPTY=",
                                          "--save",
                                          "out/=s3://bkt/x",
                                          "--save",
                                          "log=s3://bkt/y",
                                          "--name",
                                          "run-7",
                                          "--yes",
                                          "--shell",
                                          "a && b"},
                                         {"--instance-profile", "trainer", "--staging", "s3://bucket"}));
  ASSERT_TRUE(options) << options.error().text();
  const auto& wishes = options->wishes;
  EXPECT_TRUE(wishes.spot);
  EXPECT_EQ(wishes.types, (Words{"g5.xlarge", "g6.xlarge"}));
  EXPECT_EQ(wishes.max_cost, Micros{5'000'000});
  EXPECT_FALSE(wishes.max_time) << "the default is for those who say nothing";
  EXPECT_FALSE(wishes.schedule);
  EXPECT_EQ(wishes.disk_gib, 200U);
  EXPECT_EQ(wishes.security_groups, (Words{"sg-1", "sg-2"}));
  EXPECT_EQ(wishes.environment, (aws::KeyValues{{"A", "b=c"}, {"EMPTY", ""}}));
  EXPECT_EQ(wishes.saves.size(), 2U);
  EXPECT_EQ(wishes.name, "run-7");
  EXPECT_EQ(wishes.stages.shell, "a && b");
  EXPECT_EQ(wishes.staging.key, "");
}

TEST(LaunchOptions, leave_what_setup_makes_to_be_looked_up) {
  const auto options = parse_launch({"--instance-type", "g5.xlarge", "--", "a"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_TRUE(options->wishes.staging.bucket.empty());
  EXPECT_TRUE(options->wishes.instance_profile.empty());
  EXPECT_TRUE(options->wishes.scheduler_role.empty());
  EXPECT_TRUE(options->wishes.schedule) << "its lack is no wish to do without it";
}

TEST(LaunchOptions, say_where_and_how_to_look_for_capacity) {
  const auto options =
      parse_launch(with({"--spot-then-on-demand", "--wait-capacity", "2h", "--region",
                         "us-west-2,us-east-1,us-west-2", "--zone", "us-east-1a,us-west-2b", "--", "a"}));
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_TRUE(options->wishes.spot);
  EXPECT_TRUE(options->wishes.then_on_demand);
  EXPECT_EQ(options->wishes.wait_capacity, Seconds{7'200});
  EXPECT_EQ(options->regions, (Words{"us-west-2", "us-east-1"}));
  EXPECT_EQ(options->wishes.zones, (Words{"us-east-1a", "us-west-2b"}));
  const auto plain = parse_launch(with({"--spot", "--", "a"}));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->wishes.then_on_demand);
  EXPECT_EQ(plain->wishes.wait_capacity, Seconds{0});
  EXPECT_TRUE(plain->regions.empty());
  EXPECT_TRUE(
      parse_launch(with({"--region", "us-east-1", "--image", "ami-0123", "--subnet", "subnet-1", "--", "a"})))
      << "what is one region's is refused with several alone";
}

TEST(LaunchOptions, are_refused_before_anything_is_asked) {
  const struct {
    Words words;
    const char* why;
  } cases[] = {
      {with({}), "needs a command"},
      {with({"--shell", "a", "--", "b"}), "can't both be run"},
      {with({"--", "a"}, {"--instance-profile", "p"}), "--instance-type"},
      {with({"--", "a"}, {"--instance-type", "g5.xlarge", "--instance-profile", "a b"}),
       "--instance-profile"},
      {with({"--no-schedule", "--", "a"}), "can't both be"},
      {with({"--spot", "--on-demand", "--", "a"}), "can't both be"},
      {with({"--max-time", "4h", "--max-hours", "4", "--", "a"}), "say the same thing"},
      {with({"--max-time", "10s", "--", "a"}), "is less than 30s"},
      {with({"--max-cost", "0", "--", "a"}), "--max-cost"},
      {with({"--image", "ubuntu", "--", "a"}), "is no image"},
      {with({"--image", "ssm:/a b", "--", "a"}), "is no image"},
      {with({"--image", "anybody:train-*", "--", "a"}), "is no image"},
      {with({"--disk", "0", "--", "a"}), "is no size"},
      {with({"--zone", "US", "--", "a"}), "is no zone"},
      {with({"--zone", "us-east-1a,", "--", "a"}), "is no zone"},
      {with({"--zone", "us-west-2a", "--region", "us-east-1", "--", "a"}), "in none of the regions"},
      {with({"--zone", "us-east-1a,us-east-1b", "--subnet", "subnet-1", "--", "a"}), "is in one zone"},
      {with({"--region", "a-1,b-1", "--image", "ami-0123", "--", "a"}), "belongs to one region"},
      {with({"--region", "a-1,b-1", "--subnet", "subnet-1", "--", "a"}), "belongs to one region"},
      {with({"--region", "a-1,b-1", "--security-group", "sg-1", "--", "a"}), "belongs to one region"},
      {with({"--spot-then-on-demand", "--spot", "--", "a"}), "can't both be"},
      {with({"--spot-then-on-demand", "--on-demand", "--", "a"}), "can't both be"},
      {with({"--wait-capacity", "soon", "--", "a"}), "--wait-capacity"},
      {with({"--wait-capacity", "8d", "--", "a"}), "more than a week"},
      {with({"--region", "US East", "--", "a"}), "is no region"},
      {with({"--subnet", "x", "--", "a"}), "is no subnet"},
      {with({"--security-group", "x", "--", "a"}), "is no security group"},
      {with({"--user", "-x", "--", "a"}), "--user"},
      {with({"--user", "a b", "--", "a"}), "is no user's name"},
      {with({"--name", "a/b", "--", "a"}), "is no name"},
      {with({"--env", "1A=b", "--", "a"}), "isn't NAME=VALUE"},
      {with({"--save", "out", "--", "a"}), "--save"},
      {with({"--notify", "https://hooks.slack.com/services/T0/hunter2", "--", "a"}), "aws ssm put-parameter"},
      {with({"--notify", "env:HOOK", "--", "a"}), "on this machine"},
      {with({"--follow", "-d", "--", "a"}), "--follow and --detach"},
      {with({"train.py"}), "is not an option"},
      {with({"--repo", "https://h/r", "--workdir", ".", "--", "a"}), "can't both be"},
      {with({"--repo", "https://me:hunter2@h/r", "--", "a"}), "--repo-token"},
      {with({"--repo-token", "ssm:/a", "--", "a"}), "needs a --repo"},
      {with({"--repo", "git@h:r", "--repo-token", "ssm:/a", "--", "a"}), "is for a --repo of https"},
      {with({"--repo", "https://h/r", "--repo-token", "hunter2!", "--", "a"}), "is no parameter"},
      {with({"--data", "s3://bkt/x", "--", "a"}), "names no place"},
      {with({"--secret", "A=hunter2!", "--", "a"}), "is no parameter"},
      {with({"--setup-limit", "5", "--", "a"}), "--setup-limit"},
      {{"--clean-up", "--", "a"}, "takes no command"},
      {{"--init", "foo"},
       "--init 'foo': is no job file's name: that ends in .toml (curfew launch --init foo.toml)"},
      {{"--init", "a b"}, "(curfew launch --init job.toml)"},
  };
  for (const auto& [words, why] : cases) {
    const auto options = parse_launch(words);
    ASSERT_FALSE(options) << why;
    EXPECT_NE(options.error().text().find(why), std::string::npos) << options.error().text();
    EXPECT_EQ(options.error().text().find("hunter2"), std::string::npos) << options.error().text();
  }
}

TEST(LaunchOptions, have_the_stages) {
  const auto options = parse_launch(with({"--repo",
                                          "https://h/r@v1",
                                          "--repo-token",
                                          "ssm:/t",
                                          "--setup",
                                          "a",
                                          "--setup",
                                          "b",
                                          "--data",
                                          "s3://bkt/x=y",
                                          "--secret",
                                          "K=ssm:/k",
                                          "--fetch-limit",
                                          "1m",
                                          "--setup-limit",
                                          "2m",
                                          "--data-limit",
                                          "3m",
                                          "--",
                                          "c"}));
  ASSERT_TRUE(options) << options.error().text();
  launch::Stages wanted;
  wanted.repo = launch::Repo{"https://h/r", "v1", "/t"};
  wanted.setup = {"a", "b"};
  wanted.data = {{{"bkt", "x"}, "y"}};
  wanted.secrets = {{"K", "/k"}};
  wanted.command = {"c"};
  wanted.fetch_limit = Seconds{60};
  wanted.setup_limit = Seconds{120};
  wanted.data_limit = Seconds{180};
  EXPECT_EQ(options->wishes.stages, wanted);
  EXPECT_EQ(options->wishes.user, "") << "the image's ordinary user";
}

TEST(LaunchOptions, take_the_last_value_of_a_variable) {
  const auto options = parse_launch(with({"--env", "A=1", "--env", "B=2", "--env", "A=3", "--", "c"}));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->wishes.environment, (aws::KeyValues{{"B", "2"}, {"A", "3"}}));
}

TEST(LaunchOptions, tell_of_a_job_without_any_secret) {
  const std::string topic = "sns:arn:aws:sns:us-east-1:123456789012:alerts";
  const auto options =
      parse_launch(with({"--notify", topic, "--notify", "ssm:/curfew/slack", "--notify", topic, "--", "a"}));
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->wishes.notify, (std::vector<std::string>{topic, "ssm:/curfew/slack"}));
  const JobText job{"job.toml", "notify = [\"https://hooks.slack.com/services/T0/hunter2\"]\n"};
  const auto refused = parse_launch(with({"--", "a"}), job);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text().find("hunter2"), std::string::npos) << refused.error().text();
  EXPECT_TRUE(refused.error().text().starts_with("job.toml:1: ")) << refused.error().text();
}

TEST(LaunchOptions, never_show_the_value_of_a_variable) {
  const auto options = parse_launch(with({"--env", "1KEY=hunter2", "--", "a"}));
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().text().find("hunter2"), std::string::npos);
}

TEST(LaunchOptions, name_a_job_by_its_command) {
  const struct {
    Words words;
    const char* name;
  } cases[] = {{{"--", "/opt/my train.sh"}, "my"},
               {{"--", "./train.py"}, "train.py"},
               {{"--shell", "make data && x"}, "make"},
               {{"--shell", "$(x)"}, "x"},
               {{"--shell", "API_KEY=hunter2 B=1 ./train.sh"}, "train.sh"},
               {{"--shell", "API_KEY='hunter2 x' ./train.sh"}, "job"},
               {{"--shell", "API_KEY=hunter2"}, "job"},
               {{"--shell", "(("}, "job"}};
  for (const auto& [words, name] : cases) {
    const auto options = parse_launch(with(words));
    ASSERT_TRUE(options) << name;
    EXPECT_EQ(options->wishes.name, name);
  }
}

TEST(StagedUrl, is_where_the_instance_finds_the_bucket) {
  const aws::S3Location place{"my-bucket", "curfew/bin/x"};
  EXPECT_EQ(staged_url(place, "us-east-1", {}), "https://my-bucket.s3.us-east-1.amazonaws.com/curfew/bin/x");
  EXPECT_EQ(staged_url(place, "us-east-1", {{"AWS_ENDPOINT_URL", "http://10.0.0.1:5000"}}),
            "http://10.0.0.1:5000/my-bucket/curfew/bin/x");
}

TEST(Accounts, have_one_that_the_image_is_made_for) {
  const std::string system =
      "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:n:/nonexistent:/usr/sbin/nologin\n";
  EXPECT_EQ(ordinary_user_in(system), "root");
  EXPECT_EQ(ordinary_user_in(system + "svc:x:1000:1000::/home/svc:/usr/sbin/nologin\n"
                                      "other:x:1002:1002::/home/other:/bin/bash\n"
                                      "ubuntu:x:1001:1001:U:/home/ubuntu:/bin/bash\n"
                                      "dyn:x:61184:61184::/home/dyn:/bin/sh\nhalf:x:1000\n"),
            "ubuntu");
  EXPECT_EQ(ordinary_user_in(""), "root");
}

TEST(Accounts, are_read_from_the_images_own_files) {
  const std::string passwd =
      "root:x:0:0:root:/root:/bin/bash\nubuntu:x:1000:1001:U,,,:/home/ubuntu:/bin/bash\nbad:x:-1:0::/:/bin/"
      "sh\n"
      "short:x:1:1\nnohome:x:2:2:::/bin/sh\n";
  const std::string group =
      "adm:x:4:syslog,ubuntu\nubuntu:x:1001:\nown:x:1001:ubuntu\nsudo:x:27:ubuntu\nx:x:y:ubuntu\n";
  const auto account = local_user_in(passwd, group, "ubuntu");
  ASSERT_TRUE(account) << account.error().text();
  EXPECT_EQ(account->uid, 1000U);
  EXPECT_EQ(account->gid, 1001U);
  EXPECT_EQ(account->groups, (std::vector<gid_t>{1001, 4, 27}));
  EXPECT_EQ(account->home, "/home/ubuntu");
  EXPECT_EQ(account->shell, "/bin/bash");
  for (const char* name : {"bad", "short", "nohome", "nobody", ""})
    EXPECT_FALSE(local_user_in(passwd, group, name)) << name;
}

}  // namespace
}  // namespace curfew::cli
