// The ledger first, then what is overdue, then what to say of it.
#include "cli/check_enforce.hpp"

#include <cstdio>
#include <optional>
#include <string>

#include "base/text.hpp"
#include "cli/ledger_place.hpp"
#include "os/signals.hpp"
#include "watch/act_text.hpp"
#include "watch/enforce.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_longest_said = 2'000;

void say(const std::string& text) {
  std::fprintf(stderr, "curfew: %s\n", printable(text, k_longest_said).c_str());
}

// The table and JSON show all of it.
bool shows_acts(watch::Format format) {
  return format != watch::Format::csv && format != watch::Format::prometheus;
}

void tell(const watch::Report& report, watch::Format format) {
  using Mode = watch::Enforced::Mode;
  const auto& enforced = *report.enforced;
  const bool several = report.accounts.size() > 1;
  const bool all = !shows_acts(format);
  if (all || enforced.mode == Mode::refused) say(watch::enforced_title(enforced, watch::is_unread(report)));
  for (const auto& act : enforced.acts) {
    if (all || (enforced.mode == Mode::on && !act.done)) say(watch::act_text(act, enforced.mode, several));
  }
  if (!all) return;
  for (const auto& left : enforced.left_alone) say("not touched: " + watch::left_alone_text(left, several));
}

}  // namespace

void enforce(watch::Report& report, Accounts& accounts, const CheckOptions& options, const os::Clock& clock,
             const net::Environment& environment) {
  auto ledger = make_ledger(environment, "check --enforce", clock, watch::Unwritable::refuses);
  watch::NoLedger none;
  watch::ActLog& log = options.no_ledger ? static_cast<watch::ActLog&>(none) : ledger;
  std::optional<os::SaidOnSignals> said;
  if (options.enforcement.yes) said.emplace(interrupted_text(environment, !options.no_ledger));
  accounts.run([&]() -> net::Awaitable<void> {
    auto all = accounts.all();
    co_await watch::enforce(report, std::move(all), options.enforcement, clock, log, watch::EndingLimits{});
  });
  tell(report, options.format);
}

void tell_unwritten(const watch::Report& report, const CheckOptions& options) {
  if (!report.enforced || report.enforced->mode != watch::Enforced::Mode::on || !shows_acts(options.format))
    return;
  say(watch::enforced_title(*report.enforced, watch::is_unread(report)));
  for (const auto& act : report.enforced->acts)
    if (act.done) say(watch::act_text(act, watch::Enforced::Mode::on, report.accounts.size() > 1));
}

}  // namespace curfew::cli
