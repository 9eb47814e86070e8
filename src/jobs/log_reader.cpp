// Lists, then pieces, one after another.
#include "jobs/log_reader.hpp"

#include <algorithm>
#include <utility>

#include "aws/pages.hpp"
#include "base/text.hpp"

namespace curfew::jobs {
namespace {

constexpr std::uint64_t k_piece = 4U << 20U;
constexpr std::uint64_t k_back = 256U << 10U;      // read at a time while the last lines are looked for
constexpr std::uint64_t k_most_back = 64U << 20U;  // and altogether; longer lines than that are no lines
constexpr std::size_t k_most_pages = 200;          // of 1000 parts each
constexpr unsigned k_quiet = 20;  // passes after which a log is left behind by one that comes later

std::uint64_t left_in(const LogPiece& piece) { return piece.size - std::min(piece.size, piece.offset); }

}  // namespace

LogReader::LogReader(aws::S3Browse& browse, aws::S3Get& get, LogWish wish, Show show, Show note)
    : browse_(browse), get_(get), wish_(std::move(wish)), show_(std::move(show)), note_(std::move(note)) {
  for (const auto& name : wish_.names) {
    Log log;
    log.name = name;
    logs_.push_back(std::move(log));
  }
}

bool LogReader::is_left_behind(const Log& log) const {
  const auto later =
      std::find_if(logs_.rbegin(), logs_.rend(), [](const Log& each) { return each.shown > 0; });
  return later != logs_.rend() && &log < &*later && log.quiet >= k_quiet;
}

void LogReader::count(const Found& found) {
  auto& log = *found.log;
  if (found.number == 0) return;
  log.number = found.number;
  log.in_next = 0;
}

Awaitable<Status> LogReader::pass(bool is_over) {
  if (wish_.tail > 0) {
    auto showing = show_tail(is_over);
    auto done = co_await std::move(showing);
    if (!done) co_return fail(std::move(done.error()));
  } else {
    for (auto& log : logs_) {
      if (!is_over && is_left_behind(log)) continue;
      auto finding = find(log, is_over);
      auto found = co_await std::move(finding);
      if (!found) co_return fail(std::move(found.error()));
      log.quiet = found->empty() ? log.quiet + 1 : 0;
      auto showing = show_all(std::move(*found));
      auto done = co_await std::move(showing);
      if (!done) co_return fail(std::move(done.error()));
    }
  }
  if (!is_over || shown_ || !wish_.with_boot_log || boot_log_done_) co_return Status{};
  auto booting = show_boot_log();
  co_return co_await std::move(booting);
}

Awaitable<Result<std::vector<LogReader::Found>>> LogReader::find(Log& log, bool is_over) {
  const auto folder = wish_.folder.key + "live/";
  const aws::S3Location prefix{wish_.folder.bucket, folder + log.name + "-"};
  std::vector<Found> found;
  aws::PageRule rule("list " + prefix.text(), k_most_pages);
  std::uint64_t there = log.shown;
  auto last = log.number;
  for (std::string token;;) {
    const auto after = last == 0 ? std::string() : part_key(folder, log.name, last);
    auto asking = browse_.list({prefix, after, false}, token);
    auto page = co_await std::move(asking);
    if (!page) co_return fail(std::move(page.error()));
    for (const auto& part : parts_of(page->objects, folder, log.name, last)) {
      if (part.number != last + 1)
        note_("of the log of " + log.name + " the part " + std::to_string(last + 1) + " isn't there");
      last = part.number;
      LogPiece piece{{prefix.bucket, part.key}, part.etag, part.size, 0};
      if (log.in_next > 0 && part.number == log.next) piece.offset = log.in_next;
      there += left_in(piece);
      found.push_back({&log, std::move(piece), part.number});
    }
    const auto next = rule.after(page->next);
    if (!next) co_return fail(Error{next.error()});
    if (*next == aws::NextPage::none) break;
    token = std::move(page->next);
  }
  if (is_over) {
    auto adding = add_rest(log, there, found);
    auto added = co_await std::move(adding);
    if (!added) co_return fail(std::move(added.error()));
  }
  co_return found;
}

// The parts are the log from its beginning on, so what it has more than they is what follows them. A log that grew long
// was renamed to NAME.log.1, and goes on in NAME.log.
Awaitable<Status> LogReader::add_rest(Log& log, std::uint64_t there, std::vector<Found>& found) {
  for (const auto* suffix : {".log.1", ".log"}) {
    const aws::S3Location object{wish_.folder.bucket, wish_.folder.key + "logs/" + log.name + suffix};
    auto asking = get_.facts(object, 0);
    const auto facts = co_await std::move(asking);
    if (!facts && facts.error().kind == ErrorKind::not_found) continue;
    if (!facts) co_return fail(Error{facts.error()});
    const auto passed = std::min(there, facts->size);
    there -= passed;
    if (facts->size > passed) found.push_back({&log, {object, facts->etag, facts->size, passed}, 0});
  }
  co_return Status{};
}

Awaitable<Status> LogReader::show_all(std::vector<Found> found) {
  for (auto& each : found) {
    auto& piece = each.piece;
    auto& log = *each.log;
    while (left_in(piece) > 0) {
      auto asking =
          get_.get(piece.object, piece.offset, std::min(k_piece, left_in(piece)), piece.size, piece.etag);
      auto got = co_await std::move(asking);
      if (!got) co_return fail(std::move(got.error()));
      show_(got->bytes);
      shown_ = true;
      piece.offset += got->bytes.size();
      log.shown += got->bytes.size();
      if (each.number == 0) continue;
      log.in_next = piece.offset;
      log.next = each.number;
    }
    count(each);
  }
  co_return Status{};
}

Awaitable<Status> LogReader::show_tail(bool is_over) {
  std::vector<Found> all;
  for (auto& log : logs_) {
    auto finding = find(log, is_over);
    auto found = co_await std::move(finding);
    if (!found) co_return fail(std::move(found.error()));
    std::move(found->begin(), found->end(), std::back_inserter(all));
  }
  auto cutting = cut_to_tail(all);
  auto cut = co_await std::move(cutting);
  if (!cut) co_return fail(std::move(cut.error()));
  wish_.tail = 0;
  auto showing = show_all(std::move(all));
  co_return co_await std::move(showing);
}

Awaitable<Status> LogReader::cut_to_tail(std::vector<Found>& found) {
  auto lines = wish_.tail;
  std::uint64_t read = 0;
  bool is_last = true;
  std::size_t at = found.size();
  std::uint64_t begin = 0;  // in found[at]
  bool is_found = false;
  while (at > 0 && !is_found) {
    const auto& piece = found[--at].piece;
    begin = piece.size;
    while (begin > piece.offset && !is_found) {
      const auto length = std::min(k_back, begin - piece.offset);
      auto asking = get_.get(piece.object, begin - length, length, piece.size, piece.etag);
      const auto got = co_await std::move(asking);
      if (!got) co_return fail(Error{got.error()});
      begin -= length;
      read += length;
      const auto start = start_of_last(got->bytes, lines, is_last);
      is_last = false;
      if (start) begin += *start;
      is_found = start.has_value() || read >= k_most_back;
    }
  }
  if (!is_found) co_return Status{};
  // What comes before counts as shown.
  for (std::size_t i = 0; i < at; ++i) {
    found[i].log->shown += left_in(found[i].piece);
    count(found[i]);
  }
  found[at].log->shown += begin - found[at].piece.offset;
  found[at].piece.offset = begin;
  found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(at));
  co_return Status{};
}

Awaitable<Status> LogReader::show_boot_log() {
  const aws::S3Location object{wish_.folder.bucket, wish_.folder.key + "boot.log"};
  auto asking = get_.facts(object, 0);
  const auto facts = co_await std::move(asking);
  boot_log_done_ = facts.has_value() || facts.error().kind == ErrorKind::not_found;
  if (!facts && boot_log_done_) co_return Status{};
  if (!facts) co_return fail(Error{facts.error()});
  note_("the job's stages have no log; this is the machine's own, of its boot:");
  Log log;
  std::vector<Found> found{{&log, {object, facts->etag, facts->size, 0}, 0}};
  auto showing = show_all(std::move(found));
  co_return co_await std::move(showing);
}

}  // namespace curfew::jobs
