// `curfew setup billing`: shows what there is and what is to be made, asks, makes it.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "aws/session.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "cli/account_commands.hpp"
#include "cli/loop.hpp"
#include "cli/output.hpp"
#include "cli/setup_options.hpp"
#include "net/environment.hpp"
#include "net/within.hpp"
#include "os/terminal.hpp"
#include "setup/billing_work.hpp"

namespace curfew::cli {
namespace asio = boost::asio;
namespace {

constexpr int k_exit_incomplete = 1;
constexpr int k_exit_not_asked_for = 2;
constexpr Millis k_identity_limit{30'000};

// The whole answer "y" or "yes", in any case.
bool is_answered_yes() {
  if (!show("\nDo this? [y/N] ")) return false;
  std::array<char, 64> line{};
  if (std::fgets(line.data(), static_cast<int>(line.size()), stdin) == nullptr) {
    (void)show("\n");
    return false;
  }
  const auto answer = trimmed(line.data());
  return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes" || answer == "YES";
}

class BillingSetup {
 public:
  BillingSetup(const SetupBillingOptions& options, const os::Clock& clock)
      : options_(options),
        environment_(net::process_environment()),
        http_(net::make_http_client(io_.get_executor(), net::client_options_from(environment_))),
        session_(aws::make_session(*http_, clock, environment_, {options.profile, {}})) {}

  int run() {
    auto finding_account = account();
    const auto account = complete(io_, std::move(finding_account));
    if (!account) return told(account.error());
    const setup::BillingWish wish{options_.name, options_.limit, options_.email, *account};
    const auto topics = aws::make_sns_topics(*session_);
    const auto cloudwatch = aws::make_cloudwatch(*session_, std::string(setup::k_billing_region));
    const auto budgets = aws::make_budgets(*session_, *account);
    const setup::BillingCalls calls{*topics, *cloudwatch, *budgets};
    auto reading = setup::read_billing(calls, wish);
    const auto plan = setup::plan_billing(wish, complete(io_, std::move(reading)));
    if (!show(setup::text_of(plan, wish))) return k_exit_failed;
    if (!plan.is_complete()) say("not all of it is there or can be made: what is above says why");
    const int code = plan.is_complete() ? 0 : k_exit_incomplete;
    if (!plan.has_steps() || options_.dry_run) {
      std::string last;
      if (options_.dry_run && plan.has_steps()) last = "\nNothing was done (--dry-run).\n";
      else if (code == 0) last = "\nNothing to do: all of it is there.\n";
      return show(setup::by_hand_text(plan) + last) ? code : k_exit_failed;
    }
    if (const auto refused = refusal()) return *refused;
    (void)show("\n");
    auto making = setup::make_billing(calls, wish, plan, [](const setup::Outcome& outcome) {
      if (outcome.status) (void)show(outcome.what + "\n");
      else say(outcome.status.error().text());
    });
    const bool all = complete(io_, std::move(making));
    if (!all) say("what was made stays; run it again to complete it");
    if (!show(setup::by_hand_text(plan))) return k_exit_failed;
    return all ? code : k_exit_incomplete;
  }

 private:
  static int told(const Error& error) {
    say(error.text());
    const bool unread = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
    return unread ? k_exit_incomplete : k_exit_failed;
  }

  // Whose credentials these are; refused outside of the commercial partition.
  net::Awaitable<Result<std::string>> account() {
    const auto refuse = [](std::string_view partition) {
      return fail(
          ErrorKind::invalid_input, "set up billing alarms in the partition " + std::string(partition),
          "the billing metrics and the budgets that this command knows are those of the partition aws",
          "in China use the Billing console there; a GovCloud account is billed by its commercial account");
    };
    const auto known = session_->known_region();
    const std::string region = aws::is_region(known) ? known : std::string(setup::k_billing_region);
    if (const auto partition = aws::partition_of(region).name; partition != "aws")
      co_return refuse(partition);
    const auto sts = aws::make_sts(*session_, region);
    auto asking = sts->caller_identity();
    auto identity = co_await net::within(k_identity_limit, std::move(asking));
    if (!identity)
      co_return fail(ErrorKind::timed_out, "ask AWS whose credentials these are",
                     "no answer within " + format_duration(Seconds{30}));
    if (!*identity) co_return fail((*identity).error());
    const auto parts = split((*identity)->arn, ':');
    if (parts.size() < 2 || parts[1] != "aws") co_return refuse(parts.size() < 2 ? "?" : parts[1]);
    co_return (*identity)->account;
  }

  // Nothing where it's to be done; else the exit code.
  [[nodiscard]] std::optional<int> refusal() const {
    if (options_.yes) return {};
    if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) {
      say("nothing was done: there is no terminal to ask on; give --yes to have it done without asking");
      return k_exit_not_asked_for;
    }
    if (is_answered_yes()) return {};
    say("nothing was done");
    return k_exit_not_asked_for;
  }

  const SetupBillingOptions& options_;
  net::Environment environment_;
  asio::io_context io_{1};
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<aws::Session> session_;
};

}  // namespace

int setup_billing_command(const Words& words, const World& world) {
  const auto options = parse_setup_billing(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (os::stdout_was_closed()) {
    say("stdout is closed: nobody would see what is done, so nothing is");
    return k_exit_failed;
  }
  if (options->help) return std::fputs(k_setup_billing_help.data(), stdout) < 0 ? k_exit_failed : 0;
  return BillingSetup(*options, world.clock).run();
}

}  // namespace curfew::cli
