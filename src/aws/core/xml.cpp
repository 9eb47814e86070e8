// XML replies, on pugixml.
#include "aws/core/xml.hpp"

#include <boost/json/parse.hpp>

#include "aws/core/endpoints.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr int k_deepest = 40;  // DescribeInstances goes to about 12
constexpr std::size_t k_longest_code = 100;
constexpr std::size_t k_longest_error = 64U << 10U;

// Without recursion: the depth is what is in doubt.
bool too_deep(const pugi::xml_node& root) {
  int depth = 0;
  for (auto node = root; node;) {
    if (auto child = node.first_child()) {
      if (++depth > k_deepest) return true;
      node = child;
      continue;
    }
    while (node && node != root && !node.next_sibling()) node = node.parent(), --depth;
    if (!node || node == root) return false;
    node = node.next_sibling();
  }
  return false;
}

// The first line only: what follows may quote the signed request, session token and all.
std::string safe_message(std::string_view text) {
  text = trimmed(text);
  return printable(trimmed(text.substr(0, text.find_first_of("\r\n"))), 400);
}

std::optional<ApiError> from_xml(std::string_view body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_minimal | pugi::parse_escapes,
                            pugi::encoding_utf8))
    return {};
  auto node = document.document_element();
  // <Response> of EC2, <ErrorResponse> of STS and of stores that mix both.
  if (const std::string_view root = node.name(); root == "Response" || root == "ErrorResponse") {
    if (const auto list = node.child("Errors")) node = list;
    node = node.child("Error");
  }
  if (std::string_view(node.name()) != "Error") return {};
  ApiError error{error_code_from(child_text(node, "Code")), safe_message(child_text(node, "Message")), {}};
  if (error.code.empty()) return {};
  if (auto region = child_text(node, "Region"); is_region(region)) error.region = std::move(region);
  return error;
}

std::optional<ApiError> from_json(std::string_view body) {
  boost::json::error_code failed;
  const auto value = boost::json::parse({body.data(), body.size()}, failed);
  if (failed || !value.is_object()) return {};
  ApiError error;
  for (const auto* name : {"__type", "code", "Code"})
    if (const auto* text = value.as_object().if_contains(name);
        text != nullptr && text->is_string() && error.code.empty())
      error.code = error_code_from({text->get_string().data(), text->get_string().size()});
  for (const auto* name : {"message", "Message"})
    if (const auto* text = value.as_object().if_contains(name);
        text != nullptr && text->is_string() && error.message.empty())
      error.message = safe_message({text->get_string().data(), text->get_string().size()});
  if (error.code.empty() && error.message.empty()) return {};
  return error;
}

}  // namespace

std::string error_code_from(std::string_view text) {
  if (const auto hash = text.find('#'); hash != std::string_view::npos) text.remove_prefix(hash + 1);
  text = text.substr(0, text.find(':'));
  return printable(trimmed(text), k_longest_code);
}

Result<Xml> Xml::take(std::string text, std::string_view root) {
  auto held = std::make_unique<Held>();
  held->text = std::move(text);
  auto& own = held->text;
  return read(std::move(held), own.data(), own.size(), root);
}

Result<Xml> Xml::in_place(char* text, std::size_t size, std::string_view root) {
  return read(std::make_unique<Held>(), text, size, root);
}

Result<Xml> Xml::read(std::unique_ptr<Held> held, char* text, std::size_t size, std::string_view root) {
  const auto refuse = [&](std::string why) {
    return fail(ErrorKind::unavailable, "read the reply " + std::string(root), std::move(why));
  };
  Xml xml;
  xml.held_ = std::move(held);
  // parse_embed_pcdata: a text stands in its element's node, which halves their number.
  const auto parsed = xml.held_->document.load_buffer_inplace(
      text, size, pugi::parse_minimal | pugi::parse_escapes | pugi::parse_embed_pcdata, pugi::encoding_utf8);
  if (!parsed) return refuse(std::string("it is cut or no XML: ") + parsed.description());
  if (xml.root().name() != root) return refuse("its root is <" + printable(xml.root().name(), 40) + ">");
  if (xml.root().next_sibling()) return refuse("something follows its root");
  if (too_deep(xml.root())) return refuse("it is nested too deep");
  return xml;
}

std::string child_text(const pugi::xml_node& node, const char* name) {
  return std::string(trimmed(node.child(name).text().get()));
}

std::optional<ApiError> find_api_error(std::string_view body) {
  if (body.size() > k_longest_error) return {};
  const auto text = trimmed(body);
  if (text.starts_with('<')) return from_xml(text);
  if (text.starts_with('{')) return from_json(text);
  return {};
}

}  // namespace curfew::aws
