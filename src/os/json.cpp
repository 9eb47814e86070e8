// Reads JSON objects without exceptions.
#include "os/json.hpp"

#include <limits>

#include <boost/json/parse.hpp>

#include "base/text.hpp"

namespace curfew::os {

JsonReader::JsonReader(std::string_view text, std::string what) : what_(std::move(what)) {
  boost::system::error_code error;
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;  // environments and file names are bytes
  auto value = boost::json::parse(text, error, {}, options);
  if (error || !value.is_object()) {
    status_ = fail(ErrorKind::invalid_input, "read " + what_,
                   error ? "is not JSON: " + error.message() : "is no object");
    return;
  }
  object_ = std::move(value.as_object());
}

JsonReader::JsonReader(boost::json::object object, std::string what)
    : object_(std::move(object)), what_(std::move(what)) {}

void JsonReader::refuse(std::string_view name, std::string_view why) {
  if (status_)
    status_ = fail(ErrorKind::invalid_input, "read " + what_,
                   "field '" + printable(name) + "' " + std::string(why));
}

const boost::json::value* JsonReader::find(std::string_view name, bool required) {
  const auto* value = object_.if_contains(name);
  if (value != nullptr && value->is_null()) value = nullptr;
  if (value == nullptr && required) refuse(name, "is missing");
  return value;
}

std::string JsonReader::text(std::string_view name) {
  const auto* value = find(name, true);
  if (value == nullptr) return {};
  if (const auto* text = value->if_string()) return std::string(*text);
  refuse(name, "is not a text");
  return {};
}

std::optional<std::int64_t> JsonReader::maybe_number(std::string_view name) {
  const auto* value = find(name, false);
  if (value == nullptr) return {};
  if (const auto* number = value->if_int64()) return *number;
  if (const auto* number = value->if_uint64();
      number != nullptr && *number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return static_cast<std::int64_t>(*number);
  refuse(name, "is not a whole number");
  return {};
}

std::int64_t JsonReader::number(std::string_view name) {
  if (find(name, true) == nullptr) return 0;
  return maybe_number(name).value_or(0);
}

std::optional<bool> JsonReader::maybe_flag(std::string_view name) {
  const auto* value = find(name, false);
  if (value == nullptr) return {};
  if (const auto* flag = value->if_bool()) return *flag;
  refuse(name, "is not true or false");
  return {};
}

bool JsonReader::flag(std::string_view name) {
  if (find(name, true) == nullptr) return false;
  return maybe_flag(name).value_or(false);
}

std::vector<std::string> JsonReader::texts(std::string_view name) {
  std::vector<std::string> texts;
  for (const auto& value : array(name)) {
    if (const auto* text = value.if_string()) texts.emplace_back(*text);
    else refuse(name, "holds something that is not a text");
  }
  return texts;
}

std::optional<boost::json::object> JsonReader::maybe_object(std::string_view name) {
  const auto* value = find(name, false);
  if (value == nullptr) return {};
  if (const auto* object = value->if_object()) return *object;
  refuse(name, "is not an object");
  return {};
}

boost::json::object JsonReader::object(std::string_view name) {
  if (find(name, true) == nullptr) return {};
  return maybe_object(name).value_or(boost::json::object{});
}

boost::json::array JsonReader::array(std::string_view name) {
  const auto* value = find(name, true);
  if (value == nullptr) return {};
  if (const auto* array = value->if_array()) return *array;
  refuse(name, "is not a list");
  return {};
}

boost::json::array json_array(const std::vector<std::string>& texts) {
  boost::json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace curfew::os
