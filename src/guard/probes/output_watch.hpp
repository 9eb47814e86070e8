// Looks through the job's output for the line that says that it's done, on a thread: a pattern may take a while.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "guard/probes/blocking.hpp"
#include "guard/probes/done_pattern.hpp"
#include "guard/probes/output_tail.hpp"

namespace curfew::guard {

class OutputWatch {
 public:
  struct Seen {
    bool done = false;        // the line was there, in this look or before
    bool more = false;        // there is more to be read: look again soon
    std::uint64_t bytes = 0;  // that were read in this look
  };

  // From the beginning of the output, also for a guard that takes over: what was printed while there was none counts.
  OutputWatch(const boost::asio::any_io_executor& executor, std::string path, DonePattern pattern)
      : path_(path),
        state_(std::make_shared<State>(std::move(path), std::move(pattern))),
        blocking_(executor) {}

  // At most 1 MiB of it. timed_out: the search goes on, and its finding is told by the next look.
  [[nodiscard]] Awaitable<Result<Seen>> look();

 private:
  // The thread's, while a look is under way.
  struct State {
    State(std::string path, DonePattern with) : tail(std::move(path)), pattern(std::move(with)) {}
    OutputTail tail;
    DonePattern pattern;
  };

  std::string path_;
  std::shared_ptr<State> state_;
  BlockingLook blocking_;
};

}  // namespace curfew::guard
