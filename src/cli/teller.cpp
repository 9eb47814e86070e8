// Places, their state, and one round of sending.
#include "cli/teller.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "aws/session.hpp"
#include "aws/sns.hpp"
#include "aws/ssm.hpp"
#include "base/text.hpp"
#include "net/http.hpp"
#include "notify/mail.hpp"
#include "notify/notifier.hpp"
#include "notify/secret_file.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

namespace asio = boost::asio;

// The last try begins within 50 s, and mail has as long as the rest of them.
constexpr notify::Pace k_pace{Millis{5'000}, 4, Millis{50'000}, Millis{1'000}, Millis{20'000}};
constexpr Millis k_whole{60'000};
// Longer than another that holds the lock is telling.
constexpr Millis k_lock_limit{70'000};
constexpr Millis k_lock_look{50};
constexpr Millis k_meanwhile{100};

}  // namespace

// One message to one place.
struct Teller::Sending {
  const Place* place;
  watch::Digest digest;
  bool failed = false;
};

Teller::Teller(TellOptions options, const os::Clock& clock, net::Environment environment, Say say)
    : options_(std::move(options)),
      clock_(&clock),
      environment_(std::move(environment)),
      say_(std::move(say)) {}

Result<Teller> Teller::make(TellOptions options, const os::Clock& clock, net::Environment environment,
                            Say say) {
  Teller teller(std::move(options), clock, std::move(environment), std::move(say));
  for (const auto& option : teller.options_.notify) {
    const std::string what = "--notify " + notify::shown_option(option);
    auto resolved = notify::resolve_target(option, teller.environment_, notify::read_secret_file);
    if (!resolved) return fail(std::move(resolved.error()).within(what));
    if (!resolved->warning.empty()) teller.say_(what + ": " + resolved->warning);
    if (std::holds_alternative<notify::Mailbox>(resolved->target.place) && !teller.sendmail_) {
      auto sendmail = notify::find_sendmail(teller.environment_);
      if (!sendmail) return fail(std::move(sendmail.error()).within(what));
      teller.sendmail_ = std::move(*sendmail);
    }
    // A file and the command line may name the same one, each in its own way.
    Place place{std::move(resolved->target), {}};
    place.key = watch::place_key(place.target.secret_text());
    const bool known = std::any_of(teller.places_.begin(), teller.places_.end(),
                                   [&](const Place& each) { return each.key == place.key; });
    if (!known) teller.places_.push_back(std::move(place));
  }
  return teller;
}

Result<os::Fd> Teller::lock() const {
  const auto path = options_.state + ".lock";
  const auto until = clock_->boot() + k_lock_limit;
  for (;;) {
    auto lock = os::lock_file(path);
    if (lock || lock.error().kind != ErrorKind::conflict || clock_->boot() >= until) return lock;
    std::this_thread::sleep_for(k_lock_look);
  }
}

bool Teller::tell(const watch::Report& report, const std::vector<watch::Act>& acts) {
  if (places_.empty()) return true;
  const bool keeps = !options_.state.empty();
  bool good = true;
  os::Fd lock_held;
  if (keeps) {
    // Without it what another tells meanwhile is told twice, which is better than not at all.
    auto held = lock();
    if (held) lock_held = std::move(*held);
    else say_("--notify-state: " + held.error().text());
    good = held.has_value();
    auto loaded = watch::load_told(options_.state);
    if (!loaded.warning.empty()) say_("--notify-state: " + loaded.warning);
    told_ = std::move(loaded.told);
  }
  const bool remembers = keeps || options_.remembers;
  std::vector<Sending> sendings;
  std::vector<Sending*> with_message;
  for (const auto& place : places_) {
    const watch::Told* before = remembers ? &told_[place.key] : nullptr;
    sendings.push_back({&place, watch::digest_of(report, acts, before, options_.again)});
  }
  for (auto& sending : sendings)
    if (sending.digest.message) with_message.push_back(&sending);
  auto in_file = told_;
  if (keeps && !acts.empty()) {
    // Before it's sent: should this process end meanwhile, the acts are told next time. What fails here is said below.
    auto untold = told_;
    for (const auto& sending : sendings) untold[sending.place->key] = sending.digest.missed;
    if (untold != in_file && watch::store_told(options_.state, untold)) in_file = std::move(untold);
  }
  if (!with_message.empty()) good = send(with_message) && good;

  if (!remembers) return good;
  for (auto& sending : sendings) {
    auto& digest = sending.digest;
    told_[sending.place->key] = std::move(sending.failed ? digest.missed : digest.told);
  }
  if (!keeps || told_ == in_file) return good;
  if (auto stored = watch::store_told(options_.state, told_); !stored) {
    say_("--notify-state: what was told will be told again: " + stored.error().text());
    return false;
  }
  return good;
}

bool Teller::send(const std::vector<Sending*>& sendings) const {
  asio::io_context io{1};
  const auto http = net::make_http_client(io.get_executor(), net::client_options_from(environment_));
  const auto session = aws::make_session(*http, *clock_, environment_, {options_.profile, {}});
  const auto sns = aws::make_sns(*session);
  const auto mailer = sendmail_ ? notify::make_mailer(*sendmail_) : nullptr;
  // One for each: what was told there before differs, and who failed has to be known.
  std::vector<std::unique_ptr<notify::Notifier>> notifiers;
  for (auto* sending : sendings) {
    const auto report = [this, sending](const std::string& line) {
      sending->failed = true;
      say_(line);
    };
    notify::Means means{*http, *sns, *clock_, report, mailer.get()};
    means.parameter = [&session](std::string name) { return aws::read_secret(*session, std::move(name)); };
    notifiers.push_back(std::make_unique<notify::Notifier>(
        io.get_executor(), std::move(means), std::vector<notify::Target>{sending->place->target}, k_pace));
    notifiers.back()->notify(*sending->digest.message);
  }
  const auto until = clock_->boot() + k_whole;
  while (!io.stopped() && clock_->boot() < until) {
    io.run_for(k_meanwhile);
    if (meanwhile_) meanwhile_();
  }
  bool good = true;
  for (std::size_t i = 0; i < sendings.size(); ++i) {
    if (notifiers[i]->waiting() > 0) {
      sendings[i]->failed = true;
      say_("a notification to " + sendings[i]->place->target.shown() + " was not sent within " +
           format_duration(std::chrono::duration_cast<Seconds>(k_whole)));
    }
    good = good && !sendings[i]->failed;
  }
  return good;
}

watch::Report unread_report(const std::string& why, WallTime at) {
  watch::Report report;
  report.at = at;
  report.notes.push_back({why, true});
  return report;
}

}  // namespace curfew::cli
