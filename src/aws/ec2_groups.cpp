// DescribeVpcs, DescribeSecurityGroups and what follows.
#include "aws/ec2_groups.hpp"

#include <fmt/format.h>

#include "aws/core/query.hpp"
#include "aws/core/xml.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 4U << 20U};
constexpr Millis k_total{30'000};
constexpr std::size_t k_most_groups = 1'000;
constexpr std::size_t k_most_rules = 1'000;  // of a group: EC2's own
constexpr std::size_t k_most_of_text = 60;

Result<std::string> id_in(const pugi::xml_node& node, const char* name, std::string_view prefix) {
  auto id = child_text(node, name);
  if (!is_resource_id(id, prefix)) return odd(name, id);
  return id;
}

// One page is all that is asked for.
Status refuse_more(const pugi::xml_node& root) {
  if (!child_view(root, "nextToken").empty()) return odd("nextToken", "more than a page holds");
  return {};
}

// "tcp 22", "tcp 1-1024", "all".
std::string ports_of(const pugi::xml_node& item) {
  const auto protocol = child_view(item, "ipProtocol");
  if (protocol == "-1") return "everything";
  const auto from = child_view(item, "fromPort");
  const auto to = child_view(item, "toPort");
  std::string text(protocol);
  if (!from.empty() && from != "-1") text += " " + std::string(from);
  if (!to.empty() && to != from) text += "-" + std::string(to);
  return text;
}

std::string source_of(const pugi::xml_node& item) {
  for (const char* const name : {"cidrIpv4", "cidrIpv6", "prefixListId"})
    if (const auto value = child_view(item, name); !value.empty()) return std::string(value);
  const auto group = child_view(item.child("referencedGroupInfo"), "groupId");
  return group.empty() ? "somewhere" : std::string(group);
}

class QueryEc2Groups final : public Ec2Groups {
 public:
  QueryEc2Groups(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::string>> default_vpc() override {
    Form form{{"Filter.1.Name", "is-default"}, {"Filter.1.Value.1", "true"}};
    return read("DescribeVpcs", std::move(form), parse_default_vpc);
  }

  Awaitable<Result<std::optional<SecurityGroup>>> group(std::string vpc, std::string name) override {
    Form form{{"Filter.1.Name", "vpc-id"},
              {"Filter.1.Value.1", vpc},
              {"Filter.2.Name", "group-name"},
              {"Filter.2.Value.1", std::move(name)}};
    auto asking = read("DescribeSecurityGroups", std::move(form), parse_groups);
    auto groups = co_await std::move(asking);
    if (!groups) co_return fail(std::move(groups.error()));
    for (auto& one : *groups)
      if (one.vpc == vpc) co_return std::optional<SecurityGroup>(std::move(one));
    co_return std::nullopt;
  }

  Awaitable<Result<std::vector<IngressRule>>> ingress(std::string group) override {
    Form form{{"Filter.1.Name", "group-id"}, {"Filter.1.Value.1", std::move(group)}};
    return read("DescribeSecurityGroupRules", std::move(form), parse_group_rules);
  }

  Awaitable<Result<std::string>> create(std::string vpc, std::string name, std::string description,
                                        ResourceTags tags) override {
    Form form{{"GroupName", std::move(name)},
              {"GroupDescription", std::move(description)},
              {"VpcId", std::move(vpc)},
              {"TagSpecification.1.ResourceType", "security-group"}};
    for (std::size_t i = 0; i < tags.size(); ++i) {
      form.emplace_back(fmt::format("TagSpecification.1.Tag.{}.Key", i + 1), tags[i].first);
      form.emplace_back(fmt::format("TagSpecification.1.Tag.{}.Value", i + 1), tags[i].second);
    }
    return read("CreateSecurityGroup", std::move(form), parse_created_group);
  }

  Awaitable<Status> revoke(std::string group, std::vector<std::string> rules) override {
    Form form{{"GroupId", std::move(group)}};
    for (std::size_t i = 0; i < rules.size(); ++i)
      form.emplace_back(fmt::format("SecurityGroupRuleId.{}", i + 1), rules[i]);
    return change("RevokeSecurityGroupIngress", std::move(form));
  }

  Awaitable<Status> delete_group(std::string group) override {
    Form form{{"GroupId", std::move(group)}};
    auto removing = change("DeleteSecurityGroup", std::move(form));
    auto removed = co_await std::move(removing);
    if (!removed && removed.error().code == "InvalidGroup.NotFound") co_return Status{};
    co_return removed;
  }

 private:
  [[nodiscard]] Query query_for(const std::string& action, Form form) const {
    return {action + " in " + region_, "ec2", region_, "2016-11-15", action, std::move(form)};
  }

  template <class T>
  Awaitable<Result<T>> read(std::string action, Form form, Result<T> (*parse)(std::string_view)) {
    auto query = query_for(action, std::move(form));
    auto asking = ask(session_, std::move(query), k_limits, k_total, parse);
    co_return co_await std::move(asking);
  }

  Awaitable<Status> change(std::string action, Form form) {
    auto query = query_for(action, std::move(form));
    auto asking = ask_for_xml(session_, std::move(query), k_limits, k_total);
    const auto done = co_await std::move(asking);
    if (!done) co_return fail(Error{done.error()});
    co_return Status{};
  }

  Session& session_;
  std::string region_;
};

}  // namespace

Result<std::string> parse_default_vpc(std::string_view text) {
  const auto xml = Xml::parse(text, "DescribeVpcsResponse");
  if (!xml) return fail(Error{xml.error()});
  for (const auto item : xml->root().child("vpcSet").children("item"))
    if (child_view(item, "isDefault") == "true") return id_in(item, "vpcId", "vpc-");
  return std::string();
}

Result<std::vector<SecurityGroup>> parse_groups(std::string_view text) {
  const auto xml = Xml::parse(text, "DescribeSecurityGroupsResponse");
  if (!xml) return fail(Error{xml.error()});
  if (auto whole = refuse_more(xml->root()); !whole) return fail(std::move(whole.error()));
  std::vector<SecurityGroup> groups;
  for (const auto item : xml->root().child("securityGroupInfo").children("item")) {
    auto id = id_in(item, "groupId", "sg-");
    if (!id) return fail(std::move(id.error()));
    auto vpc = id_in(item, "vpcId", "vpc-");
    if (!vpc) return fail(std::move(vpc.error()));
    auto tags = tags_in(item.child("tagSet"), "item", "key", "value");
    if (!tags) return fail(std::move(tags.error()));
    if (groups.size() == k_most_groups) return odd("securityGroupInfo", "more than a page holds");
    groups.push_back({std::move(*id), std::move(*vpc), std::move(*tags)});
  }
  return groups;
}

Result<std::vector<IngressRule>> parse_group_rules(std::string_view text) {
  const auto xml = Xml::parse(text, "DescribeSecurityGroupRulesResponse");
  if (!xml) return fail(Error{xml.error()});
  if (auto whole = refuse_more(xml->root()); !whole) return fail(std::move(whole.error()));
  const auto list = xml->root().child("securityGroupRuleSet");
  // An empty list is written all the same: without it nobody knows what the group lets in.
  if (!list) return odd("securityGroupRuleSet", "missing");
  std::vector<IngressRule> rules;
  for (const auto item : list.children("item")) {
    const auto egress = child_view(item, "isEgress");
    if (egress == "true") continue;
    if (egress != "false") return odd("isEgress", egress);
    auto id = id_in(item, "securityGroupRuleId", "sgr-");
    if (!id) return fail(std::move(id.error()));
    if (rules.size() == k_most_rules) return odd("securityGroupRuleSet", "more than there may be");
    rules.push_back({std::move(*id), printable(ports_of(item) + " from " + source_of(item), k_most_of_text)});
  }
  return rules;
}

Result<std::string> parse_created_group(std::string_view text) {
  const auto xml = Xml::parse(text, "CreateSecurityGroupResponse");
  if (!xml) return fail(Error{xml.error()});
  return id_in(xml->root(), "groupId", "sg-");
}

std::unique_ptr<Ec2Groups> make_ec2_groups(Session& session, std::string region) {
  return std::make_unique<QueryEc2Groups>(session, std::move(region));
}

}  // namespace curfew::aws
