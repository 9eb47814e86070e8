// One change after another.
#include "watch/deadline_moves.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "layers/l3.hpp"
#include "net/within.hpp"

namespace curfew::watch {
namespace {

constexpr Millis k_limit{60'000};  // of repeating one call
constexpr Millis k_first_pause{1'000};
constexpr Millis k_most_pause{15'000};
constexpr Millis k_look_limit{30'000};  // until EC2 shows a tag that it has taken
constexpr Millis k_look_every{2'000};

class RealCalls final : public DeadlineCalls {
 public:
  RealCalls(Reads& reads, const std::string& region)
      : scheduler_(reads.scheduler(region)),
        maker_(reads.schedule_maker(region)),
        tagger_(reads.tagger(region)),
        inventory_(reads.inventory(region)) {}

  Awaitable<Status> create_schedule(aws::EndSchedule wanted) override {
    return maker_->create_schedule(std::move(wanted));
  }
  Awaitable<Status> update_schedule(aws::EndSchedule wanted) override {
    return maker_->update_schedule(std::move(wanted));
  }
  Awaitable<Result<aws::Schedule>> schedule(std::string name) override {
    return scheduler_->schedule(std::move(name), "default");
  }
  Awaitable<Status> delete_schedule(std::string name) override {
    return maker_->delete_schedule(std::move(name), "default");
  }
  Awaitable<Status> tag(std::string instance, aws::KeyValues tags) override {
    return tagger_->create_tags(std::move(instance), std::move(tags));
  }
  Awaitable<Result<aws::TagList>> tags(std::string instance) override {
    aws::InstanceFilter filter;
    filter.ids = {instance};
    auto asking = inventory_->instances(std::move(filter), "");
    auto page = co_await std::move(asking);
    if (!page) co_return fail(std::move(page.error()));
    for (auto& row : page->rows)
      if (row.id == instance) co_return std::move(row.tags);
    co_return fail(ErrorKind::unavailable, "read the tags of " + instance, "EC2 doesn't tell of it");
  }
  Awaitable<void> sleep(Millis time) override { return net::pause(time); }

 private:
  std::unique_ptr<aws::Scheduler> scheduler_;
  std::unique_ptr<aws::ScheduleMaker> maker_;
  std::unique_ptr<aws::Ec2Launch> tagger_;
  std::unique_ptr<aws::Ec2Inventory> inventory_;
};

bool may_pass(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
}

bool has_all(const aws::TagList& tags, const aws::KeyValues& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& one) { return tags.find(one.first) == std::string_view(one.second); });
}

class Mover {
 public:
  Mover(DeadlineCalls& calls, const FoundInstance& found, const DeadlinePlan& plan, const os::Clock& clock,
        std::function<void(const std::string&)> say)
      : calls_(calls), found_(found), plan_(plan), clock_(clock), say_(std::move(say)) {}

  Awaitable<Status> carry_out(std::string again) {
    for (std::size_t i = 0; i < plan_.changes.size(); ++i) {
      const auto& change = plan_.changes[i];
      auto making = change.kind == Change::Kind::set_tags ? set_tags(change.tags) : arm(change);
      auto made = co_await std::move(making);
      if (made) continue;
      auto error = std::move(made.error());
      if (i == 0 && !may_pass(error)) co_return fail(std::move(error));
      bool is_back = false;
      // What may have been done all the same isn't undone: each prefix of the changes holds.
      if (i > 0 && !may_pass(error)) {
        auto undoing = put_back(plan_.changes[i - 1]);
        is_back = co_await std::move(undoing);
      }
      error.cause += is_back ? "; nothing else was changed"
                             : "; what was done before holds, and the earliest of its ends comes first";
      error.hint += (error.hint.empty() ? "" : "; ") + ("again: " + again);
      co_return fail(std::move(error));
    }
    co_return Status{};
  }

 private:
  Awaitable<Status> arm(const Change& change) {
    const bool moves = change.kind == Change::Kind::move_schedule;
    auto world = world_for(moves);
    auto arming = layers::arm_l3(std::move(world), change.schedule, found_.machine.region);
    auto armed = co_await std::move(arming);
    if (armed)
      say_("schedule " + change.schedule.name + ": " + (change.schedule.stops ? "stops" : "terminates") +
           " it from " + format_utc(change.schedule.start) + " on, read back");
    co_return armed;
  }

  layers::L3World world_for(bool moves) {
    return {[this, moves](aws::EndSchedule one) {
              return moves ? calls_.update_schedule(std::move(one)) : calls_.create_schedule(std::move(one));
            },
            [this](std::string name) { return calls_.schedule(std::move(name)); },
            [this](Millis time) { return calls_.sleep(time); },
            clock_,
            [] { return false; },
            say_,
            k_limit};
  }

  Awaitable<Status> set_tags(const aws::KeyValues& tags) {
    const auto until = clock_.boot() + k_limit;
    for (Millis wait = k_first_pause;; wait = std::min(wait * 2, k_most_pause)) {
      auto tagging = calls_.tag(found_.machine.id, tags);
      auto tagged = co_await std::move(tagging);
      if (tagged) break;
      if (!may_pass(tagged.error()) || clock_.boot() + wait >= until) co_return tagged;
      auto sleeping = calls_.sleep(wait);
      co_await std::move(sleeping);
    }
    auto looking = see(tags);
    auto seen = co_await std::move(looking);
    if (seen)
      for (const auto& [key, value] : tags) say_("tag " + key + "=" + printable(value, 80) + ", read back");
    co_return seen;
  }

  Awaitable<Status> see(const aws::KeyValues& wanted) {
    const auto until = clock_.boot() + k_look_limit;
    for (;;) {
      auto reading = calls_.tags(found_.machine.id);
      auto tags = co_await std::move(reading);
      if (tags && has_all(*tags, wanted)) co_return Status{};
      if (clock_.boot() >= until) {
        if (!tags) co_return fail(std::move(tags.error()).within("read the tags back"));
        co_return fail(ErrorKind::timed_out, "read the tags back", "EC2 doesn't show them as they were set");
      }
      auto sleeping = calls_.sleep(k_look_every);
      co_await std::move(sleeping);
    }
  }

  // True where the schedule is again as it was.
  Awaitable<bool> put_back(const Change& change) {
    if (change.kind == Change::Kind::set_tags) co_return false;
    auto undoing = change.kind == Change::Kind::make_schedule ? calls_.delete_schedule(change.schedule.name)
                                                              : calls_.update_schedule(change.before);
    const auto undone = co_await std::move(undoing);
    if (!undone) say_("the schedule can't be put back as it was: " + printable(undone.error().text(), 300));
    co_return undone.has_value();
  }

  DeadlineCalls& calls_;
  const FoundInstance& found_;
  const DeadlinePlan& plan_;
  const os::Clock& clock_;
  std::function<void(const std::string&)> say_;
};

}  // namespace

std::unique_ptr<DeadlineCalls> make_deadline_calls(Reads& reads, const std::string& region) {
  return std::make_unique<RealCalls>(reads, region);
}

Awaitable<ScheduleSeen> see_schedule(DeadlineCalls& calls, std::string instance) {
  auto reading = calls.schedule(layers::l3_name(instance));
  auto read = co_await std::move(reading);
  ScheduleSeen seen;
  if (read) {
    seen.state = ScheduleSeen::State::there;
    seen.schedule = std::move(*read);
  } else if (read.error().kind != ErrorKind::not_found) {
    seen.state = ScheduleSeen::State::unknown;
    seen.why = read.error().text();
  }
  co_return seen;
}

Awaitable<Status> carry_out(DeadlineCalls& calls, const FoundInstance& found, const DeadlinePlan& plan,
                            const os::Clock& clock, std::function<void(const std::string&)> say,
                            std::string again) {
  Mover mover(calls, found, plan, clock, std::move(say));
  auto moving = mover.carry_out(std::move(again));
  auto moved = co_await std::move(moving);
  co_return moved;
}

}  // namespace curfew::watch
