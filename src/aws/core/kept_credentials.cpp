// One fetch at a time, and what came of the last.
#include "aws/core/kept_credentials.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace curfew::aws {
namespace {

namespace asio = boost::asio;

constexpr Millis k_renew_before = std::chrono::minutes{10};  // botocore's mandatory refresh
constexpr Millis k_pause_after_failure{30'000};
// Expired already, by this machine's clock: more likely that is wrong than they are. AWS will say.
constexpr Millis k_least_life{60'000};

// A fetch under way. Who waits for it waits for the timer, which never runs out but is cancelled.
struct Flight {
  explicit Flight(const asio::any_io_executor& executor)
      : ended(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer ended;
  std::optional<Result<Credentials>> result;  // none in the end: the one that fetched was cancelled
};

struct State {
  std::optional<Credentials> kept;
  bool ever_found = false;
  // By the boot clock, so that a jump of the wall clock ages nothing.
  std::optional<BootTime> renew_at;
  std::optional<BootTime> expires_at;
  BootTime next_try{};
  std::shared_ptr<Flight> flight;
};

// Wakes those who wait, however the fetch ends. It owns what it touches: a coroutine's frame may outlive the source.
class Landing {
 public:
  Landing(std::shared_ptr<State> state, std::shared_ptr<Flight> flight)
      : state_(std::move(state)), flight_(std::move(flight)) {
    state_->flight = flight_;
  }
  ~Landing() {
    state_->flight.reset();
    flight_->ended.cancel();
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Flight> flight_;
};

class Kept final : public CredentialsSource {
 public:
  Kept(const os::Clock& clock, FetchCredentials fetch) : clock_(clock), fetch_(std::move(fetch)) {}

  Awaitable<Result<Credentials>> get() override {
    const auto state = state_;
    for (;;) {
      const auto now = clock_.boot();
      const bool usable = state->kept && (!state->expires_at || now < *state->expires_at);
      const bool fresh = usable && (!state->renew_at || now < *state->renew_at);
      if (fresh || (usable && (state->flight || now < state->next_try))) co_return *state->kept;
      if (!state->flight) break;
      const auto flight = state->flight;
      boost::system::error_code ignored;
      co_await flight->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      if (flight->result) co_return *flight->result;
    }
    state->next_try = clock_.boot() + k_pause_after_failure;
    const auto executor = co_await asio::this_coro::executor;
    const auto flight = std::make_shared<Flight>(executor);
    const Landing landing(state, flight);
    auto work = fetch_();
    auto fetched = co_await std::move(work);
    if (fetched) {
      keep(*state, *fetched);
    } else if (state->kept && state->expires_at && clock_.boot() < *state->expires_at) {
      fetched = *state->kept;
    } else if (!state->ever_found && fetched.error().code.empty()) {
      fetched.error().code = k_no_credentials;
    }
    flight->result = fetched;
    co_return fetched;
  }

  // However new they are: keys that were taken a moment ago may have been replaced since. Calls that ran side by side hear
  // of it side by side, and each may have them taken anew: once a call.
  void forget() override {
    state_->kept.reset();
    state_->next_try = {};
  }

 private:
  void keep(State& state, const Credentials& fetched) const {
    state.kept = fetched;
    state.ever_found = true;
    state.next_try = {};
    state.renew_at.reset();
    state.expires_at.reset();
    if (!fetched.expires) return;
    const auto life = std::max<Millis>(*fetched.expires - clock_.wall(), k_least_life);
    state.expires_at = clock_.boot() + life;
    state.renew_at = *state.expires_at - std::min(k_renew_before, life / 2);
  }

  const os::Clock& clock_;
  FetchCredentials fetch_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class Fixed final : public CredentialsSource {
 public:
  explicit Fixed(Credentials credentials) : credentials_(std::move(credentials)) {}
  Awaitable<Result<Credentials>> get() override { co_return credentials_; }
  void forget() override {}

 private:
  Credentials credentials_;
};

}  // namespace

std::unique_ptr<CredentialsSource> make_kept_credentials(const os::Clock& clock, FetchCredentials fetch) {
  return std::make_unique<Kept>(clock, std::move(fetch));
}

std::unique_ptr<CredentialsSource> make_fixed_credentials(Credentials credentials) {
  return std::make_unique<Fixed>(std::move(credentials));
}

}  // namespace curfew::aws
