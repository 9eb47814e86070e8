// What a new guard needs to go on sending logs: where to, and how far it got. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "save/log_tail.hpp"

namespace curfew::save {

struct LogProgress {
  std::string name;
  LogPosition at;
  int part = 1;  // the next one's number
};

struct LogShipState {
  aws::S3Location to;
  std::vector<LogProgress> sources;
};

inline constexpr int k_most_log_parts = 999'999;

[[nodiscard]] std::string to_json(const LogShipState& state);
[[nodiscard]] Result<LogShipState> log_ship_state_from_json(std::string_view text);

}  // namespace curfew::save
