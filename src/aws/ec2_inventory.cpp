// Describe… calls of EC2, a page each.
#include "aws/ec2_inventory.hpp"

#include <algorithm>

#include "aws/core/query.hpp"
#include "aws/ec2.hpp"
#include "aws/ec2_inventory_replies.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

// A page of 1000 instances is 3 to 8 MB; it takes EC2 seconds to make one.
constexpr net::Limits k_page_limits{Millis{5'000}, Millis{20'000}, Millis{60'000}, 32U << 20U};
constexpr Millis k_page_total{90'000};
constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 1U << 20U};
constexpr Millis k_total{30'000};

// EC2's limits for filters and lists, so that what breaks them is told here, and by its name.
constexpr std::size_t k_most_filter_values = 200;
constexpr std::size_t k_most_tag_filters = 50;
constexpr std::size_t k_most_types = 100;
constexpr std::size_t k_most_products = 20;

// EC2 takes * and ? in a filter's value as wildcards.
std::string literal(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '*' || c == '?' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

class FilterList {
 public:
  void add(const std::string& name, const std::vector<std::string>& values) {
    const auto prefix = "Filter." + std::to_string(++count_) + ".";
    form_.emplace_back(prefix + "Name", name);
    for (std::size_t i = 0; i < values.size(); ++i)
      form_.emplace_back(prefix + "Value." + std::to_string(i + 1), values[i]);
  }
  [[nodiscard]] Form take() { return std::move(form_); }

 private:
  Form form_;
  std::size_t count_ = 0;
};

tl::unexpected<Error> refuse(const char* action, std::string why) {
  return fail(ErrorKind::invalid_input, action, std::move(why));
}

Status check_zone(const char* action, const std::string& zone) {
  if (!zone.empty() && !is_zone(zone))
    return refuse(action, "\"" + printable(zone, 60) + "\" is no availability zone");
  return {};
}

Status check_ids(const char* action, const std::vector<std::string>& ids) {
  if (ids.size() > k_most_filter_values) return refuse(action, "more than 200 instances are asked for");
  for (const auto& id : ids)
    if (!is_instance_id(id)) return refuse(action, "\"" + printable(id, 40) + "\" is no instance's id");
  return {};
}

// The ends of ids as EC2 matches them ("User Guide: Filter your resources": * is a wildcard).
Result<std::vector<std::string>> id_patterns(const InstanceFilter& wanted) {
  if (!wanted.ids.empty()) return refuse("DescribeInstances", "ids are asked for whole or by their ends");
  std::vector<std::string> patterns;
  for (const char digit : wanted.id_ends) {
    if (std::string_view("0123456789abcdef").find(digit) == std::string_view::npos)
      return refuse("DescribeInstances", "no id ends in " + printable(std::string(1, digit), 8));
    patterns.push_back(std::string("i-*") + digit);
  }
  return patterns;
}

Status add_tags(FilterList& filters, const std::vector<TagFilter>& tags) {
  constexpr const char* k_action = "DescribeInstances";
  if (tags.size() > k_most_tag_filters) return refuse(k_action, "more than 50 tags are asked for");
  for (const auto& tag : tags) {
    if (tag.key.empty() || tag.key.size() > k_longest_tag_key || tag.values.size() > k_most_filter_values)
      return refuse(k_action, "\"" + printable(tag.key, 60) + "\" is no tag's key, or has too many values");
    std::vector<std::string> values;
    for (const auto& value : tag.values) {
      if (value.size() > k_longest_tag_value)
        return refuse(k_action, "the value of " + printable(tag.key, 60) + " is longer than any tag's");
      values.push_back(literal(value));
    }
    if (values.empty()) filters.add("tag-key", {literal(tag.key)});
    else filters.add("tag:" + tag.key, values);
  }
  return {};
}

Result<Form> instances_form(const InstanceFilter& wanted) {
  constexpr const char* k_action = "DescribeInstances";
  FilterList filters;
  if (!wanted.states.empty()) {
    std::vector<std::string> names;
    for (const auto state : wanted.states) names.emplace_back(name_of(state));
    filters.add("instance-state-name", names);
  }
  if (auto status = add_tags(filters, wanted.tags); !status) return fail(std::move(status).error());
  if (auto status = check_ids(k_action, wanted.ids); !status) return fail(std::move(status).error());
  if (!wanted.ids.empty()) filters.add("instance-id", wanted.ids);
  if (!wanted.id_ends.empty()) {
    const auto patterns = id_patterns(wanted);
    if (!patterns) return fail(Error{patterns.error()});
    filters.add("instance-id", *patterns);
  }
  return filters.take();
}

Result<Form> volumes_form(const VolumeFilter& wanted) {
  constexpr const char* k_action = "DescribeVolumes";
  FilterList filters;
  if (auto status = check_ids(k_action, wanted.instances); !status) return fail(std::move(status).error());
  if (!wanted.instances.empty()) filters.add("attachment.instance-id", wanted.instances);
  if (auto status = check_zone(k_action, wanted.zone); !status) return fail(std::move(status).error());
  if (!wanted.zone.empty()) filters.add("availability-zone", {wanted.zone});
  return filters.take();
}

Result<Form> prices_form(const SpotPriceQuery& query) {
  constexpr const char* k_action = "DescribeSpotPriceHistory";
  Form form;
  if (query.types.size() > k_most_types || query.products.size() > k_most_products)
    return refuse(k_action, "more than 100 types or 20 products are asked for");
  for (std::size_t i = 0; i < query.types.size(); ++i) {
    if (!is_instance_type(query.types[i]))
      return refuse(k_action, "\"" + printable(query.types[i], 40) + "\" is no instance type");
    form.emplace_back("InstanceType." + std::to_string(i + 1), query.types[i]);
  }
  for (std::size_t i = 0; i < query.products.size(); ++i) {
    if (!is_platform(query.products[i]))
      return refuse(k_action, "\"" + printable(query.products[i], 60) + "\" is no product");
    form.emplace_back("ProductDescription." + std::to_string(i + 1), query.products[i]);
  }
  if (auto status = check_zone(k_action, query.zone); !status) return fail(std::move(status).error());
  if (!query.zone.empty()) form.emplace_back("AvailabilityZone", query.zone);
  if (query.to < query.from) return refuse(k_action, "the time asked about ends before it begins");
  form.emplace_back("StartTime", format_utc(query.from));
  form.emplace_back("EndTime", format_utc(query.to));
  return form;
}

class QueryInventory final : public Ec2Inventory {
 public:
  QueryInventory(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<Page<ListedRegion>>> regions() override {
    auto page = co_await list<ListedRegion>("DescribeRegions", Form(), regions_reader);
    co_return std::move(page);
  }

  Awaitable<Result<Page<ListedInstance>>> instances(InstanceFilter filter, std::string token) override {
    auto form = instances_form(filter);
    if (!form) co_return fail(std::move(form).error());
    form->emplace_back("MaxResults", "1000");
    if (!token.empty()) form->emplace_back("NextToken", std::move(token));
    auto page =
        co_await with_managed<ListedInstance>("DescribeInstances", std::move(*form), instances_reader);
    co_return std::move(page);
  }

  Awaitable<Result<Page<ListedVolume>>> volumes(VolumeFilter filter, std::string token) override {
    auto form = volumes_form(filter);
    if (!form) co_return fail(std::move(form).error());
    form->emplace_back("MaxResults", "500");
    if (!token.empty()) form->emplace_back("NextToken", std::move(token));
    auto page = co_await with_managed<ListedVolume>("DescribeVolumes", std::move(*form), volumes_reader);
    co_return std::move(page);
  }

  Awaitable<Result<Page<SpotPricePoint>>> spot_prices(SpotPriceQuery query, std::string token) override {
    auto form = prices_form(query);
    if (!form) co_return fail(std::move(form).error());
    form->emplace_back("MaxResults", "1000");
    if (!token.empty()) form->emplace_back("NextToken", std::move(token));
    auto page =
        co_await list<SpotPricePoint>("DescribeSpotPriceHistory", std::move(*form), spot_prices_reader);
    co_return std::move(page);
  }

  Awaitable<Result<bool>> is_termination_protected(std::string instance) override {
    const std::string what = "DescribeInstanceAttribute " + printable(instance, 40);
    if (!is_instance_id(instance)) co_return fail(ErrorKind::invalid_input, what, "that is no instance's id");
    Form form{{"InstanceId", instance}, {"Attribute", "disableApiTermination"}};
    auto body = co_await ask("DescribeInstanceAttribute", what, std::move(form));
    if (!body) co_return fail(std::move(body).error());
    auto flag = parse_termination_protection(std::move(*body), instance);
    if (!flag) co_return fail(std::move(flag).error().within(what));
    co_return *flag;
  }

  Awaitable<Result<SpotRequest>> spot_request(std::string id) override {
    auto body = co_await about_request("DescribeSpotInstanceRequests", id);
    if (!body) co_return fail(std::move(body).error());
    auto request = parse_spot_request(std::move(*body), id);
    if (!request) co_return fail(std::move(request).error().within("DescribeSpotInstanceRequests " + id));
    co_return std::move(*request);
  }

  Awaitable<Result<std::string>> cancel_spot_request(std::string id) override {
    auto body = co_await about_request("CancelSpotInstanceRequests", id);
    if (!body) co_return fail(std::move(body).error());
    auto state = parse_cancelled_spot_request(std::move(*body), id);
    if (!state) co_return fail(std::move(state).error().within("CancelSpotInstanceRequests " + id));
    co_return std::move(*state);
  }

 private:
  template <class Row>
  using MakeReader = std::unique_ptr<PageReader<Row>> (*)();

  // A page is read while it comes in: of thirty regions at once there are two hundred megabytes of text.
  template <class Row>
  Awaitable<Result<Page<Row>>> list(const char* action, Form form, MakeReader<Row> make_reader) {
    Query query{
        std::string(action) + " in " + region_, "ec2", region_, "2016-11-15", action, std::move(form)};
    auto call = call_of(session_, std::move(query), k_page_limits, k_page_total);
    if (!call) co_return fail(std::move(call).error());
    std::unique_ptr<PageReader<Row>> reader;
    call->begin = [&reader, make_reader] { reader = make_reader(); };
    call->request.take = [&reader](std::string_view piece) { reader->take(piece); };
    Page<Row> page;
    call->read = [&page, &reader](net::Response&) -> Status {
      auto read = reader->finish();
      if (!read) return fail(std::move(read).error());
      page = std::move(*read);
      return {};
    };
    auto response = co_await perform(session_, std::move(*call));
    if (!response) co_return fail(std::move(response).error().error);
    page.answered = parse_http_date(response->header("Date"));
    co_return std::move(page);
  }

  // What other AWS services manage may be hidden from these lists; it runs, and is paid for, all the same. Where EC2
  // doesn't know the parameter there is nothing to hide.
  template <class Row>
  Awaitable<Result<Page<Row>>> with_managed(const char* action, Form form, MakeReader<Row> make_reader) {
    if (knows_managed_) {
      Form whole = form;
      whole.emplace_back("IncludeManagedResources", "true");
      auto page = co_await list<Row>(action, std::move(whole), make_reader);
      if (page || page.error().code != "UnknownParameter") co_return std::move(page);
      knows_managed_ = false;
    }
    auto page = co_await list<Row>(action, std::move(form), make_reader);
    co_return std::move(page);
  }

  Awaitable<Result<std::string>> about_request(const char* action, std::string id) {
    auto what = std::string(action) + " " + printable(id, 40);
    if (!is_spot_request_id(id))
      co_return fail(ErrorKind::invalid_input, what, "that is no spot request's id");
    Form form{{"SpotInstanceRequestId.1", id}};
    auto body = co_await ask(action, std::move(what), std::move(form));
    co_return std::move(body);
  }

  Awaitable<Result<std::string>> ask(const char* action, std::string what, Form form) {
    Query query{std::move(what), "ec2", region_, "2016-11-15", action, std::move(form)};
    auto asking = ask_for_xml(session_, std::move(query), k_limits, k_total);
    auto body = co_await std::move(asking);
    co_return std::move(body);
  }

  Session& session_;
  std::string region_;
  bool knows_managed_ = true;
};

}  // namespace

std::unique_ptr<Ec2Inventory> make_ec2_inventory(Session& session, std::string region) {
  return std::make_unique<QueryInventory>(session, std::move(region));
}

}  // namespace curfew::aws
