// The Pricing API's JSON protocol, version 1.1.
#include "aws/price_list.hpp"

#include <iterator>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "aws/core/call.hpp"
#include "aws/pages.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{10'000}, 8U << 20U};
constexpr Seconds k_total{20};

constexpr int k_products_a_page = 100;  // the most that GetProducts takes
constexpr std::size_t k_most_pages = 20;
constexpr std::size_t k_longest_token = 8U << 10U;

std::string body_for(const std::string& service_code, const std::vector<ProductFilter>& filters,
                     const std::string& token) {
  boost::json::array listed;
  for (const auto& filter : filters) {
    boost::json::object one;
    one["Type"] = "TERM_MATCH";
    one["Field"] = filter.field;
    one["Value"] = filter.value;
    listed.push_back(std::move(one));
  }
  boost::json::object body;
  body["ServiceCode"] = service_code;
  body["Filters"] = std::move(listed);
  body["FormatVersion"] = "aws_v1";
  body["MaxResults"] = k_products_a_page;
  if (!token.empty()) body["NextToken"] = token;
  return boost::json::serialize(body);
}

class JsonPriceList final : public PriceList {
 public:
  JsonPriceList(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::vector<std::string>>> get_products(std::string service_code,
                                                           std::vector<ProductFilter> filters) override {
    const std::string what = "GetProducts of " + printable(service_code, 40);
    const std::string region(price_list_region(region_));
    if (region.empty())
      co_return fail(ErrorKind::not_found, what,
                     "the Pricing API isn't offered for " + printable(region_, 40));
    auto endpoint = session_.endpoint("pricing", region);
    if (!endpoint) co_return fail(std::move(endpoint).error().within(what));
    if (!endpoint->custom) endpoint->url.host = "api." + endpoint->url.host;
    const auto end = session_.clock.boot() + k_total;
    std::vector<std::string> products;
    PageRule rule(what, k_most_pages);
    for (std::string token;;) {
      const auto left = end - session_.clock.boot();
      if (left <= Millis{0})
        co_return fail(ErrorKind::timed_out, what, "not all pages came within " + format_duration(k_total));
      Call call;
      call.what = what;
      call.service = "pricing";
      call.region = region;
      call.limits = k_limits;
      call.total = left;
      call.request.method = "POST";
      call.request.url = endpoint->url;
      call.request.headers.push_back({"Content-Type", "application/x-amz-json-1.1"});
      call.request.headers.push_back({"X-Amz-Target", "AWSPriceListService.GetProducts"});
      call.request.body = body_for(service_code, filters, token);
      auto response = co_await perform(session_, std::move(call));
      if (!response) co_return fail(std::move(response).error().error);
      auto page = detail::parse_products_page(response->body);
      if (!page) co_return fail(std::move(page).error().within(what));
      std::move(page->products.begin(), page->products.end(), std::back_inserter(products));
      if (products.size() > k_most_products)
        co_return fail(ErrorKind::invalid_input, what,
                       "more than " + std::to_string(k_most_products) + " products match");
      const auto next = rule.after(page->next_token);
      if (!next) co_return fail(Error{next.error()});
      if (*next == NextPage::none) co_return products;
      token = std::move(page->next_token);
    }
  }

 private:
  Session& session_;
  std::string region_;
};

}  // namespace

std::string_view price_list_region(std::string_view region) {
  const auto partition = partition_of(region).name;
  if (partition == "aws") {
    if (region.starts_with("ap-")) return "ap-south-1";
    return region.starts_with("eu-") ? "eu-central-1" : "us-east-1";
  }
  if (partition == "aws-cn") return "cn-northwest-1";
  if (partition == "aws-eusc") return "eusc-de-east-1";
  if (partition == "aws-iso") return "us-iso-east-1";
  if (partition == "aws-iso-b") return "us-isob-east-1";
  if (partition == "aws-iso-e") return "eu-isoe-west-1";
  if (partition == "aws-iso-f") return "us-isof-south-1";
  return {};
}

std::unique_ptr<PriceList> make_price_list(Session& session, std::string region) {
  return std::make_unique<JsonPriceList>(session, std::move(region));
}

namespace detail {

Result<ProductsPage> parse_products_page(std::string_view json) {
  // What is no such reply is as good as none: it may come right later.
  const auto refuse = [](std::string why) {
    return fail(ErrorKind::unavailable, "read the reply of GetProducts", std::move(why));
  };
  boost::system::error_code failed;
  const auto value = boost::json::parse({json.data(), json.size()}, failed);
  if (failed || !value.is_object()) return refuse("it is cut or no JSON object");
  const auto& reply = value.get_object();
  const auto* const listed = reply.if_contains("PriceList");
  if (listed == nullptr || !listed->is_array()) return refuse("it has no list of products");
  if (listed->get_array().size() > k_most_products) return refuse("it lists more than was asked for");
  ProductsPage page;
  for (const auto& product : listed->get_array()) {
    const auto* const text = product.if_string();
    if (text == nullptr) return refuse("a product in it is no text");
    page.products.emplace_back(*text);
  }
  const auto* const token = reply.if_contains("NextToken");
  if (token == nullptr || token->is_null()) return page;
  const auto* const text = token->if_string();
  if (text == nullptr || text->size() > k_longest_token) return refuse("its token is none");
  page.next_token = *text;
  return page;
}

}  // namespace detail

}  // namespace curfew::aws
