// Exit codes.
#include "watch/exit_code.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::watch {

namespace {

// The Monitoring Plugins' own ("Nagios plugin return codes").
constexpr int k_nagios_warning = 1;
constexpr int k_nagios_critical = 2;
constexpr int k_nagios_unknown = 3;

}  // namespace

Result<ExitStyle> parse_exit_style(std::string_view name) {
  if (name == "count") return ExitStyle::count;
  if (name == "nagios") return ExitStyle::nagios;
  if (name == "zero") return ExitStyle::zero;
  return fail(ErrorKind::invalid_input, "exit style '" + printable(name, 40) + "'", "is not known",
              "it is count, nagios or zero");
}

int exit_code(ExitStyle style, const Totals& totals, bool unread, bool not_ended) {
  if (style == ExitStyle::nagios) {
    if (totals.critical > 0) return k_nagios_critical;
    if (unread) return k_nagios_unknown;
    return totals.warning > 0 ? k_nagios_warning : 0;
  }
  if (unread) return k_exit_unread;
  if (style == ExitStyle::zero) return not_ended ? k_exit_unread : 0;
  return static_cast<int>(std::min<std::size_t>(totals.needing_attention(), k_exit_most));
}

int exit_code_of_failure(ExitStyle style, int code) {
  return style == ExitStyle::nagios ? k_nagios_unknown : code;
}

}  // namespace curfew::watch
