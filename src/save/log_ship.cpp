// Pieces of logs on their way to S3.
#include "save/log_ship.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "aws/core/hash.hpp"
#include "os/files.hpp"
#include "save/gate.hpp"
#include "save/log_ship_state.hpp"
#include "save/log_tail.hpp"
#include "save/workers.hpp"

namespace curfew::save {
namespace asio = boost::asio;

namespace {

constexpr std::size_t k_part_size = 4U << 20U;
constexpr Millis k_step{25};
constexpr std::size_t k_longest_who = 64;
constexpr std::string_view k_folder = k_logs_below;

std::string compact_utc(WallTime time) {
  std::string text = format_utc(time);  // 2026-11-24T18:00:00Z
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string safe_name(std::string_view who) {
  std::string name(who.substr(0, k_longest_who));
  for (char& c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
    if (!good) c = '_';
  }
  return name.find_first_not_of('.') == std::string::npos ? "unknown" : name;
}

bool looks_like_a_file(const Target& target) {
  const auto last = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  const std::string name = last(target.source);
  return !name.empty() && name == last(target.to.key) && name.find('.', 1) != std::string::npos;
}

// "_curfew/WHO/START/": what tells one job from another.
std::string job_of(const std::string& key) {
  const auto at = key.rfind(k_folder);
  return at == std::string::npos ? key : key.substr(at);
}

std::string part_name(const std::string& name, int number) {
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "-%06d.log", number);
  return name + digits.data();
}

bool worth_another_try(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out ||
         error.code == "BadDigest" || error.code == "XAmzContentSHA256Mismatch";
}

}  // namespace

aws::S3Location log_place(const Target& first, SourceKind kind, std::string_view who, WallTime started) {
  aws::S3Location place = first.to;
  const bool file = kind == SourceKind::file || (kind == SourceKind::unknown && looks_like_a_file(first));
  if (file) place.key.resize(place.key.rfind('/') + 1);  // npos + 1 is 0
  else if (!place.key.empty() && place.key.back() != '/') place.key += '/';
  place.key.append(k_folder).append(safe_name(who)).append("/").append(compact_utc(started)).append("/");
  return place;
}

struct LogShip::Run : std::enable_shared_from_this<LogShip::Run> {
  Run(asio::any_io_executor on, aws::S3& to, const os::Clock& with, LogShipOptions given)
      : executor(std::move(on)),
        s3(to),
        clock(with),
        options(std::move(given)),
        workers(std::make_shared<Workers>(executor, 1)),  // one: jobs end in the order they were given
        side_ended(executor),
        tick(executor) {
    state.to = options.to;
    for (const auto& source : options.sources) {
      state.sources.push_back({source.name, {}, 1});
      sent.push_back(clock.boot());
    }
  }

  struct Part {
    std::size_t source = 0;
    LogPiece piece;
    std::string sha256;
  };
  // A look for the next part, on the thread. It's done once, even where who waited for it is gone: what the tails gave is
  // given once.
  struct Read {
    std::vector<std::shared_ptr<LogTail>> tails;
    std::vector<std::size_t> enough;
    std::size_t first = 0;
    bool done = false;
    std::optional<Part> part;
    std::optional<Error> error;
  };
  struct Loaded {
    LogShipState state;
    std::optional<Error> error;
  };
  struct Side {
    asio::cancellation_signal signal;
    bool ended = false;
    Shipped shipped;
  };

  Awaitable<Shipped> ship();
  Awaitable<Shipped> finish(BootTime until);
  static Awaitable<void> work(std::shared_ptr<Run> self, std::shared_ptr<Side> side, bool all,
                              std::uint64_t turn);
  Awaitable<void> load(std::uint64_t mine);
  Awaitable<void> read(bool all, std::uint64_t mine, Shipped& out);
  Awaitable<bool> send(std::uint64_t mine, Shipped& out);
  Awaitable<void> write_down(Shipped& out);
  std::shared_ptr<Side> begin(bool all);
  void drop(Side& side);
  Awaitable<void> wait_until(BootTime until);
  void report(Shipped& out);

