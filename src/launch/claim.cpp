// Conditional writes, and what to make of a conflict.
#include "launch/claim.hpp"

#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "launch/launch_file.hpp"
#include "launch/records.hpp"
#include "os/json.hpp"

namespace curfew::launch {
namespace {

constexpr int k_version = 1;
constexpr int k_most_tries = 8;
constexpr Millis k_pause{500};
constexpr int k_longest_chain = 100;  // attempts that made nothing, each in the place of the one before

std::string doing(const std::string& launch_id) { return "launch " + launch_id + " again"; }

bool may_be_written(const Error& error) {
  return error.kind == ErrorKind::conflict || error.kind == ErrorKind::unavailable ||
         error.kind == ErrorKind::timed_out;
}

struct Found {
  Claim claim;
  std::string etag;
  std::optional<Seconds> age;
};

Awaitable<Result<std::optional<Found>>> read_claim(Calls& calls, aws::S3Location staging,
                                                   std::string launch_id) {
  auto asking = calls.read(claim_place(staging, launch_id), k_largest_claim);
  auto kept = co_await std::move(asking);
  if (!kept) co_return fail(std::move(kept.error()).within(doing(launch_id)));
  if (!*kept) co_return std::optional<Found>{};
  auto claim = claim_from_json((*kept)->text);
  if (!claim) co_return fail(std::move(claim.error()).within(doing(launch_id)));
  co_return Found{std::move(*claim), std::move((*kept)->etag), (*kept)->age};
}

Awaitable<Result<std::optional<LaunchFile>>> read_launch(Calls& calls, aws::S3Location staging,
                                                         std::string launch_id) {
  auto asking = calls.read(launch_file_place(staging, launch_id), k_largest_launch_file);
  auto kept = co_await std::move(asking);
  if (!kept) co_return fail(std::move(kept.error()));
  if (!*kept) co_return std::optional<LaunchFile>{};
  auto file = launch_file_from_json((*kept)->text);
  if (!file) co_return fail(std::move(file.error()));
  co_return std::optional(std::move(*file));
}

// Nothing where it's free to be taken over; else a conflict that says who holds it. An attempt that made nothing may have been
// launched again itself, while it slept: then that one holds what this one gave up.
Awaitable<Status> check_free(Calls& calls, aws::S3Location staging, std::string launch_id, Found found,
                             int depth = 0) {
  const auto& attempt = found.claim.launch_id;
  auto reading = read_launch(calls, staging, attempt);
  const auto file = co_await std::move(reading);
  if (!file)
    co_return fail(
        Error{file.error()}.within("look whether " + launch_id + " was launched again as " + attempt));
  if (found.claim.given_up || (*file && (*file)->nothing_made)) {
    if (depth == k_longest_chain)
      co_return fail(ErrorKind::refused, doing(launch_id), "too many attempts made nothing",
                     "curfew launch, with its options");
    auto reading_next = read_claim(calls, staging, attempt);
    auto next = co_await std::move(reading_next);
    if (!next) co_return fail(std::move(next.error()));
    if (!*next) co_return Status{};
    auto checking = check_free(calls, std::move(staging), std::move(launch_id), std::move(**next), depth + 1);
    auto free = co_await std::move(checking);
    co_return free;
  }
  if (*file)
    co_return fail(ErrorKind::conflict, doing(launch_id), "it was launched again as " + attempt,
                   "curfew logs " + attempt + " -f follows that; once it is over, curfew retry " + attempt);
  if (found.age && *found.age >= k_claim_holds) co_return Status{};
  co_return fail(ErrorKind::conflict, doing(launch_id),
                 attempt + " is launching it again, since " + format_utc(found.claim.at),
                 "curfew logs " + attempt +
                     " -f follows that once it is there; if nothing comes of it, try again " +
                     format_duration(k_claim_holds) + " after it began");
}

}  // namespace

std::string to_json(const Claim& claim) {
  return boost::json::serialize(boost::json::object{{"version", k_version},
                                                    {"launch", claim.launch_id},
                                                    {"at", format_utc(claim.at)},
                                                    {"renewed", claim.renewed},
                                                    {"given_up", claim.given_up}});
}

Result<Claim> claim_from_json(std::string_view text) {
  if (text.size() > k_largest_claim)
    return fail(ErrorKind::invalid_input, "retried.json", "is larger than any that curfew writes");
  os::JsonReader read(text, "retried.json");
  Claim claim;
  const auto version = read.number("version");
  if (read.status() && version != k_version) read.refuse("version", "is another curfew's");
  claim.launch_id = read.text("launch");
  const auto at = parse_utc(read.text("at"));
  claim.renewed = read.number("renewed");
  claim.given_up = read.flag("given_up");
  if (read.status() && !is_launch_id(claim.launch_id)) read.refuse("launch", "isn't one");
  if (read.status() && !at) read.refuse("at", "is no time");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  claim.at = *at;
  return claim;
}

aws::S3Location claim_place(const aws::S3Location& staging, std::string_view launch_id) {
  return place_of(staging, launch_id, "retried.json");
}

Awaitable<Status> check_unclaimed(Calls& calls, aws::S3Location staging, std::string launch_id) {
  auto reading = read_claim(calls, staging, launch_id);
  auto found = co_await std::move(reading);
  if (!found) co_return fail(std::move(found.error()));
  if (!*found) co_return Status{};
  auto checking = check_free(calls, std::move(staging), std::move(launch_id), std::move(**found));
  co_return co_await std::move(checking);
}

RetryClaim::RetryClaim(Calls& calls, const os::Clock& clock, aws::S3Location staging, Again again,
                       std::string own_id)
    : calls_(calls), clock_(clock), staging_(std::move(staging)), again_(std::move(again)) {
  own_.launch_id = std::move(own_id);
}

std::string RetryClaim::text(bool given_up) {
  own_.at = clock_.wall();
  own_.given_up = given_up;
  ++own_.renewed;
  return to_json(own_);
}

Awaitable<Status> RetryClaim::take() {
  auto claiming = claim_it();
  auto claimed = co_await std::move(claiming);
  if (!claimed) co_return claimed;
  auto checking = check_last();
  auto over = co_await std::move(checking);
  if (over) co_return over;
  auto leaving = give_up();
  const auto left = co_await std::move(leaving);
  if (!left) over.error().cause += "; and the claim on it stays for now: " + left.error().text();
  co_return over;
}

Awaitable<Status> RetryClaim::claim_it() {
  const auto place = claim_place(staging_, again_.retry_of);
  std::string etag;  // of a claim that is free
  for (int tries = 1;; ++tries) {
    auto putting = calls_.put_if(place, text(), etag);
    auto put = co_await std::move(putting);
    if (put) {
      etag_ = std::move(*put);
      co_return Status{};
    }
    if (!may_be_written(put.error()) || tries == k_most_tries)
      co_return fail(std::move(put.error()).within(doing(again_.retry_of)));
    auto reading = read_claim(calls_, staging_, again_.retry_of);
    auto found = co_await std::move(reading);
    if (!found) co_return fail(std::move(found.error()));
    if (*found && (*found)->claim.launch_id == own_.launch_id) {  // a reply was lost
      etag_ = std::move((*found)->etag);
      co_return Status{};
    }
    etag.clear();
    if (!*found) {  // S3's 409: another was at it in the same moment
      co_await calls_.sleep(k_pause);
      continue;
    }
    etag = (*found)->etag;
    auto checking = check_free(calls_, staging_, again_.retry_of, std::move(**found));
    auto free = co_await std::move(checking);
    if (!free) co_return free;
  }
}

// The launch before may have waited for capacity all the while, on a machine that slept: it notes anew when it goes on, and
// looks for this claim only then. So one of the two sees the other.
Awaitable<Status> RetryClaim::check_last() {
  auto reading = read_launch(calls_, staging_, again_.retry_of);
  const auto last = co_await std::move(reading);
  if (!last) co_return fail(Error{last.error()}.within(doing(again_.retry_of)));
  if (*last && (*last)->nothing_made) {
    // It has left what it held: the one before it may be launched again by others by now.
    if (const auto& before = (*last)->retry_of; !before.empty())
      co_return fail(ErrorKind::conflict, doing(again_.retry_of),
                     "it made nothing, in the place of " + before, "curfew retry " + before);
    co_return Status{};
  }
  if (*last && (*last)->made != again_.last_made)
    co_return fail(ErrorKind::conflict, doing(again_.retry_of), "it goes on by itself",
                   "curfew logs " + again_.retry_of + " -f follows it");
  co_return Status{};
}

Awaitable<Status> RetryClaim::renew() {
  auto writing = write_anew(false);
  auto written = co_await std::move(writing);
  if (!written) co_return written;
  // The launch before may have found the claim too old to mind.
  auto checking = check_last();
  auto over = co_await std::move(checking);
  co_return over;
}

Awaitable<Status> RetryClaim::write_anew(bool given_up) {
  const auto place = claim_place(staging_, again_.retry_of);
  for (int tries = 1;; ++tries) {
    auto putting = calls_.put_if(place, text(given_up), etag_);
    auto put = co_await std::move(putting);
    if (put) {
      etag_ = std::move(*put);
      co_return Status{};
    }
    if (!may_be_written(put.error()) || tries == k_most_tries)
      co_return fail(std::move(put.error()).within(doing(again_.retry_of)));
    auto reading = read_claim(calls_, staging_, again_.retry_of);
    auto found = co_await std::move(reading);
    if (!found) co_return fail(std::move(found.error()));
    if (!*found || (*found)->claim.launch_id != own_.launch_id)
      co_return fail(ErrorKind::conflict, doing(again_.retry_of),
                     *found ? "another attempt has taken its place: " + (*found)->claim.launch_id
                            : std::string("its retried.json is gone"),
                     "nothing was made");
    // And its reply lost.
    const bool is_written = (*found)->etag != etag_ && (*found)->claim.given_up == given_up;
    etag_ = std::move((*found)->etag);
    if (is_written) co_return Status{};
    co_await calls_.sleep(k_pause);
  }
}

Awaitable<Status> RetryClaim::give_up() {
  auto writing = write_anew(true);
  auto written = co_await std::move(writing);
  co_return written;
}

}  // namespace curfew::launch
