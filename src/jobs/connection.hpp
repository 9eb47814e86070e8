// The command that opens a shell on a job's instance. Pure: each word of it is checked, and none goes through a shell.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "jobs/assess.hpp"
#include "launch/launch_file.hpp"

namespace curfew::jobs {

struct ConnectWish {
  bool by_ssm = false;  // whatever else there is
  std::string user;     // of ssh; empty: the image's
  std::string key;      // a file; empty: ~/.ssh/KEY_NAME.pem or ~/.ssh/KEY_NAME, where that is there
  std::string home;     // may be empty
  std::string profile;  // of the credentials, for the AWS CLI
};

struct Connection {
  std::vector<std::string> words;
  std::string note;  // for people; may be empty
};

// By ssh where the launch names a key and the instance has a public address, else by Session Manager.
[[nodiscard]] Result<Connection> connection_of(const Row& row, const launch::LaunchFile* launch,
                                               const ConnectWish& wish,
                                               const std::function<bool(const std::string&)>& exists);

}  // namespace curfew::jobs
