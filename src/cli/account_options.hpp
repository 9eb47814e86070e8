// The command lines of `curfew setup` without a word, `curfew teardown` and `curfew doctor`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"

namespace curfew::cli {

struct SetupOptions {
  std::string region;  // empty: AWS_REGION, AWS_DEFAULT_REGION, the profile's
  std::string profile;
  std::string account;  // with print_policy: instead of asking whose the credentials are
  std::vector<aws::S3Location> results;
  std::vector<aws::S3Location> data;
  std::vector<aws::S3Location> remove;
  std::optional<std::uint64_t> keep_days;
  bool apply = false;
  bool print_policy = false;
  std::string policy;  // the one that is to be printed; empty: all
  bool help = false;
};

struct TeardownOptions {
  std::string region;
  std::string profile;
  bool apply = false;
  bool keep_roles = false;
  bool delete_results = false;
  bool help = false;
};

struct DoctorOptions {
  std::string region;
  std::string profile;
  std::string type = "g5.xlarge";
  std::string image = "auto";
  bool spot = false;
  bool help = false;
};

extern const std::string_view k_setup_help;
extern const std::string_view k_teardown_help;
extern const std::string_view k_doctor_help;

// `words` is what follows the command's name. The error names the option, the value and what would be right.
[[nodiscard]] Result<SetupOptions> parse_setup(const std::vector<std::string>& words);
[[nodiscard]] Result<TeardownOptions> parse_teardown(const std::vector<std::string>& words);
[[nodiscard]] Result<DoctorOptions> parse_doctor(const std::vector<std::string>& words);

}  // namespace curfew::cli
