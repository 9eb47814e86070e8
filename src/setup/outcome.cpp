// Errors with their permission.
#include "setup/outcome.hpp"

#include "aws/core/call.hpp"

namespace curfew::setup {

Error with_permission(Error error, std::string_view permission) {
  if (aws::is_denied(error)) error.hint = "the permission " + std::string(permission) + " is missing";
  return error;
}

}  // namespace curfew::setup
