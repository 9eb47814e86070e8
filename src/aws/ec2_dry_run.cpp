// The action's form with DryRun.
#include "aws/ec2_dry_run.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{20'000}, Millis{30'000}, 256U << 10U};
constexpr Millis k_total{60'000};

}  // namespace

Awaitable<Status> try_action(Session& session, std::string region, std::string action, Form form) {
  const std::string what = action + " (dry run) in " + region;
  const bool only_reads = action.starts_with("Describe");
  form.emplace_back("DryRun", "true");
  Query query{what, "ec2", std::move(region), "2016-11-15", std::move(action), std::move(form)};
  auto asking = ask_for_xml(session, std::move(query), k_limits, k_total);
  const auto body = co_await std::move(asking);
  // "If you have the required permissions, the error response is DryRunOperation."
  if (!body && body.error().code == "DryRunOperation") co_return Status{};
  if (!body) co_return fail(Error{body.error()});
  // It was done, which does no harm, and so it's allowed.
  if (only_reads) co_return Status{};
  co_return fail(ErrorKind::unavailable, what, "EC2 didn't heed DryRun");
}

}  // namespace curfew::aws
