// Where AWS's services are. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct Partition {
  std::string_view name;    // "aws-cn", as in ARNs
  std::string_view suffix;  // "amazonaws.com.cn"
};
// By the region's prefix; "aws" where it has none of the others'.
[[nodiscard]] Partition partition_of(std::string_view region);

// "us-east-1", "ap-southeast-4", "us-gov-west-1", "eusc-de-east-1": goes into host names, so nothing else may pass.
[[nodiscard]] bool is_region(std::string_view text);

struct Endpoint {
  net::Url url;         // the target is a base path without a slash at its end, or "/"
  bool custom = false;  // set by the user: S3 is then spoken to in path style
};
// How the user's settings call a service whose host and signature call it otherwise: "cloudwatch" for "monitoring",
// "service_quotas" for "servicequotas"; else the same. The variables and profiles of the SDKs go by the service's id.
[[nodiscard]] std::string_view settings_name_of(std::string_view service);

// `service` as in host names and signatures ("ec2", "s3", "scheduler", "monitoring"). In order:
// AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, `configured` (the profile's endpoint_url), AWS's own; the first three not
// with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS. Budgets have one host for all regions, budgets.amazonaws.com.
[[nodiscard]] Result<Endpoint> endpoint_for(std::string_view service, std::string_view region,
                                            const net::Environment& environment, std::string_view configured);

// The URL of an object (or, with an empty key, of the bucket), the query left off: "bucket.s3.region.…/key" where the
// bucket can stand in a host name that a certificate covers, else "s3.region.…/bucket/key".
[[nodiscard]] net::Url s3_url(const Endpoint& endpoint, std::string_view bucket, std::string_view key);

}  // namespace curfew::aws
