// Tags of roles, buckets and security groups: few, and read whole. (Those of instances, thousands, are TagList.)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/core/xml.hpp"
#include "base/result.hpp"

namespace curfew::aws {

// Keys and values are other people's text: printable() first.
using ResourceTags = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] std::optional<std::string> value_of(const ResourceTags& tags, std::string_view key);

// The children called `each` of `list`, with their children `key` and `value`: as "member" with "Key" and "Value". At most 50,
// as AWS allows.
[[nodiscard]] Result<ResourceTags> tags_in(const pugi::xml_node& list, const char* each, const char* key,
                                           const char* value);

}  // namespace curfew::aws
