// From what a launch has left behind to the next.
#include "jobs/retry.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "save/target.hpp"

namespace curfew::jobs {
namespace {

// The next launch says these itself, or nobody does.
constexpr std::array<std::string_view, 16> k_not_taken_over{
    "max-time", "max-hours", "max-cost", "workdir", "staging", "name",   "profile",  "yes",
    "dry-run",  "follow",    "detach",   "retry",   "init",    "region", "clean-up", "confirm-above"};
// Less buys no boot.
constexpr Micros k_least_money{10'000};
// From an instance's last word until EC2 counts no more: saving is over, the machine goes down.
constexpr Seconds k_going_down{300};
constexpr std::chrono::minutes k_shown{50};
constexpr std::int64_t k_most_counted = 1'000'000'000'000;  // a million dollars: times a month it still fits

tl::unexpected<Error> refuse(const launch::LaunchFile& last, std::string why, std::string hint) {
  return fail(ErrorKind::refused, "retry " + last.job + " (" + last.launch_id + ")", std::move(why),
              std::move(hint));
}

Status check_over(const launch::LaunchFile& last, const Row& row) {
  if (row.state == JobState::unknown)
    return fail(ErrorKind::unavailable, "retry " + last.job + " (" + last.launch_id + ")",
                "whether it is over isn't known" + (row.notes.empty() ? "" : ": " + row.notes.front()),
                "try again, or look with curfew ps");
  if (!is_over(row.state))
    return refuse(last,
                  "it is " + std::string(name_of(row.state)) +
                      (row.instance.empty() ? "" : ", on " + printable(row.instance, 40)),
                  "curfew wait " + last.launch_id + ", or curfew stop " + last.launch_id);
  const bool is_alive = !row.instance_state.empty() && row.instance_state != "terminated" &&
                        row.instance_state != "shutting-down";
  if (is_alive)
    return refuse(last, "its instance " + printable(row.instance, 40) + " is " + row.instance_state,
                  "curfew stop " + last.launch_id);
  if (exit_code_of(row) == 0) return refuse(last, "it has ended well", "curfew launch, to run it anew");
  return {};
}

std::string dollars(Micros amount) {
  return fmt::format("{}.{:06}", amount.count / 1'000'000, amount.count % 1'000'000);
}

}  // namespace

std::optional<Micros> spent_at_most(const launch::LaunchFile& last, const Row& row, WallTime now) {
  if (last.nothing_made) return Micros{};
  if (!last.worst_case) return {};
  // EC2 shows what has ended for about an hour: it has made none.
  if (row.state == JobState::never_launched && row.complete && now < last.made + k_shown) return Micros{};
  auto until = std::min(now, last.end_at);
  if (row.over_for_sure && *row.over_at >= last.made) until = std::min(until, *row.over_at + k_going_down);
  const auto whole = std::chrono::ceil<Seconds>(last.end_at - last.made).count();
  const auto part = std::clamp<std::int64_t>(std::chrono::ceil<Seconds>(until - last.made).count(), 0, whole);
  const auto most = last.worst_case->count;
  if (whole <= 0 || most > k_most_counted || part == whole) return last.worst_case;
  return Micros{(most * part + whole - 1) / whole};
}

Result<Retry> plan_retry(const launch::LaunchFile& last, const Row& row, const aws::S3Location& staging,
                         WallTime now) {
  if (auto over = check_over(last, row); !over) return fail(std::move(over.error()));
  // It has left the place that it took, which others may have taken since.
  if (last.nothing_made && !last.retry_of.empty())
    return refuse(last, "it made nothing, in the place of " + last.retry_of, "curfew retry " + last.retry_of);
  const auto left = std::chrono::floor<Seconds>(last.stop_at - now);
  if (left < launch::k_least_time)
    return refuse(
        last, "its time is over: it was to be stopped at " + format_utc(last.stop_at),
        "curfew launch runs it anew; with --data S3PLACE=PATH of its --save from what it has saved");
  Retry retry;
  for (const auto& option : last.options) {
    const auto& name = option.first;
    if (std::find(k_not_taken_over.begin(), k_not_taken_over.end(), name) == k_not_taken_over.end())
      retry.options.push_back(option);
    // Several, of which the last launch's was one.
    if (name == "region") retry.options.push_back(option);
  }
  const bool has_region = std::any_of(last.options.begin(), last.options.end(),
                                      [](const auto& one) { return one.first == "region"; });
  if (!has_region) retry.options.emplace_back("region", last.region);
  retry.options.emplace_back("name", last.job);
  retry.options.emplace_back("staging", staging.text());
  retry.options.emplace_back("max-time", format_duration(left));
  if (last.max_cost) {
    const auto spent = spent_at_most(last, row, now);
    const Micros rest{spent ? last.max_cost->count - spent->count : 0};
    if (rest < k_least_money)
      return refuse(last,
                    spent ? "its money is spent: " + format_dollars(*spent) + " of " +
                                format_dollars(*last.max_cost) + ", at most"
                          : "what it has cost isn't known",
                    "curfew launch, to run it anew");
    retry.options.emplace_back("max-cost", dollars(rest));
  }
  retry.command = last.command;
  auto& again = retry.again;
  again.attempt = last.attempt + 1;
  again.retry_of = last.launch_id;
  again.last_made = last.made;
  again.workdir = last.workdir;
  again.latest_stop = last.stop_at;
  if (!row.type.empty()) again.last_pool = {row.region, row.zone, row.type};
  for (const auto& save : last.saves) {
    auto target = save::parse_target(save);
    if (!target) return fail(std::move(target.error()).within("launch.json"));
    again.restore.push_back({std::move(target->to), std::move(target->source)});
  }
  return retry;
}

}  // namespace curfew::jobs
