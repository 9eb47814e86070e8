// Tells people what happens to the job, by --notify. Nothing waits for it but a short moment before the guard leaves.
#pragma once

#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "guard/async.hpp"
#include "guard/spec.hpp"
#include "net/http.hpp"
#include "notify/message.hpp"
#include "os/clock.hpp"
#include "os/log.hpp"

namespace curfew::guard {

class Teller {
 public:
  virtual ~Teller() = default;
  virtual void tell(const notify::Facts& facts) = 0;
  // Returns when all is told or given up, or at `until` by the boot clock.
  [[nodiscard]] virtual Awaitable<void> flush(BootTime until) = 0;
  // Where to, without secrets; empty: nowhere.
  [[nodiscard]] virtual std::vector<std::string> places() const = 0;
};

// To the places of spec.notify. What it's given must outlive it.
[[nodiscard]] std::unique_ptr<Teller> make_teller(const boost::asio::any_io_executor& executor,
                                                  const Spec& spec, net::HttpClient& http,
                                                  const os::Clock& clock, os::Log& log);

}  // namespace curfew::guard
