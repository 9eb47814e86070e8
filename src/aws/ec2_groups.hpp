// EC2: security groups, as far as setting one up needs them; behind an interface for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/session.hpp"
#include "aws/tags.hpp"
#include "base/result.hpp"

namespace curfew::aws {

struct SecurityGroup {
  std::string id;   // sg-…
  std::string vpc;  // vpc-…
  ResourceTags tags;
};

// One that lets something in.
struct IngressRule {
  std::string id;    // sgr-…
  std::string text;  // "tcp 22 from 0.0.0.0/0"; safe to show
  friend bool operator==(const IngressRule&, const IngressRule&) = default;
};

// Error.code is EC2's own. Each call ends within 30 s.
class Ec2Groups {
 public:
  virtual ~Ec2Groups() = default;
  // The id of the region's default VPC; empty: there's none.
  [[nodiscard]] virtual Awaitable<Result<std::string>> default_vpc() = 0;
  // Nothing: there's none of that name in the VPC.
  [[nodiscard]] virtual Awaitable<Result<std::optional<SecurityGroup>>> group(std::string vpc,
                                                                              std::string name) = 0;
  [[nodiscard]] virtual Awaitable<Result<std::vector<IngressRule>>> ingress(std::string group) = 0;

  // Its id. EC2 makes it with every way out open, and none in.
  [[nodiscard]] virtual Awaitable<Result<std::string>> create(std::string vpc, std::string name,
                                                              std::string description, ResourceTags tags) = 0;
  [[nodiscard]] virtual Awaitable<Status> revoke(std::string group, std::vector<std::string> rules) = 0;
  // Fine when it's gone already; refused by EC2 where something uses it.
  [[nodiscard]] virtual Awaitable<Status> delete_group(std::string group) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Ec2Groups> make_ec2_groups(Session& session, std::string region);

// Pure; for ec2_groups.cpp and its tests.
[[nodiscard]] Result<std::string> parse_default_vpc(std::string_view xml);
[[nodiscard]] Result<std::vector<SecurityGroup>> parse_groups(std::string_view xml);
[[nodiscard]] Result<std::vector<IngressRule>> parse_group_rules(std::string_view xml);
[[nodiscard]] Result<std::string> parse_created_group(std::string_view xml);

}  // namespace curfew::aws
