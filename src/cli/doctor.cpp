// `curfew doctor`: whether a launch would work, a line a finding.
#include "setup/doctor.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "aws/ec2_dry_run.hpp"
#include "aws/ec2_inventory.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/s3_browse.hpp"
#include "aws/scheduler.hpp"
#include "base/text.hpp"
#include "cli/account_commands.hpp"
#include "cli/account_options.hpp"
#include "cli/account_session.hpp"
#include "cli/launch_defaults.hpp"
#include "cli/launch_findings.hpp"
#include "cli/output.hpp"
#include "os/signals.hpp"
#include "pricing/cost.hpp"
#include "setup/tries.hpp"

namespace curfew::cli {
namespace {

using setup::Check;
using setup::Grade;

constexpr int k_exit_found = 1;
constexpr const char* k_no_schedule = "curfew-doctor-looks-for-nothing";
constexpr const char* k_launcher = "see curfew setup --print-policy launcher";
constexpr std::size_t k_longest_tried = 1'000;

class Doctor {
 public:
  Doctor(const DoctorOptions& options, const World& world)
      : options_(options), clock_(world.clock), session_(options.profile, options.region, world.clock) {}

  int run() {
    check_all();
    return setup::is_well(checks_) ? 0 : k_exit_found;
  }

 private:
  // At once: some take seconds.
  void add(Check check) {
    (void)show(setup::text_of(check));
    checks_.push_back(std::move(check));
  }

  void add_all(std::vector<Check> checks) {
    for (auto& check : checks) add(std::move(check));
  }

  // Where it isn't there, that is the finding; what can't be looked at may be.
  static bool is_usable(const setup::AccountPlan& plan, setup::AccountPartName name) {
    using enum setup::Verdict;
    return std::none_of(plan.parts.begin(), plan.parts.end(), [name](const setup::AccountPart& part) {
      const bool is_foreign = part.verdict == foreign && name == setup::AccountPartName::bucket;
      return part.name == name && (part.verdict == create || part.verdict == blocked || is_foreign);
    });
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
    add_all(setup::account_checks(plan, *place));
    if (is_usable(plan, setup::AccountPartName::bucket)) try_object(*place);
    check_scheduler(*region);
    if (is_usable(plan, setup::AccountPartName::scheduler_role)) try_schedule(*place);
    try_ec2(*region);
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

  void try_object(const setup::Place& place) {
    const os::SaidOnSignals said("\ncurfew: interrupted: " + setup::left_object(place));
    const aws::S3Location at{place.bucket(), setup::k_tried_object};
    const auto objects = aws::make_s3(session_.session(), place.region);
    const auto browse = aws::make_s3_browse(session_.session(), place.region);
    const auto bucket = aws::make_s3_bucket(session_.session(), place.bucket(), place.region, place.account);
    setup::ObjectCalls calls;
    calls.put = [&](const std::string& body) -> Status {
      auto putting = objects->put(at, body, "", {});
      auto put = session_.complete(std::move(putting));
      if (!put) return fail(std::move(put.error()));
      return {};
    };
    calls.read = [&] {
      auto reading = browse->read(at, k_longest_tried);
      return session_.complete(std::move(reading));
    };
    calls.remove = [&] {
      auto removing = bucket->delete_objects({at.key});
      return session_.complete(std::move(removing));
    };
    add_all(setup::try_object(calls, place, clock_.wall()));
  }

  void try_schedule(const setup::Place& place) {
    const os::SaidOnSignals said("\ncurfew: interrupted: " + setup::left_schedule(place));
    const std::string name = setup::k_tried_schedule;
    const auto scheduler = aws::make_scheduler(session_.session(), place.region);
    const auto maker = aws::make_schedule_maker(session_.session(), place.region);
    setup::ScheduleCalls calls;
    calls.create = [&](const aws::EndSchedule& wanted) {
      auto making = maker->create_schedule(wanted);
      return session_.complete(std::move(making));
    };
    calls.update = [&](const aws::EndSchedule& wanted) {
      auto moving = maker->update_schedule(wanted);
      return session_.complete(std::move(moving));
    };
    calls.read = [&] {
      auto reading = scheduler->schedule(name, "default");
      return session_.complete(std::move(reading));
    };
    calls.remove = [&] {
      auto removing = maker->delete_schedule(name, "default");
      return session_.complete(std::move(removing));
    };
    add_all(setup::try_schedule(calls, place, clock_.wall()));
  }

  // What a launch has made, to ask about; the last one that is listed will do.
  setup::LaunchedIds launched(const std::string& region) {
    aws::InstanceFilter filter;
    filter.tags.push_back({"curfew:launch", {}});
    const auto inventory = aws::make_ec2_inventory(session_.session(), region);
    auto asking = inventory->instances(filter, "");
    const auto page = session_.complete(std::move(asking));
    setup::LaunchedIds ids;
    if (!page) return ids;  // DescribeInstances is asked for itself
    for (const auto& row : page->rows) {
      ids.any = row.id;
      if (row.state == aws::InstanceState::terminated) ids.ended = row.id;
    }
    return ids;
  }

  void try_ec2(const std::string& region) {
    std::vector<setup::DryRunAnswer> answers;
    for (auto& asked : setup::dry_runs(launched(region))) {
      auto trying = aws::try_action(session_.session(), region, asked.action, asked.form);
      auto answer = session_.complete(std::move(trying));
      answers.push_back({std::move(asked), std::move(answer)});
    }
    add_all(setup::checks_of(answers));
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
