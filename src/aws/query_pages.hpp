// A list of the Query protocol, to its last page.
#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/core/query.hpp"
#include "aws/ec2_inventory.hpp"
#include "aws/pages.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct PageLimits {
  net::Limits call;
  Millis of_page;   // with its repetitions
  Millis of_pages;  // of all together
  std::size_t most_pages;
};

// Each page by `query` with the token of the one before; `query` is a copy of its own on purpose. Where a page fails, all
// fails: a part of a list isn't the list.
template <class Row>
[[nodiscard]] Awaitable<Result<std::vector<Row>>> ask_for_all(Session& session, Query query,
                                                              PageLimits limits,
                                                              Result<Page<Row>> (*parse)(std::string_view)) {
  const auto until = session.clock.boot() + limits.of_pages;
  std::vector<Row> all;
  PageRule rule(query.what, limits.most_pages);
  for (std::string token;;) {
    if (session.clock.boot() >= until)
      co_return fail(
          ErrorKind::timed_out, query.what,
          "not all pages came within " + format_duration(std::chrono::floor<Seconds>(limits.of_pages)));
    Query one = query;
    if (!token.empty()) one.form.emplace_back("NextToken", token);
    auto asking = ask(session, std::move(one), limits.call, limits.of_page, parse);
    auto page = co_await std::move(asking);
    if (!page) co_return fail(std::move(page.error()));
    std::move(page->rows.begin(), page->rows.end(), std::back_inserter(all));
    const auto next = rule.after(page->next);
    if (!next) co_return fail(Error{next.error()});
    if (*next == NextPage::none) co_return all;
    token = std::move(page->next);
  }
}

}  // namespace curfew::aws
