// XML replies of AWS, parsed strictly and within bounds. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// A whole document with one root element of that name; entities of a DOCTYPE are never expanded. Errors: unavailable,
// for a reply that is cut or no XML comes from a service, or a proxy, in trouble.
class Xml {
 public:
  [[nodiscard]] static Result<Xml> parse(std::string_view text, std::string_view root);
  [[nodiscard]] pugi::xml_node root() const { return document_->document_element(); }

 private:
  std::unique_ptr<pugi::xml_document> document_;
};

// The text of a child, white space around it cut; empty where it has none.
[[nodiscard]] std::string child_text(const pugi::xml_node& node, const char* name);

// An error as AWS words it.
struct ApiError {
  std::string code;
  std::string message;  // one line, made safe to show
  std::string region;   // S3: where the bucket is, checked to be a region's name; else empty
};
// Looks for one in EC2's, S3's and the JSON services' forms. Nothing where the body is none of them (an HTML page).
[[nodiscard]] std::optional<ApiError> find_api_error(std::string_view body);

}  // namespace curfew::aws
