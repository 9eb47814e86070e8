// What could not be read: how it's said, by what it's known again next time, and when it's over. Pure.
#pragma once

#include <string>
#include <vector>

#include "watch/machine.hpp"
#include "watch/told.hpp"

namespace curfew::watch {

struct Unread {
  std::string key;  // the part of it that doesn't differ each time; in Told::unread
  std::string line;
  ToldUnread told;  // as it's remembered, without its time
};

// At most k_most_told_unread.
[[nodiscard]] std::vector<Unread> unread_of(const Report& report);
// Whether the report has what was missing then.
[[nodiscard]] bool is_read_again(const Report& report, const ToldUnread& told);

}  // namespace curfew::watch
