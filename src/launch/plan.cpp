// From wishes and findings to a plan, and from that to what is sent.
#include "launch/plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "launch/user_data.hpp"
#include "layers/l0.hpp"
#include "layers/l3.hpp"
#include "pricing/cost.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_longest_tag_value = 256;
#if defined(__x86_64__)
constexpr const char* k_own_architecture = "x86_64";
#elif defined(__aarch64__)
constexpr const char* k_own_architecture = "arm64";
#endif

tl::unexpected<Error> refuse(std::string what, std::string cause, std::string hint = {}) {
  return fail(ErrorKind::invalid_input, std::move(what), std::move(cause), std::move(hint));
}

Status check_architecture(const Wishes& wishes, const RegionFindings& found) {
  const std::string own = k_own_architecture;
  for (const auto& [info, on_demand, zones, spot] : found.offered.types) {
    if (std::find(info.architectures.begin(), info.architectures.end(), own) == info.architectures.end())
      return refuse("--instance-type " + info.name, "isn't " + own + ", which this curfew is built for",
                    "choose another type");
  }
  const auto& image = found.image;
  if (image.architecture != own)
    return refuse("--image " + wishes.image,
                  image.id + " is for " + printable(image.architecture, 40) + ", not " + own);
  if (image.state != "available")
    return refuse("--image " + wishes.image,
                  image.id + " is " + printable(image.state, 40) + ", not available");
  return {};
}

Result<std::vector<aws::LaunchVolume>> volumes_of(const Wishes& wishes, const aws::Image& image) {
  std::vector<aws::LaunchVolume> volumes;
  for (const auto& device : image.devices) {
    if (!device.is_ebs) continue;
    const bool is_root = device.name == image.root_device;
    auto gib = device.gib;
    if (is_root && wishes.disk_gib && *wishes.disk_gib < device.gib)
      return refuse("--disk " + std::to_string(*wishes.disk_gib),
                    "is less than the image needs, " + std::to_string(device.gib) + " GiB");
    if (is_root) gib = wishes.disk_gib.value_or(std::max(device.gib, k_default_disk_gib));
    if (gib == 0)
      return refuse("--image " + image.id, "doesn't tell the size of its disk " + printable(device.name, 40));
    volumes.push_back({device.name, gib});
  }
  const bool has_root = std::any_of(volumes.begin(), volumes.end(), [&](const aws::LaunchVolume& volume) {
    return volume.device == image.root_device;
  });
  if (!has_root) return refuse("--image " + image.id, "has no EBS volume to boot from");
  return volumes;
}

// What an hour of the instance costs at most. A spot price without MaxPrice is bound by the on-demand price.
std::optional<Micros> most_of(const Wishes& wishes, const Pool& pool) {
  if (!pool.spot || !wishes.max_cost || !pool.spot_now) return pool.on_demand;
  const Micros with_room{(pool.spot_now->count * 12 + 9) / 10};
  return pool.on_demand ? std::min(*pool.on_demand, with_room) : with_room;
}

pricing::Rate rate_of(const Plan& plan, const Pool& pool) {
  pricing::MachineParts parts;
  parts.instance_type = pool.type.name;
  parts.region = pool.region;
  parts.spot = pool.spot;
  parts.volumes.emplace();
  for (const auto& volume : site_of(plan, pool.region).volumes) parts.volumes->push_back({"gp3", volume.gib});
  parts.public_ipv4 = true;  // whether the subnet gives one isn't looked up: it's counted
  std::optional<pricing::GivenPrice> given;
  if (pool.most) given = {*pool.most, "the plan"};
  return pricing::rate_of(parts, given);
}

const QuotaState* quota_for(const Plan& plan, const Pool& pool) {
  const auto* const quota = quota_of(pool.type.name, pool.spot);
  for (const auto& state : plan.quotas)
    if (quota != nullptr && state.quota == quota && state.region == pool.region) return &state;
  return nullptr;
}

// Without a price no limit of cost can be kept.
Status leave_out_unpriced(Plan& plan) {
  if (!plan.wishes.max_cost) return {};
  std::vector<Pool> priced;
  for (auto& pool : plan.pools) {
    if (pool.most) priced.push_back(std::move(pool));
    else plan.left_out.push_back(name_of(pool) + ": its price isn't known, so --max-cost can't be kept");
  }
  if (priced.empty())
    return refuse(
        "--max-cost",
        "can't be kept: the price of " + plan.wishes.types.front() + " in " + plan.region + " isn't known",
        "--max-time instead");
  plan.pools = std::move(priced);
  return {};
}

