#include "pricing/price_query.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "unit/pricing/products.hpp"

namespace curfew::pricing {
namespace {

using test::document;
using test::Product;

InstanceFacts g5() {
  InstanceFacts instance;
  instance.type = "g5.xlarge";
  instance.region = "us-east-1";
  instance.zone = "us-east-1a";
  instance.platform_details = "Linux/UNIX";
  instance.usage_operation = "RunInstances";
  instance.tenancy = "default";
  instance.state = "running";
  return instance;
}

const PriceKey k_g5{"us-east-1", "g5.xlarge", "RunInstances", "Shared"};

TEST(PriceKey, IsWhatThePriceDependsOn) {
  EXPECT_EQ(*price_key(g5()), k_g5);
  struct Case {
    const char* platform;
    const char* operation;
    const char* tenancy;
    const char* key_operation;
    const char* key_tenancy;
  };
  for (const auto& [platform, operation, tenancy, key_operation, key_tenancy] : {
           Case{"Linux/UNIX", "", "", "RunInstances", "Shared"},
           Case{"", "RunInstances", "default", "RunInstances", "Shared"},
           Case{"Windows", "", "dedicated", "RunInstances:0002", "Dedicated"},
           Case{"Red Hat Enterprise Linux", "RunInstances:0010", "", "RunInstances:0010", "Shared"},
           Case{"SUSE Linux", "", "", "RunInstances:000g", "Shared"},
           Case{"Ubuntu Pro", "", "", "RunInstances:0g00", "Shared"},
           Case{"Windows with SQL Server Standard", "", "", "RunInstances:0006", "Shared"},
           // Billed as Linux.
           Case{"Red Hat BYOL Linux", "RunInstances:00g0", "", "RunInstances", "Shared"},
           Case{"Red Hat BYOL Linux", "", "", "RunInstances", "Shared"},
           // A code that isn't known here is asked for as it is.
           Case{"Something new", "RunInstances:zz00", "", "RunInstances:zz00", "Shared"},
       }) {
    auto instance = g5();
    instance.platform_details = platform;
    instance.usage_operation = operation;
    instance.tenancy = tenancy;
    const auto key = price_key(instance);
    ASSERT_TRUE(key) << platform;
    EXPECT_EQ(key->operation, key_operation) << platform;
    EXPECT_EQ(key->tenancy, key_tenancy) << platform;
  }
  auto in_local_zone = g5();
  in_local_zone.region = "us-west-2";
  in_local_zone.zone = "us-west-2-lax-1a";
  EXPECT_EQ(price_key(in_local_zone)->region, "us-west-2-lax-1");
}

TEST(PriceKey, IsRefusedWhereThereIsNoSuchPrice) {
  const auto refused = [](auto change) {
    auto instance = g5();
    change(instance);
    const auto key = price_key(instance);
    return key ? std::string("a key") : key.error().cause;
  };
  EXPECT_EQ(refused([](auto& instance) { instance.tenancy = "host"; }),
            "it runs on a Dedicated Host, which is billed instead of it");
  EXPECT_EQ(refused([](auto& instance) { instance.market = Market::capacity_block; }),
            "it runs in a capacity block, which is paid for in advance");
  EXPECT_EQ(refused([](auto& instance) { instance.market = Market::other; }),
            "it was bought in a way whose prices aren't known here");
  EXPECT_EQ(refused([](auto& instance) { instance.tenancy = "new"; }),
            "its tenancy 'new' has no known price");
  EXPECT_EQ(refused([](auto& instance) {
              instance.usage_operation = "";
              instance.platform_details = "BeOS\x1b[31m";
            }),
            "its platform 'BeOS\\x1b[31m' has no known price");
  EXPECT_EQ(refused([](auto& instance) {
              instance.usage_operation = "";
              instance.platform_details = "";
            }),
            "EC2 doesn't tell its platform");
  for (const auto* bad : {"", "a b", "\"", "g5\n", "{}"})
    EXPECT_EQ(refused([&](auto& instance) { instance.type = bad; }),
              "its region, type or usage operation is none")
        << bad;
  EXPECT_EQ(refused([](auto& instance) { instance.usage_operation = std::string(65, 'R'); }),
            "its region, type or usage operation is none");
}

std::string filter(const PriceKey& key, std::string_view field) {
  const auto filters = price_filters(key);
  const auto found =
      std::find_if(filters.begin(), filters.end(), [&](const auto& one) { return one.field == field; });
  return found == filters.end() ? "-" : found->value;
}

TEST(PriceFilters, NameOneProduct) {
  const std::vector<aws::ProductFilter> expected{{"regionCode", "us-east-1"},   {"instanceType", "g5.xlarge"},
                                                 {"operation", "RunInstances"}, {"capacitystatus", "Used"},
                                                 {"marketoption", "OnDemand"},  {"tenancy", "Shared"},
                                                 {"operatingSystem", "Linux"},  {"preInstalledSw", "NA"}};
  EXPECT_EQ(price_filters(k_g5), expected);
  struct Case {
    const char* operation;
    const char* operating_system;
    const char* software;
  };
  for (const auto& [operation, operating_system, software] :
       {Case{"RunInstances:0002", "Windows", "NA"}, Case{"RunInstances:0006", "Windows", "-"},
        Case{"RunInstances:0010", "RHEL", "NA"}, Case{"RunInstances:000g", "SUSE", "NA"},
        Case{"RunInstances:1014", "-", "-"}, Case{"RunInstances:zz00", "-", "-"}}) {
    const PriceKey key{"us-east-1", "g5.xlarge", operation, "Shared"};
    EXPECT_EQ(filter(key, "operation"), operation);
    EXPECT_EQ(filter(key, "operatingSystem"), operating_system) << operation;
    EXPECT_EQ(filter(key, "preInstalledSw"), software) << operation;
  }
  EXPECT_EQ(filter({"us-east-1", "g5.xlarge", "RunInstances", "Dedicated"}, "tenancy"), "Dedicated");
  EXPECT_EQ(filter({"us-east-1", "g5g.metal", "RunInstances", "Shared"}, "tenancy"), "-");
  EXPECT_EQ(filter({"us-east-1", "m7i.metal-24xl", "RunInstances", "Shared"}, "tenancy"), "-");
}

TEST(OnDemandPrice, IsTheOneThatIsLeft) {
  EXPECT_EQ(*on_demand_price({document({})}, k_g5), Micros{1'006'000});
  Product other_type;
  other_type.type = "g5.2xlarge";
  Product other_region;
  other_region.region = "eu-west-1";
  Product other_system;
  other_system.operation = "RunInstances:0002";
  Product dedicated;
  dedicated.tenancy = "Dedicated";
  Product reserved;
  reserved.capacity_status = "UnusedCapacityReservation";
  Product block;
  block.market = "CapacityBlock";
  std::vector<std::string> products{document({})};
  for (auto* product : {&other_type, &other_region, &other_system, &dedicated, &reserved, &block}) {
    product->price = R"({"USD":"9.0000000000"})";
    products.push_back(document(*product));
    EXPECT_EQ(on_demand_price({document(*product)}, k_g5).error().cause, "the Pricing API doesn't know it");
  }
  EXPECT_EQ(*on_demand_price(products, k_g5), Micros{1'006'000});
  products.push_back(document({}));  // the same price twice is one
  EXPECT_EQ(*on_demand_price(products, k_g5), Micros{1'006'000});
  EXPECT_EQ(*on_demand_price(products, {"us-east-1", "g5.xlarge", "RunInstances", "Dedicated"}),
            Micros{9'000'000});
  Product free;
  free.price = R"({"USD":"0.0000000000"})";
  products.push_back(document(free));  // passed over beside a price
  EXPECT_EQ(*on_demand_price(products, k_g5), Micros{1'006'000});
}

TEST(OnDemandPrice, OfBareMetalIsTheSharedOneElseTheDedicated) {
  const PriceKey key{"us-east-1", "g4dn.metal", "RunInstances", "Shared"};
  Product metal;
  metal.type = "g4dn.metal";
  metal.family = "Compute Instance (bare metal)";
  metal.tenancy = "Dedicated";
  metal.price = R"({"USD":"8.6060000000"})";
  Product shared = metal;
  shared.tenancy = "Shared";
  shared.price = R"({"USD":"7.8240000000"})";
  EXPECT_EQ(*on_demand_price({document(metal)}, key), Micros{8'606'000});
  EXPECT_EQ(*on_demand_price({document(metal), document(shared)}, key), Micros{7'824'000});
  shared.price = R"({"USD":"0.0000000000"})";
  EXPECT_EQ(*on_demand_price({document(shared), document(metal)}, key), Micros{8'606'000});
}

TEST(OnDemandPrice, IsUnknownElseAndSaysWhy) {
  const auto priced = [](std::string price, std::string unit = "Hrs") {
    Product product;
    product.price = std::move(price);
    product.unit = std::move(unit);
    return document(product);
  };
  struct Case {
    std::vector<std::string> products;
    const char* cause;
  };
  for (const auto& [products, cause] : {
           Case{{}, "the Pricing API doesn't know it"},
           Case{{priced(R"({"USD":"0.0000000000"})")}, "the Pricing API tells a price of 0"},
           Case{{document({}), priced(R"({"USD":"1.2"})")}, "the Pricing API tells several prices"},
           Case{{priced(R"({"CNY":"7.5000000000"})")},
                "the Pricing API tells it in another currency than US dollars"},
           Case{{priced(R"({"USD":"1.0","CNY":"7"})", "Quantity")},
                "the Pricing API tells no price by the hour"},
           Case{{priced(R"({"USD":"-1"})")}, "a price in the Pricing API's answer is none"},
           Case{{priced(R"({"USD":1.006})")}, "the Pricing API tells it in another currency than US dollars"},
           Case{{priced("{}")}, "a price in the Pricing API's answer is none"},
           Case{{document({}), priced(R"({"USD":"1e9"})")}, "a price in the Pricing API's answer is none"},
           Case{{"{"}, "the Pricing API's answer is none"},
           Case{{"[]"}, "the Pricing API's answer is none"},
           Case{{"{}"}, "the Pricing API's answer is none"},
           Case{{document({}), R"({"product":7})"}, "the Pricing API's answer is none"},
           Case{{std::string(2U << 20U, ' ') + document({})}, "the Pricing API's answer is none"},
       }) {
    const auto price = on_demand_price(products, k_g5);
    ASSERT_FALSE(price) << cause;
    EXPECT_EQ(price.error().cause, cause);
    EXPECT_EQ(price.error().kind, ErrorKind::not_found);
  }
}

}  // namespace
}  // namespace curfew::pricing
