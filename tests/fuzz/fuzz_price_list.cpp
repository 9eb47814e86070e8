// What GetProducts answers, the products in it, and prices and times as AWS writes them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "aws/price_list.hpp"
#include "pricing/parts.hpp"
#include "pricing/price_query.hpp"
#include "pricing/spot.hpp"

namespace {

using namespace curfew;

void expect_price(const Micros& price) {
  if (price <= Micros{} || price > pricing::k_most_per_hour) std::abort();
}

void read_price(const std::vector<std::string>& products) {
  for (const auto* type : {"g5.xlarge", "g4dn.metal"}) {
    const pricing::PriceKey key{"us-east-1", type, "RunInstances", "Shared"};
    if (const auto price = pricing::on_demand_price(products, key)) expect_price(*price);
    else if (price.error().cause.empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto page = aws::detail::parse_products_page(text)) {
    if (page->products.size() > aws::k_most_products) std::abort();
    read_price(page->products);
  }
  read_price({std::string(text)});
  if (const auto price = pricing::parse_price(text)) expect_price(*price);
  (void)pricing::transition_time(text);
  pricing::InstanceFacts instance;
  instance.type = text.substr(0, text.size() / 2);
  instance.platform_details = instance.usage_operation = text.substr(text.size() / 2);
  if (const auto key = pricing::price_key(instance)) (void)pricing::price_filters(*key);
  return 0;
}
