// Reads and judges containers.
#include "guard/containers.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "os/json.hpp"
#include "save/target.hpp"

namespace curfew::guard {
namespace {

namespace json = boost::json;

constexpr std::size_t k_short_id = 12;
constexpr std::size_t k_long_id = 64;
constexpr std::size_t k_longest_path = 4096;
constexpr std::size_t k_shown_ids = 3;

bool is_id(std::string_view text) {
  return text.size() >= k_short_id && text.size() <= k_long_id &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// To a millisecond, for a container may be started within the second in which its job began.
std::optional<WallTime> parse_time(std::string_view text) {
  const auto whole = parse_utc(text);
  if (!whole) return {};
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return *whole;
  std::string digits(text.substr(dot + 1, 3));
  digits.erase(std::find_if(digits.begin(), digits.end(), [](char c) { return c < '0' || c > '9'; }),
               digits.end());
  digits.resize(3, '0');
  return *whole + Millis{static_cast<std::int64_t>(parse_number(digits).value_or(0))};
}

std::string normal(std::string_view path) {
  auto text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

bool is_below(const std::string& path, const std::string& folder) {
  if (path == folder || folder == "/") return true;
  return path.starts_with(folder) && path[folder.size()] == '/';
}

// A list that ends with null.
std::vector<std::string> words_from(os::JsonReader& read, std::string_view name, std::size_t most) {
  std::vector<std::string> words;
  for (const auto& value : read.array(name)) {
    if (value.is_string() && words.size() < most)
      words.emplace_back(value.get_string().data(), value.get_string().size());
    else if (!value.is_string() && !value.is_null()) read.refuse(name, "holds something that is no text");
  }
  return words;
}

std::optional<Container> parse_container(std::string_view line) {
  json::error_code failed;
  json::parse_options options;
  options.max_depth = 3;
  auto value = json::parse({line.data(), line.size()}, failed, {}, options);
  if (failed || !value.is_object()) return {};
  os::JsonReader read(std::move(value.as_object()), "a container");
  Container container;
  container.id = read.text("id");
  const auto started = parse_time(read.text("started"));
  container.attached = read.flag("attached");
  container.image = read.text("image");
  container.command = words_from(read, "command", k_most_words);
  for (const auto& path : words_from(read, "writable", k_most_mounts)) {
    if (path.starts_with('/') && path.size() <= k_longest_path) container.writable.push_back(normal(path));
  }
  if (!read.status() || !is_id(container.id) || !started) return {};
  container.started = *started;
  return container;
}

}  // namespace

std::vector<std::string> parse_container_ids(std::string_view text) {
  std::vector<std::string> ids;
  for (const auto line : split(text, '\n')) {
    const auto id = trimmed(line);
    if (ids.size() == k_most_containers) break;
    if (is_id(id) && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.emplace_back(id);
  }
  return ids;
}

std::vector<Container> parse_containers(std::string_view text) {
  std::vector<Container> containers;
  for (const auto line : split(text, '\n')) {
    if (containers.size() == k_most_containers) break;
    if (auto container = parse_container(trimmed(line))) containers.push_back(std::move(*container));
  }
  return containers;
}

bool is_since(const Container& container, const JobBegan& began) {
  if (!began.running) return container.started >= began.at;
  return std::find(began.running->begin(), began.running->end(), container.id) == began.running->end();
}

bool may_write_to(const Container& container, const std::vector<std::string>& paths) {
  return std::any_of(container.writable.begin(), container.writable.end(), [&](const std::string& mount) {
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
      return is_below(mount, path) || is_below(path, mount);
    });
  });
}

bool is_run_by(const Container& container, const std::vector<std::string>& argv) {
  const auto run = std::find(argv.begin(), argv.end(), "run");
  if (run == argv.end() || container.image.empty()) return false;
  // Options may hold the image's name as well.
  for (auto word = run + 1; word != argv.end(); ++word) {
    if (*word != container.image) continue;
    const std::vector<std::string> rest(word + 1, argv.end());
    if (rest.empty() || rest == container.command) return true;
  }
  return false;
}

std::vector<std::string> saved_paths(const std::vector<std::string>& saves, const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& text : saves) {
    const auto target = save::parse_target(text);
    if (!target) continue;
    paths.push_back(normal(target->source.starts_with('/') ? target->source : folder + "/" + target->source));
  }
  return paths;
}

std::string docker_socket(std::string_view docker_host) {
  constexpr std::string_view k_scheme = "unix://";
  if (!docker_host.starts_with(k_scheme)) return {};
  docker_host.remove_prefix(k_scheme.size());
  return docker_host.starts_with('/') ? std::string(docker_host) : std::string();
}

std::string to_json(const JobBegan& began) {
  return json::serialize(json::object{
      {"version", 1},
      {"job_began_ms", began.at.time_since_epoch().count()},
      {"running", os::json_array(began.running.value_or(std::vector<std::string>()))},
  });
}

Result<JobBegan> job_began_from_json(std::string_view text) {
  os::JsonReader read(text, "containers.json");
  JobBegan began;
  began.at = WallTime{Millis{read.number("job_began_ms")}};
  began.running = read.texts("running");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return began;
}

std::string ids_text(const std::vector<Container>& containers) {
  std::string text;
  for (std::size_t i = 0; i < std::min(containers.size(), k_shown_ids); ++i)
    text += (i == 0 ? "" : ", ") + containers[i].id.substr(0, k_short_id);
  if (containers.size() > k_shown_ids)
    text += " and " + std::to_string(containers.size() - k_shown_ids) + " more";
  return text;
}

}  // namespace curfew::guard
