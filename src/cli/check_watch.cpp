// Rounds, and what of them is on the screen.
#include "cli/check_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/accounts.hpp"
#include "cli/check_reading.hpp"
#include "os/screen.hpp"
#include "os/terminal.hpp"
#include "watch/columns.hpp"
#include "watch/display.hpp"
#include "watch/render_table.hpp"

namespace curfew::cli {
namespace {

constexpr Millis k_look{1'000};
constexpr Millis k_least_pause{1'000};
constexpr std::size_t k_most_said = 5;  // lines of a round above the table
constexpr std::size_t k_longest_said = 300;

Seconds since(BootTime then, BootTime now) { return std::chrono::duration_cast<Seconds>(now - then); }

class Watcher {
 public:
  Watcher(const CheckOptions& options, const os::Clock& clock, const net::Environment& environment,
          Teller& teller, const std::function<Status(const watch::Report&)>& write)
      : options_(options), clock_(clock), environment_(environment), teller_(teller), write_(write) {
    on_screen_ =
        options.output.empty() && ::isatty(STDOUT_FILENO) == 1 && net::get(environment, "TERM") != "dumb";
    colours_ = net::get(environment, "NO_COLOR").empty();
  }

  int run() {
    if (on_screen_) screen_.enter();
    for (;;) {
      const auto began = clock_.boot();
      next_.reset();
      unwritten_ = false;
      round();
      if (unwritten_) code_ = watch::exit_code_of_failure(options_.exit_style, watch::k_exit_bad_usage);
      if (broken_ || ended_) return code_;
      os::exit_on_signals_with(code_);
      next_ = std::max(began + *options_.watch, clock_.boot() + k_least_pause);
      while (!ended_ && clock_.boot() < *next_) tick(std::min<Millis>(*next_ - clock_.boot(), k_look));
      if (broken_ || ended_) return code_;
    }
  }

  void meanwhile() {
    if (!on_screen_) return;
    tick(Millis{0});
    if (!ended_) return;
    // What is under way isn't waited for.
    screen_.leave();
    ::_exit(code_);
  }

  void say(const std::string& text) {
    if (!on_screen_) std::fprintf(stderr, "curfew: %s\n", printable(text, 2'000).c_str());
    else if (said_.size() < k_most_said) said_.push_back(printable(text, k_longest_said));
  }

 private:
  // Reads keys and draws, at least so often; also while a round is under way.
  void tick(Millis limit) {
    if (!on_screen_) {
      std::this_thread::sleep_for(limit);
      return;
    }
    const char key = screen_.wait_for_key(limit);
    if (key == 'q' || key == 'Q') ended_ = true;
    const auto now = clock_.boot();
    if (screen_.was_resized() || since(drawn_, now) >= Seconds{1}) draw();
  }

  void round() {
    said_.clear();
    if (on_screen_) draw();
    if (!accounts_) {
      AccountsRequest request{options_.profile, options_.regions, options_.roles, "curfew-check", {}};
      if (on_screen_) request.meanwhile = [this] { meanwhile(); };
      accounts_ = std::make_unique<Accounts>(std::move(request), clock_, environment_);
      if (auto signed_in = accounts_->sign_in(); !signed_in) {
        accounts_.reset();
        code_ = watch::exit_code_of_failure(options_.exit_style, watch::k_exit_no_credentials);
        return fail_round(signed_in.error().text());
      }
    }
    auto report = read_all(*accounts_, options_, clock_, environment_,
                           {[this](const watch::Progress& progress) { progress_ = progress; },
                            [this](const std::string& text) { say(text); }});
    progress_.reset();
    if (ended_) return;
    const auto totals = watch::totals_of(watch::rows_of(report));
    code_ = watch::exit_code(options_.exit_style, totals, watch::is_unread(report));
    if (is_nothing(report)) {
      accounts_.reset();  // perhaps it's the credentials
      return fail_round(why_unread(report), &report);
    }
    failure_.clear();
    report_ = std::move(report);
    read_ = clock_.boot();
    if (!show(*report_)) return;
    finish_round(*report_);
  }

  // What goes to a file or a pipe; the screen is drawn.
  bool show(const watch::Report& report) {
    if (on_screen_) {
      draw();
      return !broken_;
    }
    if (options_.output.empty() && std::exchange(shown_, true))
      std::fputs(("\n" + std::string(80, '-') + "\n\n").c_str(), stdout);
    if (auto written = write_(report); !written) {
      say(written.error().text());
      unwritten_ = true;
      broken_ = options_.output.empty();  // nobody reads it any more; a full disk may have room next time
    }
    return !broken_;
  }

  void finish_round(const watch::Report& report) {
    if (!teller_.tell(report, {}))
      code_ = watch::exit_code(options_.exit_style, watch::totals_of(watch::rows_of(report)), true);
    if (on_screen_) draw();
  }

  void fail_round(std::string why, const watch::Report* report = nullptr) {
    failure_ = std::move(why);
    failed_ = clock_.boot();
    const auto unread = report != nullptr ? *report : unread_report(failure_, clock_.wall());
    if (!on_screen_) {
      say(failure_);
      // Whoever reads the file must not take the last good report for what is.
      if (!show(unread)) return;
    }
    finish_round(unread);
    if (report == nullptr)
      code_ = watch::exit_code_of_failure(options_.exit_style, watch::k_exit_no_credentials);
  }

  static bool is_nothing(const watch::Report& report) {
    using Outcome = watch::RegionReading::Outcome;
    const auto any = [&](Outcome outcome) {
      return std::any_of(report.regions.begin(), report.regions.end(),
                         [&](const auto& region) { return region.outcome == outcome; });
    };
    return any(Outcome::failed) && !any(Outcome::read);
  }

  static std::string why_unread(const watch::Report& report) {
    for (const auto& region : report.regions)
      if (!region.error.empty()) return region.region + ": " + region.error;
    return "no region was read";
  }

  void draw() {
    drawn_ = clock_.boot();
    const auto columns = os::window_size(STDOUT_FILENO).columns;
    std::string page = watch::shortened(status_line(), columns) + "\n";
    if (!failure_.empty()) {
      std::string line = "READ FAILED " + watch::short_duration(since(failed_, drawn_)) +
                         " ago: " + printable(failure_, k_longest_said);
      if (report_) line += ". What follows was read " + watch::short_duration(since(read_, drawn_)) + " ago.";
      page += painted(watch::wrapped(line, columns));
    }
    for (const auto& line : said_) page += painted(watch::wrapped(line, columns));
    page += "\n";
    if (report_)
      watch::render_table(*report_, {columns, colours_}, [&](std::string_view text) { page += text; });
    if (auto drawn = screen_.draw(page); !drawn) broken_ = ended_ = true;
  }

  [[nodiscard]] std::string painted(std::string lines) const {
    if (!colours_) return lines;
    std::string out;
    for (const auto line : split(lines, '\n'))
      if (!line.empty()) out += "\033[1;31m" + std::string(line) + "\033[0m\n";
    return out;
  }

  [[nodiscard]] std::string status_line() const {
    std::string line = "curfew check, every " + format_duration(*options_.watch) + "; ";
    if (next_) line += "next in " + format_duration(std::chrono::ceil<Seconds>(*next_ - drawn_));
    else if (progress_)
      line += std::to_string(progress_->regions_read) + " of " + std::to_string(progress_->regions) +
              " regions read";
    else line += "reading";
    return line + "; q ends";
  }

  const CheckOptions& options_;
  const os::Clock& clock_;
  const net::Environment& environment_;
  Teller& teller_;
  const std::function<Status(const watch::Report&)>& write_;
  bool on_screen_ = false;
  bool colours_ = false;
  os::Screen screen_;
  std::unique_ptr<Accounts> accounts_;

  std::optional<watch::Report> report_;  // the last of which anything was read
  BootTime read_{};
  std::string failure_;  // of the last round
  BootTime failed_{};
  std::vector<std::string> said_;
  std::optional<watch::Progress> progress_;
  std::optional<BootTime> next_;
  BootTime drawn_{};
  int code_ = watch::k_exit_unread;  // of the last round; before that nothing has been read
  bool shown_ = false;
  bool unwritten_ = false;  // the last round's report
  bool ended_ = false;      // q
  bool broken_ = false;     // nowhere to write to
};

}  // namespace

int watch_check(const CheckOptions& options, const os::Clock& clock, const net::Environment& environment,
                Teller& teller, const std::function<Status(const watch::Report&)>& write) {
  Watcher watcher(options, clock, environment, teller, write);
  teller.call_meanwhile([&] { watcher.meanwhile(); });
  teller.say_to([&](const std::string& text) { watcher.say(text); });
  return watcher.run();
}

}  // namespace curfew::cli
