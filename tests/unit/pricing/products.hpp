// Products as GetProducts tells them, cut to a part of their attributes.
#pragma once

#include <string>

namespace curfew::pricing::test {

struct Product {
  std::string type = "g5.xlarge";
  std::string region = "us-east-1";
  std::string operation = "RunInstances";
  std::string tenancy = "Shared";
  std::string capacity_status = "Used";
  std::string market = "OnDemand";
  std::string unit = "Hrs";
  std::string price = R"({"USD":"1.0060000000"})";
  std::string family = "Compute Instance";
};

inline std::string document(const Product& product) {
  return R"({"product":{"productFamily":")" + product.family +
         R"(","attributes":{"memory":"16 GiB","vcpu":"4","gpu":"1","operatingSystem":"Linux","instanceType":")" +
         product.type + R"(","regionCode":")" + product.region + R"(","operation":")" + product.operation +
         R"(","tenancy":")" + product.tenancy + R"(","capacitystatus":")" + product.capacity_status +
         R"(","marketoption":")" + product.market +
         R"(","preInstalledSw":"NA","licenseModel":"No License required","servicecode":"AmazonEC2"},"sku":"7FNCBVPRRU6Y9XYZ"},)"
         R"("serviceCode":"AmazonEC2","terms":{"OnDemand":{"7FNCBVPRRU6Y9XYZ.JRTCKXETXF":{"priceDimensions":{)"
         R"("7FNCBVPRRU6Y9XYZ.JRTCKXETXF.6YS6EN2CT7":{"unit":")" +
         product.unit +
         R"(","endRange":"Inf","description":"$1.006 per On Demand Linux g5.xlarge Instance Hour","appliesTo":[],)"
         R"("rateCode":"7FNCBVPRRU6Y9XYZ.JRTCKXETXF.6YS6EN2CT7","beginRange":"0","pricePerUnit":)" +
         product.price +
         R"(}},"sku":"7FNCBVPRRU6Y9XYZ","effectiveDate":"2025-05-01T00:00:00Z","offerTermCode":"JRTCKXETXF","termAttributes":{}}},)"
         R"("Reserved":{"7FNCBVPRRU6Y9XYZ.38NPMPTW36":{"priceDimensions":{"7FNCBVPRRU6Y9XYZ.38NPMPTW36.2TG2D8R56U":{)"
         R"("unit":"Quantity","description":"Upfront Fee","appliesTo":[],"pricePerUnit":{"USD":"5287"}},)"
         R"("7FNCBVPRRU6Y9XYZ.38NPMPTW36.6YS6EN2CT7":{"unit":"Hrs","pricePerUnit":{"USD":"0.4340000000"}}}}}},)"
         R"("version":"20250528001122","publicationDate":"2025-05-28T00:11:22Z"})";
}

}  // namespace curfew::pricing::test
