// Runs the accelerators' programs.
#include "guard/probes/prober.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "os/fd.hpp"

namespace curfew::guard {
namespace {

using Kind = AcceleratorTool::Kind;

constexpr Millis k_death{500};         // a killed program is gone by then, or hangs in the kernel
constexpr unsigned k_tell_after = 3;   // failures in a row, so that one bad answer isn't news
constexpr std::size_t k_at_once = 16;  // reads before the loop has its turn again

// neuron-monitor takes its settings from a file; without any a report takes 5 s and tells far more. The first report
// comes before a whole period was measured, so the second one is read.
constexpr std::string_view k_neuron_settings =
    R"({"period":"1s","neuron_runtimes":[{"tag_filter":".*","metrics":[{"type":"neuroncore_counters"}]}],"system_metrics":[]})";
constexpr std::size_t k_neuron_reports = 2;

struct ToolCommand {
  std::vector<std::string> argv;
  std::string_view input;
  std::size_t lines = 0;  // enough of them; 0: all until it ends
};

ToolCommand command_of(const AcceleratorTool& tool) {
  switch (tool.kind) {
    case Kind::nvidia_smi:
      return {
          {tool.path, "--query-gpu=index,name,utilization.gpu,memory.used", "--format=csv,noheader,nounits"},
          {}};
    case Kind::neuron_monitor: return {{tool.path, "-c", "/dev/stdin"}, k_neuron_settings, k_neuron_reports};
    case Kind::neuron_ls: return {{tool.path, "--json-output"}, {}};
    case Kind::rocm_smi: return {{tool.path, "--showuse", "--json"}, {}};
  }
  return {};
}

Reading parse(Kind kind, std::string_view text) {
  switch (kind) {
    case Kind::nvidia_smi: return parse_nvidia_smi(text);
    case Kind::neuron_monitor: return parse_neuron_monitor(text);
    case Kind::neuron_ls: return parse_neuron_ls(text);
    case Kind::rocm_smi: return parse_rocm_smi(text);
  }
  return parse_nvidia_smi(text);
}

// Readable when either is. One descriptor, as g++ 12 has trouble with two waits in one coroutine.
os::Fd watch_both(const os::Running& child) {
  os::Fd both{::epoll_create1(EPOLL_CLOEXEC)};
  for (const int fd : {child.pidfd.get(), child.output.get()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (!both || ::epoll_ctl(both.get(), EPOLL_CTL_ADD, fd, &event) != 0) return {};
  }
  return both;
}

enum class Read : std::uint8_t { more, end };

// What has been written so far, but never for as long as a program goes on writing.
Read read_some(const os::Running& child, std::string& text) {
  std::array<char, 16'384> chunk{};
  for (std::size_t i = 0; i < k_at_once; ++i) {
    const auto got = ::read(child.output.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN ? Read::more : Read::end;
    if (got == 0) return Read::end;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > k_most_tool_output) return Read::more;
  }
  return Read::more;
}

bool is_readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 0) > 0;
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::nvidia_smi: return "nvidia-smi";
    case Kind::neuron_monitor: return "neuron-monitor";
    case Kind::neuron_ls: return "neuron-ls";
    case Kind::rocm_smi: return "rocm-smi";
  }
  return "?";
}

std::vector<AcceleratorTool> find_accelerator_tools(const ProgramFinder& find) {
  struct Place {
    Kind kind;
    const char* elsewhere;  // where its package puts it, outside of the fixed path
  };
  static constexpr std::array<Place, 4> k_places{
      {{Kind::nvidia_smi, nullptr},
       {Kind::neuron_monitor, "/opt/aws/neuron/bin/neuron-monitor"},
       {Kind::neuron_ls, "/opt/aws/neuron/bin/neuron-ls"},
       {Kind::rocm_smi, "/opt/rocm/bin/rocm-smi"}}};
  std::vector<AcceleratorTool> tools;
  for (const auto& place : k_places) {
    if (auto path = find(name_of(place.kind))) tools.push_back({place.kind, std::move(*path)});
    else if (place.elsewhere != nullptr && ::access(place.elsewhere, X_OK) == 0)
      tools.push_back({place.kind, place.elsewhere});
  }
  return tools;
}

