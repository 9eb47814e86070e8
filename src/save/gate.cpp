// A gate is a timer that never fires.
#include "save/gate.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace curfew::save {
namespace asio = boost::asio;

struct Gate::State {
  explicit State(const asio::any_io_executor& executor)
      : timer(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer timer;
};

Gate::Gate(const asio::any_io_executor& executor) : state_(std::make_shared<State>(executor)) {}
Gate::~Gate() = default;

Awaitable<void> Gate::wait() {
  const auto state = state_;
  co_await state->timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

Awaitable<void> Gate::wait_for(Millis at_most) {
  const auto state = state_;
  state->timer.expires_after(at_most);
  co_await state->timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Gate::open() { state_->timer.cancel(); }

}  // namespace curfew::save