  asio::any_io_executor executor;
  aws::S3& s3;
  const os::Clock& clock;
  LogShipOptions options;
  std::shared_ptr<Workers> workers;
  Gate side_ended;
  Gate tick;
  LogShipState state;                           // what S3 has
  std::vector<std::shared_ptr<LogTail>> tails;  // empty until it's known where to go on
  std::vector<BootTime> sent;
  std::optional<Error> load_error;
  std::shared_ptr<Read> reading;
  std::optional<Part> pending;  // read, and not yet in S3
  std::size_t next_source = 0;
  std::shared_ptr<Side> current;
  std::uint64_t turn = 0;  // a coroutine of an earlier turn was dropped, and does nothing any more
  bool finishing = false;
  bool in_trouble = false;
};

LogShip::LogShip(asio::any_io_executor executor, aws::S3& s3, const os::Clock& clock, LogShipOptions options)
    : run_(std::make_shared<Run>(std::move(executor), s3, clock, std::move(options))) {}
LogShip::~LogShip() = default;

Awaitable<Shipped> LogShip::ship() {
  const auto run = run_;
  co_return co_await run->ship();
}

Awaitable<Shipped> LogShip::finish(BootTime until) {
  const auto run = run_;
  co_return co_await run->finish(until);
}

std::shared_ptr<LogShip::Run::Side> LogShip::Run::begin(bool all) {
  auto side = std::make_shared<Side>();
  ++turn;
  asio::co_spawn(executor, work(shared_from_this(), side, all, turn),
                 asio::bind_cancellation_slot(side->signal.slot(), [self = shared_from_this(),
                                                                    side](const std::exception_ptr& thrown) {
                   side->ended = true;
                   self->side_ended.open();
                   static_cast<void>(thrown);  // dropped, or no memory: tried again
                 }));
  return side;
}

void LogShip::Run::drop(Side& side) {
  ++turn;
  side.signal.emit(asio::cancellation_type::terminal);
}

Awaitable<void> LogShip::Run::wait_until(BootTime until) {
  while (clock.boot() < until) co_await tick.wait_for(k_step);
}

Awaitable<Shipped> LogShip::Run::ship() {
  if (finishing || (current && !current->ended)) co_return Shipped{};
  const auto side = begin(false);
  current = side;
  while (!side->ended) co_await side_ended.wait();
  report(side->shipped);
  co_return side->shipped;
}

Awaitable<Shipped> LogShip::Run::finish(BootTime until) {
  finishing = true;
  const BootTime half = clock.boot() + (until - clock.boot()) / 2;
  while (current && !current->ended && clock.boot() < half) co_await tick.wait_for(k_step);
  if (current && !current->ended) drop(*current);
  Shipped total;
  while (clock.boot() < until) {
    const auto side = begin(true);
    while (!side->ended && clock.boot() < until) co_await tick.wait_for(k_step);
    const bool ended = side->ended;
    if (!ended) drop(*side);
    total.parts += side->shipped.parts;
    total.bytes += side->shipped.bytes;
    total.gaps += side->shipped.gaps;
    total.all = side->shipped.all;
    total.error = side->shipped.error;
    if (!ended || total.all || (total.error && !worth_another_try(*total.error))) break;
    if (total.error) co_await wait_until(std::min(until, clock.boot() + options.retry));
  }
  if (!total.all && !total.error)
    total.error =
        Error{ErrorKind::timed_out, "send the logs to " + state.to.text(), "the time for it ran out", {}, {}};
  report(total);
  co_return total;
}

void LogShip::Run::report(Shipped& out) {
  if (out.error && !in_trouble) out.alert = "sending the logs to S3: " + out.error->text();
  if (!out.error && in_trouble && out.parts > 0) out.alert = "the logs are sent to S3 again";
  if (out.error) in_trouble = true;
  else if (out.parts > 0) in_trouble = false;
}

Awaitable<void> LogShip::Run::work(std::shared_ptr<Run> self, std::shared_ptr<Side> side, bool all,
                                   std::uint64_t mine) {
  Shipped& out = side->shipped;
  if (self->tails.empty()) co_await self->load(mine);
  if (self->turn != mine) co_return;
  if (self->load_error) out.error = std::exchange(self->load_error, std::nullopt);
  while (all || out.parts < self->options.parts_at_once) {
    if (!self->pending) co_await self->read(all, mine, out);
    if (self->turn != mine) co_return;
    if (!self->pending) {
      out.all = !out.error;
      co_return;
    }
    const bool went = co_await self->send(mine, out);
    if (!went) co_return;
  }
}

// Where an earlier guard got to. Where that can't be read, nothing of what it sent is overwritten.
Awaitable<void> LogShip::Run::load(std::uint64_t mine) {
  const auto loaded = std::make_shared<Loaded>();
  loaded->state = state;
  std::function<void()> job = [loaded, path = options.state_path, now = clock.wall()] {
    if (path.empty()) return;
    const auto text = os::read_file(path);
    if (!text && text.error().kind == ErrorKind::not_found) return;
    auto before = text ? log_ship_state_from_json(*text) : Result<LogShipState>(fail(text.error()));
    if (!before) {
      loaded->error = std::move(before.error());
      loaded->state.to.key += "after-" + compact_utc(now) + "/";
      return;
    }
    // After a state that couldn't be read, the key goes on behind START.
    if (!job_of(before->to.key).starts_with(job_of(loaded->state.to.key))) return;  // of an earlier job
    loaded->state.to = before->to;
    for (auto& source : loaded->state.sources)
      for (const auto& known : before->sources)
        if (known.name == source.name) source = known;
  };
  const bool ran = co_await workers->run(std::move(job));
  if (!ran || turn != mine) co_return;
  state = std::move(loaded->state);
  load_error = std::move(loaded->error);
  for (std::size_t i = 0; i < options.sources.size(); ++i)
    tails.push_back(
        std::make_shared<LogTail>(options.sources[i].path, state.sources[i].at, options.sources[i].owner));
}

Awaitable<void> LogShip::Run::read(bool all, std::uint64_t mine, Shipped& out) {
  const bool left_behind = reading != nullptr;  // by a coroutine that was dropped
  if (!left_behind) {
    reading = std::make_shared<Read>();
    reading->first = next_source;
    for (std::size_t i = 0; i < tails.size(); ++i) {
      const bool late = clock.boot() - sent[i] >= options.every;
      reading->tails.push_back(tails[i]);
      reading->enough.push_back(all ? 0 : late ? 1 : options.enough);
      if (state.sources[i].part <= k_most_log_parts) continue;
      reading->tails.back() = nullptr;
      reading->error =
          Error{ErrorKind::invalid_input, "send " + options.sources[i].path, "has too many parts", {}, {}};
    }
  }
  const auto look = reading;
  std::function<void()> job = [look] {
    if (look->done) return;
    look->done = true;
    const std::size_t count = look->tails.size();
    for (std::size_t i = 0; i < count && !look->part; ++i) {
      const std::size_t source = (look->first + i) % count;
      if (!look->tails[source]) continue;
      auto piece = look->tails[source]->read(k_part_size, look->enough[source]);
      if (!piece) look->error = std::move(piece.error());
      else if (!piece->text.empty()) look->part = Part{source, std::move(*piece), {}};
    }
    if (look->part) look->part->sha256 = aws::sha256_base64(look->part->piece.text);
  };
  const bool ran = co_await workers->run(std::move(job));
  if (!ran || turn != mine) co_return;
  reading.reset();
  if (look->error) out.error = std::move(look->error);
  if (!look->part && left_behind) co_return co_await read(all, mine, out);
  if (!look->part) co_return;
  next_source = (look->part->source + 1) % tails.size();
  pending = std::move(look->part);
}

Awaitable<bool> LogShip::Run::send(std::uint64_t mine, Shipped& out) {
  const std::size_t source = pending->source;
  LogProgress& progress = state.sources[source];
  aws::S3Location place = state.to;
  place.key += part_name(progress.name, progress.part);
  net::Body body = pending->piece.text;
  std::string sha256 = pending->sha256;
  aws::Metadata metadata;
  metadata.emplace_back("curfew-log", progress.name);
  Result<std::string> etag;
  try {
    etag = co_await s3.put(std::move(place), std::move(body), std::move(sha256), std::move(metadata));
  } catch (const std::exception& exception) {
    etag = fail(ErrorKind::unavailable, "talk to S3", exception.what());
  }
  if (turn != mine) co_return false;
  if (!etag) {
    out.error = std::move(etag.error());
    co_return false;
  }
  ++out.parts;
  out.bytes += pending->piece.text.size();
  out.gaps += static_cast<std::uint64_t>(pending->piece.gaps);
  progress.at = std::move(pending->piece.after);
  ++progress.part;
  sent[source] = clock.boot();
  pending.reset();
  co_await write_down(out);
  co_return turn == mine;
}

Awaitable<void> LogShip::Run::write_down(Shipped& out) {
  if (options.state_path.empty()) co_return;
  const auto written = std::make_shared<Status>();
  std::function<void()> job = [written, path = options.state_path, text = to_json(state)] {
    *written = os::replace_file(path, text, 0600, os::Sync::yes);
  };
  const bool ran = co_await workers->run(std::move(job));
  if (ran && !*written) out.error = std::move(written->error());
}

}  // namespace curfew::save
