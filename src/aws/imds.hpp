// The instance metadata service, version 2. What it says is checked before it's believed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/result.hpp"
#include "base/times.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"

namespace curfew::aws {

using net::Awaitable;

class Imds {
 public:
  virtual ~Imds() = default;
  // The text below http://169.254.169.254/latest/ ("meta-data/instance-type"); nothing where there is none (404).
  // Answers or fails within 2 s, twice that where a token has to be fetched; at most 64 KiB. Errors: refused where it's
  // disabled, by AWS_EC2_METADATA_DISABLED or on the instance.
  [[nodiscard]] virtual Awaitable<Result<std::optional<std::string>>> get(std::string path) = 0;
};

// AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (IPv6), AWS_EC2_METADATA_DISABLED. The
// client and the clock must outlive it.
[[nodiscard]] std::unique_ptr<Imds> make_imds(net::HttpClient& http, const os::Clock& clock,
                                              const net::Environment& environment);

// The identity document (dynamic/instance-identity/document).
struct Identity {
  std::string instance_id;  // i- and 8 to 17 hex digits
  std::string region;
  std::string zone;
  std::string instance_type;
  std::string account;   // 12 digits
  std::string image_id;  // may be empty
  WallTime launched{};   // pendingTime: renewed by each start
};
[[nodiscard]] Result<Identity> parse_identity(std::string_view json);
[[nodiscard]] Awaitable<Result<Identity>> read_identity(Imds& imds);

// The instance's tags; nothing where tags aren't enabled in the metadata, or there are none: IMDS answers alike.
using Tags = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Awaitable<Result<std::optional<Tags>>> read_tags(Imds& imds);
// One tag, for polling.
[[nodiscard]] Awaitable<Result<std::optional<std::string>>> read_tag(Imds& imds, std::string key);

enum class LifeCycle { on_demand, spot, other };
[[nodiscard]] Awaitable<Result<LifeCycle>> read_life_cycle(Imds& imds);

// The instance's public IPv4 address, which costs money by the hour; nothing where it has none.
[[nodiscard]] Awaitable<Result<std::optional<std::string>>> read_public_ipv4(Imds& imds);

// The devices that are instance stores, as the block device mapping names them: "sdb". NVMe ones aren't listed there,
// but for Xen's nothing else tells them from EBS volumes. Up to 24 of them, each a question of its own.
[[nodiscard]] Awaitable<Result<std::vector<std::string>>> read_instance_stores(Imds& imds);

// A spot instance's end, announced about two minutes ahead.
enum class SpotActionKind { terminate, stop, hibernate };
struct SpotAction {
  SpotActionKind action = SpotActionKind::terminate;
  WallTime time{};
};
[[nodiscard]] Result<SpotAction> parse_spot_action(std::string_view json);
[[nodiscard]] Awaitable<Result<std::optional<SpotAction>>> read_spot_action(Imds& imds);
// The notice that a spot instance is at elevated risk (events/recommendations/rebalance); its noticeTime.
[[nodiscard]] Awaitable<Result<std::optional<WallTime>>> read_rebalance(Imds& imds);

// What EC2 has planned for the instance (events/maintenance/scheduled). AWS: "Scheduled events for your instances".
struct MaintenanceEvent {
  std::string id;    // "instance-event-0d59937288b749b32"
  std::string code;  // "system-reboot", "instance-retirement", …; AWS may add words
  WallTime not_before{};
  bool active = false;  // else it's done, or was called off
};
// At most 32 of them; an error where one of them isn't whole.
[[nodiscard]] Result<std::vector<MaintenanceEvent>> parse_maintenance(std::string_view json);
[[nodiscard]] Awaitable<Result<std::vector<MaintenanceEvent>>> read_maintenance(Imds& imds);

[[nodiscard]] bool is_instance_id(std::string_view text);
[[nodiscard]] bool is_instance_type(std::string_view text);
// "203.0.113.7": four numbers without leading zeros.
[[nodiscard]] bool is_ipv4(std::string_view text);
// As they may be in IMDS: 1 to 128 characters without spaces and slashes; values up to 256, no control characters.
[[nodiscard]] bool is_tag_key(std::string_view text);
[[nodiscard]] bool is_tag_value(std::string_view text);

}  // namespace curfew::aws
