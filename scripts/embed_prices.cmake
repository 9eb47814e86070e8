# Makes a C++ source of a price list: each line a string, and the date in the file's name. Plain C++, so that every
# compiler, sanitizer and the compiler cache take it as they take the rest.
#
#   cmake -DFROM=data/NAME-YYYY-MM-DD.csv -DTO=build/…/list_price_data.cpp -P scripts/embed_prices.cmake
file(READ ${FROM} text)
get_filename_component(name ${FROM} NAME)
string(REGEX MATCH "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]" date ${name})
if(NOT date)
  message(FATAL_ERROR "${FROM}: no date in its name")
endif()
# The characters that would mean something else in a string, or to CMake.
if(text MATCHES "[]\"\\;[\r]")
  message(FATAL_ERROR "${FROM}: holds a quote, backslash, semicolon, bracket or carriage return")
endif()
if(NOT text MATCHES "\n$")
  message(FATAL_ERROR "${FROM}: its last line doesn't end")
endif()
string(REGEX REPLACE "([^\n]+)\n" "    \"\\1\"sv,\n" lines "${text}")
file(WRITE ${TO} "// Made by scripts/embed_prices.cmake from ${name}.
#include \"pricing/list_prices.hpp\"

namespace curfew::pricing::detail {

using namespace std::string_view_literals;

namespace {
constexpr std::string_view k_lines[] = {
${lines}};
}  // namespace

std::span<const std::string_view> list_lines() { return k_lines; }

std::string_view list_date() { return \"${date}\"; }

}  // namespace curfew::pricing::detail
")
