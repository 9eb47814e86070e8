// Asks the accelerators' own program how busy they are, again and again, on the guard's loop. A driver that hangs takes its
// program with it, never the guard: the program has a time limit, and one that can't even be killed is waited for, with no
// second one beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guard/async.hpp"
#include "guard/probes/accelerator.hpp"
#include "os/clock.hpp"
#include "os/command.hpp"
#include "os/log.hpp"

namespace curfew::guard {

struct AcceleratorTool {
  enum class Kind : std::uint8_t { nvidia_smi, neuron_monitor, neuron_ls, rocm_smi };
  Kind kind{};
  std::string path;
};
[[nodiscard]] std::string_view name_of(AcceleratorTool::Kind kind);

// How a program is found by its name; os::find_program but in tests.
using ProgramFinder = std::function<Result<std::string>(std::string_view name)>;

// Those that this machine has, best first: in the fixed path, or where AWS and AMD install theirs. Having the program
// doesn't mean having the device: images for many kinds of machine carry several.
[[nodiscard]] std::vector<AcceleratorTool> find_accelerator_tools(const ProgramFinder& find);

class Prober {
 public:
  // Gets each reading, with the boot time at which it was complete.
  using Sink = std::function<void(const Reading&, BootTime)>;
  struct Timing {
    Millis every{10'000};  // between two looks
    Millis longest{
        60'000};  // between two looks after many failures; idle.hpp's k_longest_gap leaves room for it
    Millis limit{5'000};  // for the program
  };

  Prober(const os::Clock& clock, os::Log& log, Sink sink, ProgramFinder find, Timing timing)
      : clock_(clock), log_(log), sink_(std::move(sink)), find_(std::move(find)), timing_(timing) {}
  Prober(const os::Clock& clock, os::Log& log, Sink sink)
      : Prober(clock, log, std::move(sink), os::find_program, Timing{}) {}
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Looks for as long as the loop runs. Says once in the log when readings stop, and once when they come (again).
  [[nodiscard]] Awaitable<void> run();

  // None there, as far as can be seen: that there is no reading is no news.
  void expect_nothing() { told_failing_ = true; }

  // The program that readings come from; empty where none has answered yet.
  [[nodiscard]] std::string source() const;

 private:
  [[nodiscard]] Awaitable<Reading> look();
  // Runs it until it has ended or has written enough, or the limit has passed.
  [[nodiscard]] Awaitable<Status> collect(std::size_t lines, std::string& text);
  // Kills what is left of the program and reaps it; true where it's gone for good.
  [[nodiscard]] bool let_go();
  void tell(const Reading& reading);

  const os::Clock& clock_;
  os::Log& log_;
  Sink sink_;
  ProgramFinder find_;
  Timing timing_;
  std::vector<AcceleratorTool> tools_;
  std::size_t tool_ = 0;   // the one in use; another is tried only until one has answered
  bool answered_ = false;  // it has, once
  std::optional<os::Running> child_;
  unsigned failures_ = 0;  // in a row
  bool told_failing_ = false;
};

}  // namespace curfew::guard
