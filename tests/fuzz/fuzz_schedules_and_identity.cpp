// Whatever EventBridge Scheduler and STS, or something between, may answer.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/reply_fields.hpp"
#include "aws/scheduler.hpp"
#include "aws/sts.hpp"

namespace {

using namespace curfew;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_printable(std::string_view text) {
  for (const char c : text) check(c >= ' ' && c <= '~');
}

template <class T>
bool is_read(const Result<T>& result) {
  if (result) return true;
  check(result.error().kind == ErrorKind::unavailable);
  for (const char c : result.error().text()) check(static_cast<unsigned char>(c) >= 0x20);
  return false;
}

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
