// What every AWS call shares.
#include "aws/session.hpp"

#include <algorithm>
#include <random>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::aws {
namespace {

Awaitable<void> sleep_for(Millis duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

}  // namespace

Session::Session(net::HttpClient& http_client, const os::Clock& system_clock, net::Environment variables,
                 SessionOptions options, ReadFile read)
    : http(http_client),
      clock(system_clock),
      environment(std::move(variables)),
      profile(load_profile(environment, options.profile, read)),
      imds(make_imds(http, clock, environment)),
      credentials(make_credentials({http, clock, *imds, environment, profile, !options.profile.empty(),
                                    std::move(read), options.region, run_as_owner,
                                    [this](const std::string& line) { note(line); }})),
      random([engine = std::minstd_rand(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0, 1)(engine);
      }),
      sleep(sleep_for),
      region_(std::move(options.region)) {}

std::string Session::known_region() const {
  for (auto found : {region_, net::get(environment, "AWS_REGION"),
                     net::get(environment, "AWS_DEFAULT_REGION"), profile ? profile->region : std::string()})
    if (!found.empty()) return found;
  return {};
}

Awaitable<Result<std::string>> Session::region() {
  if (auto known = known_region(); !known.empty()) {
    if (!is_region(known))
      co_return fail(ErrorKind::invalid_input, "use the region \"" + printable(known, 60) + "\"",
                     "no region is called so", "check --region, AWS_REGION and ~/.aws/config");
    co_return known;
  }
  auto own = co_await imds->get("meta-data/placement/region");
  const auto text = own && *own ? trimmed(**own) : std::string_view();
  if (!is_region(text) && !profile) co_return fail(profile.error());
  if (!is_region(text))
    co_return fail(ErrorKind::invalid_input, "choose the region",
                   "none is set, and this is no EC2 instance that tells",
                   "set AWS_REGION, for example to us-east-1");
  region_ = text;
  co_return region_;
}

Result<Endpoint> Session::endpoint(std::string_view service, std::string_view region_name) const {
  std::string configured;
  if (profile) {
    std::string key(settings_name_of(service));
    std::replace(key.begin(), key.end(), '-', '_');  // "sso_oidc =": as in the variables' names
    const auto own = profile->service_endpoints.find(key);
    configured = own != profile->service_endpoints.end() ? own->second : profile->endpoint_url;
  }
  return endpoint_for(service, region_name, environment, configured);
}

std::unique_ptr<Session> make_session(net::HttpClient& http, const os::Clock& clock,
                                      net::Environment environment, SessionOptions options) {
  return std::make_unique<Session>(http, clock, std::move(environment), std::move(options),
                                   [](const std::string& path) { return os::read_file(path); });
}

}  // namespace curfew::aws
