// What STS, the SSO services, the metadata services and programs of the user's may give as credentials; and the command
// line of such a program.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/core/credential_process.hpp"
#include "aws/core/credentials.hpp"
#include "aws/core/sso.hpp"
#include "aws/core/sts_credentials.hpp"

namespace {

// Good to sign with, or no credentials at all.
void check(const curfew::Result<curfew::aws::Credentials>& found) {
  using namespace curfew;
  if (!found) return;
  for (const auto* one : {&found->access_key, &found->secret_key})
    if (one->empty() || !aws::is_credential_text(*one)) std::abort();
  if (!aws::is_credential_text(found->session_token)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(aws::parse_credentials_document(text, "x"));
  check(aws::parse_process_output(text, "x"));
  check(aws::parse_sso_credentials(text, "x"));
  for (const auto* action : {"AssumeRole", "AssumeRoleWithWebIdentity"}) {
    const auto found = aws::parse_role_credentials(text, action, "x");
    check(found);
    if (found && (!found->expires || found->session_token.empty())) std::abort();
  }
  if (const auto token = aws::parse_sso_token(text)) {
    if (token->access_token.empty() || !aws::is_credential_text(token->access_token)) std::abort();
    const auto renewed = aws::parse_renewed_token(text, *token, WallTime{});
    if (renewed && renewed->expires <= WallTime{}) std::abort();
  }
  if (const auto words = aws::split_command(text))
    if (words->empty() || words->front().empty()) std::abort();
  if (const auto good = aws::check_role({std::string(text), {}, {}, {}, {}});
      good && !text.starts_with("arn:aws"))
    std::abort();
  return 0;
}
