// What is said of buckets, read and written.
#include <algorithm>
#include <sstream>

#include "aws/core/xml.hpp"
#include "aws/reply_fields.hpp"
#include "aws/s3_bucket.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_most_rules = 1'000;  // S3's own
constexpr std::uint64_t k_most_days = 1'000'000;
constexpr std::size_t k_longest_id = 255;
constexpr std::size_t k_longest_word = 64;
constexpr std::size_t k_longest_policy = 20U << 10U;  // S3's own
constexpr std::size_t k_most_failures = 1'000;
constexpr std::string_view k_namespace = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

// What XML can hold of a text; the rest can't be said in it.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += "&#" + std::to_string(static_cast<unsigned char>(c)) + ";";
    else out += c;
  }
  return out;
}

std::string tag(std::string_view name, std::string_view text) {
  return "<" + std::string(name) + ">" + escaped(text) + "</" + std::string(name) + ">";
}

// Days within `node`; not plain where there's anything else in it.
Result<std::optional<std::uint64_t>> days_in(const pugi::xml_node& node, const char* name, bool& plain) {
  for (const auto child : node.children()) plain = plain && std::string_view(child.name()) == name;
  return number_in(node, name, k_most_days);
}

Result<LifecycleRule> rule_from(const pugi::xml_node& node) {
  LifecycleRule rule;
  rule.id = child_text(node, "ID");
  if (rule.id.size() > k_longest_id) return odd("ID", rule.id);
  for (const auto child : node.children()) {
    const std::string_view name = child.name();
    if (name == "ID") continue;
    if (name == "Status") {
      rule.enabled = trimmed(child.text().get()) == "Enabled";
    } else if (name == "Prefix") {
      rule.prefix = child.text().get();
    } else if (name == "Filter") {
      for (const auto part : child.children()) {
        if (std::string_view(part.name()) == "Prefix") rule.prefix = part.text().get();
        else rule.plain = false;
      }
    } else if (name == "Expiration") {
      auto days = days_in(child, "Days", rule.plain);
      if (!days) return fail(std::move(days.error()));
      rule.expire_days = *days;
    } else if (name == "AbortIncompleteMultipartUpload") {
      auto days = days_in(child, "DaysAfterInitiation", rule.plain);
      if (!days) return fail(std::move(days.error()));
      rule.abort_days = *days;
    } else {
      rule.plain = false;
    }
  }
  std::ostringstream text;
  node.print(text, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  rule.xml = text.str();
  return rule;
}

}  // namespace

Result<ResourceTags> parse_bucket_tags(std::string_view text) {
  const auto xml = Xml::parse(text, "Tagging");
  if (!xml) return fail(Error{xml.error()});
  return tags_in(xml->root().child("TagSet"), "Tag", "Key", "Value");
}

Result<bool> parse_public_access_block(std::string_view text) {
  const auto xml = Xml::parse(text, "PublicAccessBlockConfiguration");
  if (!xml) return fail(Error{xml.error()});
  for (const char* const name :
       {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}) {
    std::string value(child_view(xml->root(), name));
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (value != "true") return false;
  }
  return true;
}

Result<std::string> parse_encryption(std::string_view text) {
  const auto xml = Xml::parse(text, "ServerSideEncryptionConfiguration");
  if (!xml) return fail(Error{xml.error()});
  auto algorithm =
      child_text(xml->root().child("Rule").child("ApplyServerSideEncryptionByDefault"), "SSEAlgorithm");
  if (!algorithm.empty() && !is_ascii(algorithm, k_longest_word)) return odd("SSEAlgorithm", algorithm);
  return algorithm;
}

Result<std::string> parse_ownership(std::string_view text) {
  const auto xml = Xml::parse(text, "OwnershipControls");
  if (!xml) return fail(Error{xml.error()});
  auto ownership = child_text(xml->root().child("Rule"), "ObjectOwnership");
  if (!ownership.empty() && !is_ascii(ownership, k_longest_word)) return odd("ObjectOwnership", ownership);
  return ownership;
}

Result<std::vector<LifecycleRule>> parse_lifecycle(std::string_view text) {
  const auto xml = Xml::parse(text, "LifecycleConfiguration");
  if (!xml) return fail(Error{xml.error()});
  std::vector<LifecycleRule> rules;
  for (const auto node : xml->root().children("Rule")) {
    auto rule = rule_from(node);
    if (!rule) return fail(std::move(rule.error()));
    if (rules.size() == k_most_rules) return odd("LifecycleConfiguration", "more rules than there may be");
    rules.push_back(std::move(*rule));
  }
  return rules;
}

Result<std::string> parse_bucket_policy(std::string_view text) {
  const auto document = trimmed(text);
  if (!document.starts_with('{') || document.size() > k_longest_policy) return odd("the policy", document);
  return std::string(document);
}

Result<std::vector<std::string>> parse_deleted(std::string_view text) {
  const auto xml = Xml::parse(text, "DeleteResult");
  if (!xml) return fail(Error{xml.error()});
  std::vector<std::string> failures;
  for (const auto node : xml->root().children("Error")) {
    if (failures.size() == k_most_failures) return odd("DeleteResult", "more than was asked for");
    failures.push_back(printable(node.child("Key").text().get(), 120) + ": " +
                       printable(node.child("Code").text().get(), 60));
  }
  return failures;
}

std::string lifecycle_body(const std::vector<LifecycleRule>& rules) {
  std::string body = "<LifecycleConfiguration" + std::string(k_namespace) + ">";
  for (const auto& rule : rules) {
    if (!rule.xml.empty()) {
      body += rule.xml;
      continue;
    }
    body += "<Rule>" + tag("ID", rule.id) + "<Filter>" + tag("Prefix", rule.prefix) + "</Filter>" +
            tag("Status", rule.enabled ? "Enabled" : "Disabled");
    if (rule.expire_days)
      body += "<Expiration>" + tag("Days", std::to_string(*rule.expire_days)) + "</Expiration>";
    if (rule.abort_days)
      body += "<AbortIncompleteMultipartUpload>" +
              tag("DaysAfterInitiation", std::to_string(*rule.abort_days)) +
              "</AbortIncompleteMultipartUpload>";
    body += "</Rule>";
  }
  return body + "</LifecycleConfiguration>";
}

std::string delete_body(const std::vector<std::string>& keys) {
  std::string body = "<Delete" + std::string(k_namespace) + ">" + tag("Quiet", "true");
  for (const auto& key : keys) body += "<Object>" + tag("Key", key) + "</Object>";
  return body + "</Delete>";
}

}  // namespace curfew::aws
