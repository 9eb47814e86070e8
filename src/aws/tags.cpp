// Tags, by the bounds that all services share.
#include "aws/tags.hpp"

#include <algorithm>

#include "aws/reply_fields.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_most_tags = 50;
constexpr std::size_t k_longest_key = 4 * 128;  // bytes of 128 characters
constexpr std::size_t k_longest_value = 4 * 256;

}  // namespace

std::optional<std::string> value_of(const ResourceTags& tags, std::string_view key) {
  const auto found =
      std::find_if(tags.begin(), tags.end(), [&](const auto& tag) { return tag.first == key; });
  if (found == tags.end()) return {};
  return found->second;
}

Result<ResourceTags> tags_in(const pugi::xml_node& list, const char* each, const char* key,
                             const char* value) {
  ResourceTags tags;
  for (const auto node : list.children(each)) {
    std::string name = node.child(key).text().get();
    std::string text = node.child(value).text().get();
    if (name.empty() || name.size() > k_longest_key) return odd("a tag's key", name);
    if (text.size() > k_longest_value) return odd("a tag's value", text);
    if (tags.size() == k_most_tags) return odd("tags", "more than there may be");
    tags.emplace_back(std::move(name), std::move(text));
  }
  return tags;
}

}  // namespace curfew::aws