// Where nothing is left the plan is shown whole, and refused.
void leave_out_over_quota(Plan& plan) {
  std::vector<Pool> fitting;
  std::vector<std::string> over;
  std::optional<Error> first;
  for (const auto& pool : plan.pools) {
    const auto* const state = quota_for(plan, pool);
    if (state == nullptr || judge(*state, pool.type.vcpus) != QuotaVerdict::too_small) {
      fitting.push_back(pool);
      continue;
    }
    auto error = too_small(*state, pool.type.name, pool.type.vcpus);
    auto text = error.text();
    if (!first) first = std::move(error);
    if (std::find(over.begin(), over.end(), text) == over.end()) over.push_back(std::move(text));
  }
  if (fitting.empty()) {
    plan.refusal = std::move(first);
    return;
  }
  plan.pools = std::move(fitting);
  plan.left_out.insert(plan.left_out.end(), over.begin(), over.end());
}

// EC2 has just taken an instance of it back.
void ask_last_pool_last(Plan& plan) {
  if (!plan.wishes.again || !plan.wishes.again->last_pool) return;
  const auto& last = *plan.wishes.again->last_pool;
  const auto rank = [&last](const Pool& pool) {
    const bool is_last = pool.region == last.region && pool.type.name == last.type &&
                         (pool.zone.empty() || pool.zone == last.zone);
    return (pool.spot ? 0 : 2) + (is_last ? 1 : 0);
  };
  std::stable_sort(plan.pools.begin(), plan.pools.end(),
                   [&rank](const Pool& a, const Pool& b) { return rank(a) < rank(b); });
}

std::string utc(WallTime time) { return format_utc(time); }

WallTime floor_second(WallTime time) { return std::chrono::floor<Seconds>(time); }

}  // namespace

job::Limits Wishes::limits() const {
  job::Limits limits;
  limits.max_time = max_time;
  limits.grace = grace;
  limits.save = saves.empty() ? k_logs_save_limit : save_limit;
  return limits;
}

const Site& site_of(const Plan& plan, const std::string& region) {
  const auto found = std::find_if(plan.sites.begin(), plan.sites.end(),
                                  [&region](const Site& site) { return site.region == region; });
  return found == plan.sites.end() ? plan.sites.front() : *found;
}

void count_from(Plan& plan, WallTime now) {
  const auto lasts = plan.end_at - plan.made;
  const auto after_stop = plan.wishes.limits().after_stop();
  plan.made = floor_second(now);
  plan.end_at = plan.made + lasts;
  if (plan.wishes.again) plan.end_at = std::min(plan.end_at, plan.wishes.again->latest_stop + after_stop);
  plan.stop_at = plan.end_at - after_stop;
  plan.l0_at = plan.end_at + layers::k_l0_after_end;
  plan.schedule_from = layers::l3_start(plan.end_at);
}

