// Reads by a session.
#include "watch/reads.hpp"

#include <utility>

namespace curfew::watch {
namespace {

class SessionReads final : public Reads {
 public:
  SessionReads(aws::Session& session, std::string home) : session_(session), home_(std::move(home)) {}

  Awaitable<Result<aws::CallerIdentity>> caller() override {
    const auto sts = aws::make_sts(session_, home_);
    auto identity = co_await sts->caller_identity();
    co_return std::move(identity);
  }
  std::unique_ptr<aws::Ec2> ec2(const std::string& region) override {
    return aws::make_ec2(session_, region);
  }
  std::unique_ptr<aws::Ec2Inventory> inventory(const std::string& region) override {
    return aws::make_ec2_inventory(session_, region);
  }
  std::unique_ptr<aws::Scheduler> scheduler(const std::string& region) override {
    return aws::make_scheduler(session_, region);
  }
  std::unique_ptr<aws::ScheduleMaker> schedule_maker(const std::string& region) override {
    return aws::make_schedule_maker(session_, region);
  }
  std::unique_ptr<aws::Ec2Launch> tagger(const std::string& region) override {
    return aws::make_ec2_launch(session_, region);
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
