// S3's documents, read and written. Pure; for s3.cpp and its tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

[[nodiscard]] Result<ListPage> parse_object_list(std::string_view xml);
// Of the same document: what a delimiter has taken together, each with the delimiter at its end.
[[nodiscard]] Result<std::vector<std::string>> parse_common_prefixes(std::string_view xml);

struct UploadsPage {
  std::vector<Upload> uploads;
  std::string next_key;  // both empty on the last page
  std::string next_id;
};
[[nodiscard]] Result<UploadsPage> parse_upload_list(std::string_view xml);
[[nodiscard]] Result<std::string> parse_started_upload(std::string_view xml);
[[nodiscard]] Result<std::string> parse_completed_upload(std::string_view xml);
[[nodiscard]] Result<ObjectInfo> object_from_headers(const std::string& key, const net::Response& response);

[[nodiscard]] std::string complete_upload_body(const std::vector<Part>& parts);
[[nodiscard]] std::string without_quotes(std::string_view etag);

}  // namespace curfew::aws
