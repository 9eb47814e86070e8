// The questions that a price needs answered.
#include "guard/cost_reading.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "aws/ec2.hpp"
#include "aws/imds.hpp"
#include "guard/launch_watch.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/block_devices.hpp"
#include "pricing/cost.hpp"
#include "pricing/volumes.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

// An API that is cut off must not take the time of what comes after it.
constexpr Millis k_api_limit{3'000};

Awaitable<std::optional<std::vector<pricing::Volume>>> told_volumes(aws::Session& session,
                                                                    std::string instance_id,
                                                                    std::string region) {
  const auto ec2 = aws::make_ec2(session, std::move(region));
  const auto attached = co_await within(k_api_limit, ec2->volumes(std::move(instance_id)));
  if (!attached || !*attached || (*attached)->empty()) co_return std::nullopt;
  std::vector<std::string> ids;
  for (const auto& volume : **attached) ids.push_back(volume.id);
  const auto described = co_await within(k_api_limit, ec2->describe_volumes(std::move(ids)));
  if (!described || !*described) co_return std::nullopt;
  co_return pricing::volumes_from(**described);
}

Awaitable<std::optional<std::vector<pricing::Volume>>> seen_volumes(aws::Imds& imds) {
  const auto disks = os::ebs_disks();
  if (!disks) co_return std::nullopt;
  const auto stores = co_await aws::read_instance_stores(imds);
  if (!stores) co_return std::nullopt;
  co_return pricing::volumes_from(*disks, *stores);
}

}  // namespace

Awaitable<void> read_cost(aws::Session& session, CostReading& into) {
  into.up_for = first_process_ran_for(session.clock.boot());
  auto& imds = *session.imds;
  auto identity = co_await aws::read_identity(imds);
  if (!identity) co_return;
  into.parts.instance_type = identity->instance_type;
  into.parts.region = identity->region;
  into.launched = identity->launched;
  const auto life_cycle = co_await aws::read_life_cycle(imds);
  if (life_cycle) into.parts.spot = *life_cycle == aws::LifeCycle::spot;
  auto tag = co_await aws::read_tag(imds, std::string(pricing::k_price_tag));
  if (tag) into.price_tag = std::move(*tag);
  const auto address = co_await aws::read_public_ipv4(imds);
  if (address) into.parts.public_ipv4 = address->has_value();
  into.parts.volumes = co_await told_volumes(session, identity->instance_id, identity->region);
  if (!into.parts.volumes) into.parts.volumes = co_await seen_volumes(imds);
}

CostReading read_cost_within(const std::map<std::string, std::string>& environment, const os::Clock& clock,
                             Millis limit) {
  asio::io_context io{1};
  const net::Environment variables(environment.begin(), environment.end());
  const auto http = net::make_http_client(io.get_executor(), net::client_options_from(variables));
  const auto session = aws::make_session(*http, clock, variables);
  CostReading reading;
  const auto read = [&]() -> Awaitable<void> {
    auto work = read_cost(*session, reading);
    const auto step = [&]() -> Awaitable<bool> {
      co_await std::move(work);
      co_return true;
    };
    auto bounded = step();
    (void)co_await within(limit, std::move(bounded));
  };
  asio::co_spawn(io, read(), k_rethrow);
  io.run();
  return reading;
}

}  // namespace curfew::guard
