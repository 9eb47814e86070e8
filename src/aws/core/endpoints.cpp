// Partitions and endpoints (botocore's partitions.json and endpoint rules).
#include "aws/core/endpoints.hpp"

#include <algorithm>
#include <array>

#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

struct Prefix {
  std::string_view prefix;
  Partition partition;
};
constexpr std::array<Prefix, 8> k_partitions{{
    {"cn-", {"aws-cn", "amazonaws.com.cn"}},
    {"us-gov-", {"aws-us-gov", "amazonaws.com"}},
    {"eusc-", {"aws-eusc", "amazonaws.eu"}},
    {"us-iso-", {"aws-iso", "c2s.ic.gov"}},
    {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov"}},
    {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk"}},
    {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov"}},
    {"", {"aws", "amazonaws.com"}},
}};

bool says_yes(std::string_view text) { return net::equal_ignoring_case(text, "true"); }

std::string from_environment(std::string_view service, const net::Environment& environment) {
  std::string name = "AWS_ENDPOINT_URL_";
  for (const char c : settings_name_of(service)) {
    if (c == '-' || c == ' ') name += '_';
    else name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  auto own = net::get(environment, name);
  return own.empty() ? net::get(environment, "AWS_ENDPOINT_URL") : own;
}

// A bucket with dots has no certificate of AWS's that covers it (the wildcard spans one label).
bool fits_host_name(std::string_view bucket) {
  return bucket.find('.') == std::string_view::npos && bucket.size() <= 63 &&
         std::all_of(bucket.begin(), bucket.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// What stands between a service and its partition's suffix, with its dot.
std::string place_of(std::string_view service, std::string_view region) {
  if (service == "budgets") return {};  // they belong to the account, not to a region
  const auto partition = partition_of(region).name;
  if (service == "iam" && partition == "aws") return {};
  if (service == "iam" && partition == "aws-us-gov") return "us-gov.";
  return std::string(region) + ".";
}

}  // namespace

Partition partition_of(std::string_view region) {
  return std::find_if(k_partitions.begin(), k_partitions.end(),
                      [&](const Prefix& entry) { return region.starts_with(entry.prefix); })
      ->partition;
}

std::string_view settings_name_of(std::string_view service) {
  if (service == "monitoring") return "cloudwatch";
  return service == "servicequotas" ? "service_quotas" : service;
}

bool is_region(std::string_view text) {
  if (text.size() < 3 || text.size() > 32 || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<Endpoint> endpoint_for(std::string_view service, std::string_view region,
                              const net::Environment& environment, std::string_view configured) {
  if (!is_region(region))
    return fail(ErrorKind::invalid_input, "choose the endpoint of " + std::string(service),
                region.empty() ? "no region is set" : "that is no region's name",
                "set AWS_REGION, for example to us-east-1");
  if (!says_yes(net::get(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))) {
    auto text = from_environment(service, environment);
    if (text.empty()) text = configured;
    if (!text.empty()) {
      auto url = net::parse_url(text);
      if (!url) return fail(std::move(url).error().within("use AWS_ENDPOINT_URL or endpoint_url"));
      if (url->target.find('?') != std::string::npos)
        return fail(ErrorKind::invalid_input, "use AWS_ENDPOINT_URL or endpoint_url", "it has a query");
      while (url->target.size() > 1 && url->target.ends_with('/')) url->target.pop_back();
      return Endpoint{std::move(*url), true};
    }
  }
  net::Url url;
  url.scheme = "https";
  url.host =
      std::string(service) + "." + place_of(service, region) + std::string(partition_of(region).suffix);
  url.port = 443;
  return Endpoint{std::move(url), false};
}

net::Url s3_url(const Endpoint& endpoint, std::string_view bucket, std::string_view key) {
  net::Url url = endpoint.url;
  const std::string base = url.target == "/" ? std::string() : url.target;
  const auto path = net::percent_encode(key, "/");
  if (!endpoint.custom && fits_host_name(bucket)) {
    url.host = std::string(bucket) + "." + url.host;
    url.target = base + "/" + path;
  } else {
    url.target = base + "/" + net::percent_encode(bucket);
    if (!path.empty()) url.target += "/" + path;
  }
  return url;
}

}  // namespace curfew::aws
