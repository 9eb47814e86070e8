// A plan as it's shown to people.
#include "launch/describe.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "launch/quota.hpp"
#include "launch/user_data.hpp"
#include "pricing/cost.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_most_shown = 6;  // of pools, and of what is left out

std::string hourly(const std::optional<Micros>& price) {
  return price ? pricing::format_hourly(*price) + " an hour" : "price unknown";
}

using Line = std::function<void(const char*, const std::string&)>;

void describe_stages(const Wishes& wishes, const Line& line) {
  const auto& stages = wishes.stages;
  const auto within = [](Seconds limit) { return ", within " + format_duration(limit); };
  if (stages.repo)
    line("fetch", printable(stages.repo->url, 200) +
                      (stages.repo->ref.empty() ? "" : " at " + stages.repo->ref) +
                      within(stages.fetch_limit));
  if (stages.workdir)
    line("fetch",
         (wishes.again ? "as launch " + wishes.again->retry_of + " had it" : printable(wishes.workdir, 200)) +
             ", packed: " + format_bytes(stages.workdir->bytes) + within(stages.fetch_limit));
  for (const auto& command : stages.setup)
    line("setup",
         printable(command, 200) + (&command == &stages.setup.back() ? within(stages.setup_limit) : ""));
  for (const auto& data : stages.data)
    line("data", printable(data.from.text() + " to " + data.path, 300) +
                     (&data == &stages.data.back() ? within(stages.data_limit) : ""));
  for (const auto& saved : stages.restore)
    line("restore", printable(saved.from.text() + " to " + saved.path, 300) + ", where anything is there");
  for (const auto& secret : stages.secrets) line("secret", secret.name + ", from ssm:" + secret.parameter);
  line("train", printable(stages.command.empty() ? stages.shell : shell_quoted(stages.command), 300) +
                    (wishes.user.empty() ? ", as the image's ordinary user" : ", as " + wishes.user));
}

void describe_pools(const Plan& plan, const Line& line) {
  const auto& wishes = plan.wishes;
  for (std::size_t i = 0; i < plan.pools.size() && i < k_most_shown; ++i) {
    const auto& pool = plan.pools[i];
    std::string value = fmt::format("{}: {} vCPUs", name_of(pool), pool.type.vcpus);
    if (pool.type.gpus > 0)
      value += fmt::format(", {} × {}", pool.type.gpus, printable(pool.type.gpu_name, 60));
    const auto spot = ", spot now " + hourly(pool.spot_now);
    const auto on_demand = ", on demand " + hourly(pool.on_demand);
    value += pool.spot ? spot + on_demand : on_demand + (pool.spot_now ? spot : "");
    if (pool.spot && wishes.max_cost) value += ", at most " + hourly(pool.most);
    line(i == 0 ? "instance" : "else", value);
  }
  if (plan.pools.size() > k_most_shown)
    line("else", fmt::format("and {} more", plan.pools.size() - k_most_shown));
  for (std::size_t i = 0; i < plan.left_out.size() && i < k_most_shown; ++i)
    line("left out", printable(plan.left_out[i], 400));
  if (plan.left_out.size() > k_most_shown)
    line("left out", fmt::format("and {} more", plan.left_out.size() - k_most_shown));
  if (wishes.wait_capacity > Seconds{0})
    line("no capacity", "asked again for " + format_duration(wishes.wait_capacity) +
                            "; all times then count from that asking on");
}

std::string where_of(const Plan& plan) {
  std::string text;
  for (const auto& site : plan.sites) text += (text.empty() ? "" : ", ") + site.region;
  const auto& wishes = plan.wishes;
  if (!wishes.subnet.empty()) return text + ", " + wishes.subnet;
  const bool chooses =
      std::any_of(plan.pools.begin(), plan.pools.end(), [](const Pool& pool) { return pool.zone.empty(); });
  return text + (chooses ? ", a zone of EC2's choice" : "") + ", the default VPC";
}

}  // namespace

std::string describe(const Plan& plan, const LocalTime& local) {
  const auto& wishes = plan.wishes;
  std::string text;
  const auto line = [&text](const char* name, const std::string& value) {
    text += fmt::format("{:<14} {}\n", name, value);
  };
  line("job", printable(wishes.name, 80) + ", launch " + plan.launch_id);
  if (wishes.again)
    line("again", fmt::format("attempt {}, after launch {}", wishes.again->attempt, wishes.again->retry_of));
  describe_stages(wishes, line);
  const bool is_one = plan.sites.size() == 1;
  for (const auto& site : plan.sites)
    line("image",
         site.image.id + " (" + printable(site.image.name, 100) + ")" + (is_one ? "" : " in " + site.region));
  describe_pools(plan, line);
  for (const auto& quota : plan.quotas) line("quota", describe(quota));
  line("where", where_of(plan));
  for (const auto& volume : site_of(plan, plan.region).volumes)
    line("disk", fmt::format("{}: {} GiB of encrypted gp3, deleted with the instance",
                             printable(volume.device, 40), volume.gib));
  line("role", "instance profile " + wishes.instance_profile);
  for (const auto& each : plan.role_may) line("  it may", printable(each, 2'000));
  line("staging", wishes.staging.text());
  for (const auto& save : wishes.saves) line("saved", printable(save, 200));
  if (wishes.save_every) line("saved", "every " + format_duration(*wishes.save_every) + ", too");
  if (wishes.saves.empty()) line("saved", "NOTHING but the logs: there is no --save");
  for (const auto& place : wishes.notify) line("told", printable(place, 200));
  line("logs", logs_place(wishes.staging, plan.launch_id).text());
  const auto at = [&plan, &local](WallTime time) {
    const auto here = local ? printable(local(time), 60) : std::string{};
    return format_utc(time) + (here.empty() ? "" : " = " + here) + " (in " +
           format_duration(std::chrono::floor<Seconds>(time - plan.made)) + ")";
  };
  line("job stopped", at(plan.stop_at) + ", at the latest");
  line("machine gone", at(plan.end_at) + ", at the latest (L1, L2: the guard and systemd)");
  line("  else L0", at(plan.l0_at) + ", a timer on the instance, armed before anything else runs");
  line("  else L3", wishes.schedule
                        ? at(plan.schedule_from) + ", an EventBridge schedule, every 10 minutes for 6 h"
                        : std::string("NONE (--no-schedule): nothing outside the instance ends it"));
  line("worst case", plan.worst_case
                         ? format_dollars(*plan.worst_case) +
                               " with disk and public IPv4, until the machine is gone" +
                               (plan.price_date.empty() ? "" : " (list prices of " + plan.price_date + ")")
                         : std::string("unknown: a price isn't known"));
  std::string made = "an instance with its volumes";
  if (wishes.schedule) made += ", a schedule";
  line("created", made + ", objects below " + wishes.staging.text());
  return text;
}

}  // namespace curfew::launch
