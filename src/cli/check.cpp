// `curfew check`: what runs, in every region, and what it costs.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "aws/core/sts_credentials.hpp"
#include "aws/session.hpp"
#include "base/text.hpp"
#include "cli/check_options.hpp"
#include "cli/commands.hpp"
#include "net/environment.hpp"
#include "net/within.hpp"
#include "os/files.hpp"
#include "os/terminal.hpp"
#include "pricing/price_cache.hpp"
#include "watch/collect.hpp"

namespace curfew::cli {
namespace asio = boost::asio;
namespace {

constexpr std::size_t k_longest_said = 2'000;
constexpr std::size_t k_chunk = 64U << 10U;
constexpr Millis k_credentials_limit{30'000};

void say(const std::string& text) {
  std::fprintf(stderr, "curfew: %s\n", printable(text, k_longest_said).c_str());
}

// A line that is drawn over and taken away at the end, where a person looks at stderr.
class ProgressLine {
 public:
  ~ProgressLine() { clear(); }
  void show(const watch::Progress& progress) {
    if (!is_terminal_) return;
    std::fprintf(stderr, "\r\033[K%zu of %zu regions read, %zu instances", progress.regions_read,
                 progress.regions, progress.instances);
    shown_ = true;
  }
  void clear() {
    if (std::exchange(shown_, false)) std::fputs("\r\033[K", stderr);
  }

 private:
  bool is_terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool shown_ = false;
};

// Where the prices that the Pricing API told are kept; empty where there's no place for it.
std::string cache_path(const net::Environment& environment) {
  const auto cache = net::get(environment, "XDG_CACHE_HOME");
  if (cache.starts_with('/')) return cache + "/curfew/prices.json";
  const auto home = net::get(environment, "HOME");
  return home.starts_with('/') ? home + "/.cache/curfew/prices.json" : "";
}

// Whose endpoint tells which regions are enabled.
std::string home_region(const CheckOptions& options, const aws::Session& session) {
  if (!options.regions.empty()) return options.regions.front();
  const auto known = session.known_region();
  return aws::is_region(known) ? known : "us-east-1";
}

struct Outcome {
  std::optional<Error> no_credentials;
  watch::Report report;
};

class Check {
 public:
  Check(const CheckOptions& options, const os::Clock& clock, net::Environment environment)
      : options_(options), clock_(clock), environment_(std::move(environment)) {}

  Outcome run() {
    asio::io_context io{1};
    const auto http = net::make_http_client(io.get_executor(), net::client_options_from(environment_));
    const auto session = aws::make_session(*http, clock_, environment_, {options_.profile, {}});
    Outcome outcome;
    asio::co_spawn(io, read(*session, outcome), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    io.run();
    line_.clear();
    return outcome;
  }

 private:
  watch::Awaitable<void> read(aws::Session& session, Outcome& outcome) {
    auto asking = session.credentials->get();
    const auto own = co_await net::within(k_credentials_limit, std::move(asking));
    if (!own || !*own) {
      outcome.no_credentials = own ? own->error()
                                   : Error{ErrorKind::timed_out,
                                           "find AWS credentials",
                                           "no answer within " + format_duration(Seconds{30}),
                                           "",
                                           {}};
      co_return;
    }
    const std::string home = home_region(options_, session);
    auto reads = watch::make_reads(session, home);
    std::vector<watch::AccountReads> accounts;
    auto identity = reads->account();
    auto id = co_await net::within(k_credentials_limit, std::move(identity));
    // Expired, or not AWS's: nothing could be read with them.
    if (id && !*id && (*id).error().kind == ErrorKind::refused) {
      outcome.no_credentials = (*id).error();
      co_return;
    }
    accounts.push_back({reads.get(), "", id && *id ? **id : std::string()});
    for (const auto& role : options_.roles) {
      aws::RoleRequest request;
      request.role_arn = role;
      request.session_name = "curfew-check";
      sessions_.push_back(aws::make_session_as(session, aws::make_assumed_role(session, std::move(request))));
      reads_.push_back(watch::make_reads(*sessions_.back(), home));
      accounts.push_back({reads_.back().get(), role, ""});
    }
    auto prices = load_prices();
    auto plan = plan_for(home);
    const std::function<void(const watch::Progress&)> show = [this](const watch::Progress& progress) {
      line_.show(progress);
    };
    outcome.report = co_await watch::collect(std::move(accounts), std::move(plan), clock_, prices, show);
    store_prices(prices);
  }

  [[nodiscard]] watch::CollectPlan plan_for(const std::string& home) const {
    watch::CollectPlan plan;
    plan.only = options_.regions;
    plan.except = options_.excluded;
    plan.filter = options_.filter;
    plan.thresholds = options_.thresholds;
    plan.allow_denied = options_.allow_denied;
    plan.home = home;
    plan.limit = options_.limit;
    return plan;
  }

  pricing::PriceCache load_prices() {
    const auto path = cache_path(environment_);
    if (path.empty()) return {};
    auto loaded = pricing::load_prices(path);
    if (!loaded.warning.empty()) say(loaded.warning);
    known_prices_ = pricing::to_json(loaded.cache);
    return std::move(loaded.cache);
  }

  void store_prices(const pricing::PriceCache& prices) const {
    const auto path = cache_path(environment_);
    if (path.empty() || pricing::to_json(prices) == known_prices_) return;
    if (auto stored = pricing::store_prices(path, prices, clock_.wall()); !stored)
      say("prices are asked for anew next time: " + stored.error().text());
  }

  const CheckOptions& options_;
  const os::Clock& clock_;
  net::Environment environment_;
  ProgressLine line_;
  std::vector<std::unique_ptr<aws::Session>> sessions_;
  std::vector<std::unique_ptr<watch::Reads>> reads_;
  std::string known_prices_;  // as they were loaded
};

watch::TableOptions table_options(const net::Environment& environment, bool to_file) {
  watch::TableOptions table;
  if (to_file || ::isatty(STDOUT_FILENO) != 1) return table;
  table.width = os::window_size(STDOUT_FILENO).columns;
  // https://no-color.org: whatever its value, if it has one.
  table.colours = net::get(environment, "NO_COLOR").empty() && net::get(environment, "TERM") != "dumb";
  return table;
}

Status write(const CheckOptions& options, const watch::Report& report, const net::Environment& environment) {
  const auto table = table_options(environment, !options.output.empty());
  if (options.output.empty()) {
    watch::render(options.format, report, table,
                  [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); });
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
    return fail_errno("write to stdout", errno);
  }
  std::string text;
  text.reserve(k_chunk);
  watch::render(options.format, report, table, [&](std::string_view more) { text += more; });
  return os::replace_file(options.output, text, 0644, os::Sync::no);
}

}  // namespace

int check_command(const Words& words, const World& world) {
  const auto options = parse_check(words);
  if (!options) {
    say(options.error().text());
    return watch::k_exit_bad_usage;
  }
  if (options->help) return std::fputs(k_check_help.data(), stdout) < 0 ? watch::k_exit_bad_usage : 0;
  const auto environment = net::process_environment();
  const auto outcome = Check(*options, world.clock, environment).run();
  if (outcome.no_credentials) {
    say(outcome.no_credentials->text());
    return watch::exit_code_of_failure(options->exit_style, watch::k_exit_no_credentials);
  }
  const auto& report = outcome.report;
  if (auto written = write(*options, report, environment); !written) {
    say(written.error().text());
    return watch::k_exit_bad_usage;
  }
  const auto totals = watch::totals_of(watch::rows_of(report));
  return watch::exit_code(options->exit_style, totals, watch::is_unread(report));
}

}  // namespace curfew::cli
