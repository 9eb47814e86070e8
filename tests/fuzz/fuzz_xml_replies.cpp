// Whatever EC2, S3 or something between may answer.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "aws/core/endpoints.hpp"
#include "aws/core/xml.hpp"
#include "aws/ec2_replies.hpp"
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
  (void)aws::parse_common_prefixes(text);
  if (const auto page = aws::parse_upload_list(text))
    for (const auto& upload : page->uploads)
      if (upload.id.empty()) std::abort();
  if (const auto id = aws::parse_started_upload(text); id && id->empty()) std::abort();
  if (const auto etag = aws::parse_completed_upload(text); etag && etag->empty()) std::abort();
  if (const auto xml = aws::Xml::parse(text, "DescribeInstancesResponse"))
    if (const auto instance = aws::instance_in(xml->root(), "i-01234567"))
      if (!aws::is_instance_type(instance->type) || !aws::is_instance_state(instance->state) ||
          (!instance->public_ipv4.empty() && !aws::is_ipv4(instance->public_ipv4)))
        std::abort();
  const std::vector<std::string> ids{"vol-01234567", "vol-89abcdef"};
  if (const auto xml = aws::Xml::parse(text, "DescribeVolumesResponse"))
    if (const auto volumes = aws::volumes_in(xml->root(), ids)) {
      if (volumes->size() != ids.size()) std::abort();
      for (const auto& volume : *volumes)
        if (volume.gib == 0 || volume.gib > 65'536 || volume.type.empty() || volume.type.size() > 16)
          std::abort();
    }
  return 0;
}
