// One of EC2's lists, to its last page.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "aws/ec2_inventory.hpp"
#include "aws/pages.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"
#include "watch/clock_skew.hpp"

namespace curfew::watch {

inline std::string listing(const char* call, const std::string& region) {
  return std::string(call) + " in " + region;
}

// One page, by `ask(token)`. `skew` becomes the worst of what it was and this reply's.
template <class Row, class Ask>
net::Awaitable<Result<aws::Page<Row>>> read_page(const os::Clock& clock, std::optional<Millis>& skew, Ask ask,
                                                 std::string token) {
  const auto asked = clock.wall();
  auto asking = ask(token);
  auto page = co_await std::move(asking);
  if (page && page->answered) skew = worse_skew(skew, clock_skew(asked, clock.wall(), *page->answered));
  co_return std::move(page);
}

// `ask` takes a token and gives a page; `take` gets the rows of each as it comes, and may return a Status: an error ends
// the reading. `skew` becomes the worst of all replies. What both refer to must outlive the call.
template <class Row, class Ask, class Take>
net::Awaitable<Status> read_pages(std::string what, const os::Clock& clock, std::optional<Millis>& skew,
                                  Ask ask, Take take) {
  aws::PageRule rule(std::move(what));
  for (std::string token;;) {
    auto asking = read_page<Row>(clock, skew, ask, std::move(token));
    auto page = co_await std::move(asking);
    if (!page) co_return fail(std::move(page.error()));
    if constexpr (std::is_void_v<decltype(take(std::move(page->rows)))>) {
      take(std::move(page->rows));
    } else {
      Status taken = take(std::move(page->rows));
      if (!taken) co_return std::move(taken);
    }
    const auto next = rule.after(page->next);
    if (!next) co_return fail(Error{next.error()});
    if (*next == aws::NextPage::none) co_return Status{};
    token = std::move(page->next);
  }
}

}  // namespace curfew::watch
