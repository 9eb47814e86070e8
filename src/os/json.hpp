// Reads JSON objects that curfew or a peer wrote: missing or mistyped fields become one error at the end, never an
// exception.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace curfew::os {

class JsonReader {
 public:
  // `what` names the document in errors.
  JsonReader(std::string_view text, std::string what);
  JsonReader(boost::json::object object, std::string what);

  // Fields that must be there; a harmless value and an error kept for status() where they are not.
  [[nodiscard]] std::string text(std::string_view name);
  [[nodiscard]] std::int64_t number(std::string_view name);
  // As number(), and an error where a T can't hold it.
  template <std::integral T>
  [[nodiscard]] T whole(std::string_view name) {
    const auto value = number(name);
    if (std::in_range<T>(value)) return static_cast<T>(value);
    refuse(name, "is out of range");
    return {};
  }
  [[nodiscard]] bool flag(std::string_view name);
  [[nodiscard]] std::vector<std::string> texts(std::string_view name);
  [[nodiscard]] boost::json::object object(std::string_view name);
  [[nodiscard]] boost::json::array array(std::string_view name);

  // Fields that may be missing or null; another type is an error all the same.
  [[nodiscard]] std::optional<std::int64_t> maybe_number(std::string_view name);
  [[nodiscard]] std::optional<bool> maybe_flag(std::string_view name);
  [[nodiscard]] std::optional<boost::json::object> maybe_object(std::string_view name);

  void refuse(std::string_view name, std::string_view why);
  // The first thing that was wrong.
  [[nodiscard]] Status status() const { return status_; }

 private:
  [[nodiscard]] const boost::json::value* find(std::string_view name, bool required);

  boost::json::object object_;
  std::string what_;
  Status status_;
};

[[nodiscard]] boost::json::array json_array(const std::vector<std::string>& texts);

}  // namespace curfew::os
