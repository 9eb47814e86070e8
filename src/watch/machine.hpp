// What `curfew check` knows of each instance, and of how the reading went. Values only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/times.hpp"
#include "watch/act.hpp"

namespace curfew::watch {

enum class Lifecycle : std::uint8_t { on_demand, spot, other };  // other: capacity block, scheduled
[[nodiscard]] std::string_view name_of(Lifecycle lifecycle);     // "on-demand", "spot", "other"

// EC2's own; `unknown` is a name that EC2 didn't have when this was written.
enum class InstanceState : std::uint8_t {
  pending,
  running,
  shutting_down,
  terminated,
  stopping,
  stopped,
  unknown
};
[[nodiscard]] std::string_view name_of(InstanceState state);  // "shutting-down"
[[nodiscard]] InstanceState parse_state(std::string_view name);

// Of the EventBridge schedule curfew-INSTANCE_ID that ends the instance.
enum class ScheduleState : std::uint8_t {
  not_asked,  // nothing would be scheduled for it (see wants_schedule() in tags.hpp), or nobody asked yet
  armed,      // seen
  none,       // its owner said so, by the tag curfew:schedule=none
  missing,    // asked for, and not there
  refused,    // no permission to ask
  failed      // asked for, and no answer; whoever asked says so among the report's notes, as `unread`
};
[[nodiscard]] std::string_view name_of(ScheduleState state);

// The tag curfew:deadline.
struct Deadline {
  std::optional<WallTime> at;  // empty: malformed, and so without effect
  std::string raw = {};        // as it stands in the tag, where it's malformed; untrusted
};

// The tag curfew:keep; its grammar is in tags.hpp.
struct Keep {
  std::string reason = {};             // untrusted; may be empty
  std::optional<WallTime> until = {};  // kept before this time only
  bool malformed = false;              // there's an "until" without a date: alarmed, but not ended either
};

// When an instance needs attention; empty: never for that.
struct Thresholds {
  std::optional<Seconds> warn = {};  // running for longer
  std::optional<Seconds> crit = {};
  std::optional<Micros> warn_cost = {};  // has cost more since it was started
  std::optional<Micros> crit_cost = {};
};

// What an instance costs. Empty is not known, which is never zero.
struct MachineCost {
  std::optional<Micros> hourly = {};       // the instance alone, as of now
  std::optional<Micros> so_far = {};       // the instance alone, since its last start
  std::optional<Micros> ebs_hourly = {};   // its EBS volumes
  std::optional<Micros> ebs_so_far = {};   // them, since its last start
  std::optional<Micros> ipv4_hourly = {};  // its public IPv4 addresses; zero where it has none
  std::optional<Micros> ipv4_so_far = {};
  bool at_least = false;  // hourly is a lower bound
  bool at_most = false;   // it is an upper bound: a spot instance at the price on demand
  bool so_far_at_least = false;
  bool so_far_at_most = false;  // part of it may be: where the spot prices of its first days aren't told
  Micros so_far_low{};          // of which so much is sure, where it's at most
  bool ebs_at_least = false;    // there are volumes that aren't in these sums
  bool ebs_at_most = false;     // of some volumes there are only upper bounds
  bool ipv4_at_most =
      false;  // it was stopped since: only elastic addresses are kept, and which are isn't known
  std::string source = {};  // of `hourly`: "Pricing API", "list price of 2025-05-28", "spot price history"
  // Why something here isn't exact, a line each; null: it is. Shared by those of which the same is true.
  std::shared_ptr<const std::vector<std::string>> notes = {};
};

// The accelerators of an instance type, see gpus.hpp.
struct Gpus {
  bool present = false;
  std::optional<unsigned> count = 0U;  // empty: a GPU family, but not known how many
};

// One instance. Texts are as EC2 or the tags have them: untrusted, any bytes; each renderer escapes.
struct Machine {
  std::string account;  // twelve digits
  std::string region;
  std::string zone;  // "us-east-1a"; may be empty
  std::string id;
  std::string type;
  Lifecycle lifecycle = Lifecycle::on_demand;
  InstanceState state = InstanceState::running;
  WallTime launched{};  // LaunchTime: renewed by each start

  std::string name;                // the tag Name
  std::string owner;               // the tag curfew:owner, else owner, else Owner
  std::string launched_by;         // who made the instance, where a tag says so (aws:createdBy, …)
  std::optional<std::string> job;  // the tag curfew:job: launched under curfew
  std::string group;               // the Auto Scaling group that would replace it; else empty
  std::string managed_by;  // another service, by which alone it can be ended (EKS); else empty; not a tag
  std::optional<Deadline> deadline;
  std::optional<Keep> keep;
  bool then_stop = false;  // the tag curfew:then=stop: ending is StopInstances
  ScheduleState schedule = ScheduleState::not_asked;
  Thresholds overrides;                    // by tag; what is empty is as the report's
  std::vector<std::string> ignored_tags;   // keys of curfew's tags whose values can't be used
  std::optional<bool> protected_from_end;  // DisableApiTermination; empty: not asked
  Gpus gpus;
  MachineCost cost;
};

// How the reading of one region of one account went.
struct RegionReading {
  enum class Outcome : std::uint8_t {
    read,
    failed,   // refused, timed out, a page was lost: what is there isn't known, nothing may be concluded
    ignored,  // not to be read, as its owner said (ignore_regions, --exclude-region)
    denied    // refused by an explicit deny, and that was allowed for (--allow-denied)
  };
  std::string account;
  std::string region;
  Outcome outcome = Outcome::read;
  std::string error = {};           // of `failed` and `denied`; untrusted
  std::optional<Millis> skew = {};  // AWS's clock minus ours, see clock_skew.hpp; empty: not told
};
[[nodiscard]] std::string_view name_of(RegionReading::Outcome outcome);

struct Account {
  std::string id;         // twelve digits
  std::string role = {};  // the ARN that was assumed for it; empty: the caller's own
};

// Something to be told beside the instances: a permission that is missing, a price that nobody knows.
struct Note {
  std::string text;     // untrusted
  bool unread = false;  // something that was to be read could not be: the check fails (exit code 101)
};

struct Report {
  WallTime at{};  // when it was read
  Thresholds thresholds;
  std::vector<Account> accounts;
  std::vector<RegionReading> regions;
  std::deque<Machine> machines;  // in any order, filtered; a deque, as there may be tens of thousands
  std::vector<Note> notes;
  std::optional<Enforced> enforced = {};  // by --enforce
  std::vector<std::string> filters = {};  // what keeps instances from being shown, in words; untrusted
  std::string profile = {};               // --profile, which commands to be copied need too; may be empty
};

// Whether anything that was to be read could not be: a region that failed, or a note that says so.
[[nodiscard]] bool is_unread(const Report& report);

// Since the last start; empty where it isn't running (pending isn't yet). Never negative: clocks differ.
[[nodiscard]] std::optional<Seconds> running_for(const Machine& machine, WallTime now);

}  // namespace curfew::watch
