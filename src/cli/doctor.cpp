// `curfew doctor`: whether a launch would work, a line a finding.
#include "setup/doctor.hpp"

#include <cstdio>
#include <functional>

#include "aws/ec2_launch.hpp"
#include "aws/scheduler.hpp"
#include "base/text.hpp"
#include "cli/account_commands.hpp"
#include "cli/account_options.hpp"
#include "cli/account_session.hpp"
#include "cli/launch_defaults.hpp"
#include "cli/launch_findings.hpp"
#include "cli/output.hpp"
#include "pricing/cost.hpp"

namespace curfew::cli {
namespace {

using setup::Check;
using setup::Grade;

constexpr int k_exit_found = 1;
constexpr const char* k_no_schedule = "curfew-doctor-looks-for-nothing";
constexpr const char* k_launcher = "see curfew setup --print-policy launcher";

class Doctor {
 public:
  Doctor(const DoctorOptions& options, const World& world)
      : options_(options), clock_(world.clock), session_(options.profile, options.region, world.clock) {}

  int run() {
    check_all();
    if (setup::is_well(checks_))
      (void)show(
          "\nNot tried, as AWS has no dry run for it: scheduler:CreateSchedule, s3:PutObject, and ending "
          "and tagging an instance.\n");
    return setup::is_well(checks_) ? 0 : k_exit_found;
  }

 private:
  // At once: some take seconds.
  void add(Check check) {
    (void)show(setup::text_of(check));
    checks_.push_back(std::move(check));
  }

  void check_all() {
    const auto region = session_.region();
    if (!region) return add(setup::failed_check("region", region.error(), "set AWS_REGION"));
    add({Grade::ok, "region", *region, {}});
    const auto who = session_.identity(*region);
    if (!who) return add(setup::failed_check("credentials", who.error(), "see docs/iam.md#credentials"));
    add({Grade::ok, "credentials", who->arn, {}});
    add(setup::clock_check(who->answered, clock_.wall()));
    const auto place = session_.place();
    if (!place) return add(setup::failed_check("account", place.error(), ""));
    AccountServices services(session_.session(), *place);
    auto reading = setup::read_account(services.calls(), *place);
    const auto plan = setup::plan_account({*place, {}, {}, {}}, session_.complete(std::move(reading)));
    for (auto& check : setup::account_checks(plan, *place)) add(std::move(check));
    check_scheduler(*region);
    check_launch(*region, *place);
  }

  // What isn't there is told to those who may look.
  void check_scheduler(const std::string& region) {
    const auto scheduler = aws::make_scheduler(session_.session(), region);
    const std::string name = k_no_schedule;
    auto asking = scheduler->schedule(name, "default");
    const auto found = session_.complete(std::move(asking));
    if (found || found.error().kind == ErrorKind::not_found)
      return add({Grade::ok, "schedules", "can be read", {}});
    add(setup::failed_check(
        "schedules", setup::with_permission(Error{found.error()}, "scheduler:GetSchedule"), k_launcher));
  }

  // The same questions as `curfew launch --dry-run` asks.
  void check_launch(const std::string& region, const setup::Place& place) {
    launch::Wishes wishes;
    wishes.types = {options_.type};
    wishes.image = options_.image;
    wishes.spot = options_.spot;
    wishes.name = "doctor";
    wishes.stages.command = {"true"};
    auto taking = take_defaults(session_.session(), wishes, place, {region});
    const auto defaults = session_.complete(std::move(taking));
    if (!defaults) return add(setup::failed_check("launch", defaults.error(), k_launcher));
    std::string unpriced;
    const std::function<void(const std::string&)> note = [&unpriced](const std::string& text) {
      unpriced = text;
    };
    auto finding = find_out(session_.session(), defaults->wishes, {region}, note);
    const auto findings = session_.complete(std::move(finding));
    if (!findings) return add(setup::failed_check("type and image", findings.error(), k_launcher));
    const auto now = clock_.wall();
    const auto plan = launch::make_plan(defaults->wishes, *findings, "00000000-000000-doctor", now);
    if (!plan) return add(setup::failed_check("type and image", plan.error(), ""));
    add({Grade::ok, "image", plan->sites.front().image.id + " (" + plan->sites.front().image.name + ")", {}});
    const auto& pool = plan->pools.front();
    const auto& price = options_.spot ? pool.spot_now : pool.on_demand;
    const std::string how = options_.type + (options_.spot ? ", spot" : ", on demand");
    if (price) add({Grade::ok, "price", how + ": " + pricing::format_hourly(*price) + " an hour now", {}});
    else
      add({Grade::warning, "price", how + ": unknown" + (unpriced.empty() ? "" : ": " + unpriced),
           "use --max-time; --max-cost can't be kept"});
    check_quota(*plan, pool);
    if (!defaults->missing.empty()) return;  // told above; EC2 would only say the same
    const auto ec2 = aws::make_ec2_launch(session_.session(), region);
    auto trying = ec2->try_run(launch::run_request(*plan, pool, 1, "#!/bin/sh\n"));
    const auto tried = session_.complete(std::move(trying));
    if (tried) return add({Grade::ok, "launch", "EC2's dry run allows it (" + defaults->taken + ")", {}});
    add(setup::failed_check(
        "launch",
        setup::with_permission(Error{tried.error()}, "ec2:RunInstances, ec2:CreateTags or iam:PassRole"),
        k_launcher));
  }

  void check_quota(const launch::Plan& plan, const launch::Pool& pool) {
    if (plan.quotas.empty())
      return add({Grade::warning, "quota", "of " + pool.type.name + ": none is known here", {}});
    const auto& quota = plan.quotas.front();
    switch (launch::judge(quota, pool.type.vcpus)) {
      case launch::QuotaVerdict::fits: return add({Grade::ok, "quota", launch::describe(quota), {}});
      case launch::QuotaVerdict::unknown:
        return add({Grade::warning, "quota", launch::describe(quota), k_launcher});
      case launch::QuotaVerdict::too_small: {
        const auto error = launch::too_small(quota, pool.type.name, pool.type.vcpus);
        return add({Grade::failed, "quota", error.what + " " + error.cause, error.hint});
      }
    }
  }

  const DoctorOptions& options_;
  const os::Clock& clock_;
  AccountSession session_;
  std::vector<Check> checks_;
};

}  // namespace

int doctor_command(const Words& words, const World& world) {
  const auto options = parse_doctor(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_doctor_help)) ? 0 : k_exit_failed;
  return Doctor(*options, world).run();
}

}  // namespace curfew::cli
