// Puts what the probes say of a machine together.
#include "guard/probes/machine_use.hpp"

#include <dirent.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::guard {
namespace {

Millis known(const Quiet& quiet) { return quiet.broken ? Millis{0} : quiet.counted; }

std::string text_of(Millis duration) {
  return format_duration(std::chrono::duration_cast<Seconds>(duration));
}

}  // namespace

MachineUse with_gpus(MachineUse use, const Reading& reading, const GpuActivity& activity, bool has_hardware) {
  if (reading) use.gpus_there = MachineUse::Gpus::some;
  else if (use.gpus_there != MachineUse::Gpus::some && !has_hardware) use.gpus_there = MachineUse::Gpus::none;
  use.gpus = activity.all;
  return use;
}

MachineUse with_terminals(MachineUse use, const std::vector<TerminalSession>& sessions, BootTime at) {
  use.input = with_sessions(std::move(use.input), sessions, at);
  use.terminals = with_level(use.terminals, use.input.last == at ? Level::busy : Level::idle, at);
  use.open_terminals = static_cast<std::size_t>(
      std::count_if(sessions.begin(), sessions.end(),
                    [](const TerminalSession& session) { return session.name.starts_with("pts/"); }));
  return use;
}

MachineUse with_kernels(MachineUse use, const Result<JupyterActivity>& activity, BootTime at) {
  if (!activity) {
    use.jupyter = with_level(use.jupyter, Level::unknown, at);
    return use;
  }
  use.jupyter_use = with_jupyter(use.jupyter_use, *activity, at);
  use.jupyter = with_level(use.jupyter, use.jupyter_use.last == at ? Level::busy : Level::idle, at);
  return use;
}

Millis idle_for(const MachineUse& use) {
  Millis idle = known(use.terminals);
  if (use.gpus_there != MachineUse::Gpus::none) idle = std::min(idle, known(use.gpus));
  if (use.asks_jupyter) idle = std::min(idle, known(use.jupyter));
  return idle;
}

std::string describe_idle(const MachineUse& use, int millipercent, BootTime now, WallTime wall) {
  const auto since = [&](BootTime at) { return format_utc(wall - (now - at)); };
  std::string text = "idle for " + text_of(idle_for(use)) + ": ";
  if (use.gpus_there != MachineUse::Gpus::none) text += "GPUs below " + percent_text(millipercent) + ", ";
  text += "no terminal input since " + since(use.input.last);
  if (use.asks_jupyter) text += ", no Jupyter kernel used since " + since(use.jupyter_use.last);
  if (use.gpus_there == MachineUse::Gpus::none) text += " (this machine has no GPU)";
  return text;
}

std::string describe_rule(const MachineUse& use, int millipercent) {
  return "GPUs below " + percent_text(millipercent) + ", no terminal input" +
         (use.asks_jupyter ? ", no Jupyter kernel used" : "");
}

std::string percent_text(int millipercent) {
  std::string text = std::to_string(millipercent / 1'000);
  if (const int rest = millipercent % 1'000; rest != 0) {
    std::string decimals = std::to_string(1'000 + rest).substr(1);
    decimals.erase(decimals.find_last_not_of('0') + 1);
    text += "." + decimals;
  }
  return text + "%";
}

bool has_accelerator_hardware(const std::string& root) {
  const std::string folder = root + "/sys/bus/pci/devices";
  const std::unique_ptr<DIR, int (*)(DIR*)> devices(::opendir(folder.c_str()), ::closedir);
  while (devices) {
    const dirent* entry = ::readdir(devices.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    const auto read = [&](const char* name) {
      const auto text = os::read_file(folder + "/" + entry->d_name + "/" + name, 64);
      return text ? std::string(trimmed(*text)) : std::string();
    };
    // The PCI Code and ID Assignment Specification: 0x03 display, of it 0x0302 3D and 0x0380 other; 0x12 processing
    // accelerators. Every EC2 instance has a plain VGA (0x0300), which is no GPU.
    const auto type = read("class");
    if (type.starts_with("0x0302") || type.starts_with("0x0380") || type.starts_with("0x12")) return true;
    if (type.starts_with("0x03") && read("vendor") == "0x10de") return true;
    // Trainium and Inferentia call themselves system peripherals (0x0880) of Amazon's.
    if (type.starts_with("0x0880") && read("vendor") == "0x1d0f") return true;
  }
  return false;
}

}  // namespace curfew::guard
