// launch.json, both ways.
#include "launch/launch_file.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "aws/core/endpoints.hpp"
#include "launch/plan.hpp"
#include "launch/records.hpp"
#include "os/json.hpp"

namespace curfew::launch {
namespace {

constexpr int k_version = 1;
constexpr std::size_t k_most_options = 500;
constexpr std::size_t k_most_words = 4'096;
constexpr std::size_t k_longest_name = 80;

// "max-time".
bool is_option_name(std::string_view text) {
  return !text.empty() && text.size() <= 40 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

bool is_job_name(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_name && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

WallTime time_of(os::JsonReader& read, std::string_view name) {
  const auto text = read.text(name);
  const auto time = parse_utc(text);
  if (read.status() && !time) read.refuse(name, "is no time");
  return time ? *time : WallTime{};
}

void read_options(os::JsonReader& read, aws::KeyValues& options) {
  const auto list = read.array("options");
  if (list.size() > k_most_options) return read.refuse("options", "are too many");
  for (const auto& value : list) {
    const auto* const pair = value.if_array();
    const bool is_pair = pair != nullptr && pair->size() == 2 && (*pair)[0].is_string() &&
                         (*pair)[1].is_string() && is_option_name(std::string_view((*pair)[0].as_string()));
    if (!is_pair) return read.refuse("options", "aren't pairs of a name and a text");
    options.emplace_back(std::string((*pair)[0].as_string()), std::string((*pair)[1].as_string()));
  }
}

boost::json::value micros(const std::optional<Micros>& amount) {
  return amount ? boost::json::value(amount->count) : boost::json::value();
}

}  // namespace

std::string to_json(const LaunchFile& file) {
  boost::json::array options;
  for (const auto& [name, value] : file.options) options.push_back(boost::json::array{name, value});
  return boost::json::serialize(boost::json::object{
      {"version", k_version},
      {"launch", file.launch_id},
      {"job", file.job},
      {"region", file.region},
      {"owner", file.owner},
      {"made", format_utc(file.made)},
      {"stop_at", format_utc(file.stop_at)},
      {"end_at", format_utc(file.end_at)},
      {"max_cost_micros", micros(file.max_cost)},
      {"worst_case_micros", micros(file.worst_case)},
      {"saves", os::json_array(file.saves)},
      {"options", std::move(options)},
      {"command", os::json_array(file.command)},
      {"workdir", file.workdir ? boost::json::value(json_of(*file.workdir)) : boost::json::value()},
      {"attempt", file.attempt},
      {"retry_of", file.retry_of},
      {"nothing_made", file.nothing_made}});
}

Result<LaunchFile> launch_file_from_json(std::string_view text) {
  if (text.size() > k_largest_launch_file)
    return fail(ErrorKind::invalid_input, "launch.json", "is larger than any that curfew writes");
  os::JsonReader read(text, "launch.json");
  LaunchFile file;
  const auto version = read.number("version");
  if (read.status() && version != k_version) read.refuse("version", "is another curfew's");
  file.launch_id = read.text("launch");
  file.job = read.text("job");
  file.region = read.text("region");
  file.owner = read.text("owner");
  file.made = time_of(read, "made");
  file.stop_at = time_of(read, "stop_at");
  file.end_at = time_of(read, "end_at");
  for (auto [name, into] :
       {std::pair{"max_cost_micros", &file.max_cost}, std::pair{"worst_case_micros", &file.worst_case}}) {
    const auto most = read.maybe_number(name);
    if (most && *most < 0) read.refuse(name, "is below 0");
    if (most) *into = Micros{*most};
  }
  file.saves = read.texts("saves");
  read_options(read, file.options);
  file.command = read.texts("command");
  file.attempt = read.number("attempt");
  file.retry_of = read.text("retry_of");
  file.nothing_made = read.maybe_flag("nothing_made").value_or(false);
  const auto workdir = read.maybe_object("workdir");
  if (!is_launch_id(file.launch_id)) read.refuse("launch", "isn't one");
  if (!is_job_name(file.job)) read.refuse("job", "isn't a name");
  if (!aws::is_region(file.region)) read.refuse("region", "isn't one");
  if (file.saves.size() > k_most_of_a_kind) read.refuse("saves", "are too many");
  if (file.command.size() > k_most_words) read.refuse("command", "is too long");
  if (file.attempt < 1 || file.attempt > 1'000) read.refuse("attempt", "is out of range");
  if (!file.retry_of.empty() && !is_launch_id(file.retry_of)) read.refuse("retry_of", "isn't a launch");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  if (!workdir) return file;
  auto packed = packed_from(*workdir);
  if (!packed) return fail(std::move(packed.error()).within("launch.json"));
  file.workdir = std::move(*packed);
  return file;
}

LaunchFile launch_file(const Plan& plan) {
  LaunchFile file;
  file.launch_id = plan.launch_id;
  file.job = plan.wishes.name;
  file.region = plan.region;
  file.owner = plan.owner;
  file.made = plan.made;
  file.stop_at = plan.stop_at;
  file.end_at = plan.end_at;
  file.max_cost = plan.wishes.max_cost;
  file.worst_case = plan.worst_case;
  file.saves = plan.wishes.saves;
  file.command = plan.wishes.stages.command;
  file.workdir = plan.wishes.stages.workdir;
  if (const auto& again = plan.wishes.again) {
    file.attempt = again->attempt;
    file.retry_of = again->retry_of;
  }
  return file;
}

std::string folder_of(const aws::S3Location& staging) {
  const auto& key = staging.key;
  return key.empty() || key.ends_with('/') ? key : key + "/";
}

aws::S3Location place_of(const aws::S3Location& staging, std::string_view launch_id, std::string_view name) {
  return {staging.bucket, folder_of(staging) + "jobs/" + std::string(launch_id) + "/" + std::string(name)};
}

aws::S3Location launch_file_place(const aws::S3Location& staging, std::string_view launch_id) {
  return place_of(staging, launch_id, "launch.json");
}

aws::S3Location status_place(const aws::S3Location& staging, std::string_view launch_id) {
  return place_of(staging, launch_id, "status.json");
}

}  // namespace curfew::launch
