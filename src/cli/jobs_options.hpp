// The command lines of the commands that look at launched jobs: ps, logs, wait, result, ssh. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::cli {

// Where the jobs are.
struct JobsPlace {
  aws::S3Location staging;  // no bucket: the one that `curfew setup` makes
  std::string region;       // empty: AWS_REGION, AWS_DEFAULT_REGION, the profile's
  std::string profile;
};

struct PsOptions {
  JobsPlace place;
  std::uint64_t newest = 30;  // 0: all
  bool json = false;
  bool help = false;
};

struct LogsOptions {
  JobsPlace place;
  std::string job;
  std::vector<std::string> names;  // of logs, in the order to show them
  std::uint64_t tail = 0;          // 0: all
  bool follow = false;
  bool raw = false;
  bool help = false;
};

struct WaitOptions {
  JobsPlace place;
  std::string job;
  std::optional<Seconds> limit;
  bool quiet = false;
  bool help = false;
};

struct ResultOptions {
  JobsPlace place;
  std::string job;
  std::string to;  // empty: ./NAME
  bool list = false;
  bool force = false;
  bool help = false;
};

struct SshOptions {
  JobsPlace place;
  std::string job;
  std::string user;
  std::string key;
  bool by_ssm = false;
  bool print = false;
  bool help = false;
};

struct RetryOptions {
  JobsPlace place;
  std::string job;
  std::uint64_t retries = 0;  // after this one, while it's followed
  std::optional<Micros> confirm_above;
  bool follow = false;
  bool yes = false;
  bool dry_run = false;
  bool help = false;
};
inline constexpr std::uint64_t k_most_retries = 100;

extern const std::string_view k_ps_help;
extern const std::string_view k_logs_help;
extern const std::string_view k_wait_help;
extern const std::string_view k_result_help;
extern const std::string_view k_ssh_help;
extern const std::string_view k_retry_help;

// `words` is what follows the command's name. The error names the option, the value and what would be right.
[[nodiscard]] Result<PsOptions> parse_ps(const std::vector<std::string>& words);
[[nodiscard]] Result<LogsOptions> parse_logs(const std::vector<std::string>& words);
[[nodiscard]] Result<WaitOptions> parse_wait(const std::vector<std::string>& words);
[[nodiscard]] Result<ResultOptions> parse_result(const std::vector<std::string>& words);
[[nodiscard]] Result<SshOptions> parse_ssh(const std::vector<std::string>& words);
[[nodiscard]] Result<RetryOptions> parse_retry(const std::vector<std::string>& words);

}  // namespace curfew::cli
