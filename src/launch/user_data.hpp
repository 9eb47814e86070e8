// What the instance is given: user data, which everybody on it and everybody with DescribeInstanceAttribute can read, and
// the job file, which lies in the staging bucket. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "launch/plan.hpp"
#include "launch/stages.hpp"

namespace curfew::launch {

// EC2's limit, before Base64.
inline constexpr std::size_t k_most_user_data = 16'384;

// An object in the staging bucket, as the instance fetches it.
struct Staged {
  std::string url;     // https://…, percent-encoded
  std::string sha256;  // in hex
};

struct InstanceParts {
  std::string launch_id;
  std::string region;
  WallTime l0_at{};
  Seconds until_l0{};  // from now; the boot comes later, and so does what counts from it
  Staged program;
  Staged job;
};

// MIME multipart of two parts. A boothook, which cloud-init runs first of all and on every boot, arms L0 and sets
// kernel.panic; once it has done so for this launch it does nothing more. A script, run once and late, fetches the program
// and the job with the credentials of the instance's role, checks both against their SHA-256 and runs `curfew run-job`;
// whatever fails there ends the machine. Nothing in it is secret, and nothing that the user typed is in it.
[[nodiscard]] Result<std::string> user_data(const InstanceParts& parts);

// Its two scripts, for their tests.
[[nodiscard]] std::string boothook(const InstanceParts& parts);
[[nodiscard]] std::string start_script(const InstanceParts& parts);

// What `curfew run-job` reads: the options of `curfew run`, the job's stages, its environment and whom it runs as.
struct JobFile {
  std::vector<std::string> words;  // options alone: the command is the last of the stages
  aws::KeyValues environment;
  std::string user;       // empty: the image's ordinary user, else root
  std::string launch;     // its id
  std::string name;       // of the job
  aws::S3Location place;  // the launch's own folder in S3, for its logs and its state
  Stages stages;
};
[[nodiscard]] std::string to_json(const JobFile& job);
[[nodiscard]] Result<JobFile> job_file_from_json(std::string_view text);
inline constexpr std::size_t k_largest_job_file = 256U << 10U;

[[nodiscard]] JobFile job_file(const Plan& plan);

// Keys below the staging prefix: the program by its content, so that it's uploaded once.
[[nodiscard]] aws::S3Location program_place(const aws::S3Location& staging, std::string_view sha256);
[[nodiscard]] aws::S3Location job_place(const aws::S3Location& staging, std::string_view launch_id);
[[nodiscard]] aws::S3Location workdir_place(const aws::S3Location& staging, std::string_view launch_id);
[[nodiscard]] aws::S3Location logs_place(const aws::S3Location& staging, std::string_view launch_id);

}  // namespace curfew::launch
