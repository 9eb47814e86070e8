// Parses the command lines of `curfew setup`, `curfew teardown` and `curfew doctor`, and says what they can do.
#include "cli/account_options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "aws/core/endpoints.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/imds.hpp"
#include "aws/reply_fields.hpp"
#include "aws/ssm.hpp"
#include "base/text.hpp"
#include "cli/parsing.hpp"
#include "launch/image.hpp"
#include "setup/policies.hpp"

namespace curfew::cli {

const std::string_view k_setup_help =
    R"(Usage: curfew setup [options]            # what launches need of the account
       curfew setup billing ...          # billing alarms; see curfew setup billing --help
       curfew setup --print-policy [NAME]

Shows what `curfew launch` needs of an account and a region, and what of it is there: a private bucket
(curfew-ACCOUNT-REGION), the role and instance profile of its instances (curfew-job), the role of its schedules
(curfew-scheduler) and a security group that lets nothing in (curfew). --apply makes what isn't there and sets right what
isn't so; run again, it changes nothing. What bears these names without the tag curfew:made-by is never touched.

  --apply            do it
  --results s3://BUCKET/PREFIX
                     jobs may read and write there too; may be repeated
  --data s3://BUCKET/PREFIX
                     jobs may read there; may be repeated
  --remove s3://BUCKET/PREFIX
                     jobs may no longer: what was given stays until then; may be repeated
  --keep-jobs DAYS   how long what is below jobs/ is kept: job files, logs (default 90); results/ is kept for ever
  --print-policy [NAME]
                     print all policies as JSON, or one: instance, instance-trust, scheduler, scheduler-trust, bucket,
                     launcher, setup; makes nothing
  --account NUMBER   with --print-policy: for this account; asks nobody then
  --region R         default: AWS_REGION, or the profile's
  --profile NAME     of ~/.aws, for the credentials

Exit code:
  0     all of it is there, or would be made (without --apply)
  1     something could not be read, made or changed, or is in the way; the rest was done
  125   bad usage, or no credentials; nothing was done

Examples:
  curfew setup                                     # look
  curfew setup --apply --results s3://my-models/runs
  curfew setup --print-policy launcher --account 123456789012 --region us-east-1
)";

const std::string_view k_teardown_help = R"(Usage: curfew teardown [options]

Shows what `curfew setup` has made for launches in an account and a region, and what would be lost with it; --apply deletes
it. Refused while an instance that curfew launched is there, in any region, and while the bucket holds anything but
curfew itself, unless --delete-results says that it may be lost. What lacks the tag curfew:made-by is never touched.

  --apply            do it
  --delete-results   delete the objects in the bucket too: jobs, logs, results
  --keep-roles       leave the roles and the instance profile, which launches in other regions use too
  --region R         default: AWS_REGION, or the profile's
  --profile NAME     of ~/.aws, for the credentials

Exit code:
  0     all of it is gone, or would be (without --apply)
  1     refused, or something could not be read or deleted; the rest was done
  125   bad usage, or no credentials; nothing was done

Examples:
  curfew teardown
  curfew teardown --apply --region eu-west-1 --keep-roles
)";

const std::string_view k_doctor_help = R"(Usage: curfew doctor [options]

Checks whether `curfew launch` would work, and says how to mend what wouldn't: credentials, this machine's clock, bucket,
roles and security group, rights, image, price. Rights on EC2 are asked by its DryRun. For the others two things are made and
removed at once: the schedule curfew-doctor, disabled, for no instance, and the object jobs/curfew-doctor in the bucket.

  --instance-type T  the type to check for (default g5.xlarge)
  --image IMAGE      as `curfew launch` takes it (default auto)
  --spot             check for spot instances
  --region R         default: AWS_REGION, or the profile's
  --profile NAME     of ~/.aws, for the credentials

Exit code: 0 nothing FAILED (there may be warnings); 1 something FAILED; 125 bad usage.

Examples:
  curfew doctor
  curfew doctor --instance-type p4d.24xlarge --spot --region us-west-2
)";

