// One of EC2's lists, to its last page.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "aws/pages.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"
#include "watch/clock_skew.hpp"

namespace curfew::watch {

// `ask` takes a token and gives a page; `take` gets the rows of each. `skew` becomes the worst of all replies. What both
// refer to must outlive the call. `token`: where an earlier page left off.
template <class Row, class Ask, class Take>
net::Awaitable<Status> read_pages(std::string what, const os::Clock& clock, std::optional<Millis>& skew,
                                  Ask ask, Take take, std::string token = {}) {
  aws::PageRule rule(std::move(what));
  if (const auto begun = rule.after(token); !begun) co_return fail(Error{begun.error()});
  for (;;) {
    const auto asked = clock.wall();
    auto asking = ask(token);
    auto page = co_await std::move(asking);
    if (!page) co_return fail(std::move(page.error()));
    if (page->answered) skew = worse_skew(skew, clock_skew(asked, clock.wall(), *page->answered));
    take(std::move(page->rows));
    const auto next = rule.after(page->next);
    if (!next) co_return fail(Error{next.error()});
    if (*next == aws::NextPage::none) co_return Status{};
    token = std::move(page->next);
  }
}

}  // namespace curfew::watch
