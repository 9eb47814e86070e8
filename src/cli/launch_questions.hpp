// All that a launch's plan rests on, found out at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "cli/launch_defaults.hpp"
#include "launch/pack.hpp"
#include "launch/plan.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"

namespace curfew::cli {

struct LaunchAnswers {
  LaunchDefaults defaults;
  std::vector<Error> missing;   // what the launch can't do without, the defaults' first
  std::vector<Error> doubtful;  // what may fail on the instance
  launch::Findings findings;
  std::optional<launch::Packed> packed;  // with `wishes.workdir`
};

// The first of `regions` is where staging is. What isn't known and yet does no harm is noted; errors are what no plan can
// be made without. `wishes` and `environment` must outlive the call.
[[nodiscard]] net::Awaitable<Result<LaunchAnswers>> ask_before_launch(
    aws::Session& session, const launch::Wishes& wishes, std::vector<std::string> regions,
    const net::Environment& environment, std::function<void(const std::string&)> note);

}  // namespace curfew::cli