namespace {

constexpr std::uint64_t k_most_days = 36'500;

struct Raw {
  std::string region, profile, account, keep_days, type, image;
  std::vector<std::string> results, data, remove;
  bool apply = false, print_policy = false, keep_roles = false, delete_results = false, spot = false,
       help = false;
};

tl::unexpected<Error> bad(const char* option, std::string_view value, std::string cause, std::string hint) {
  return fail(ErrorKind::invalid_input, std::string(option) + " '" + printable(value, 80) + "'",
              std::move(cause), std::move(hint));
}

void declare_common(CLI::App& app, Raw& raw) {
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
  app.add_option("--region", raw.region);
  app.add_option("--profile", raw.profile);
  app.allow_extras();
}

void declare_list(CLI::App& app, const char* name, std::vector<std::string>& into) {
  app.add_option(name, into)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Status refuse_rest(const CLI::App& app, const std::string& command) {
  if (app.remaining().empty()) return {};
  return fail(ErrorKind::invalid_input, "'" + printable(app.remaining().front(), 80) + "'",
              "is not an option", "see curfew " + command + " --help");
}

Status check_region(const std::string& region) {
  if (region.empty() || aws::is_region(region)) return {};
  return bad("--region", region, "is no region's name", "as us-east-1");
}

Status take_places(const char* option, const std::vector<std::string>& texts,
                   std::vector<aws::S3Location>& into) {
  for (const auto& text : texts) {
    auto place = setup::parse_place(text);
    if (!place) return fail(std::move(place.error()).within(option));
    into.push_back(std::move(*place));
  }
  return {};
}

Status check_policy(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& policy : setup::all_policies({}, {})) names.emplace_back(policy.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  const auto near = nearest(name, names);
  return bad("--print-policy", name, "is no policy's name",
             near ? "did you mean " + *near + "?" : "see curfew setup --help");
}

}  // namespace

Result<SetupOptions> parse_setup(const std::vector<std::string>& words) {
  SetupOptions options;
  Raw raw;
  CLI::App app;
  declare_common(app, raw);
  app.add_flag("--apply", raw.apply);
  app.add_flag("--print-policy", raw.print_policy);
  app.add_option("--account", raw.account);
  app.add_option("--keep-jobs", raw.keep_days);
  declare_list(app, "--results", raw.results);
  declare_list(app, "--data", raw.data);
  declare_list(app, "--remove", raw.remove);
  if (auto parsed = parse_words(app, words, "setup"); !parsed) return fail(std::move(parsed.error()));
  options.help = raw.help;
  if (raw.help) return options;
  if (raw.print_policy && app.remaining().size() == 1) {
    options.policy = app.remaining().front();
    if (auto known = check_policy(options.policy); !known) return fail(std::move(known.error()));
  } else if (auto none = refuse_rest(app, "setup"); !none) {
    return fail(std::move(none.error()));
  }
  if (raw.print_policy && raw.apply)
    return fail(ErrorKind::invalid_input, "--print-policy and --apply", "can't both be");
  if (!raw.account.empty() && !aws::is_account(raw.account))
    return bad("--account", raw.account, "is no account's number", "12 digits");
  if (!raw.account.empty() && !raw.print_policy)
    return bad("--account", raw.account, "is for --print-policy alone",
               "else it's the account of the credentials; --profile chooses them");
  if (!raw.keep_days.empty()) {
    options.keep_days = parse_number(raw.keep_days);
    if (!options.keep_days || *options.keep_days == 0 || *options.keep_days > k_most_days)
      return bad("--keep-jobs", raw.keep_days, "is no number of days", "a whole number from 1 to 36500");
  }
  for (auto took :
       {check_region(raw.region), take_places("--results", raw.results, options.results),
        take_places("--data", raw.data, options.data), take_places("--remove", raw.remove, options.remove)})
    if (!took) return fail(std::move(took.error()));
  options.region = raw.region;
  options.profile = raw.profile;
  options.account = raw.account;
  options.apply = raw.apply;
  options.print_policy = raw.print_policy;
  return options;
}

Result<TeardownOptions> parse_teardown(const std::vector<std::string>& words) {
  Raw raw;
  CLI::App app;
  declare_common(app, raw);
  app.add_flag("--apply,--yes", raw.apply);
  app.add_flag("--keep-roles", raw.keep_roles);
  app.add_flag("--delete-results", raw.delete_results);
  if (auto parsed = parse_words(app, words, "teardown"); !parsed) return fail(std::move(parsed.error()));
  for (auto took : {refuse_rest(app, "teardown"), check_region(raw.region)})
    if (!took && !raw.help) return fail(std::move(took.error()));
  return TeardownOptions{raw.region, raw.profile, raw.apply, raw.keep_roles, raw.delete_results, raw.help};
}

Result<DoctorOptions> parse_doctor(const std::vector<std::string>& words) {
  DoctorOptions options;
  Raw raw;
  CLI::App app;
  declare_common(app, raw);
  app.add_option("--instance-type", raw.type);
  app.add_option("--image", raw.image);
  app.add_flag("--spot", raw.spot);
  if (auto parsed = parse_words(app, words, "doctor"); !parsed) return fail(std::move(parsed.error()));
  options.help = raw.help;
  if (raw.help) return options;
  for (auto took : {refuse_rest(app, "doctor"), check_region(raw.region)})
    if (!took) return fail(std::move(took.error()));
  options.region = raw.region;
  options.profile = raw.profile;
  options.spot = raw.spot;
  if (!raw.type.empty()) options.type = raw.type;
  if (!raw.image.empty()) options.image = raw.image;
  if (!aws::is_instance_type(options.type))
    return bad("--instance-type", options.type, "is no instance type", "as g5.xlarge");
  if (!launch::is_image_wish(options.image))
    return bad("--image", options.image, "is no image", launch::k_image_hint);
  return options;
}

}  // namespace curfew::cli
