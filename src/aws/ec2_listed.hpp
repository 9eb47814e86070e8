// What EC2's lists tell of instances, volumes, spot prices and regions: values only. Ids, types, zones, times and
// numbers are checked; tags and reasons are other people's text, any bytes but NUL, only bounded: printable() first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/times.hpp"

namespace curfew::aws {

struct Tag {
  std::string_view key;
  std::string_view value;
};

// An instance's tags in the reply's order, in one piece of memory: a large account has hundreds of thousands of them.
class TagList {
 public:
  class Iterator {
   public:
    explicit Iterator(const char* at) : at_(at) {}
    Tag operator*() const;
    Iterator& operator++();
    friend bool operator==(Iterator, Iterator) = default;

   private:
    const char* at_;
  };

  // What follows a NUL in either is cut.
  void add(std::string_view key, std::string_view value);
  // A view into the list; nothing where no tag has that key.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const;
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] Iterator begin() const { return Iterator(packed_.data()); }
  [[nodiscard]] Iterator end() const { return Iterator(packed_.data() + packed_.size()); }
  friend bool operator==(const TagList&, const TagList&) = default;

 private:
  std::string packed_;  // key NUL value NUL …
  std::size_t count_ = 0;
};

enum class InstanceState : std::uint8_t { pending, running, shutting_down, terminated, stopping, stopped };
// "shutting-down", as EC2 writes it.
[[nodiscard]] std::string_view name_of(InstanceState state);
// By that name; nothing for another one.
[[nodiscard]] std::optional<InstanceState> instance_state_from(std::string_view name);

// `other`: what EC2 may call it one day ("interruptible-capacity-reservation" now), priced like none of these.
enum class BoughtAs : std::uint8_t { on_demand, spot, scheduled, capacity_block, other };
enum class Tenancy : std::uint8_t { shared, dedicated, host, other };
// "on-demand", "spot", "scheduled", "capacity-block", "other".
[[nodiscard]] std::string_view name_of(BoughtAs bought_as);
// "default", as EC2 calls shared hardware, "dedicated", "host", "other".
[[nodiscard]] std::string_view name_of(Tenancy tenancy);

struct ListedInstance {
  std::string id;    // i-…
  std::string type;  // "g5.xlarge"
  InstanceState state = InstanceState::running;
  BoughtAs bought_as = BoughtAs::on_demand;
  Tenancy tenancy = Tenancy::shared;
  std::string zone;     // "us-east-1a"
  std::string account;  // the reservation's owner, 12 digits
  WallTime launched{};  // LaunchTime: renewed by each start
  // "Linux/UNIX", "Red Hat Enterprise Linux", "Windows", "SUSE Linux", "Windows with SQL Server Standard", …: what the
  // price depends on. Where only the older element `platform` says "windows": "Windows"; empty where nothing does.
  std::string platform_details;
  std::string usage_operation;       // "RunInstances:0010"; may be empty
  std::string architecture;          // "x86_64", "arm64"; may be empty
  std::string spot_request;          // sir-…; empty: none, or not told
  std::string public_ipv4;           // the primary one; empty: none
  std::uint32_t public_ipv4s = 0;    // all of its interfaces', each costs money
  std::vector<std::string> volumes;  // the ids of its EBS volumes, vol-…
  TagList tags;
  std::string reason;  // StateTransitionReason, "User initiated (2026-11-24 18:00:00 GMT)"; at most 200 bytes
  std::string reason_code;  // StateReason's, "Client.InstanceInitiatedShutdown"; at most 200 bytes
  std::string
      managed_by;  // another service's principal, e.g. of EKS, by which alone it can be ended; else empty
};
// The group that would replace it when it's ended; empty where it's in none.
[[nodiscard]] std::string_view auto_scaling_group(const ListedInstance& instance);

struct Attachment {
  std::string instance;                       // i-…
  std::optional<bool> delete_on_termination;  // whether it ends with the instance; nothing: EC2 doesn't tell
};

struct ListedVolume {
  std::string id;     // vol-…
  std::string type;   // "gp3", "io2"; letters and digits
  std::string state;  // "in-use", "available", "creating", "deleting", "deleted", "error"
  std::string zone;
  std::uint64_t gib = 0;                    // 1 to 65,536
  std::optional<std::uint64_t> iops;        // not of st1, sc1, standard; of gp2 it follows from the size
  std::optional<std::uint64_t> throughput;  // MiB/s; of gp3
  WallTime created{};                       // billed since then
  std::vector<Attachment> attachments;  // more than one for Multi-Attach; to other than instances: left out
};

// From `since` until the next point of the same type, product and zone, an instance-hour cost `per_hour`.
struct SpotPricePoint {
  std::string type;
  std::string
      product;  // "Linux/UNIX", "Linux/UNIX (Amazon VPC)", "Windows", "SUSE Linux", "Red Hat Enterprise Linux"
  std::string zone;
  WallTime since{};
  Micros per_hour;  // above 0
};

enum class OptIn : std::uint8_t { not_required, opted_in, not_opted_in, other };
struct ListedRegion {
  std::string name;
  OptIn opt_in = OptIn::not_required;
};

// The request that launched a spot instance. Of a persistent one another instance follows, unless it's cancelled before
// its instance is ended.
struct SpotRequest {
  std::string id;     // sir-…
  std::string state;  // "open", "active", "closed", "cancelled", "failed", "disabled"
  bool persistent = false;
  std::string instance;  // i-…; empty: none now
};

}  // namespace curfew::aws
