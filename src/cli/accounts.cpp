// Sessions, one an account.
#include "cli/accounts.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "aws/core/sts_credentials.hpp"
#include "net/within.hpp"

namespace curfew::cli {
namespace asio = boost::asio;
namespace {

constexpr Millis k_credentials_limit{30'000};
constexpr Millis k_meanwhile{100};

}  // namespace

Accounts::Accounts(AccountsRequest request, const os::Clock& clock, net::Environment environment)
    : request_(std::move(request)),
      http_(net::make_http_client(io_.get_executor(), net::client_options_from(environment))),
      session_(aws::make_session(*http_, clock, std::move(environment), {request_.profile, {}})) {
  const auto known = session_->known_region();
  if (!request_.regions.empty()) home_ = request_.regions.front();
  else home_ = aws::is_region(known) ? known : "us-east-1";
}

void Accounts::run(const std::function<net::Awaitable<void>()>& work) {
  io_.restart();
  asio::co_spawn(io_, work, [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  if (!request_.meanwhile) {
    io_.run();
    return;
  }
  while (!io_.stopped()) {
    io_.run_for(k_meanwhile);
    request_.meanwhile();
  }
}

Status Accounts::sign_in() {
  Status status;
  run([&]() -> net::Awaitable<void> { status = co_await find_own(); });
  return status;
}

net::Awaitable<Status> Accounts::find_own() {
  auto asking = session_->credentials->get();
  const auto own = co_await net::within(k_credentials_limit, std::move(asking));
  if (!own)
    co_return fail(
        ErrorKind::timed_out, "find AWS credentials",
        "no answer within " + format_duration(std::chrono::duration_cast<Seconds>(k_credentials_limit)));
  if (!*own) co_return fail(Error{own->error()});
  reads_.push_back(watch::make_reads(*session_, home_));
  auto identity = reads_.back()->caller();
  auto id = co_await net::within(k_credentials_limit, std::move(identity));
  // Expired, or not AWS's: nothing could be read with them.
  if (id && !*id && (*id).error().kind == ErrorKind::refused) co_return fail(Error{(*id).error()});
  accounts_.push_back({reads_.back().get(), "", id && *id ? (**id).account : std::string()});
  for (const auto& role : request_.roles) {
    aws::RoleRequest assuming;
    assuming.role_arn = role;
    assuming.session_name = request_.session_name;
    assumed_.push_back(
        aws::make_session_as(*session_, aws::make_assumed_role(*session_, std::move(assuming))));
    reads_.push_back(watch::make_reads(*assumed_.back(), home_));
    accounts_.push_back({reads_.back().get(), role, ""});
  }
  co_return Status{};
}

}  // namespace curfew::cli
