// Reads what the accelerators' programs print.
#include "guard/probes/accelerator.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"

namespace curfew::guard {
namespace {

namespace json = boost::json;

constexpr std::size_t k_longest_name = 64;

tl::unexpected<Error> not_understood(std::string_view program, std::string_view text) {
  const auto shown = trimmed(text);
  return fail(ErrorKind::invalid_input, "read what " + std::string(program) + " says",
              shown.empty() ? "it said nothing" : "it said: " + printable(shown, 120));
}

tl::unexpected<Error> none_there(std::string_view program) {
  return fail(ErrorKind::not_found, "read what " + std::string(program) + " says", "it finds no accelerator");
}

// Rounding may lift a little above 100; anything else out of range is no percentage.
std::optional<double> as_percent(double value) {
  if (!std::isfinite(value) || value < 0 || value > 101) return std::nullopt;
  return std::min(value, 100.0);
}

std::optional<double> percent_from(std::string_view text) {
  if (text.empty() || text.size() > 24) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return as_percent(value);
}

std::optional<double> percent_from(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  if (const auto* real = value->if_double()) return as_percent(*real);
  if (const auto* whole = value->if_int64()) return as_percent(static_cast<double>(*whole));
  if (const auto* large = value->if_uint64()) return as_percent(static_cast<double>(*large));
  if (const auto* text = value->if_string()) return percent_from(std::string_view(*text));
  return std::nullopt;
}

Reading checked(std::vector<Accelerator> found, std::string_view program, std::string_view text) {
  if (found.empty()) return none_there(program);
  std::vector<std::string_view> names;
  for (const auto& one : found) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  const bool twice = std::adjacent_find(names.begin(), names.end()) != names.end();
  if (twice || found.size() > k_most_accelerators) return not_understood(program, text);
  return found;
}

// The first JSON value that starts a line with `opener`: warnings go before and after it.
std::optional<json::value> first_json(std::string_view text, char opener) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != opener) {
    const auto line = text.find('\n', at);
    if (line == std::string_view::npos) return std::nullopt;
    at = line + 1;
  }
  if (at >= text.size()) return std::nullopt;
  text.remove_prefix(at);
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  json::stream_parser parser({}, options);
  boost::system::error_code error;
  parser.write_some(text.data(), text.size(), error);
  if (error || !parser.done()) return std::nullopt;
  return parser.release();
}

const json::value* member(const json::value* value, std::string_view name) {
  const auto* object = value == nullptr ? nullptr : value->if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}

std::optional<std::size_t> count_from(const json::value* value) {
  const auto* number = value == nullptr ? nullptr : value->if_int64();
  if (number == nullptr || *number < 0 || *number > static_cast<std::int64_t>(k_most_accelerators))
    return std::nullopt;
  return static_cast<std::size_t>(*number);
}

// Whether a part of the report says that it could not be had.
bool has_error(const json::value* part) {
  const auto* error = member(part, "error");
  const auto* text = error == nullptr ? nullptr : error->if_string();
  return part == nullptr || (text != nullptr && !text->empty());
}

bool is_index(std::string_view text) {
  return !text.empty() && text.size() <= 4 && parse_number(text).has_value();
}

// "0, NVIDIA A10G, 87, 4521". The name may hold commas, so it's what is left in the middle.
std::optional<Accelerator> nvidia_row(std::string_view line) {
  const auto fields = split(line, ',');
  if (fields.size() < 4 || fields.size() > 16 || !is_index(trimmed(fields[0]))) return std::nullopt;
  const auto busy = trimmed(fields[fields.size() - 2]);
  const auto memory = trimmed(fields.back());
  // Text in place of a number is told in brackets; other text means that the row is something else.
  const auto is_value = [](std::string_view field) {
    return (field.size() > 2 && field.front() == '[' && field.back() == ']') || parse_number(field);
  };
  if (!is_value(busy) || !is_value(memory)) return std::nullopt;
  const auto begin = static_cast<std::size_t>(fields[1].data() - line.data());
  const auto end = static_cast<std::size_t>(fields[fields.size() - 2].data() - line.data()) - 1;
  const auto name = trimmed(line.substr(begin, end - begin));
  return Accelerator{
      printable("GPU " + std::string(trimmed(fields[0])) + " " + std::string(name), k_longest_name),
      percent_from(busy)};
}

