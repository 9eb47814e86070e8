// The looks, and what is said of them.
#include "guard/machine_watch.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "net/environment.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

// The kernel notes a terminal's input to eight seconds.
constexpr Millis k_terminal_look{5'000};
constexpr Millis k_jupyter_look{10'000};
// A server that is still starting, or being restarted, isn't news; one that wants another token is.
constexpr unsigned k_tell_after = 3;
constexpr std::size_t k_longest_reason = 300;

std::string text_of(Millis duration) {
  return format_duration(std::chrono::duration_cast<Seconds>(duration));
}

std::string count(std::size_t number, const char* of) {
  return std::to_string(number) + " " + of + (number == 1 ? "" : "s");
}

}  // namespace

MachineWatch::MachineWatch(const Spec& spec, asio::io_context& io, const os::Clock& clock, os::Log& log,
                           std::function<void(std::string)> found)
    : spec_(spec),
      io_(io),
      clock_(clock),
      log_(log),
      found_(std::move(found)),
      kernels_(fail(ErrorKind::unavailable, "ask the Jupyter server", "it wasn't asked yet")),
      has_hardware_(has_accelerator_hardware()) {
  if (spec.watches.jupyter.empty()) return;
  use_.asks_jupyter = true;
  // It was read when the command line was; one that isn't a server now is a damaged file, and stays unknown.
  auto server = parse_jupyter(spec.watches.jupyter, spec.watches.jupyter_token);
  if (!server) {
    log_.error("--jupyter: " + server.error().text());
    return;
  }
  server_ = std::move(*server);
  const net::Environment environment(spec.environment.begin(), spec.environment.end());
  http_ = net::make_http_client(io.get_executor(), net::client_options_from(environment));
}

void MachineWatch::start() {
  log_.info("this machine is idle after " + format_duration(*spec_.watches.idle) +
            " of: " + describe_rule(use_, spec_.watches.idle_millipercent));
  asio::co_spawn(io_, watch_terminals(), k_rethrow);
  if (server_) asio::co_spawn(io_, watch_jupyter(), k_rethrow);
}

void MachineWatch::take_gpus(const Reading& reading, const GpuActivity& activity) {
  const auto before = use_.gpus_there;
  use_ = with_gpus(std::move(use_), reading, activity, has_hardware_);
  if (use_.gpus_there == MachineUse::Gpus::none && before != use_.gpus_there)
    log_.info("this machine has no GPU: " +
              std::string(use_.asks_jupyter ? "terminals and Jupyter" : "terminals") + " alone tell its use");
  judge();
}

Awaitable<void> MachineWatch::watch_terminals() {
  for (;;) {
    const auto sessions = terminal_sessions();
    use_ = with_terminals(std::move(use_), sessions, clock_.boot());
    judge();
    co_await pause(k_terminal_look);
  }
}

Awaitable<void> MachineWatch::watch_jupyter() {
  for (;;) {
    auto activity = co_await read_jupyter(*http_, *server_);
    take_kernels(activity);
    kernels_ = std::move(activity);
    judge();
    co_await pause(k_jupyter_look);
  }
}

void MachineWatch::take_kernels(const Result<JupyterActivity>& activity) {
  use_ = with_kernels(std::move(use_), activity, clock_.boot());
  if (activity) {
    if (std::exchange(told_failing_, false))
      log_.info("the Jupyter server at " + server_->shown() + " answers (again)");
    failures_ = 0;
    return;
  }
  ++failures_;
  const bool is_news = failures_ >= k_tell_after || activity.error().kind == ErrorKind::refused;
  if (!is_news || std::exchange(told_failing_, true)) return;
  log_.warning(printable(activity.error().text(), k_longest_reason) +
               "; while that isn't known, this machine doesn't count as idle");
}

void MachineWatch::judge() {
  if (idle_for(use_) < *spec_.watches.idle) return;
  found_(describe_idle(use_, spec_.watches.idle_millipercent, clock_.boot(), clock_.wall()));
}

MachineWatch::Readings MachineWatch::readings() const {
  Readings out;
  const auto now = clock_.boot();
  out.idle = "for " + text_of(idle_for(use_)) + " of " + format_duration(*spec_.watches.idle);
  if (use_.input.looked)
    out.terminals =
        std::to_string(use_.open_terminals) + " open, no input for " + text_of(now - use_.input.last);
  if (!use_.asks_jupyter) return out;
  if (!kernels_) {
    out.jupyter = "unknown: " + printable(kernels_.error().text(), k_longest_reason);
    return out;
  }
  out.jupyter = count(kernels_->kernels, "kernel") + ", " + std::to_string(kernels_->busy) + " busy, " +
                count(kernels_->terminals, "terminal") + ", not used for " +
                text_of(now - use_.jupyter_use.last);
  return out;
}

}  // namespace curfew::guard
