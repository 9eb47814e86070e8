// Records as files.
#include "launch/records.hpp"

#include <algorithm>
#include <filesystem>
#include <random>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/json.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_most_left = 100;
constexpr std::size_t k_largest_record = 16U << 10U;
constexpr std::size_t k_longest_id = 50;

}  // namespace

std::string to_json(const Record& record) {
  return boost::json::serialize(boost::json::object{{"launch", record.launch_id},
                                                    {"region", record.region},
                                                    {"job", record.job},
                                                    {"client_token", record.client_token},
                                                    {"instance", record.instance},
                                                    {"sent_ms", record.sent.time_since_epoch().count()}});
}

Result<Record> record_from_json(std::string_view text) {
  os::JsonReader read(text, "the record of a launch");
  Record record{read.text("launch"),       read.text("region"),   read.text("job"),
                read.text("client_token"), read.text("instance"), WallTime{Millis{read.number("sent_ms")}}};
  if (read.status() && !is_launch_id(record.launch_id)) read.refuse("launch", "isn't one");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return record;
}

Status RecordFolder::keep(const Record& record) {
  if (auto made = os::make_private_folder(folder_, 0700); !made) return made;
  if (locks_.empty()) {
    auto lock = os::lock_file(folder_ + "/" + record.launch_id + ".lock");
    if (!lock) return fail(std::move(lock.error()));
    locks_.push_back(std::move(*lock));
  }
  return os::replace_file(folder_ + "/" + record.launch_id + ".json", to_json(record), 0600, os::Sync::yes);
}

Status RecordFolder::forget(const std::string& launch_id) {
  auto removed = os::remove_file(folder_ + "/" + launch_id + ".json");
  if (auto lock = os::remove_file(folder_ + "/" + launch_id + ".lock"); !lock && removed) removed = lock;
  return removed;
}

std::vector<RecordFolder::Left> RecordFolder::left_over(std::vector<std::string>& unread) const {
  std::vector<Left> left;
  std::error_code failed;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator at(folder_, failed), end; !failed && at != end;
       at.increment(failed)) {
    const auto name = at->path().filename().string();
    if (name.ends_with(".json") && names.size() < k_most_left)
      names.push_back(name.substr(0, name.size() - 5));
  }
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (!is_launch_id(name)) continue;
    auto lock = os::lock_file(folder_ + "/" + name + ".lock");
    if (!lock) continue;  // it's alive
    const auto path = folder_ + "/" + name + ".json";
    const auto text = os::read_file(path, k_largest_record);
    auto record = text ? record_from_json(*text) : Result<Record>(fail(Error{text.error()}));
    if (record && record->launch_id == name) left.push_back({std::move(*record), std::move(*lock)});
    else if (!text && text.error().kind == ErrorKind::not_found) continue;  // it has just been finished
    else unread.push_back(path + " can't be read" + (record ? "" : ": " + record.error().text()));
  }
  return left;
}

std::string new_launch_id(WallTime now) {
  std::random_device random;
  auto text = format_utc(now);  // 2026-11-24T18:00:00Z
  std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
  std::replace(text.begin(), text.end(), 'T', '-');
  return fmt::format("{}-{:08x}{:08x}{:08x}", text, random(), random(), random());
}

bool is_launch_id(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_id && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace curfew::launch
