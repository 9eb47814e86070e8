// A launch, its status and its instance, as they are while all goes well.
#pragma once

#include <string>

#include "jobs/assess.hpp"

namespace curfew::jobs {

inline constexpr const char* k_id = "20261127-100000-4f2a9c0d1e2f3a4b5c6d7e8f";
inline constexpr WallTime k_made{Seconds{1'795'773'600}};  // 2026-11-27T10:00:00Z
inline constexpr WallTime k_now = k_made + std::chrono::hours{1};

inline launch::LaunchFile launched() {
  launch::LaunchFile file;
  file.launch_id = k_id;
  file.job = "digits";
  file.region = "us-east-1";
  file.owner = "arn:aws:iam::123456789012:user/me";
  file.made = k_made;
  file.stop_at = k_made + std::chrono::hours{4};
  file.end_at = file.stop_at + std::chrono::minutes{16};
  file.saves = {"model/=s3://bucket/run7"};
  return file;
}

inline StatusFile status_of(Phase phase) {
  StatusFile status;
  status.launch_id = k_id;
  status.job = "digits";
  status.instance = "i-0123456789abcdef0";
  status.written = k_now - Seconds{20};
  status.phase = phase;
  status.stage = "train";
  status.guard.stop_at = k_made + std::chrono::hours{4};
  status.guard.end_at = k_made + std::chrono::hours{4} + std::chrono::minutes{16};
  status.guard.last_output = k_now - Seconds{35};
  status.guard.save_age = Seconds{100};
  status.guard.cost = Micros{1'020'000};
  status.guard.cost_is_complete = true;
  return status;
}

inline MachineSeen machine_in(aws::InstanceState state) {
  MachineSeen machine;
  machine.id = "i-0123456789abcdef0";
  machine.type = "g5.xlarge";
  machine.zone = "us-east-1a";
  machine.launch_id = k_id;
  machine.job = "digits";
  machine.state = state;
  machine.launched = k_made + Seconds{10};
  machine.deadline = k_made + std::chrono::hours{4} + std::chrono::minutes{16};
  return machine;
}

inline Seen running_job() {
  Seen seen;
  seen.launch_id = k_id;
  seen.region = "us-east-1";
  seen.launch = launched();
  seen.status = status_of(Phase::running);
  seen.machines = {machine_in(aws::InstanceState::running)};
  return seen;
}

}  // namespace curfew::jobs