Result<Plan> make_plan(const Wishes& wishes, const Findings& findings, const std::string& launch_id,
                       WallTime now) {
  Plan plan;
  plan.launch_id = launch_id;
  plan.wishes = wishes;
  plan.price_date = findings.price_date;
  plan.owner = findings.owner;
  plan.role_may = findings.role_may;
  plan.left_out = findings.left_out;
  plan.made = floor_second(now);
  std::vector<TypesOfRegion> offered;
  for (const auto& found : findings.regions) {
    if (auto good = check_architecture(wishes, found); !good) return fail(std::move(good.error()));
    auto volumes = volumes_of(wishes, found.image);
    if (!volumes) return fail(std::move(volumes.error()));
    plan.sites.push_back({found.offered.region, found.image, std::move(*volumes)});
    plan.quotas.insert(plan.quotas.end(), found.quotas.begin(), found.quotas.end());
    offered.push_back(found.offered);
  }
  if (!plan.sites.empty()) plan.region = plan.sites.front().region;
  const bool on_demand = !wishes.spot || wishes.then_on_demand;
  plan.pools = pools_in_order(offered, {wishes.spot, on_demand, !wishes.zones.empty()});
  if (plan.pools.empty())
    return refuse("--instance-type", plan.left_out.empty() ? "none is offered there" : plan.left_out.front(),
                  "choose another type, zone or region");
  for (auto& pool : plan.pools) pool.most = most_of(wishes, pool);
  if (auto left = leave_out_unpriced(plan); !left) return fail(std::move(left.error()));
  leave_out_over_quota(plan);
  ask_last_pool_last(plan);
  plan.region = plan.pools.front().region;
  const auto after_stop = wishes.limits().after_stop();
  std::optional<WallTime> end_at;
  if (wishes.max_time) end_at = plan.made + *wishes.max_time + after_stop;
  if (wishes.max_cost) {
    for (const auto& pool : plan.pools) {
      const auto at = pricing::end_within(*wishes.max_cost, rate_of(plan, pool), plan.made);
      if (!at) return refuse("--max-cost", "can't be kept: not all prices are known", "--max-time instead");
      if (!end_at || *at < *end_at) end_at = floor_second(*at);
    }
  }
  if (!end_at) return refuse("a launch", "needs an end", "--max-time or --max-cost");
  plan.end_at = *end_at;
  count_from(plan, plan.made);
  if (wishes.again && wishes.again->latest_stop < plan.made + k_least_time)
    return refuse("retry", "no time is left: the job was to be stopped at " + utc(wishes.again->latest_stop),
                  "curfew launch, to run it anew");
  if (plan.stop_at < plan.made + k_least_time)
    return refuse(
        "--max-cost " + format_dollars(wishes.max_cost.value_or(Micros{})),
        "leaves no time for the job: " + format_duration(after_stop) + " of it go to stopping and saving",
        "allow more");
  for (const auto& pool : plan.pools) {
    const auto rate = rate_of(plan, pool);
    if (!pool.most || !rate.is_complete()) {
      plan.worst_case.reset();
      break;
    }
    const auto cost = pricing::cost_at(rate, plan.made, plan.end_at);
    plan.worst_case = std::max(plan.worst_case.value_or(cost), cost);
  }
  return plan;
}

aws::KeyValues tags_of(const Plan& plan, const Pool& pool) {
  const auto dollars = [](Micros amount) {
    return fmt::format("{}.{:06}", amount.count / 1'000'000, amount.count % 1'000'000);
  };
  aws::KeyValues tags{{"Name", plan.wishes.name},
                      {"curfew:job", plan.wishes.name},
                      {"curfew:launch", plan.launch_id},
                      {"curfew:owner", plan.owner.substr(0, k_longest_tag_value)},
                      {"curfew:deadline", utc(plan.end_at)}};
  if (plan.wishes.max_cost) {
    tags.emplace_back("curfew:max-deadline", utc(plan.end_at));
    tags.emplace_back("curfew:max-cost", dollars(*plan.wishes.max_cost));
    tags.emplace_back("curfew:price", dollars(*pool.most));
  }
  return tags;
}

aws::RunRequest run_request(const Plan& plan, const Pool& pool, std::size_t attempt,
                            const std::string& user_data) {
  const auto& wishes = plan.wishes;
  const auto& site = site_of(plan, pool.region);
  aws::RunRequest request;
  request.client_token = plan.launch_id + "-" + std::to_string(attempt);
  request.image = site.image.id;
  request.type = pool.type.name;
  request.zone = pool.zone;
  request.subnet = wishes.subnet;
  request.security_groups = wishes.security_groups;
  if (const auto own = wishes.group_of_region.find(pool.region);
      request.security_groups.empty() && own != wishes.group_of_region.end())
    request.security_groups.push_back(own->second);
  request.key_name = wishes.key_name;
  request.instance_profile = wishes.instance_profile;
  request.user_data = user_data;
  request.volumes = site.volumes;
  request.spot = pool.spot;
  if (pool.spot && wishes.max_cost) request.max_price = pool.most;
  request.tags = tags_of(plan, pool);
  return request;
}

std::vector<std::string> run_words(const Plan& plan) {
  const auto& wishes = plan.wishes;
  std::vector<std::string> words{"--then",          "terminate", "--deadline",
                                 utc(plan.stop_at), "--grace",   format_duration(wishes.grace)};
  // Counted on a clock that doesn't jump, should the wall clock be set back.
  words.insert(words.end(),
               {"--max-time", format_duration(std::chrono::ceil<Seconds>(plan.stop_at - plan.made))});
  words.insert(words.end(), {"--save-limit", format_duration(wishes.limits().save)});
  for (const auto& save : wishes.saves) words.insert(words.end(), {"--save", save});
  if (wishes.save_every) words.insert(words.end(), {"--save-every", format_duration(*wishes.save_every)});
  for (const auto& place : wishes.notify) words.insert(words.end(), {"--notify", place});
  return words;
}

}  // namespace curfew::launch
