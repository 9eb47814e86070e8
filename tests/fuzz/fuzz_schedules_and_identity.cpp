// Whatever EventBridge Scheduler and STS, or something between, may answer.
#include <cstdint>
#include <string_view>

#include "aws/reply_fields.hpp"
#include "aws/scheduler.hpp"
#include "aws/sts.hpp"
#include "checks.hpp"

namespace {

using namespace curfew;
using namespace curfew::fuzz;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto schedule = aws::parse_schedule(text); is_read(schedule)) {
    check(aws::is_schedule_name(schedule->name) && aws::is_schedule_name(schedule->group));
    check(!schedule->expression.empty() && schedule->expression.size() <= 256);
    check_printable(schedule->expression);
    check_printable(schedule->timezone);
    check_printable(schedule->target);
    for (const auto& time : {schedule->start, schedule->end})
      if (time) check(!format_utc(*time).empty());
  }
  if (const auto page = aws::parse_schedules(text); is_read(page)) {
    check(page->schedules.size() <= 100);
    for (const auto& one : page->schedules) check(aws::is_schedule_name(one.name));
  }
  if (const auto who = aws::parse_caller_identity(text); is_read(who)) {
    check(aws::is_account(who->account));
    check_printable(who->arn);
  }
  if (const auto account = aws::account_of_role(text)) check(aws::is_account(*account));
  return 0;
}
