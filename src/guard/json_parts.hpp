// Times as JSON, for guard.json and state.json.
#pragma once

#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "job/times.hpp"
#include "os/json.hpp"

namespace curfew::guard::detail {

template <class Duration>
[[nodiscard]] boost::json::value maybe(const std::optional<Duration>& duration) {
  return duration ? boost::json::value(duration->count()) : boost::json::value();
}

[[nodiscard]] boost::json::object to_object(const job::Times& times);
[[nodiscard]] Result<job::Times> times_from_object(boost::json::object object);

}  // namespace curfew::guard::detail
