// The state machine of periodic saves.
#include "save/periodic.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::save {
namespace {

constexpr std::size_t k_longest_reason = 400;

std::string duration(Millis time) {
  return format_duration(std::chrono::floor<Seconds>(std::max(time, Millis{0})));
}

}  // namespace

std::optional<BootTime> Periodic::next() const {
  if (began_) return std::nullopt;
  return due_;
}

std::optional<BootTime> Periodic::stale_at() const {
  if (stale_) return std::nullopt;
  return too_old_at();
}

std::optional<Millis> Periodic::age(BootTime now) const {
  if (!any_good_) return std::nullopt;
  return now - good_end_;
}

std::optional<Alert> Periodic::end(BootTime now, Outcome outcome, std::string_view reason) {
  const Millis took = began_ ? now - *began_ : Millis{0};
  began_.reset();
  due_ = now + every_;
  if (outcome == Outcome::cut) return std::nullopt;
  if (outcome == Outcome::failed) {
    ++failures_;
    if (failing_) return std::nullopt;
    failing_ = true;
    std::string text = "saving failed";
    text += any_good_ ? "; the last good save was " + duration(now - good_end_) + " ago"
                      : "; nothing is saved yet";
    if (!reason.empty()) text += ": " + printable(reason, k_longest_reason);
    return Alert{Alert::Kind::failing, std::move(text)};
  }
  const bool trouble = in_trouble();
  const Millis without = now - good_end_;
  good_end_ = now;
  good_took_ = took;
  any_good_ = true;
  failing_ = stale_ = false;
  if (!trouble) return std::nullopt;
  return Alert{Alert::Kind::well,
               "saving works again; it took " + duration(without) + " to the next good save"};
}

std::optional<Alert> Periodic::look(BootTime now) {
  if (stale_ || now < too_old_at()) return std::nullopt;
  stale_ = true;
  std::string text = any_good_ ? "the last good save was " + duration(now - good_end_) + " ago"
                               : "nothing was saved in " + duration(now - good_end_);
  text += ", with --save-every " + duration(every_);
  if (began_) text += "; one has been running for " + duration(now - *began_);
  else if (failing_) text += "; the last one failed";
  return Alert{Alert::Kind::stale, std::move(text)};
}

}  // namespace curfew::save
