// Instances and reports to test with, and golden files.
#pragma once

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "watch/machine.hpp"
#include "watch/render.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {

using namespace std::chrono_literals;

inline const WallTime k_now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 26} + 14h};

inline Thresholds usual_thresholds() {
  return {Seconds{2h}, Seconds{6h}, Micros{5'000'000}, Micros{20'000'000}};
}

inline Tags tags_of(std::map<std::string, std::string> tags) {
  return [held = std::move(tags)](std::string_view key) -> std::optional<std::string_view> {
    const auto found = held.find(std::string(key));
    if (found == held.end()) return {};
    return found->second;
  };
}

// A g5.xlarge that has run for an hour and needs no attention.
inline Machine machine(std::string id = "i-0123456789abcdef0") {
  Machine made;
  made.account = "111122223333";
  made.region = "us-east-1";
  made.zone = "us-east-1a";
  made.id = std::move(id);
  made.type = "g5.xlarge";
  made.launched = k_now - 1h;
  made.job = "train";
  made.deadline = Deadline{k_now + 3h};
  made.schedule = ScheduleState::armed;
  made.gpus = {true, 1U};
  made.cost.hourly = Micros{1'006'000};
  made.cost.so_far = Micros{1'006'000};
  made.cost.ebs_hourly = Micros{10'959};
  made.cost.ebs_so_far = Micros{10'959};
  made.cost.ipv4_hourly = Micros{5'000};
  made.cost.ipv4_so_far = Micros{5'000};
  made.cost.source = "Pricing API";
  return made;
}

inline void run_for(Machine& made, Seconds duration) {
  made.launched = k_now - duration;
  const auto cost = [&](const std::optional<Micros>& hourly) -> std::optional<Micros> {
    if (!hourly) return {};
    return cost_of(*hourly, duration);
  };
  made.cost.so_far = cost(made.cost.hourly);
  made.cost.ebs_so_far = cost(made.cost.ebs_hourly);
  made.cost.ipv4_so_far = cost(made.cost.ipv4_hourly);
}

inline Report empty_report() {
  Report report;
  report.at = k_now;
  report.thresholds = usual_thresholds();
  report.accounts = {{"111122223333", ""}};
  report.regions = {{"111122223333", "us-east-1"}, {"111122223333", "eu-west-1"}};
  return report;
}

inline Report report_of(std::deque<Machine> machines) {
  auto report = empty_report();
  report.machines = std::move(machines);
  return report;
}

inline std::string rendered(Format format, const Report& report, const TableOptions& table = {}) {
  std::string out;
  render(format, report, table, [&](std::string_view piece) { out += piece; });
  return out;
}

// Compares with tests/unit/watch/data/NAME. CURFEW_UPDATE_GOLDEN=1 in the environment writes it instead: read what has
// changed before it's committed.
inline void expect_golden(const std::string& name, const std::string& text) {
  const auto path = std::string(CURFEW_TEST_DATA) + "/" + name;
  if (std::getenv("CURFEW_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << "differs from " << path << "; CURFEW_UPDATE_GOLDEN=1 writes it anew";
}

}  // namespace curfew::watch
