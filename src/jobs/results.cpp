// Keys as save/target.hpp makes them, the other way round.
#include "jobs/results.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "save/fetch.hpp"
#include "save/target.hpp"

namespace curfew::jobs {
namespace {

constexpr std::size_t k_most_pages = 2'000;
constexpr std::size_t k_longest_name = 100;

Result<std::string> path_below(const std::string& source) {
  std::string path;
  for (const auto step : split(source, '/')) {
    if (step.empty() || step == ".") continue;
    if (step == ".." || step.find('\0') != std::string_view::npos)
      return fail(ErrorKind::invalid_input, "the save of '" + printable(source, 80) + "'",
                  "it could lead out of the folder that results go to");
    path += (path.empty() ? "" : "/") + std::string(step);
  }
  return path;
}

std::string joined(const std::string& path, std::string_view below) {
  return path.empty() ? std::string(below) : path + "/" + std::string(below);
}

tl::unexpected<Error> no_path(std::string_view key) {
  return fail(ErrorKind::invalid_input, "fetch " + printable(key),
              "its key can't be a path: a step of it is empty, . or ..");
}

// A single object there; nothing where there's none.
Awaitable<Result<std::vector<ResultFile>>> look_at(aws::S3& s3, aws::S3Location object, std::string path) {
  std::vector<ResultFile> files;
  auto asking = s3.head(object);
  const auto head = co_await std::move(asking);
  if (head) files.push_back({std::move(object), std::move(path), head->etag, head->size, head->modified});
  else if (head.error().kind != ErrorKind::not_found) co_return fail(Error{head.error()});
  co_return files;
}

}  // namespace

Result<std::vector<ResultPlace>> result_places(const std::vector<std::string>& saves) {
  std::vector<ResultPlace> places;
  for (const auto& save : saves) {
    auto target = save::parse_target(save);
    if (!target) return fail(std::move(target.error()).within("launch.json"));
    auto path = path_below(target->source);
    if (!path) return fail(std::move(path.error()));
    places.push_back({save, std::move(target->to), std::move(*path)});
  }
  return places;
}

Awaitable<Result<std::vector<ResultFile>>> list_results(aws::S3& s3, ResultPlace place) {
  const bool is_prefix = place.to.key.empty() || place.to.key.ends_with('/');
  const auto name = place.path.substr(place.path.find_last_of('/') + 1);
  // A file was put to the key itself, or below a prefix under its name.
  if (!is_prefix || !name.empty()) {
    aws::S3Location object = place.to;
    if (is_prefix) object.key += name;
    auto looking = look_at(s3, std::move(object), place.path.empty() ? "result" : place.path);
    auto one = co_await std::move(looking);
    if (!one || !one->empty()) co_return one;
  }
  auto below = place.to;
  if (!is_prefix) below.key += '/';
  std::vector<ResultFile> files;
  std::string next;
  for (std::size_t pages = 0; pages < k_most_pages; ++pages) {
    auto listing = s3.list(below, next);
    auto page = co_await std::move(listing);
    if (!page) co_return fail(std::move(page.error()));
    for (const auto& object : page->objects) {
      // "Folders" as the console makes them.
      if (object.key.ends_with('/') && object.size == 0) continue;
      if (!object.key.starts_with(below.key)) co_return no_path(object.key);
      const auto relative = std::string_view(object.key).substr(below.key.size());
      if (relative.starts_with(save::k_logs_below)) continue;
      if (!save::is_path_below(relative)) co_return no_path(object.key);
      if (files.size() == k_most_results)
        co_return fail(ErrorKind::invalid_input, "fetch " + below.text(),
                       "there are more than " + std::to_string(k_most_results) + " objects");
      files.push_back({{below.bucket, object.key},
                       joined(place.path, relative),
                       object.etag,
                       object.size,
                       object.modified});
    }
    if (page->next.empty()) co_return files;
    next = std::move(page->next);
  }
  co_return fail(ErrorKind::unavailable, "list " + below.text(), "the list has no end");
}

std::vector<std::string> changed_here(const std::string& folder, const std::vector<ResultFile>& files,
                                      const save::FetchedFiles& known) {
  std::vector<std::string> changed;
  for (const auto& file : files) {
    const auto path = folder + "/" + file.path;
    struct stat about {};
    if (::lstat(path.c_str(), &about) == 0 && !known.is_as_fetched(path)) changed.push_back(path);
  }
  return changed;
}

std::string path_of_two(const std::vector<ResultFile>& files) {
  std::set<std::string_view> seen;
  for (const auto& file : files)
    if (!seen.insert(file.path).second) return file.path;
  return {};
}

std::string folder_name(const std::string& job, const std::string& launch_id) {
  const bool is_step = !job.empty() && job.size() <= k_longest_name && job.front() != '-' &&
                       job.front() != '.' && save::is_path_below(job) && job.find('/') == std::string::npos &&
                       printable(job, 2 * k_longest_name) == job;
  return is_step ? job : launch_id;
}

}  // namespace curfew::jobs
