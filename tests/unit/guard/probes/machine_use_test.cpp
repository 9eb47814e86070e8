#include "guard/probes/machine_use.hpp"

#include <gtest/gtest.h>

#include "unit/guard/probes/folder.hpp"

namespace curfew::guard {
namespace {

constexpr Millis k_step{10'000};

// A look each 10 s; for each kind one text: 'b' busy, 'i' idle, '?' unknown.
struct Played {
  const char* gpus;       // '-': the machine has none, and no program tells of one
  const char* terminals;  // never unknown
  const char* jupyter;    // null: not asked
  bool has_hardware = false;
};

MachineUse played(const Played& p) {
  MachineUse use;
  use.asks_jupyter = p.jupyter != nullptr;
  GpuActivity gpus;
  std::vector<TerminalSession> sessions{{"pts/0", 1, {}}};
  JupyterActivity kernels;
  BootTime at{Millis{1'000'000}};
  for (std::size_t step = 0; p.gpus[step] != '\0'; ++step, at += k_step) {
    Reading reading = fail(p.gpus[step] == '-' ? ErrorKind::not_found : ErrorKind::timed_out, "read", "");
    if (p.gpus[step] == 'b') reading = std::vector<Accelerator>{{"GPU 0", 97.0}};
    if (p.gpus[step] == 'i') reading = std::vector<Accelerator>{{"GPU 0", 0.0}};
    gpus = with_reading(std::move(gpus), reading, at);
    use = with_gpus(std::move(use), reading, gpus, p.has_hardware);
    if (p.terminals[step] == 'b') ++sessions.front().input;
    use = with_terminals(std::move(use), sessions, at);
    if (p.jupyter == nullptr) continue;
    kernels.busy = p.jupyter[step] == 'b' ? 1 : 0;
    Result<JupyterActivity> activity = kernels;
    if (p.jupyter[step] == '?') activity = fail(ErrorKind::refused, "ask", "another token");
    use = with_kernels(std::move(use), activity, at);
  }
  return use;
}

TEST(MachineUse, is_idle_for_as_long_as_all_of_it_is) {
  struct Case {
    const char* name;
    Played played;
    int seconds;
  };
  // The first look at terminals and kernels counts as use.
  const Case cases[] = {
      {"nobody ever comes", {"iiiii", "iiiii", nullptr}, 30},
      {"nobody ever comes, with Jupyter", {"iiiii", "iiiii", "iiiii"}, 30},
      {"somebody types", {"iiiii", "iiiib", nullptr}, 0},
      {"somebody has typed", {"iiiii", "iibii", nullptr}, 10},
      {"a GPU works", {"iiiib", "iiiii", nullptr}, 0},
      {"a GPU has worked", {"ibiii", "iiiii", nullptr}, 20},
      {"a kernel works", {"iiiii", "iiiii", "iiiib"}, 0},
      {"a kernel has worked", {"iiiii", "iiiii", "iibii"}, 10},
      {"the GPU was never read", {"?????", "iiiii", nullptr, true}, 0},
      {"the GPU isn't read just now", {"iiii?", "iiiii", nullptr}, 0},
      {"the GPU wasn't read in between", {"ii?ii", "iiiii", nullptr}, 20},
      {"Jupyter never answered", {"iiiii", "iiiii", "?????"}, 0},
      {"Jupyter doesn't answer just now", {"iiiii", "iiiii", "iiii?"}, 0},
      {"no GPU is there", {"-----", "iiiii", nullptr}, 30},
      {"no GPU is there, somebody types", {"-----", "iiiib", nullptr}, 0},
      {"no GPU is there, Jupyter is unknown", {"-----", "iiiii", "?????"}, 0},
      {"its driver's program is missing", {"-----", "iiiii", nullptr, true}, 0},
      {"a GPU that could be read is lost", {"i----", "iiiii", nullptr}, 0},
      {"before the first looks", {"", "", nullptr}, 0},
  };
  for (const auto& c : cases) {
    const auto use = played(c.played);
    EXPECT_EQ(idle_for(use), Seconds{c.seconds}) << c.name;
  }
}

TEST(MachineUse, does_not_count_while_nobody_looked) {
  // A machine that hibernated, or was frozen: whoever woke it wants to work.
  auto use = played({"-----", "iiiii", nullptr});
  const std::vector<TerminalSession> sessions{{"pts/0", 1, {}}};
  const BootTime later{Millis{1'000'000} + std::chrono::hours{10}};
  use = with_terminals(std::move(use), sessions, later);
  EXPECT_EQ(idle_for(use), Millis{0});
  use = with_terminals(std::move(use), sessions, later + k_step);
  EXPECT_EQ(idle_for(use), k_step);
}

TEST(MachineUse, says_what_it_counts) {
  const BootTime now{Millis{1'000'000} + 4 * k_step};
  const WallTime wall = *parse_utc("2026-11-24T18:00:40Z");
  EXPECT_EQ(describe_idle(played({"iiiii", "iibii", "iiiii"}), 2'500, now, wall),
            "idle for 10s: GPUs below 2.5%, no terminal input since 2026-11-24T18:00:20Z, no Jupyter kernel "
            "used since 2026-11-24T18:00:00Z");
  EXPECT_EQ(describe_idle(played({"-----", "iiiii", nullptr}), 5'000, now, wall),
            "idle for 30s: no terminal input since 2026-11-24T18:00:00Z (this machine has no GPU)");
  EXPECT_EQ(describe_rule(played({"", "", nullptr}), 5'000), "GPUs below 5%, no terminal input");
  EXPECT_EQ(describe_rule(played({"", "", ""}), 500),
            "GPUs below 0.5%, no terminal input, no Jupyter kernel used");
}

TEST(AcceleratorHardware, is_what_the_pci_bus_shows) {
  struct Case {
    const char* type;
    const char* vendor;
    bool is;
  };
  const Case cases[] = {
      {"0x030200\n", "0x10de\n", true},   // NVIDIA A10G
      {"0x030000\n", "0x10de\n", true},   // NVIDIA with a display
      {"0x120000\n", "0x1d0f\n", true},   // a processing accelerator
      {"0x088000\n", "0x1d0f\n", true},   // Trainium, Inferentia
      {"0x088000\n", "0x8086\n", false},  // somebody else's system peripheral
      {"0x038000\n", "0x1002\n", true},   // AMD Instinct
      {"0x030000\n", "0x1d0f\n", false},  // EC2's VGA
      {"0x020000\n", "0x1d0f\n", false},  // its network
      {"0x040300\n", "0x10de\n", false},  // a GPU's sound
      {"", "", false},
  };
  for (const auto& c : cases) {
    const Folder root;
    root.write("sys/bus/pci/devices/0000:00:1e.0/class", c.type);
    root.write("sys/bus/pci/devices/0000:00:1e.0/vendor", c.vendor);
    EXPECT_EQ(has_accelerator_hardware(root.path()), c.is) << c.type << c.vendor;
  }
  const Folder nothing;
  EXPECT_FALSE(has_accelerator_hardware(nothing.path()));
}

}  // namespace
}  // namespace curfew::guard
