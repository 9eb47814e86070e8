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
  [[nodiscard]] static Result<Xml> parse(std::string_view text, std::string_view root) {
    return take(std::string(text), root);
  }
  // The same in the text's own memory, for large ones.
  [[nodiscard]] static Result<Xml> take(std::string text, std::string_view root);
  // The same in memory that somebody else holds for as long as this lives.
  [[nodiscard]] static Result<Xml> in_place(char* text, std::size_t size, std::string_view root);
  [[nodiscard]] pugi::xml_node root() const { return held_->document.document_element(); }

 private:
  struct Held {
    std::string text;
    pugi::xml_document document;  // points into the text
  };
  static Result<Xml> read(std::unique_ptr<Held> held, char* text, std::size_t size, std::string_view root);

  std::unique_ptr<Held> held_;
};

// The text of a child, white space around it cut; empty where it has none.
[[nodiscard]] std::string child_text(const pugi::xml_node& node, const char* name);

// A code as JSON services write it, "com.amazonaws.scheduler#ConflictException:http://…", in the body or in the header
// x-amzn-ErrorType: without the name space in front and the URL behind, and safe to show.
[[nodiscard]] std::string error_code_from(std::string_view text);

// An error as AWS words it.
struct ApiError {
  std::string code;
  std::string message;  // one line, made safe to show
  std::string region;   // S3: where the bucket is, checked to be a region's name; else empty
};
// Looks for one in EC2's, S3's and the JSON services' forms. Nothing where the body is none of them (an HTML page).
[[nodiscard]] std::optional<ApiError> find_api_error(std::string_view body);

}  // namespace curfew::aws
