// Region and account.
#include "cli/account_session.hpp"

#include "aws/core/endpoints.hpp"
#include "base/times.hpp"
#include "net/within.hpp"

namespace curfew::cli {
namespace {

constexpr Millis k_identity_limit{30'000};

net::Awaitable<Result<aws::CallerIdentity>> find_identity(aws::Session& session, std::string region) {
  const auto sts = aws::make_sts(session, region);
  auto asking = sts->caller_identity();
  auto identity = co_await net::within(k_identity_limit, std::move(asking));
  if (!identity)
    co_return fail(ErrorKind::timed_out, "ask AWS whose credentials these are",
                   "no answer within " + format_duration(Seconds{30}));
  co_return std::move(*identity);
}

}  // namespace

AccountSession::AccountSession(const std::string& profile, const std::string& region, const os::Clock& clock)
    : environment_(net::process_environment()),
      http_(net::make_http_client(io_.get_executor(), net::client_options_from(environment_))),
      session_(aws::make_session(*http_, clock, environment_, {profile, region})) {}

Result<std::string> AccountSession::region() {
  auto asking = session_->region();
  return complete(std::move(asking));
}

Result<aws::CallerIdentity> AccountSession::identity(const std::string& region) {
  auto asking = find_identity(*session_, region);
  return complete(std::move(asking));
}

Result<setup::Place> AccountSession::place() {
  auto found = region();
  if (!found) return fail(std::move(found.error()));
  auto who = identity(*found);
  if (!who) return fail(std::move(who.error()));
  return setup::Place{std::string(aws::partition_of(*found).name), who->account, *found};
}

}  // namespace curfew::cli
