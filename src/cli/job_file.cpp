// Which of a file's lines hold beside what is typed.
#include "cli/job_file.hpp"

#include <algorithm>
#include <array>

#include "cli/run_options.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

constexpr std::string_view k_workdir = "workdir";
constexpr std::string_view k_shell = "shell";

// Of each line one typed option puts the others of a file out of force.
constexpr std::array<std::array<std::string_view, 3>, 5> k_one_of{
    {{"max-time", "max-hours", ""},
     {"spot", "on-demand", "spot-then-on-demand"},
     {"repo", "workdir", "repo-token"},
     {"scheduler-role", "no-schedule", ""},
     {"shell", "", ""}}};

bool is_replaced(const Setting& setting, const std::vector<std::string>& typed) {
  if (setting.takes == Takes::list) return false;
  const auto is_typed = [&](std::string_view name) {
    return std::find(typed.begin(), typed.end(), name) != typed.end();
  };
  if (is_typed(setting.name)) return true;
  // A token belongs to the repository beside it; typed alone, it's for the file's.
  return std::any_of(k_one_of.begin(), k_one_of.end(), [&](const auto& group) {
    const bool is_in = std::find(group.begin(), group.end(), setting.name) != group.end();
    return is_in && std::any_of(group.begin(), group.end(), [&](std::string_view name) {
             return !name.empty() && name != "repo-token" && is_typed(name);
           });
  });
}

}  // namespace

Result<JobWords> with_job_file(const std::vector<std::string>& typed, const JobText& job,
                               const std::vector<KnownOption>& known) {
  auto parsed = parse_job_settings(job.text, job.path, known, k_joined_options);
  if (!parsed) return fail(std::move(parsed.error()));
  const auto names = typed_options(typed);
  const bool has_dashes = std::find(typed.begin(), typed.end(), "--") != typed.end();
  const bool has_command = has_dashes || std::find(names.begin(), names.end(), k_shell) != names.end();
  JobWords merged;
  for (auto& setting : parsed->settings) {
    if (is_replaced(setting, names) || (has_command && setting.name == k_shell)) continue;
    if (setting.name == k_workdir && !setting.value.starts_with('/')) {
      const auto folder = os::folder_of(job.path);
      setting.value = setting.value == "." ? folder : folder + "/" + setting.value;
    }
    merged.from_file.push_back(std::move(setting));
  }
  merged.words = words_of(merged.from_file);
  merged.words.insert(merged.words.end(), typed.begin(), typed.end());
  if (!has_command && !parsed->command.empty()) {
    merged.words.emplace_back("--");
    merged.words.insert(merged.words.end(), parsed->command.begin(), parsed->command.end());
  }
  return merged;
}

std::optional<std::string> job_file_in(const std::vector<std::string>& rest) {
  if (rest.size() != 1 || !rest.front().ends_with(".toml")) return {};
  return rest.front();
}

const std::string_view k_job_template =
    R"TOML(# A job for `curfew launch job.toml`. Every key is an option of `curfew launch --help` without its dashes; what is typed
# holds over what stands here, and what may be repeated is added to. Tables ([env], [secret]) come last.

# ---- the machine
instance-type = ["g5.xlarge", "g6.xlarge"]      # tried cheapest first
spot = true
#spot-then-on-demand = true                     # instead
#wait-capacity = "2h"                           # where there's none, ask again for so long
#image = "auto"                                 # or "ami-…", "ssm:/PARAMETER", "my-train-*", "OWNER:NAME*"
#disk = 100                                     # GB
#region = "us-east-1"                           # or a list
#zone = "us-east-1a"                            # or a list
#subnet = "subnet-…"
#security-group = ["sg-…"]
#key-name = "me"
# what stands here by default `curfew setup --apply` has made
#instance-profile = "curfew-job"
#scheduler-role = "arn:aws:iam::123456789012:role/curfew-scheduler"
#staging = "s3://my-bucket/curfew"

# ---- its end
max-time = "4h"
#max-cost = 5                                   # dollars
#confirm-above = 25

# ---- the job, stage after stage
#name = "digits"
#user = "ubuntu"                                # default: the image's ordinary user
workdir = "."                                   # packed as git sees it; relative to this file
#repo = "https://github.com/me/train@main"      # instead
#repo-token = "ssm:/curfew/github-token"        # for a private one
#setup = ["pip install -r requirements.txt"]
#data = ["s3://my-bucket/digits=data/"]
command = ["python3", "train.py"]
#shell = "python3 train.py | tee train.txt"     # instead
#save = ["model/=s3://curfew-ACCOUNT-REGION/results/run7"]   # without it nothing but the logs is kept
#save-every = "10m"
#notify = ["ssm:/curfew/slack"]         # a Slack-compatible URL in SSM, or "sns:ARN"
#fetch-limit = "15m"
#setup-limit = "30m"
#data-limit = "1h"

#[env]
#EPOCHS = "50"

#[secret]
#WANDB_API_KEY = "ssm:/curfew/wandb"            # read on the instance, by its role
)TOML";

}  // namespace curfew::cli
