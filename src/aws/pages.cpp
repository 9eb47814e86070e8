// Tokens of lists.
#include "aws/pages.hpp"

namespace curfew::aws {

PageRule::PageRule(std::string what, std::size_t most_pages)
    : what_(std::move(what)), most_pages_(most_pages) {}

Result<NextPage> PageRule::after(std::string_view token) {
  if (token.empty()) return NextPage::none;
  const auto refuse = [&](std::string why) {
    return fail(ErrorKind::unavailable, what_, "the list can't be read to its end: " + std::move(why));
  };
  if (token.size() > k_longest_token) return refuse("the next page's token is longer than 8 KiB");
  if (seen_.size() + 1 >= most_pages_)
    return refuse("it has more than " + std::to_string(most_pages_) + " pages");
  if (!seen_.emplace(token).second) return refuse("a page's token came a second time");
  return NextPage::ask;
}

}  // namespace curfew::aws
