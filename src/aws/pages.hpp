// What the token in a list's answer means. Pure: asking is the caller's.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace curfew::aws {

enum class NextPage { none, ask };

// For one walk through one list:
//
//     PageRule rule("DescribeInstances in us-east-1");
//     for (std::string token;;) {
//       auto page = co_await ec2.instances(filter, token);
//       …
//       auto next = rule.after(page->next);  // an error: the list was not read whole, what was read isn't all of it
//       if (!next) co_return fail(std::move(next).error());
//       if (*next == NextPage::none) break;
//       token = std::move(page->next);
//     }
class PageRule {
 public:
  static constexpr std::size_t k_most_pages = 1'000;  // a million instances
  static constexpr std::size_t k_longest_token = 8U << 10U;

  explicit PageRule(std::string what, std::size_t most_pages = k_most_pages);

  // `token` is what the answer just read carries. Empty: that was the last page. Else ask on, also where the page had no
  // rows. A token that was seen before would go round for ever: an error (unavailable), as are one longer than 8 KiB and
  // more pages than there may be.
  [[nodiscard]] Result<NextPage> after(std::string_view token);

 private:
  std::string what_;
  std::size_t most_pages_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace curfew::aws
