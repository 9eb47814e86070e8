// Notifications by way of notify::Notifier.
#include "guard/teller.hpp"

#include <utility>

#include "aws/session.hpp"
#include "aws/sns.hpp"
#include "aws/ssm.hpp"
#include "net/environment.hpp"
#include "notify/notifier.hpp"
#include "notify/target.hpp"

namespace curfew::guard {
namespace {

class AwsTeller final : public Teller {
 public:
  AwsTeller(const boost::asio::any_io_executor& executor, const Spec& spec, net::HttpClient& http,
            const os::Clock& clock, os::Log& log)
      : session_(aws::make_session(http, clock,
                                   net::Environment(spec.environment.begin(), spec.environment.end()))),
        sns_(aws::make_sns(*session_)) {
    std::vector<notify::Target> targets;
    for (const auto& secret : spec.notify) {
      auto target = notify::parse_target(secret);
      if (target) targets.push_back(std::move(*target));
      else log.error("--notify: " + target.error().text());  // it was one when the command line was read
    }
    for (const auto& target : targets) places_.push_back(target.shown());
    const auto report = [&log](const std::string& line) { log.warning(line); };
    notify::Means means{http, *sns_, clock, report};
    means.parameter = [this](std::string name) { return aws::read_secret(*session_, std::move(name)); };
    notifier_ = std::make_unique<notify::Notifier>(executor, std::move(means), std::move(targets));
  }

  void tell(const notify::Facts& facts) override { notifier_->notify(notify::message_of(facts)); }

  Awaitable<void> flush(BootTime until) override {
    if (notifier_->waiting() > 0) (void)co_await notifier_->flush(until);
  }

  [[nodiscard]] std::vector<std::string> places() const override { return places_; }

 private:
  std::unique_ptr<aws::Session> session_;
  std::unique_ptr<aws::Sns> sns_;
  std::unique_ptr<notify::Notifier> notifier_;
  std::vector<std::string> places_;
};

}  // namespace

std::unique_ptr<Teller> make_teller(const boost::asio::any_io_executor& executor, const Spec& spec,
                                    net::HttpClient& http, const os::Clock& clock, os::Log& log) {
  return std::make_unique<AwsTeller>(executor, spec, http, clock, log);
}

}  // namespace curfew::guard
