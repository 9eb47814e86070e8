// The metadata service's documents, the credentials in them, dates in headers.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/core/credentials.hpp"
#include "aws/core/endpoints.hpp"
#include "aws/core/retry.hpp"
#include "aws/imds.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto identity = aws::parse_identity(text)) {
    if (!aws::is_instance_id(identity->instance_id) || !aws::is_region(identity->region) ||
        !aws::is_instance_type(identity->instance_type) || identity->account.size() != 12)
      std::abort();
  }
  (void)aws::parse_spot_action(text);
  if (const auto events = aws::parse_maintenance(text)) {
    if (events->size() > 32) std::abort();
    for (const auto& event : *events) {
      if (event.id.empty() || event.id.size() > 64 || event.code.empty() || event.code.size() > 64)
        std::abort();
    }
  }
  if (const auto found = aws::parse_credentials_document(text, "fuzz")) {
    if (found->access_key.empty() || found->secret_key.empty()) std::abort();
    for (const auto* value : {&found->access_key, &found->secret_key, &found->session_token})
      if (value->find_first_of("\r\n ") != std::string::npos) std::abort();
  }
  (void)aws::parse_http_date(text);
  (void)aws::is_tag_key(text);
  (void)aws::is_tag_value(text);
  if (aws::is_ipv4(text) && (text.size() < 7 || text.size() > 15)) std::abort();
  return 0;
}
