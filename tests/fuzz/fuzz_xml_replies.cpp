// Whatever EC2, S3 or something between may answer.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/core/endpoints.hpp"
#include "aws/core/xml.hpp"
#include "aws/s3_replies.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto error = aws::find_api_error(text)) {
    for (const auto* shown : {&error->code, &error->message})
      for (const char c : *shown)
        if (static_cast<unsigned char>(c) < 0x20) std::abort();
    if (!error->region.empty() && !aws::is_region(error->region)) std::abort();
  }
  if (const auto page = aws::parse_object_list(text))
    for (const auto& object : page->objects)
      if (object.key.empty()) std::abort();
  if (const auto page = aws::parse_upload_list(text))
    for (const auto& upload : page->uploads)
      if (upload.id.empty()) std::abort();
  if (const auto id = aws::parse_started_upload(text); id && id->empty()) std::abort();
  if (const auto etag = aws::parse_completed_upload(text); etag && etag->empty()) std::abort();
  if (const auto xml = aws::Xml::parse(text, "DescribeInstancesResponse"))
    for (const auto item : xml->root().child("reservationSet").children("item"))
      (void)aws::child_text(item, "instanceId");
  return 0;
}
