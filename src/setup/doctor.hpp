// What `curfew doctor` says: findings, each with its fix. Pure; cli/doctor.cpp asks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "setup/account.hpp"

namespace curfew::setup {

enum class Grade { ok, unknown, warning, failed };

struct Check {
  Grade grade = Grade::ok;
  std::string what;
  std::string why;
  std::string fix;  // empty where there's nothing to mend
};

// "FAILED   role curfew-job: isn't there; curfew setup --apply"; safe to show, ends with a newline.
[[nodiscard]] std::string text_of(const Check& check);
[[nodiscard]] bool is_well(const std::vector<Check>& checks);  // unless something failed

// An error as a finding: its hint is the fix, else `fix`.
[[nodiscard]] Check failed_check(std::string what, const Error& error, std::string fix);

// AWS refuses what is dated more than five minutes off; curfew corrects that where AWS complains, but deadlines are kept by
// the clock too. `answered` is AWS's time, whole seconds.
[[nodiscard]] Check clock_check(std::optional<WallTime> answered, WallTime here);

// What launches need, as setting up finds it.
[[nodiscard]] std::vector<Check> account_checks(const AccountPlan& plan, const Place& place);

}  // namespace curfew::setup
