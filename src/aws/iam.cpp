// IAM's Query protocol.
#include "aws/iam.hpp"

#include <array>
#include <iterator>
#include <utility>

#include "aws/core/query.hpp"
#include "aws/core/xml.hpp"
#include "aws/pages.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 1U << 20U};
constexpr Millis k_total{30'000};

constexpr std::size_t k_longest_arn = 2'048;
constexpr std::size_t k_longest_name = 128;
constexpr std::size_t k_longest_document = 128U << 10U;  // 10,240 characters, percent-encoded
constexpr std::size_t k_most_roles = 10;                 // of a profile: one, by the reference
constexpr std::size_t k_most_names = 1'000;              // a page
constexpr std::size_t k_most_pages = 10;

// Where a partition's one IAM is, and is signed for (botocore's partitions.json).
std::string_view iam_region_for(std::string_view region) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> k_regions{
      {{"aws-cn", "cn-north-1"},
       {"aws-us-gov", "us-gov-west-1"},
       {"aws-eusc", "eusc-de-east-1"},
       {"aws-iso", "us-iso-east-1"},
       {"aws-iso-b", "us-isob-east-1"},
       {"aws-iso-e", "eu-isoe-west-1"},
       {"aws-iso-f", "us-isof-south-1"}}};
  const auto partition = partition_of(region).name;
  for (const auto& [name, its_region] : k_regions)
    if (name == partition) return its_region;
  return "us-east-1";
}

// "URL-encoded compliant with RFC 3986" (API reference); a test server may leave it as it is.
Result<std::string> document_in(const pugi::xml_node& node, const char* name) {
  const auto text = child_view(node, name);
  if (text.empty() || text.size() > k_longest_document) return odd(name, text);
  if (text.front() == '{') return std::string(text);
  auto decoded = net::percent_decode(text);
  if (!decoded) return odd(name, text);
  return std::move(*decoded);
}

Result<std::string> arn_in(const pugi::xml_node& node) {
  auto arn = child_text(node, "Arn");
  if (!arn.starts_with("arn:") || !is_ascii(arn, k_longest_arn)) return odd("Arn", arn);
  return arn;
}

Result<NamePage> names_in(std::string_view text, const std::string& action, const char* list,
                          const char* name) {
  const auto xml = Xml::parse(text, action + "Response");
  if (!xml) return fail(Error{xml.error()});
  const auto result = xml->root().child((action + "Result").c_str());
  if (!result.child(list)) return odd(list, "missing");
  NamePage page;
  for (const auto node : result.child(list).children("member")) {
    std::string found(name == nullptr ? trimmed(node.text().get()) : child_view(node, name));
    if (!is_ascii(found, k_longest_name)) return odd("a policy's name", found);
    if (page.names.size() == k_most_names) return odd(list, "more than a page holds");
    page.names.push_back(std::move(found));
  }
  if (child_view(result, "IsTruncated") != "true") return page;
  page.next = child_text(result, "Marker");
  if (page.next.empty()) return odd("Marker", "missing");
  return page;
}

void add_tags(Form& form, const ResourceTags& tags) {
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const auto member = "Tags.member." + std::to_string(i + 1);
    form.emplace_back(member + ".Key", tags[i].first);
    form.emplace_back(member + ".Value", tags[i].second);
  }
}

class QueryIam final : public Iam {
 public:
  QueryIam(Session& session, std::string_view region) : session_(session), region_(region) {}

  Awaitable<Result<std::optional<IamRole>>> role(std::string name) override {
    Form form{{"RoleName", std::move(name)}};
    auto asking = read("GetRole", std::move(form), parse_role);
    co_return co_await std::move(asking);
  }

  Awaitable<Result<std::optional<std::string>>> role_policy(std::string role, std::string policy) override {
    Form form{{"RoleName", std::move(role)}, {"PolicyName", std::move(policy)}};
    auto asking = read("GetRolePolicy", std::move(form), parse_role_policy);
    co_return co_await std::move(asking);
  }

  Awaitable<Result<std::optional<IamProfile>>> profile(std::string name) override {
    Form form{{"InstanceProfileName", std::move(name)}};
    auto asking = read("GetInstanceProfile", std::move(form), parse_profile);
    co_return co_await std::move(asking);
  }

  Awaitable<Result<std::vector<std::string>>> policy_names(std::string role) override {
    auto asking = names("ListRolePolicies", role, parse_inline_policies);
    auto all = co_await std::move(asking);
    if (!all) co_return all;
    auto asking_more = names("ListAttachedRolePolicies", std::move(role), parse_attached_policies);
    auto more = co_await std::move(asking_more);
    if (!more) co_return more;
    std::move(more->begin(), more->end(), std::back_inserter(*all));
    co_return all;
  }

