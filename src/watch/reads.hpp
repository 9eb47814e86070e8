// What one account is read and acted on through, a region at a time; behind an interface for tests.
#pragma once

#include <memory>
#include <string>

#include "aws/ec2.hpp"
#include "aws/ec2_inventory.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/price_list.hpp"
#include "aws/scheduler.hpp"
#include "aws/session.hpp"
#include "aws/sts.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::watch {

using net::Awaitable;

class Reads {
 public:
  virtual ~Reads() = default;
  // Refused: no credentials, or ones that AWS doesn't take.
  [[nodiscard]] virtual Awaitable<Result<aws::CallerIdentity>> caller() = 0;
  [[nodiscard]] virtual std::unique_ptr<aws::Ec2Inventory> inventory(const std::string& region) = 0;
  // What ends instances; reading never needs it.
  [[nodiscard]] virtual std::unique_ptr<aws::Ec2> ec2(const std::string& region) = 0;
  [[nodiscard]] virtual std::unique_ptr<aws::Scheduler> scheduler(const std::string& region) = 0;
  // What makes schedules and tags; likewise.
  [[nodiscard]] virtual std::unique_ptr<aws::ScheduleMaker> schedule_maker(const std::string& region) = 0;
  [[nodiscard]] virtual std::unique_ptr<aws::Ec2Launch> tagger(const std::string& region) = 0;
  [[nodiscard]] virtual std::unique_ptr<aws::PriceList> price_list(const std::string& region) = 0;
};

// `home` is the region whose STS is asked. The session must outlive it.
[[nodiscard]] std::unique_ptr<Reads> make_reads(aws::Session& session, std::string home);

}  // namespace curfew::watch
