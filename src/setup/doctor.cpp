// Findings, in words.
#include "setup/doctor.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace curfew::setup {
namespace {

constexpr std::size_t k_longest_said = 700;
constexpr Millis k_noticed{30'000};
constexpr Millis k_refused{240'000};  // with room for the five minutes
constexpr const char* k_set_up = "curfew setup --apply";

std::string_view word_for(Grade grade) {
  switch (grade) {
    case Grade::ok: return "ok";
    case Grade::unknown: return "unknown";
    case Grade::warning: return "warning";
    case Grade::failed: return "FAILED";
  }
  return "";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

// The group is a kindness: without it EC2 takes the VPC's own.
Grade grade_of_lack(AccountPartName name) {
  using enum AccountPartName;
  switch (name) {
    case bucket:
    case instance_role:
    case instance_policy:
    case instance_profile:
    case scheduler_role:
    case scheduler_policy: return Grade::failed;
    default: return Grade::warning;
  }
}

Check check_of(const AccountPart& part, const Place& place) {
  Check check{Grade::ok, std::string(trimmed(title_of(part.name, place))), joined(part.details), {}};
  // Titles that are understood by their place in a list only.
  if (need_of(part.name) == AccountPartName::bucket) check.what = "bucket's " + check.what;
  if (part.name == AccountPartName::instance_policy)
    check.what = "policy of the role " + name_of(RoleName::instance);
  if (part.name == AccountPartName::scheduler_policy)
    check.what = "policy of the role " + name_of(RoleName::scheduler);
  switch (part.verdict) {
    case Verdict::equal: {
      // It may do what jobs must not: the details say so.
      const bool is_more = check.why.find("HAS MORE RIGHTS") != std::string::npos;
      if (is_more) check.grade = Grade::warning;
      if (is_more) check.fix = "take those policies away";
      break;
    }
    case Verdict::needless: break;
    case Verdict::create:
      check.grade = grade_of_lack(part.name);
      check.why = "isn't there";
      check.fix = k_set_up;
      break;
    case Verdict::change:
      check.grade = Grade::warning;
      check.fix = k_set_up;
      break;
    case Verdict::foreign:
      check.grade = part.name == AccountPartName::bucket ? Grade::failed : Grade::warning;
      check.fix = "see that it has what curfew setup --print-policy prints";
      if (part.name == AccountPartName::bucket) check.fix = "curfew launch --staging names another";
      break;
    case Verdict::unreadable:
    case Verdict::blocked:
      check.grade = Grade::warning;
      check.fix = "ask for the right to look: curfew setup --print-policy setup";
      break;
  }
  return check;
}

}  // namespace

std::string text_of(const Check& check) {
  std::string text(word_for(check.grade));
  text.append(9 - text.size(), ' ');
  text += printable(check.what, k_longest_said);
  if (!check.why.empty()) text += ": " + printable(check.why, k_longest_said);
  if (!check.fix.empty()) text += "; " + printable(check.fix, k_longest_said);
  return text + "\n";
}

bool is_well(const std::vector<Check>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const Check& check) { return check.grade == Grade::failed; });
}

Check failed_check(std::string what, const Error& error, std::string fix) {
  Error told = error;
  const auto hint = std::exchange(told.hint, {});
  return {Grade::failed, std::move(what), told.text(), hint.empty() ? std::move(fix) : hint};
}

Check clock_check(std::optional<WallTime> answered, WallTime here) {
  Check check{Grade::ok, "clock", "agrees with AWS's", {}};
  if (!answered) return {Grade::warning, "clock", "AWS's answer had no date", {}};
  const auto off = here - *answered;
  const auto size = off < Millis{0} ? -off : off;
  if (size < k_noticed) return check;
  check.grade = size < k_refused ? Grade::warning : Grade::failed;
  check.why = "is " + format_duration(std::chrono::floor<Seconds>(size)) +
              (off < Millis{0} ? " behind" : " ahead of") + " AWS's";
  check.fix = "set it, and keep it by NTP (timedatectl set-ntp true)";
  return check;
}

std::vector<Check> account_checks(const AccountPlan& plan, const Place& place) {
  std::vector<Check> checks;
  for (const auto& part : plan.parts) {
    // Without the thing itself its parts are no findings of their own.
    const auto need = need_of(part.name);
    const bool is_covered =
        need && part.name != AccountPartName::instance_profile &&
        std::any_of(plan.parts.begin(), plan.parts.end(), [&](const AccountPart& other) {
          return other.name == *need && other.verdict != Verdict::equal && other.verdict != Verdict::change;
        });
    if (!is_covered) checks.push_back(check_of(part, place));
  }
  return checks;
}

}  // namespace curfew::setup
