// The Pricing API: GetProducts, behind an interface for tests. Permission: pricing:GetProducts, on all resources.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// A TERM_MATCH filter: the product's attribute is exactly this.
struct ProductFilter {
  std::string field;
  std::string value;
  friend bool operator==(const ProductFilter&, const ProductFilter&) = default;
};

inline constexpr std::size_t k_most_products = 400;

class PriceList {
 public:
  virtual ~PriceList() = default;
  // Each product as a JSON document, with its terms; all pages, or an error. More than k_most_products is one (the
  // filters are too wide), as is a page that leads back to an earlier one. Ends within 20 s. Error.kind refused: no
  // permission (Error.code "AccessDeniedException").
  [[nodiscard]] virtual Awaitable<Result<std::vector<std::string>>> get_products(
      std::string service_code, std::vector<ProductFilter> filters) = 0;
};

// The region whose Pricing API tells the prices of `region`: it's in a few regions only, and none where a partition has
// no such API (GovCloud's prices are told by the commercial one, but not to GovCloud's credentials): then it's empty.
[[nodiscard]] std::string_view price_list_region(std::string_view region);

// For instances in `region`; where price_list_region() is empty every call is an error of kind not_found. The session
// must outlive it.
[[nodiscard]] std::unique_ptr<PriceList> make_price_list(Session& session, std::string region);

namespace detail {

struct ProductsPage {
  std::vector<std::string> products;
  std::string next_token;  // empty: the last page
};
[[nodiscard]] Result<ProductsPage> parse_products_page(std::string_view json);

}  // namespace detail

}  // namespace curfew::aws