// Adds what one runtime says of its cores; false where it says nothing of them.
bool add_runtime(const json::value& runtime, std::vector<Accelerator>& cores) {
  if (has_error(&runtime)) return false;
  const auto* counters = member(member(&runtime, "report"), "neuroncore_counters");
  const auto* in_use = member(counters, "neuroncores_in_use");
  if (has_error(counters) || in_use == nullptr || !in_use->is_object()) return false;
  for (const auto& [index, core] : in_use->get_object()) {
    if (!is_index(index)) return false;
    const auto number = static_cast<std::size_t>(*parse_number(index));
    if (number >= cores.size()) return false;
    const auto busy = percent_from(member(&core, "neuroncore_utilization"));
    auto& sum = cores[number].busy_percent;
    // Two processes on one core: it's as busy as both; unknown where one of them is.
    if (sum) sum = busy ? std::optional(std::min(*sum + *busy, 100.0)) : std::nullopt;
  }
  return true;
}

Reading neuron_report(const json::value& report, std::string_view line) {
  constexpr std::string_view k_program = "neuron-monitor";
  const auto* hardware = member(&report, "neuron_hardware_info");
  const auto devices = count_from(member(hardware, "neuron_device_count"));
  const auto each = count_from(member(hardware, "neuroncore_per_device_count"));
  const auto* runtimes = member(&report, "neuron_runtime_data");
  if (has_error(hardware) || !devices || !each || runtimes == nullptr || !runtimes->is_array())
    return not_understood(k_program, line);
  if (*devices == 0 || *each == 0) return none_there(k_program);
  if (*devices * *each > k_most_accelerators) return not_understood(k_program, line);
  std::vector<Accelerator> cores;
  for (std::size_t core = 0; core < *devices * *each; ++core)
    cores.push_back({"core " + std::to_string(core), 0.0});
  for (const auto& runtime : runtimes->get_array()) {
    // It may use any core: then none of them is known to be idle.
    if (!add_runtime(runtime, cores)) return not_understood(k_program, line);
  }
  return cores;
}

}  // namespace

Reading parse_nvidia_smi(std::string_view text) {
  constexpr std::string_view k_program = "nvidia-smi";
  if (text.size() > k_most_tool_output) return not_understood(k_program, text.substr(0, 200));
  std::vector<Accelerator> found;
  for (const auto whole_line : split(text, '\n')) {
    const auto line = trimmed(whole_line);
    // "WARNING: infoROM is corrupted at gpu 0000:00:1E.0" stands below good rows.
    if (line.empty() || line.starts_with("WARNING:")) continue;
    if (line.starts_with("No devices were found")) return none_there(k_program);
    auto row = nvidia_row(line);
    if (!row || found.size() == k_most_accelerators) return not_understood(k_program, line);
    found.push_back(std::move(*row));
  }
  if (found.empty()) return not_understood(k_program, text.substr(0, 200));
  return checked(std::move(found), k_program, text);
}

Reading parse_neuron_monitor(std::string_view text) {
  constexpr std::string_view k_program = "neuron-monitor";
  if (text.size() > k_most_tool_output) return not_understood(k_program, text.substr(0, 200));
  const auto lines = split(text, '\n');
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (!line->starts_with('{')) continue;
    const auto report = first_json(*line, '{');
    if (report) return neuron_report(*report, *line);
    if (line != lines.rbegin()) break;  // only the last line may be cut
  }
  return not_understood(k_program, text.substr(0, 200));
}

Reading parse_neuron_ls(std::string_view text) {
  constexpr std::string_view k_program = "neuron-ls";
  if (text.size() > k_most_tool_output) return not_understood(k_program, text.substr(0, 200));
  const auto list = first_json(text, '[');
  if (!list || !list->is_array()) return not_understood(k_program, text);
  std::vector<Accelerator> found;
  for (const auto& device : list->get_array()) {
    const auto index = count_from(member(&device, "neuron_device"));
    const auto* processes = member(&device, "neuron_processes");
    if (!index || processes == nullptr || !processes->is_array() || found.size() == k_most_accelerators)
      return not_understood(k_program, text);
    const bool free = processes->get_array().empty();
    found.push_back({"device " + std::to_string(*index), free ? std::optional(0.0) : std::nullopt});
  }
  return checked(std::move(found), k_program, text);
}

Reading parse_rocm_smi(std::string_view text) {
  constexpr std::string_view k_program = "rocm-smi";
  if (text.size() > k_most_tool_output) return not_understood(k_program, text.substr(0, 200));
  const auto cards = first_json(text, '{');
  if (!cards || !cards->is_object()) return not_understood(k_program, text);
  std::vector<Accelerator> found;
  for (const auto& [name, card] : cards->get_object()) {
    if (!name.starts_with("card")) continue;  // "system"
    if (found.size() == k_most_accelerators) return not_understood(k_program, text);
    found.push_back(
        {printable(std::string_view(name), k_longest_name), percent_from(member(&card, "GPU use (%)"))});
  }
  return checked(std::move(found), k_program, text);
}

}  // namespace curfew::guard
