// Queues by target and size, so that a target which can't be reached holds up no other.
#include "save/schedule.hpp"

#include <algorithm>

#include "aws/core/credentials.hpp"

namespace curfew::save {
namespace {

std::size_t at(Size size) { return size == Size::small ? 0 : 1; }

Size size_of(const Plan& plan, FileId file) {
  return plan.tree()[file].state.size < k_part ? Size::small : Size::large;
}

// What is wrong is the bytes on the way, or S3's memory of an upload, not the file.
bool is_corrupt(const Error& error) {
  return error.code == "BadDigest" || error.code == "XAmzContentChecksumMismatch" ||
         error.code == "XAmzContentSHA256Mismatch" || error.code == "InvalidPart" ||
         error.code == "NoSuchUpload";
}

}  // namespace

Schedule::Schedule(const Plan& plan, const Plan::Order& order, Pace pace) : plan_(plan), pace_(pace) {
  targets_.resize(plan.targets().size());
  for (const auto& [size, files] :
       {std::pair{Size::small, &order.small}, std::pair{Size::large, &order.large}})
    for (const FileId file : *files)
      targets_[plan.tree()[file].target].queues[at(size)].files.push_back(file);
}

bool Schedule::newer(FileId a, FileId b) const {
  return plan_.tree()[a].state.modified > plan_.tree()[b].state.modified;
}

std::optional<FileId> Schedule::next(Size size, BootTime now) {
  Queue* best = nullptr;
  for (State& target : targets_) {
    if (target.given_up || target.paused_until > now) continue;
    Queue& queue = target.queues[at(size)];
    if (!queue.waiting.empty() && queue.waiting.begin()->first <= now) {
      const FileId file = queue.waiting.begin()->second;
      queue.waiting.erase(queue.waiting.begin());
      return file;
    }
    if (queue.next == queue.files.size()) continue;
    if (best == nullptr || newer(queue.files[queue.next], best->files[best->next])) best = &queue;
  }
  if (best == nullptr) return std::nullopt;
  return best->files[best->next++];
}

bool Schedule::ready(BootTime now) const {
  return std::any_of(targets_.begin(), targets_.end(), [&](const State& target) {
    if (target.given_up || target.paused_until > now) return false;
    return std::any_of(std::begin(target.queues), std::end(target.queues), [&](const Queue& queue) {
      return queue.next < queue.files.size() ||
             (!queue.waiting.empty() && queue.waiting.begin()->first <= now);
    });
  });
}

bool Schedule::empty() const {
  return std::all_of(targets_.begin(), targets_.end(), [](const State& target) {
    return target.queues[0].empty() && target.queues[1].empty();
  });
}

void Schedule::succeeded(FileId file) {
  State& target = targets_[plan_.tree()[file].target];
  target.ever_stored = true;
  target.in_a_row = target.hopeless = target.pauses = 0;
  target.refused_since.reset();
  troubles_.erase(file);
}

Millis Schedule::delay(std::uint32_t tries) const {
  const auto doublings = std::min<std::uint32_t>(tries > 0 ? tries - 1 : 0, 20);
  return std::min(pace_.longest_delay, pace_.first_delay * (1U << doublings));
}

void Schedule::again(FileId file, BootTime when) {
  targets_[plan_.tree()[file].target].queues[at(size_of(plan_, file))].waiting.emplace(when, file);
}

Schedule::Verdict Schedule::failed(FileId file, const Error& error, BootTime now) {
  State& target = targets_[plan_.tree()[file].target];
  if (target.given_up) return {};
  Trouble& trouble = troubles_[file];
  trouble.last_error = error.text();
  ++trouble.tries;
  ++target.in_a_row;
  const bool all_wait = target.in_a_row >= pace_.most_in_a_row;
  const auto give_up = [&](std::string reason) {
    target.given_up = true;
    troubles_.erase(file);
    return Verdict{false, std::move(reason)};
  };
  if (error.code == "NoSuchBucket") return give_up(error.text());
  if (error.code == aws::k_no_credentials) {
    // Metadata that doesn't answer may come back at any moment, or there is none: as for refusals, for so long only.
    if (!target.refused_since) target.refused_since = now;
    if (now - *target.refused_since >= pace_.refused_for) return give_up(error.text());
  }
  if (is_corrupt(error)) {
    if (++trouble.corrupt <= pace_.corrupt_tries) {
      again(file, now + delay(trouble.corrupt));
      return {true, {}};
    }
  } else if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out) {
    again(file, now + delay(trouble.tries));
    if (all_wait && target.paused_until <= now) target.paused_until = now + delay(++target.pauses);
    return {true, {}};
  } else if (error.kind == ErrorKind::refused) {
    if (!trouble.refused_since) trouble.refused_since = now;
    if (!target.refused_since) target.refused_since = now;
    // Where others are stored, this file alone is refused, and waits alone.
    if (!target.ever_stored || all_wait) {
      if (now - *target.refused_since >= pace_.refused_for) return give_up(error.text());
      target.paused_until = now + pace_.refused_every;
    }
    if (now - *trouble.refused_since < pace_.refused_for) {
      again(file, now + pace_.refused_every);
      return {true, {}};
    }
  }
  troubles_.erase(file);
  if (++target.hopeless >= pace_.hopeless_in_a_row && !target.ever_stored)
    return give_up("so many failed that the rest wasn't tried; the last: " + error.text());
  return {};
}

void Schedule::take_all(std::uint16_t number,
                        const std::function<void(FileId, const std::string& last_error)>& each) {
  State& target = targets_[number];
  target.given_up = true;
  const auto take = [&](FileId file) {
    const auto trouble = troubles_.find(file);
    each(file, trouble == troubles_.end() ? std::string{} : trouble->second.last_error);
  };
  for (Queue& queue : target.queues) {
    for (const auto& [when, file] : queue.waiting) take(file);
    queue.waiting.clear();
    for (; queue.next < queue.files.size(); ++queue.next) take(queue.files[queue.next]);
  }
}

}  // namespace curfew::save
