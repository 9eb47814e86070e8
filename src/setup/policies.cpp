// Policies, statement by statement; docs/setup.md says why each is there.
#include "setup/policies.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"

namespace curfew::setup {
namespace {

namespace json = boost::json;

constexpr std::size_t k_longest_document = 128U << 10U;
constexpr std::size_t k_longest_place = 300;
constexpr const char* k_results_sid = "OtherResults";
constexpr const char* k_data_sid = "OtherData";

json::array list_of(const std::vector<std::string>& texts) {
  json::array list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

// A list of one is written as that one.
json::value one_or_more(const std::vector<std::string>& texts) {
  if (texts.size() == 1) return json::string(texts.front());
  return list_of(texts);
}

json::object condition(const char* op, std::string_view key, const std::vector<std::string>& values) {
  json::object keys;
  keys[key] = one_or_more(values);
  json::object whole;
  whole[op] = std::move(keys);
  return whole;
}

json::object allow(const char* sid, const std::vector<std::string>& actions,
                   const std::vector<std::string>& resources) {
  json::object statement;
  statement["Sid"] = sid;
  statement["Effect"] = "Allow";
  statement["Action"] = one_or_more(actions);
  statement["Resource"] = one_or_more(resources);
  return statement;
}

json::object allow(const char* sid, const std::vector<std::string>& actions,
                   const std::vector<std::string>& resources, json::object conditions) {
  auto statement = allow(sid, actions, resources);
  statement["Condition"] = std::move(conditions);
  return statement;
}

std::string document(json::array statements) {
  json::object whole;
  whole["Version"] = "2012-10-17";
  whole["Statement"] = std::move(statements);
  return json::serialize(whole);
}

std::string trust(std::string_view service, json::object conditions) {
  json::object principal;
  principal["Service"] = service;
  json::object statement;
  statement["Effect"] = "Allow";
  statement["Principal"] = std::move(principal);
  statement["Action"] = "sts:AssumeRole";
  if (!conditions.empty()) statement["Condition"] = std::move(conditions);
  json::array statements;
  statements.emplace_back(std::move(statement));
  return document(std::move(statements));
}

std::string s3_arn(const Place& place, std::string_view path) {
  return "arn:" + place.partition + ":s3:::" + std::string(path);
}

// One role serves all regions, so it reaches the buckets of all; by the account's number those of this account alone.
std::string own_buckets(const Place& place, std::string_view path) {
  return s3_arn(place, "curfew-" + place.account + "-*" + std::string(path));
}

json::object in_own_account(const Place& place) {
  return condition("StringEquals", "aws:ResourceAccount", {place.account});
}

std::string instances(const Place& place) {
  return "arn:" + place.partition + ":ec2:*:" + place.account + ":instance/*";
}

std::vector<std::string> below(const Place& place, const std::vector<aws::S3Location>& places) {
  std::vector<std::string> arns;
  for (const auto& one : places)
    arns.push_back(s3_arn(place, one.bucket + (one.key.empty() ? "/*" : "/" + one.key + "/*")));
  return arns;
}

// The prefixes that may be listed, bucket by bucket: a condition holds for all resources of its statement.
void add_lists(const Place& place, const JobPlaces& places, json::array& statements) {
  std::vector<aws::S3Location> all = places.results;
  all.insert(all.end(), places.data.begin(), places.data.end());
  std::set<std::string> buckets;
  for (const auto& one : all) buckets.insert(one.bucket);
  int number = 0;
  for (const auto& bucket : buckets) {
    std::set<std::string> prefixes;
    for (const auto& one : all)
      if (one.bucket == bucket) prefixes.insert(one.key.empty() ? "*" : one.key + "/*");
    const auto sid = "ListOther" + std::to_string(++number);
    statements.emplace_back(allow(sid.c_str(), {"s3:ListBucket"}, {s3_arn(place, bucket)},
                                  condition("StringLike", "s3:prefix", {prefixes.begin(), prefixes.end()})));
  }
}

json::object joined(json::object a, const json::object& b) {
  for (const auto& entry : b) a[entry.key()] = entry.value();
  return a;
}

// Lists of one opened, others sorted; names of fields stay as they are.
json::value normal(const json::value& value) {
  if (const auto* object = value.if_object()) {
    json::object out;
    for (const auto& entry : *object) out[entry.key()] = normal(entry.value());
    return out;
  }
  const auto* array = value.if_array();
  if (array == nullptr) return value;
  if (array->size() == 1) return normal(array->front());
  std::vector<std::pair<std::string, json::value>> sorted;
  for (const auto& each : *array) {
    auto one = normal(each);
    auto text = json::serialize(one);
    sorted.emplace_back(std::move(text), std::move(one));
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  json::array out;
  for (auto& each : sorted) out.push_back(std::move(each.second));
  return out;
}

json::value parsed(std::string_view text) {
  if (text.size() > k_longest_document) return nullptr;
  boost::system::error_code failed;
  json::parse_options options;
  options.max_depth = 16;
  auto value = json::parse(text, failed, {}, options);
  return failed ? json::value(nullptr) : std::move(value);
}

void write(const json::value& value, std::size_t depth, std::string& out) {
  const auto indent = [&out](std::size_t levels) { out += "\n" + std::string(2 * levels, ' '); };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& entry : *object) {
      if (!std::exchange(first, false)) out += ',';
      indent(depth + 1);
      out += json::serialize(json::string(entry.key())) + ": ";
      write(entry.value(), depth + 1, out);
    }
    indent(depth);
    out += '}';
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    bool first = true;
    for (const auto& each : *array) {
      if (!std::exchange(first, false)) out += ',';
      indent(depth + 1);
      write(each, depth + 1, out);
    }
    indent(depth);
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

std::vector<aws::S3Location> places_of(const json::value& resources) {
  std::vector<aws::S3Location> places;
  json::array list;
  if (resources.is_array()) list = resources.get_array();
  else list.push_back(resources);
  for (const auto& each : list) {
    if (!each.is_string()) continue;
    const std::string_view arn = each.get_string();
    const auto parts = split(arn, ':');
    if (parts.size() != 6 || parts[2] != "s3" || !parts[5].ends_with("/*")) continue;
    const auto place = parse_place("s3://" + std::string(parts[5].substr(0, parts[5].size() - 2)));
    if (place) places.push_back(*place);
  }
  return places;
}

}  // namespace

Result<aws::S3Location> parse_place(std::string_view text) {
  auto place = aws::parse_s3_url(text);
  if (!place) return place;
  while (place->key.ends_with('/')) place->key.pop_back();
  const bool is_plain = std::all_of(place->key.begin(), place->key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '.' || c == '_' || c == '-';
  });
  if (!is_plain || place->key.size() > k_longest_place)
    return fail(ErrorKind::invalid_input, "read \"" + printable(text) + "\" as a place for a policy",
                "its prefix isn't made of letters, digits and / . _ -, at most 300",
                "IAM takes other characters for wildcards");
  return place;
}

std::vector<aws::S3Location> sorted_places(std::vector<aws::S3Location> places) {
  const auto key = [](const aws::S3Location& place) { return std::tie(place.bucket, place.key); };
  std::sort(places.begin(), places.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto last = std::unique(places.begin(), places.end(),
                                [&](const auto& a, const auto& b) { return key(a) == key(b); });
  places.erase(last, places.end());
  return places;
}

std::string instance_policy(const Place& place, const JobPlaces& places) {
  json::array statements;
  statements.emplace_back(
      allow("ReadJobAndResults", {"s3:GetObject"},
            {own_buckets(place, "/bin/*"), own_buckets(place, "/jobs/*"), own_buckets(place, "/results/*")},
            in_own_account(place)));
  statements.emplace_back(allow("WriteJobAndResults", {"s3:PutObject", "s3:AbortMultipartUpload"},
                                {own_buckets(place, "/jobs/*"), own_buckets(place, "/results/*")},
                                in_own_account(place)));
  // What a launch was, and what its instance runs: a retry goes by it, with the rights of who launches.
  auto kept =
      allow("KeepWhatWasLaunched", {"s3:PutObject"},
            {own_buckets(place, "/jobs/*/launch.json"), own_buckets(place, "/jobs/*/job.json"),
             own_buckets(place, "/jobs/*/retried.json"), own_buckets(place, "/jobs/*/workdir.tar.gz")});
  kept["Effect"] = "Deny";
  statements.emplace_back(std::move(kept));
  statements.emplace_back(
      allow("ListJobAndResults", {"s3:ListBucket"}, {own_buckets(place, "")},
            joined(in_own_account(place), condition("StringLike", "s3:prefix", {"jobs/*", "results/*"}))));
  if (const auto results = sorted_places(places.results); !results.empty())
    statements.emplace_back(allow(k_results_sid, {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"},
                                  below(place, results)));
  if (const auto data = sorted_places(places.data); !data.empty())
    statements.emplace_back(allow(k_data_sid, {"s3:GetObject"}, below(place, data)));
  add_lists(place, places, statements);
  statements.emplace_back(
      allow("ReadSecrets", {"ssm:GetParameter"},
            {"arn:" + place.partition + ":ssm:*:" + place.account + ":parameter/curfew/*"}));
  statements.emplace_back(
      allow("SeeItself", {"ec2:DescribeInstanceAttribute", "ec2:DescribeVolumes"}, {"*"}));
  statements.emplace_back(allow(
      "EndItself", {"ec2:TerminateInstances"}, {instances(place)},
      condition("ArnEquals", "ec2:SourceInstanceARN",
                {"arn:" + place.partition + ":ec2:*:" + place.account + ":instance/${ec2:InstanceID}"})));
  return document(std::move(statements));
}

std::string instance_trust(const Place& place) {
  return trust(place.partition == "aws-cn" ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com", {});
}

JobPlaces places_in(std::string_view policy) {
  JobPlaces places;
  const auto whole = parsed(policy);
  const auto* object = whole.if_object();
  const auto* statements = object == nullptr ? nullptr : object->if_contains("Statement");
  if (statements == nullptr || !statements->is_array()) return places;
  for (const auto& each : statements->get_array()) {
    const auto* statement = each.if_object();
    const auto* sid = statement == nullptr ? nullptr : statement->if_contains("Sid");
    const auto* resources = statement == nullptr ? nullptr : statement->if_contains("Resource");
    if (sid == nullptr || !sid->is_string() || resources == nullptr) continue;
    if (sid->get_string() == k_results_sid) places.results = sorted_places(places_of(*resources));
    if (sid->get_string() == k_data_sid) places.data = sorted_places(places_of(*resources));
  }
  return places;
}

std::string scheduler_policy(const Place& place) {
  const auto is_job = condition("StringLike", "aws:ResourceTag/curfew:job", {"*"});
  json::array statements;
  // What is to be stopped is somebody's machine, with a disk to keep.
  statements.emplace_back(
      allow("EndWhatCurfewLaunched", {"ec2:TerminateInstances"}, {instances(place)},
            joined(is_job, condition("StringNotEquals", "aws:ResourceTag/curfew:then", {"stop"}))));
  statements.emplace_back(allow("StopWhatCurfewGuards", {"ec2:StopInstances"}, {instances(place)}, is_job));
  return document(std::move(statements));
}

std::string scheduler_trust(const Place& place) {
  return trust("scheduler.amazonaws.com",
               joined(condition("StringEquals", "aws:SourceAccount", {place.account}),
                      condition("ArnLike", "aws:SourceArn",
                                {"arn:" + place.partition + ":scheduler:*:" + place.account +
                                 ":schedule-group/default"})));
}

std::string bucket_policy(const Place& place) {
  json::object statement;
  statement["Sid"] = "OnlyByTls";
  statement["Effect"] = "Deny";
  statement["Principal"] = "*";
  statement["Action"] = "s3:*";
  statement["Resource"] = list_of({s3_arn(place, place.bucket()), s3_arn(place, place.bucket() + "/*")});
  statement["Condition"] = condition("Bool", "aws:SecureTransport", {"false"});
  json::array statements;
  statements.emplace_back(std::move(statement));
  return document(std::move(statements));
}

std::string launcher_policy(const Place& place) {
  const auto arn = [&place](std::string_view rest) {
    return "arn:" + place.partition + ":" + std::string(rest);
  };
  const auto launched = condition("StringLike", "aws:ResourceTag/curfew:launch", {"*"});
  json::array statements;
  statements.emplace_back(allow("Launch", {"ec2:RunInstances"}, {"*"}));
  statements.emplace_back(allow("TagWhatIsLaunched", {"ec2:CreateTags"},
                                {instances(place), arn("ec2:*:" + place.account + ":volume/*")},
                                condition("StringEquals", "ec2:CreateAction", {"RunInstances"})));
  statements.emplace_back(
      allow("FinishOrEndIt", {"ec2:CreateTags", "ec2:TerminateInstances"}, {instances(place)}, launched));
  statements.emplace_back(
      allow("Look",
            {"ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceTypeOfferings",
             "ec2:DescribeInstanceTypes", "ec2:DescribeSecurityGroups", "ec2:DescribeSpotPriceHistory",
             "ec2:DescribeVpcs", "servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota"},
            {"*"}));
  statements.emplace_back(allow("FindImages", {"ssm:GetParameter"}, {arn("ssm:*::parameter/aws/service/*")}));
  statements.emplace_back(
      allow("GiveTheInstanceItsRole", {"iam:PassRole"}, {place.role_arn(k_instance_role)},
            condition("StringEquals", "iam:PassedToService",
                      {place.partition == "aws-cn" ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com"})));
  statements.emplace_back(
      allow("GiveTheScheduleItsRole", {"iam:PassRole"}, {place.role_arn(k_scheduler_role)},
            condition("StringEquals", "iam:PassedToService", {"scheduler.amazonaws.com"})));
  statements.emplace_back(
      allow("FindBoth", {"iam:GetInstanceProfile", "iam:GetRole"},
            {arn("iam::" + place.account + ":instance-profile/" + std::string(k_instance_role)),
             place.role_arn(k_scheduler_role), place.role_arn(k_instance_role)}));
  statements.emplace_back(allow("SeeWhatItMayDo",
                                {"iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"},
                                {place.role_arn(k_instance_role)}));
  statements.emplace_back(
      allow("Schedule", {"scheduler:CreateSchedule", "scheduler:GetSchedule", "scheduler:DeleteSchedule"},
            {arn("scheduler:*:" + place.account + ":schedule/default/curfew-*")}));
  statements.emplace_back(allow("Stage", {"s3:GetObject", "s3:PutObject"},
                                {own_buckets(place, "/bin/*"), own_buckets(place, "/jobs/*")},
                                in_own_account(place)));
  statements.emplace_back(allow("RemoveWhatDoctorTried", {"s3:DeleteObject"},
                                {own_buckets(place, "/jobs/curfew-doctor")}, in_own_account(place)));
  statements.emplace_back(
      allow("SeeResults", {"s3:GetObject"}, {own_buckets(place, "/results/*")}, in_own_account(place)));
  statements.emplace_back(
      allow("FindTheBucket", {"s3:ListBucket"}, {own_buckets(place, "")}, in_own_account(place)));
  return document(std::move(statements));
}

std::string setup_policy(const Place& place) {
  const auto iam = "arn:" + place.partition + ":iam::" + place.account + ":";
  const auto groups = "arn:" + place.partition + ":ec2:*:" + place.account + ":security-group/*";
  json::array statements;
  statements.emplace_back(allow(
      "TheBucket",
      {"s3:CreateBucket", "s3:DeleteBucket", "s3:ListBucket", "s3:GetBucketTagging", "s3:PutBucketTagging",
       "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock", "s3:GetEncryptionConfiguration",
       "s3:PutEncryptionConfiguration", "s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls",
       "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration", "s3:GetBucketPolicy",
       "s3:PutBucketPolicy", "s3:ListBucketMultipartUploads", "s3:DeleteObject", "s3:AbortMultipartUpload"},
      {own_buckets(place, ""), own_buckets(place, "/*")}));
  statements.emplace_back(
      allow("TheRoles",
            {"iam:CreateRole", "iam:GetRole", "iam:TagRole", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole",
             "iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:ListRolePolicies",
             "iam:ListAttachedRolePolicies"},
            {place.role_arn(k_instance_role), place.role_arn(k_scheduler_role)}));
  statements.emplace_back(allow(
      "TheProfile",
      {"iam:CreateInstanceProfile", "iam:GetInstanceProfile", "iam:TagInstanceProfile",
       "iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"},
      {iam + "instance-profile/" + std::string(k_instance_role)}));
  statements.emplace_back(allow("ItsRole", {"iam:PassRole"}, {place.role_arn(k_instance_role)}));
  statements.emplace_back(allow("TheGroup", {"ec2:CreateSecurityGroup"},
                                {groups, "arn:" + place.partition + ":ec2:*:" + place.account + ":vpc/*"}));
  statements.emplace_back(allow("ItsTag", {"ec2:CreateTags"}, {groups},
                                condition("StringEquals", "ec2:CreateAction", {"CreateSecurityGroup"})));
  statements.emplace_back(allow("OurGroup", {"ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup"},
                                {groups},
                                condition("StringEquals", "aws:ResourceTag/" + std::string(k_made_by),
                                          {std::string(k_made_by_setup)})));
  statements.emplace_back(
      allow("Look",
            {"ec2:DescribeInstances", "ec2:DescribeRegions", "ec2:DescribeSecurityGroupRules",
             "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"},
            {"*"}));
  return document(std::move(statements));
}

bool is_same_policy(std::string_view a, std::string_view b) {
  const auto first = parsed(a);
  return first.is_object() && normal(first) == normal(parsed(b));
}

std::string indented(std::string_view text) {
  const auto value = parsed(text);
  if (value.is_null()) return std::string(text) + "\n";
  std::string out;
  write(value, 0, out);
  return out + "\n";
}

std::vector<NamedPolicy> all_policies(const Place& place, const JobPlaces& places) {
  return {{"instance", "what the instance's role curfew-job may do", instance_policy(place, places)},
          {"instance-trust", "who may take the role curfew-job", instance_trust(place)},
          {"scheduler", "what the role curfew-scheduler may do", scheduler_policy(place)},
          {"scheduler-trust", "who may take the role curfew-scheduler", scheduler_trust(place)},
          {"bucket", "the policy of the bucket", bucket_policy(place)},
          {"launcher", "what whoever runs `curfew launch` needs", launcher_policy(place)},
          {"setup", "what whoever runs `curfew setup`, `doctor` and `teardown` needs", setup_policy(place)}};
}

std::string policies_as_json(const Place& place, const JobPlaces& places) {
  json::object names;
  names["bucket"] = place.bucket();
  names["instance-profile"] = k_instance_role;
  names["instance-role"] = k_instance_role;
  names["scheduler-role"] = k_scheduler_role;
  names["security-group"] = k_group;
  json::object whole;
  whole["names"] = std::move(names);
  for (const auto& policy : all_policies(place, places)) whole[policy.name] = parsed(policy.document);
  return indented(json::serialize(whole));
}

}  // namespace curfew::setup
