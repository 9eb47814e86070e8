// DescribeInstanceTypeOfferings.
#include "aws/ec2_offerings.hpp"

#include "aws/core/xml.hpp"
#include "aws/imds.hpp"
#include "aws/query_pages.hpp"
#include "aws/reply_fields.hpp"

namespace curfew::aws {
namespace {

constexpr PageLimits k_limits{
    {Millis{5'000}, Millis{10'000}, Millis{15'000}, 4U << 20U}, Millis{30'000}, Millis{60'000}, 20};
constexpr std::size_t k_most_types = 100;
constexpr std::size_t k_most_rows = 1'000;  // of a page

class QueryEc2Offerings final : public Ec2Offerings {
 public:
  QueryEc2Offerings(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::vector<Offering>>> by_zone(std::vector<std::string> types) override {
    const std::string what = "DescribeInstanceTypeOfferings in " + region_;
    if (types.empty() || types.size() > k_most_types)
      co_return fail(ErrorKind::invalid_input, what, "1 to 100 types can be asked for");
    Form form{{"LocationType", "availability-zone"}, {"Filter.1.Name", "instance-type"}};
    for (std::size_t i = 0; i < types.size(); ++i)
      form.emplace_back("Filter.1.Value." + std::to_string(i + 1), types[i]);
    Query query{what, "ec2", region_, "2016-11-15", "DescribeInstanceTypeOfferings", std::move(form)};
    auto asking = ask_for_all(session_, std::move(query), k_limits, parse_offerings);
    auto all = co_await std::move(asking);
    co_return std::move(all);
  }

 private:
  Session& session_;
  std::string region_;
};

}  // namespace

Result<Page<Offering>> parse_offerings(std::string_view text) {
  const auto xml = Xml::parse(text, "DescribeInstanceTypeOfferingsResponse");
  if (!xml) return fail(Error{xml.error()});
  const auto list = xml->root().child("instanceTypeOfferingSet");
  if (list.empty()) return odd("instanceTypeOfferingSet", "isn't there");
  Page<Offering> page;
  for (const auto item : list.children("item")) {
    Offering one{child_text(item, "instanceType"), child_text(item, "location")};
    if (!is_instance_type(one.type)) return odd("instanceType", one.type);
    if (!is_zone(one.zone)) return odd("location", one.zone);
    if (page.rows.size() == k_most_rows) return odd("instanceTypeOfferingSet", "more than a page holds");
    page.rows.push_back(std::move(one));
  }
  page.next = child_text(xml->root(), "nextToken");
  return page;
}

std::unique_ptr<Ec2Offerings> make_ec2_offerings(Session& session, std::string region) {
  return std::make_unique<QueryEc2Offerings>(session, std::move(region));
}

}  // namespace curfew::aws
