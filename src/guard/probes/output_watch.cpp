// The output's tail and the pattern together.
#include "guard/probes/output_watch.hpp"

#include <utility>

namespace curfew::guard {
namespace {

constexpr Millis k_limit{10'000};

}  // namespace

Awaitable<Result<OutputWatch::Seen>> OutputWatch::look() {
  const auto found = std::make_shared<Result<Seen>>();
  std::function<void()> job = [found, state = state_] {
    const auto part = state->tail.look();
    if (!part) {
      *found = fail(part.error());
      return;
    }
    if (part->missing) state->pattern.skip();
    *found = Seen{state->pattern.feed(part->text), part->more, part->text.size()};
  };
  std::string what = "look through " + path_;
  const Status done = co_await blocking_.run(std::move(job), k_limit, std::move(what));
  if (!done) co_return fail(done.error());
  co_return std::move(*found);
}

}  // namespace curfew::guard
