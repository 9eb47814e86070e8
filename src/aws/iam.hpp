// IAM: roles, their trust and inline policies, and instance profiles; behind an interface for tests.
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

struct IamRole {
  std::string arn;
  std::string trust;  // a JSON document, as it was given
  ResourceTags tags;
};

struct IamProfile {
  std::string arn;
  std::vector<std::string> roles;  // their names; IAM allows one
  ResourceTags tags;
};

struct NamePage {
  std::vector<std::string> names;
  std::string next;  // a marker; empty: the last page
};

// Names are of [a-zA-Z0-9+=,.@_-]. Each call ends within 30 s. Error.code is IAM's own: "AccessDenied",
// "EntityAlreadyExists", "DeleteConflict". Deleting what isn't there is fine.
class Iam {
 public:
  virtual ~Iam() = default;
  // Nothing: there's no such role, policy or profile.
  [[nodiscard]] virtual Awaitable<Result<std::optional<IamRole>>> role(std::string name) = 0;
  [[nodiscard]] virtual Awaitable<Result<std::optional<std::string>>> role_policy(std::string role,
                                                                                  std::string policy) = 0;
  [[nodiscard]] virtual Awaitable<Result<std::optional<IamProfile>>> profile(std::string name) = 0;
  // All that a role may do: the names of its inline policies and of the managed ones that are attached.
  [[nodiscard]] virtual Awaitable<Result<std::vector<std::string>>> policy_names(std::string role) = 0;

  [[nodiscard]] virtual Awaitable<Status> create_role(std::string name, std::string trust,
                                                      std::string description, ResourceTags tags) = 0;
  [[nodiscard]] virtual Awaitable<Status> set_trust(std::string role, std::string trust) = 0;
  [[nodiscard]] virtual Awaitable<Status> put_role_policy(std::string role, std::string policy,
                                                          std::string document) = 0;
  [[nodiscard]] virtual Awaitable<Status> create_profile(std::string name, ResourceTags tags) = 0;
  [[nodiscard]] virtual Awaitable<Status> add_role(std::string profile, std::string role) = 0;

  [[nodiscard]] virtual Awaitable<Status> remove_role(std::string profile, std::string role) = 0;
  [[nodiscard]] virtual Awaitable<Status> delete_profile(std::string name) = 0;
  [[nodiscard]] virtual Awaitable<Status> delete_role_policy(std::string role, std::string policy) = 0;
  [[nodiscard]] virtual Awaitable<Status> delete_role(std::string name) = 0;
};

// IAM is one for a partition: any region of it will do. The session must outlive it.
[[nodiscard]] std::unique_ptr<Iam> make_iam(Session& session, const std::string& region);

// Pure; for iam.cpp and its tests.
[[nodiscard]] Result<IamRole> parse_role(std::string_view xml);
[[nodiscard]] Result<std::string> parse_role_policy(std::string_view xml);
[[nodiscard]] Result<IamProfile> parse_profile(std::string_view xml);
[[nodiscard]] Result<NamePage> parse_inline_policies(std::string_view xml);
[[nodiscard]] Result<NamePage> parse_attached_policies(std::string_view xml);

}  // namespace curfew::aws