Prober::~Prober() {
  // What doesn't die at once is init's to reap.
  if (child_) (void)let_go();
}

std::string Prober::source() const {
  return answered_ ? std::string(name_of(tools_[tool_].kind)) : std::string{};
}

bool Prober::let_go() {
  if (!child_) return true;
  // The group before it's reaped: after that its number may be another's. What it started and moved to a group of its
  // own lives on, but holds nothing of ours.
  ::kill(-child_->pid, SIGKILL);
  ::kill(child_->pid, SIGKILL);
  if (!is_readable(child_->pidfd.get())) return false;
  (void)os::reap(*child_);
  child_.reset();
  return true;
}

Awaitable<Status> Prober::collect(std::size_t lines, std::string& text) {
  const auto until = clock_.boot() + timing_.limit;
  const os::Fd both = watch_both(*child_);
  if (!both) co_return fail_errno("watch a program", errno);
  bool closed = false;
  for (;;) {
    const auto left = until - clock_.boot();
    bool ready = false;
    if (left > Millis{0}) ready = co_await readable(both.get(), left);
    if (!ready)
      co_return fail(ErrorKind::timed_out, "read the accelerators",
                     "did not answer within " + std::to_string(timing_.limit.count()) + " ms");
    const bool ended = is_readable(child_->pidfd.get());
    if (!closed && read_some(*child_, text) == Read::end) {
      closed = true;
      ::epoll_ctl(both.get(), EPOLL_CTL_DEL, child_->output.get(), nullptr);
    }
    if (text.size() > k_most_tool_output)
      co_return fail(ErrorKind::invalid_input, "read the accelerators", "writes without end");
    if (lines > 0 && static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines)
      co_return Status{};
    if (ended) co_return Status{};
  }
}

Awaitable<Reading> Prober::look() {
  if (!let_go())
    co_return fail(ErrorKind::timed_out, "read the accelerators",
                   std::string(name_of(tools_[tool_].kind)) + " was killed and still hangs in the kernel",
                   "the driver may be stuck");
  if (!answered_) {
    tools_ = find_accelerator_tools(find_);
    if (tools_.empty())
      co_return fail(ErrorKind::not_found, "read the accelerators",
                     "there is no nvidia-smi, neuron-monitor, neuron-ls or rocm-smi on this machine");
    tool_ = failures_ % tools_.size();
  }
  const AcceleratorTool tool = tools_[tool_];
  const ToolCommand command = command_of(tool);
  auto started = os::start_command(command.argv, command.input);
  if (!started) co_return fail(std::move(started.error()));
  child_.emplace(std::move(*started));
  std::string text;
  const Status collected = co_await collect(command.lines, text);
  if (!let_go()) {
    // Killed just now; the next look finds it where it has not gone by then.
    (void)co_await readable(child_->pidfd.get(), k_death);
    (void)let_go();
  }
  if (!collected) {
    auto error = collected.error();
    error.cause = std::string(name_of(tool.kind)) + " " + error.cause;
    co_return fail(std::move(error));
  }
  auto reading = parse(tool.kind, text);
  if (reading) answered_ = true;
  co_return reading;
}

void Prober::tell(const Reading& reading) {
  if (reading) {
    if (told_failing_) log_.info("accelerator readings are there (again), from " + source());
    told_failing_ = false;
    failures_ = 0;
    return;
  }
  ++failures_;
  if (failures_ < k_tell_after || told_failing_) return;
  told_failing_ = true;
  log_.warning("no accelerator readings: " + reading.error().text() +
               "; until they come, none counts as idle");
}

Awaitable<void> Prober::run() {
  for (;;) {
    const Reading reading = co_await look();
    tell(reading);
    sink_(reading, clock_.boot());
    const auto doublings = std::min(failures_, 8U);
    const auto time = std::min(timing_.every * (1U << doublings), timing_.longest);
    co_await pause(time);
  }
}

}  // namespace curfew::guard
