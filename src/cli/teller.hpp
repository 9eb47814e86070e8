// `--notify` of `curfew check` and `curfew stop`: where to, what was told there before, and the sending.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/environment.hpp"
#include "notify/mail.hpp"
#include "notify/target.hpp"
#include "os/clock.hpp"
#include "os/fd.hpp"
#include "watch/digest.hpp"

namespace curfew::cli {

struct TellOptions {
  std::vector<std::string> notify;  // as typed
  std::string state;                // --notify-state; empty: what was told isn't kept
  Seconds again{std::chrono::hours{24}};
  bool remembers = false;  // without a file: while this process runs
  std::string profile;
};

class Teller {
 public:
  using Say = std::function<void(const std::string&)>;

  // Finds what `--notify` names, sendmail among it: what can't be told is said before anything is read. The clock must outlive it.
  [[nodiscard]] static Result<Teller> make(TellOptions options, const os::Clock& clock,
                                           net::Environment environment, Say say);

  // Tells every place what is new there, all at once, within a minute or so. Done: every place has taken it, or there was
  // nothing to tell; else what failed was said, and is told next time where there's a --notify-state, the acts too.
  [[nodiscard]] bool tell(const watch::Report& report, const std::vector<watch::Act>& acts);

  // Where its lines go from now on.
  void say_to(Say say) { say_ = std::move(say); }
  // Called several times a second while it tells.
  void call_meanwhile(std::function<void()> meanwhile) { meanwhile_ = std::move(meanwhile); }

 private:
  Teller(TellOptions options, const os::Clock& clock, net::Environment environment, Say say);

  struct Place {
    notify::Target target;
    std::string key;
  };
  struct Sending;

  [[nodiscard]] Result<os::Fd> lock() const;
  bool send(const std::vector<Sending*>& sendings) const;

  TellOptions options_;
  const os::Clock* clock_;
  net::Environment environment_;
  Say say_;
  std::function<void()> meanwhile_;
  std::vector<Place> places_;
  std::optional<notify::Sendmail> sendmail_;
  // While watching what was told is known without a file, too.
  watch::ToldByPlace told_;
};

// Nothing could be read: as a report that says so.
[[nodiscard]] watch::Report unread_report(const std::string& why, WallTime at);

}  // namespace curfew::cli
