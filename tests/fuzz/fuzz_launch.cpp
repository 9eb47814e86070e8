// What a launch reads: EC2's and SSM's answers, the job file on the instance, its own records.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/ec2_images.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/ec2_offerings.hpp"
#include "aws/imds.hpp"
#include "aws/reply_fields.hpp"
#include "aws/service_quotas.hpp"
#include "aws/ssm.hpp"
#include "launch/claim.hpp"
#include "launch/launch_file.hpp"
#include "launch/records.hpp"
#include "launch/user_data.hpp"

namespace {

using namespace curfew;

void check(bool holds) {
  if (!holds) std::abort();
}

template <class T>
bool is_read(const Result<T>& result) {
  if (result) return true;
  for (const char c : result.error().text()) check(static_cast<unsigned char>(c) >= 0x20);
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto types = aws::parse_types(text); is_read(types)) {
    check(types->size() <= 100);
    for (const auto& type : *types) {
      check(aws::is_instance_type(type.name) && !type.architectures.empty());
      check(type.gpus <= 10'000 && type.gpu_name.size() <= 200);
    }
  }
  if (const auto images = aws::parse_images(text); is_read(images)) {
    for (const auto& image : images->rows) {
      check(aws::is_image_id(image.id) && image.name.size() <= 200 && image.devices.size() <= 32);
      for (const auto& device : image.devices) check(!device.name.empty() && device.gib <= 65'536);
    }
  }
  if (const auto pattern = aws::parse_image_pattern(text))
    check(!pattern->owners.empty() && !pattern->name.empty() && pattern->name.size() <= 128);
  if (const auto offered = aws::parse_offerings(text); is_read(offered)) {
    check(offered->rows.size() <= 1'000);
    for (const auto& one : offered->rows) check(aws::is_instance_type(one.type) && aws::is_zone(one.zone));
  }
  if (const auto quota = aws::parse_quota(text, "L-DB2E81BA"); is_read(quota))
    check(*quota <= 1'000'000'000'000);
  if (const auto launched = aws::parse_launched(text); is_read(launched))
    check(aws::is_instance_id(launched->id));
  if (const auto value = aws::parse_parameter(text); is_read(value)) check(value->size() <= 4'096);
  if (const auto job = launch::job_file_from_json(text); is_read(job)) {
    for (const auto& [name, variable] : job->environment) check(launch::is_variable_name(name));
    const auto again = launch::job_file_from_json(launch::to_json(*job));
    check(again && again->words == job->words && again->user == job->user);
  }
  if (const auto record = launch::record_from_json(text); is_read(record)) {
    check(launch::is_launch_id(record->launch_id));
    const auto again = launch::record_from_json(launch::to_json(*record));
    check(again && launch::to_json(*again) == launch::to_json(*record));
  }
  if (const auto claim = launch::claim_from_json(text); is_read(claim)) {
    check(launch::is_launch_id(claim->launch_id));
    const auto again = launch::claim_from_json(launch::to_json(*claim));
    check(again && launch::to_json(*again) == launch::to_json(*claim));
  }
  if (const auto file = launch::launch_file_from_json(text); is_read(file)) {
    check(launch::is_launch_id(file->launch_id) && file->attempt > 0);
    for (const auto& option : file->options) check(!option.first.starts_with('-'));
    const auto again = launch::launch_file_from_json(launch::to_json(*file));
    check(again && launch::to_json(*again) == launch::to_json(*file));
  }
  return 0;
}
