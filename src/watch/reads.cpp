// Reads by a session.
#include "watch/reads.hpp"

#include <utility>

#include "aws/sts.hpp"

namespace curfew::watch {
namespace {

class SessionReads final : public Reads {
 public:
  SessionReads(aws::Session& session, std::string home) : session_(session), home_(std::move(home)) {}

  Awaitable<Result<std::string>> account() override {
    const auto sts = aws::make_sts(session_, home_);
    auto identity = co_await sts->caller_identity();
    if (!identity) co_return fail(std::move(identity.error()));
    co_return std::move(identity->account);
  }
  std::unique_ptr<aws::Ec2Inventory> inventory(const std::string& region) override {
    return aws::make_ec2_inventory(session_, region);
  }
  std::unique_ptr<aws::Scheduler> scheduler(const std::string& region) override {
    return aws::make_scheduler(session_, region);
  }
  std::unique_ptr<aws::PriceList> price_list(const std::string& region) override {
    return aws::make_price_list(session_, region);
  }

 private:
  aws::Session& session_;
  std::string home_;
};

}  // namespace

std::unique_ptr<Reads> make_reads(aws::Session& session, std::string home) {
  return std::make_unique<SessionReads>(session, std::move(home));
}

}  // namespace curfew::watch
