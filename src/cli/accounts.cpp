// Sessions, one an account.
#include "cli/accounts.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "aws/core/sts_credentials.hpp"
#include "net/within.hpp"
#include "watch/lanes.hpp"

namespace curfew::cli {
namespace asio = boost::asio;
namespace {

constexpr Millis k_credentials_limit{30'000};
constexpr Millis k_meanwhile{100};
// One for each region's services: one that was closed in between has to agree on TLS anew.
constexpr std::size_t k_idle_connections = 128;

net::ClientOptions client_options(const net::Environment& environment) {
  auto options = net::client_options_from(environment);
  options.idle_connections = k_idle_connections;
  return options;
}

}  // namespace

Accounts::Accounts(AccountsRequest request, const os::Clock& clock, net::Environment environment)
    : request_(std::move(request)),
      http_(net::make_http_client(io_.get_executor(), client_options(environment))),
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
  std::string id;
  Status status;
  std::vector<net::Awaitable<void>> questions;
  questions.push_back(ask_caller(id, status));
  if (request_.ask_regions && request_.regions.empty()) questions.push_back(ask_regions());
  co_await watch::run_together(std::move(questions));
  if (!status) co_return std::move(status);
  accounts_.push_back({reads_.back().get(), "", std::move(id)});
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

net::Awaitable<void> Accounts::ask_caller(std::string& id, Status& status) {
  auto asking = reads_.back()->caller();
  auto caller = co_await net::within(k_credentials_limit, std::move(asking));
  if (caller && *caller) id = std::move((*caller)->account);
  // Expired, or not AWS's: nothing could be read with them. Without a code it's a proxy's word, or a certificate.
  else if (caller && (*caller).error().kind == ErrorKind::refused && !(*caller).error().code.empty())
    status = fail(Error{(*caller).error()});
}

net::Awaitable<void> Accounts::ask_regions() {
  const auto ec2 = reads_.back()->inventory(home_);
  auto asking = ec2->regions();
  const auto page = co_await net::within(k_credentials_limit, std::move(asking));
  // Why there's none, whoever needs them is told.
  if (page && *page) enabled_ = watch::enabled_regions((*page)->rows);
}

}  // namespace curfew::cli
