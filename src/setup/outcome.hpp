// What a step of setting up came to, and errors that name the permission that is missing. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace curfew::setup {

// What one step, or one part that had to be left out, came to.
struct Outcome {
  std::string what;  // "SNS topic curfew-billing created"; safe to show
  Status status;     // the error names the permission where that is missing
};

// The same error with the permission in its hint, where it's one that says no.
[[nodiscard]] Error with_permission(Error error, std::string_view permission);

template <class T>
Result<T> told(Result<T> result, std::string_view permission) {
  if (result) return result;
  return tl::unexpected<Error>(with_permission(std::move(result).error(), permission));
}

}  // namespace curfew::setup
