// `curfew check --notify`: where to, what was told there before, and the sending.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cli/check_options.hpp"
#include "net/environment.hpp"
#include "notify/mail.hpp"
#include "notify/target.hpp"
#include "os/clock.hpp"
#include "os/fd.hpp"
#include "watch/digest.hpp"

namespace curfew::cli {

class CheckTeller {
 public:
  using Say = std::function<void(const std::string&)>;

  // Finds what `--notify` names, sendmail among it: what can't be told is said before anything is read. What the options
  // are, and the clock, must outlive it.
  [[nodiscard]] static Result<CheckTeller> make(const CheckOptions& options, const os::Clock& clock,
                                                net::Environment environment, Say say);

  // Tells every place what is new there, all at once, within a minute or so. Done: every place has taken it, or there was
  // nothing to tell; else what failed was said, and is told next time where there's a --notify-state, the acts too.
  [[nodiscard]] bool tell(const watch::Report& report, const std::vector<watch::Act>& acts);

  // Where its lines go from now on.
  void say_to(Say say) { say_ = std::move(say); }

 private:
  CheckTeller(const CheckOptions& options, const os::Clock& clock, net::Environment environment, Say say);

  struct Place {
    notify::Target target;
    std::string key;
  };
  struct Sending;

  [[nodiscard]] Result<os::Fd> lock() const;
  bool send(const std::vector<Sending*>& sendings) const;

  const CheckOptions* options_;
  const os::Clock* clock_;
  net::Environment environment_;
  Say say_;
  std::vector<Place> places_;
  std::optional<notify::Sendmail> sendmail_;
  // While watching what was told is known without a file, too.
  watch::ToldByPlace told_;
};

// Nothing could be read: as a report that says so.
[[nodiscard]] watch::Report unread_report(const std::string& why, WallTime at);

}  // namespace curfew::cli
