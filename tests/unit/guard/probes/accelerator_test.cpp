#include "guard/probes/accelerator.hpp"

#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::guard {
namespace {

std::string recorded(const std::string& name) {
  const auto text = os::read_file(std::string(CURFEW_TEST_DATA) + "/" + name);
  EXPECT_TRUE(text) << name;
  return text ? *text : std::string{};
}

// "GPU 0 NVIDIA A10G=87|…"; "?" for unknown; the error's kind where there is no reading.
std::string shown(const Reading& reading) {
  if (!reading) return std::string(name_of(reading.error().kind));
  std::string text;
  for (const auto& one : *reading) {
    if (!text.empty()) text += "|";
    text += one.name + "=" + (one.busy_percent ? std::to_string(static_cast<int>(*one.busy_percent)) : "?");
  }
  return text;
}

struct Case {
  std::string text;
  const char* expected;
};

const std::string k_garbage(name_of(ErrorKind::invalid_input));
const std::string k_none(name_of(ErrorKind::not_found));

TEST(NvidiaSmi, reads_what_was_recorded) {
  EXPECT_EQ(shown(parse_nvidia_smi(recorded("nvidia_smi_a10g.txt"))),
            "GPU 0 NVIDIA A10G=87|GPU 1 NVIDIA A10G=0|GPU 2 NVIDIA A10G=100|GPU 3 NVIDIA A10G=4");
  EXPECT_EQ(shown(parse_nvidia_smi(recorded("nvidia_smi_mig.txt"))),
            "GPU 0 NVIDIA A100-SXM4-40GB=?|GPU 1 NVIDIA A100-SXM4-40GB=12");
  EXPECT_EQ(shown(parse_nvidia_smi(recorded("nvidia_smi_trouble.txt"))),
            "GPU 0 Tesla T4=?|GPU 1 Tesla T4=55");
}

TEST(NvidiaSmi, takes_nothing_else_for_a_reading) {
  const Case cases[] = {
      {"No devices were found\n", k_none.c_str()},
      {"", k_garbage.c_str()},
      {"\n\n", k_garbage.c_str()},
      {"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", k_garbage.c_str()},
      {"0, Tesla T4, 5, 1\nUnable to determine the device handle for GPU 0000:00:1F.0: Unknown Error\n",
       k_garbage.c_str()},
      {"0, Tesla T4, 5\n", k_garbage.c_str()},
      {"0, Tesla T4, busy, 1\n", k_garbage.c_str()},
      {"0, Tesla T4, -5, 1\n", k_garbage.c_str()},
      {"x, Tesla T4, 5, 1\n", k_garbage.c_str()},
      {"0, Tesla T4, 5, 1\n0, Tesla T4, 5, 1\n", k_garbage.c_str()},
      {"0, Tesla T4, 4294967295, 1\n", "GPU 0 Tesla T4=?"},
      {"0, Odd, name, 7, 1\r\n", "GPU 0 Odd, name=7"},
      {"0, \x1b[31mred, 7, 1\n", "GPU 0 \\x1b[31mred=7"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(parse_nvidia_smi(c.text)), c.expected) << c.text;
}

TEST(NvidiaSmi, is_bounded) {
  std::string many;
  for (std::size_t i = 0; i <= k_most_accelerators; ++i) many += std::to_string(i) + ", T4, 5, 1\n";
  EXPECT_EQ(shown(parse_nvidia_smi(many)), k_garbage);
  EXPECT_EQ(shown(parse_nvidia_smi(std::string(k_most_tool_output + 1, '\n'))), k_garbage);
  EXPECT_LT(parse_nvidia_smi("0, " + std::string(5000, 'x') + ", 5, 1").value()[0].name.size(), 80U);
}

TEST(NeuronMonitor, reads_what_was_recorded) {
  EXPECT_EQ(shown(parse_neuron_monitor(recorded("neuron_monitor_idle.txt"))), "core 0=0|core 1=0");
  EXPECT_EQ(shown(parse_neuron_monitor(recorded("neuron_monitor_busy.txt"))), "core 0=42|core 1=0");
  EXPECT_EQ(shown(parse_neuron_monitor(recorded("neuron_monitor_no_driver.txt"))), k_garbage);
}

std::string report(const std::string& runtimes) {
  return R"({"neuron_runtime_data":)" + runtimes +
         R"(,"neuron_hardware_info":{"neuron_device_count":1,"neuroncore_per_device_count":2,"error":""}})";
}
std::string runtime(const std::string& cores) {
  return R"({"error":"","report":{"neuroncore_counters":{"neuroncores_in_use":)" + cores +
         R"(,"error":""}}})";
}

TEST(NeuronMonitor, knows_idle_from_unknown) {
  const std::string one = runtime(R"({"0":{"neuroncore_utilization":30}})");
  const Case cases[] = {
      {report("[]"), "core 0=0|core 1=0"},
      {report("[" + one + "," + one + "]"), "core 0=60|core 1=0"},
      {report("[" + one + "," + runtime(R"({"0":{}})") + "]"), "core 0=?|core 1=0"},
      {report("[" + runtime(R"({"1":{"neuroncore_utilization":-1}})") + "]"), "core 0=0|core 1=?"},
      {report("[" + runtime("{}") + "]"), "core 0=0|core 1=0"},
      // A process of which nothing is known may use any core.
      {report(R"([{"error":"can't connect","report":{}}])"), k_garbage.c_str()},
      {report(R"([{"error":"","report":{}}])"), k_garbage.c_str()},
      {report("[" + runtime("null") + "]"), k_garbage.c_str()},
      {report("[" + runtime(R"({"2":{"neuroncore_utilization":1}})") + "]"), k_garbage.c_str()},
      {report("[" + runtime(R"({"x":{"neuroncore_utilization":1}})") + "]"), k_garbage.c_str()},
      {report("null"), k_garbage.c_str()},
      {R"({"neuron_runtime_data":[]})", k_garbage.c_str()},
      // The last line may be cut: the one before counts.
      {report("[" + one + "]") + "\n" + report("[]").substr(0, 40), "core 0=30|core 1=0"},
      {report("[]") + "\n{garbage}\n" + report("[]").substr(0, 40), k_garbage.c_str()},
      {"", k_garbage.c_str()},
      {std::string(100'000, '{'), k_garbage.c_str()},
      {std::string(100'000, '['), k_garbage.c_str()},
  };
  for (const auto& c : cases)
    EXPECT_EQ(shown(parse_neuron_monitor(c.text)), c.expected) << c.text.substr(0, 300);
}

TEST(NeuronLs, knows_free_devices_only) {
  EXPECT_EQ(shown(parse_neuron_ls(recorded("neuron_ls.txt"))), "device 0=?|device 1=0");
  const Case cases[] = {
      {"[]", k_none.c_str()},
      {"neuron-ls: no neuron device found\n", k_garbage.c_str()},
      {R"([{"neuron_device":0}])", k_garbage.c_str()},
      {R"([{"neuron_device":0,"neuron_processes":[]},{"neuron_device":0,"neuron_processes":[]}])",
       k_garbage.c_str()},
      {R"([1])", k_garbage.c_str()},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(parse_neuron_ls(c.text)), c.expected) << c.text;
}

TEST(RocmSmi, reads_cards_and_nothing_else) {
  EXPECT_EQ(shown(parse_rocm_smi(recorded("rocm_smi.txt"))), "card0=19|card1=0");
  const Case cases[] = {
      {R"j({"card0":{"GPU use (%)":"N/A"}})j", "card0=?"},
      {R"j({"card0":{"GPU use (%)":7}})j", "card0=7"},
      {R"j({"card0":{}})j", "card0=?"},
      {R"j({"card0":[]})j", "card0=?"},
      {R"j({"system":{}})j", k_none.c_str()},
      {R"j({"card0":{"GPU use (%)":"nan"}})j", "card0=?"},
      {R"j({"card0":{"GPU use (%)":"1e999"}})j", "card0=?"},
      {"ERROR: no AMD GPUs\n", k_garbage.c_str()},
      {R"j({"card0":{"GPU use (%)":"1"})j", k_garbage.c_str()},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(parse_rocm_smi(c.text)), c.expected) << c.text;
}

}  // namespace
}  // namespace curfew::guard
