// Taking away what `curfew setup` has made for launches: what there is, what is in the way, what is deleted; pure.
// teardown_work.hpp reads and acts.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "setup/account.hpp"

namespace curfew::setup {

struct TeardownWish {
  Place place;
  bool keep_roles = false;
  bool delete_results = false;
};

// What lies in the bucket below one name: "jobs/", or the name of an object at its top.
struct Heap {
  std::string name;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

struct TeardownFound {
  AccountFound account;
  Result<std::vector<Heap>> heaps = std::vector<Heap>{};  // by name
  Result<std::vector<std::string>> instances =
      std::vector<std::string>{};  // "i-0123… in us-east-1 (running)"
};

struct EmptyBucket {};
struct DeleteBucket {};
struct DeleteGroup {
  std::string group;
};
struct EmptyProfile {
  std::vector<std::string> roles;
};
struct DeleteProfile {};
struct DeleteRolePolicy {
  RoleName role;
};
struct DeleteRole {
  RoleName role;
};
using TeardownStep = std::variant<EmptyBucket, DeleteBucket, DeleteGroup, EmptyProfile, DeleteProfile,
                                  DeleteRolePolicy, DeleteRole>;

enum class Fate {
  absent,      // there's nothing
  deleted,     // would be
  kept,        // by the user's own wish
  foreign,     // lacks the tag: never touched
  unreadable,  // not known: not touched
};

struct TeardownPart {
  AccountPartName name;
  Fate fate = Fate::absent;
  std::string detail;  // safe to show
  std::vector<TeardownStep> steps;
};

struct TeardownPlan {
  std::vector<TeardownPart> parts;      // in the order in which they are deleted
  std::vector<std::string> lost;        // what goes for good, by --delete-results; safe to show
  std::vector<std::string> in_the_way;  // any of it: nothing is deleted; safe to show

  [[nodiscard]] bool has_steps() const;
  // Whether nothing is unread or in the way.
  [[nodiscard]] bool is_complete() const;
};

[[nodiscard]] TeardownPlan plan_teardown(const TeardownWish& wish, const TeardownFound& found);
[[nodiscard]] std::string text_of(const TeardownPlan& plan, const Place& place);

// A key into its heap; nothing is left out.
void add_object(std::vector<Heap>& heaps, const std::string& key, std::uint64_t bytes);
// More names than this at a bucket's top are one heap.
inline constexpr std::size_t k_most_heaps = 50;

}  // namespace curfew::setup