  Awaitable<Status> create_role(std::string name, std::string trust, std::string description,
                                ResourceTags tags) override {
    Form form{{"RoleName", std::move(name)},
              {"AssumeRolePolicyDocument", std::move(trust)},
              {"Description", std::move(description)}};
    add_tags(form, tags);
    return change("CreateRole", std::move(form));
  }
  Awaitable<Status> set_trust(std::string role, std::string trust) override {
    return change("UpdateAssumeRolePolicy",
                  {{"RoleName", std::move(role)}, {"PolicyDocument", std::move(trust)}});
  }
  Awaitable<Status> put_role_policy(std::string role, std::string policy, std::string document) override {
    return change("PutRolePolicy", {{"RoleName", std::move(role)},
                                    {"PolicyName", std::move(policy)},
                                    {"PolicyDocument", std::move(document)}});
  }
  Awaitable<Status> create_profile(std::string name, ResourceTags tags) override {
    Form form{{"InstanceProfileName", std::move(name)}};
    add_tags(form, tags);
    return change("CreateInstanceProfile", std::move(form));
  }
  Awaitable<Status> add_role(std::string profile, std::string role) override {
    return change("AddRoleToInstanceProfile",
                  {{"InstanceProfileName", std::move(profile)}, {"RoleName", std::move(role)}});
  }
  Awaitable<Status> remove_role(std::string profile, std::string role) override {
    return remove("RemoveRoleFromInstanceProfile",
                  {{"InstanceProfileName", std::move(profile)}, {"RoleName", std::move(role)}});
  }
  Awaitable<Status> delete_profile(std::string name) override {
    return remove("DeleteInstanceProfile", {{"InstanceProfileName", std::move(name)}});
  }
  Awaitable<Status> delete_role_policy(std::string role, std::string policy) override {
    return remove("DeleteRolePolicy", {{"RoleName", std::move(role)}, {"PolicyName", std::move(policy)}});
  }
  Awaitable<Status> delete_role(std::string name) override {
    return remove("DeleteRole", {{"RoleName", std::move(name)}});
  }

 private:
  // `form` begins with what is acted on.
  [[nodiscard]] Query query_for(const std::string& action, Form form) const {
    return {action + " " + printable(form.front().second, 130),
            "iam",
            region_,
            "2010-05-08",
            action,
            std::move(form)};
  }

  template <class T>
  Awaitable<Result<std::optional<T>>> read(std::string action, Form form,
                                           Result<T> (*parse)(std::string_view)) {
    auto query = query_for(action, std::move(form));
    auto asking = ask(session_, std::move(query), k_limits, k_total, parse);
    auto found = co_await std::move(asking);
    if (found) co_return std::optional<T>(std::move(*found));
    if (found.error().code == "NoSuchEntity") co_return std::nullopt;
    co_return fail(std::move(found.error()));
  }

  Awaitable<Result<std::vector<std::string>>> names(std::string action, std::string role,
                                                    Result<NamePage> (*parse)(std::string_view)) {
    std::vector<std::string> all;
    PageRule rule(action, k_most_pages);
    for (std::string marker;;) {
      Form form{{"RoleName", role}};
      if (!marker.empty()) form.emplace_back("Marker", marker);
      auto query = query_for(action, std::move(form));
      auto asking = ask(session_, std::move(query), k_limits, k_total, parse);
      auto page = co_await std::move(asking);
      if (!page) co_return fail(std::move(page.error()));
      std::move(page->names.begin(), page->names.end(), std::back_inserter(all));
      const auto next = rule.after(page->next);
      if (!next) co_return fail(Error{next.error()});
      if (*next == NextPage::none) co_return all;
      marker = std::move(page->next);
    }
  }

  Awaitable<Status> change(std::string action, Form form) {
    auto query = query_for(action, std::move(form));
    auto asking = ask_for_xml(session_, std::move(query), k_limits, k_total);
    auto done = co_await std::move(asking);
    if (!done) co_return fail(std::move(done.error()));
    co_return Status{};
  }

  Awaitable<Status> remove(std::string action, Form form) {
    auto removing = change(std::move(action), std::move(form));
    auto removed = co_await std::move(removing);
    if (!removed && removed.error().code == "NoSuchEntity") co_return Status{};
    co_return removed;
  }

  Session& session_;
  std::string region_;
};

}  // namespace

Result<IamRole> parse_role(std::string_view text) {
  const auto xml = Xml::parse(text, "GetRoleResponse");
  if (!xml) return fail(Error{xml.error()});
  const auto node = xml->root().child("GetRoleResult").child("Role");
  auto arn = arn_in(node);
  if (!arn) return fail(std::move(arn.error()));
  auto trust = document_in(node, "AssumeRolePolicyDocument");
  if (!trust) return fail(std::move(trust.error()));
  auto tags = tags_in(node.child("Tags"), "member", "Key", "Value");
  if (!tags) return fail(std::move(tags.error()));
  return IamRole{std::move(*arn), std::move(*trust), std::move(*tags)};
}

Result<std::string> parse_role_policy(std::string_view text) {
  const auto xml = Xml::parse(text, "GetRolePolicyResponse");
  if (!xml) return fail(Error{xml.error()});
  return document_in(xml->root().child("GetRolePolicyResult"), "PolicyDocument");
}

Result<IamProfile> parse_profile(std::string_view text) {
  const auto xml = Xml::parse(text, "GetInstanceProfileResponse");
  if (!xml) return fail(Error{xml.error()});
  const auto node = xml->root().child("GetInstanceProfileResult").child("InstanceProfile");
  auto arn = arn_in(node);
  if (!arn) return fail(std::move(arn.error()));
  IamProfile profile{std::move(*arn), {}, {}};
  for (const auto member : node.child("Roles").children("member")) {
    auto name = child_text(member, "RoleName");
    if (!is_ascii(name, k_longest_name)) return odd("RoleName", name);
    if (profile.roles.size() == k_most_roles) return odd("Roles", "more than there may be");
    profile.roles.push_back(std::move(name));
  }
  auto tags = tags_in(node.child("Tags"), "member", "Key", "Value");
  if (!tags) return fail(std::move(tags.error()));
  profile.tags = std::move(*tags);
  return profile;
}

Result<NamePage> parse_inline_policies(std::string_view text) {
  return names_in(text, "ListRolePolicies", "PolicyNames", nullptr);
}

Result<NamePage> parse_attached_policies(std::string_view text) {
  return names_in(text, "ListAttachedRolePolicies", "AttachedPolicies", "PolicyName");
}

std::unique_ptr<Iam> make_iam(Session& session, const std::string& region) {
  return std::make_unique<QueryIam>(session, iam_region_for(region));
}

}  // namespace curfew::aws
