// EC2's lists, a page a call, and what has to be known of an instance before it's ended; behind an interface for tests.
// What is only about one instance at a time, ending included, is in ec2.hpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/ec2_listed.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// One answer of many. A page may be empty and yet not the last: PageRule (pages.hpp) says what its token means.
template <class Row>
struct Page {
  std::vector<Row> rows;
  std::string next;  // the token to ask on with; empty: this was the last page
  // AWS's clock when it answered (the header Date, whole seconds): against Session::clock.wall() it tells the skew.
  std::optional<WallTime> answered;
};

// Tags that must be there. Values are taken as they are: EC2's wildcards in them are escaped. Several values: any.
struct TagFilter {
  std::string key;
  std::vector<std::string> values;  // none: any value will do
};

// Narrows what EC2 sends; what isn't set narrows nothing.
struct InstanceFilter {
  std::vector<InstanceState> states;
  std::vector<TagFilter> tags;  // all of them; at most 50
  // At most 200; ids that aren't in the region are no error, they're just not told.
  std::vector<std::string> ids;
  // Hexadecimal digits: ids that end in one of them. An id's last digit parts a region's instances into sixteen lots of
  // about the same size, with no instance outside of them. Not with `ids`.
  std::string id_ends{};
};

struct VolumeFilter {
  std::vector<std::string> instances;  // attached to one of these; at most 200
  std::string zone;
};

struct SpotPriceQuery {
  std::vector<std::string> types;     // at most 100; none: all
  std::vector<std::string> products;  // at most 20, "Linux/UNIX"; none: all
  std::string zone;                   // empty: all of the region's
  // The price at `from` is told too, by a point that lies before it. EC2 looks back 90 days.
  WallTime from{};
  WallTime to{};
};

// In one region. A reply that is cut, isn't XML or is of another call, that lacks its list, or of which one row isn't
// well-formed is an error (unavailable) after the standard mode's retries: there's never a smaller count. The same row
// may be on two pages, when things change between them: callers count by id. Each call ends within 90 s; at most
// 32 MiB a page. Error.code is EC2's own; refused: no permission, or the region isn't enabled (AuthFailure,
// OptInRequired).
class Ec2Inventory {
 public:
  virtual ~Ec2Inventory() = default;
  // The account's enabled regions, at least one. A test server may also tell ones that aren't enabled: see opt_in.
  [[nodiscard]] virtual Awaitable<Result<Page<ListedRegion>>> regions() = 0;
  // Up to 1000, those managed by other services included. `token`: empty for the first page.
  [[nodiscard]] virtual Awaitable<Result<Page<ListedInstance>>> instances(InstanceFilter filter,
                                                                          std::string token) = 0;
  // Up to 500.
  [[nodiscard]] virtual Awaitable<Result<Page<ListedVolume>>> volumes(VolumeFilter filter,
                                                                      std::string token) = 0;
  // Up to 1000, newest first; not sorted by type or zone.
  [[nodiscard]] virtual Awaitable<Result<Page<SpotPricePoint>>> spot_prices(SpotPriceQuery query,
                                                                            std::string token) = 0;

  // Whether TerminateInstances is disabled for it (disableApiTermination).
  [[nodiscard]] virtual Awaitable<Result<bool>> is_termination_protected(std::string instance) = 0;
  [[nodiscard]] virtual Awaitable<Result<SpotRequest>> spot_request(std::string id) = 0;
  // The state it has then: "cancelled", or "closed" or "completed" where it was over already. Its instance lives on.
  [[nodiscard]] virtual Awaitable<Result<std::string>> cancel_spot_request(std::string id) = 0;
};

// The session must outlive it.
[[nodiscard]] std::unique_ptr<Ec2Inventory> make_ec2_inventory(Session& session, std::string region);

}  // namespace curfew::aws
