// EC2: in which zones of a region a type is offered; behind an interface for tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_inventory.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct Offering {
  std::string type;  // "g5.xlarge"
  std::string zone;  // "us-east-1a", or a local zone's
  friend bool operator==(const Offering&, const Offering&) = default;
};

class Ec2Offerings {
 public:
  virtual ~Ec2Offerings() = default;
  // Of the types (1 to 100), in no order; a type that isn't there is offered nowhere. All pages, within 60 s. Error.code is
  // EC2's own.
  [[nodiscard]] virtual Awaitable<Result<std::vector<Offering>>> by_zone(std::vector<std::string> types) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Ec2Offerings> make_ec2_offerings(Session& session, std::string region);

// One page. Errors: unavailable. Pure; for ec2_offerings.cpp and its tests.
[[nodiscard]] Result<Page<Offering>> parse_offerings(std::string_view xml);

}  // namespace curfew::aws
