// SSM: one parameter, such as AWS's public ones that name images; behind an interface for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// "/aws/service/…", "my/image": letters, digits and ./-_ , at most 1011 characters.
[[nodiscard]] bool is_parameter_name(std::string_view text);

class Ssm {
 public:
  virtual ~Ssm() = default;
  // The value of a String parameter, at most 4 KiB, any bytes: printable() first. Encrypted ones aren't decrypted, and are
  // an error (invalid_input). not_found: Error.code "ParameterNotFound". Ends within 30 s.
  [[nodiscard]] virtual Awaitable<Result<std::string>> parameter(std::string name) = 0;
  // The same of any text, an encrypted one too, which is decrypted: at most 8 KiB, never to be shown.
  [[nodiscard]] virtual Awaitable<Result<std::string>> secret(std::string name) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Ssm> make_ssm(Session& session, std::string region);

// A secret parameter in the session's own region, as those read it that know of no other.
[[nodiscard]] Awaitable<Result<std::string>> read_secret(Session& session, std::string name);

enum class Wanted : std::uint8_t { text, secret };
// The value in GetParameter's reply. Errors: unavailable, but invalid_input for a parameter of another type; they never
// show the value. Pure; for ssm.cpp and its tests.
[[nodiscard]] Result<std::string> parse_parameter(std::string_view json, Wanted wanted = Wanted::text);

}  // namespace curfew::aws
