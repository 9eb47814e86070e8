// What was told, as JSON, and its file.
#include "watch/told.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/json/serialize.hpp>

#include "aws/core/hash.hpp"
#include "base/text.hpp"
#include "os/files.hpp"
#include "os/json.hpp"
#include "os/own_file.hpp"

namespace curfew::watch {
namespace {

namespace json = boost::json;

constexpr std::size_t k_key_size = 32;  // hex digits
constexpr std::array k_causes{Cause::past_deadline, Cause::past_crit,      Cause::past_crit_cost,
                              Cause::past_warn,     Cause::past_warn_cost, Cause::malformed_deadline,
                              Cause::unguarded,     Cause::no_schedule,    Cause::malformed_keep};

std::optional<Cause> parse_cause(std::string_view name) {
  const auto* const found =
      std::find_if(k_causes.begin(), k_causes.end(), [&](Cause cause) { return name_of(cause) == name; });
  if (found == k_causes.end()) return {};
  return *found;
}

json::object json_of(const InstanceKey& key, const ToldInstance& instance) {
  json::array causes;
  for (const auto cause : instance.causes) causes.emplace_back(name_of(cause));
  json::object one;
  one["account"] = key.account;
  one["region"] = key.region;
  one["id"] = key.id;
  one["severity"] = name_of(instance.severity);
  one["causes"] = std::move(causes);
  one["at"] = format_utc(instance.at);
  one["name"] = instance.name;
  return one;
}

json::object json_of(const std::string& place, const Told& told) {
  json::array instances;
  for (const auto& [key, instance] : told.instances) instances.push_back(json_of(key, instance));
  json::array unread;
  for (const auto& [what, at] : told.unread) {
    json::object one;
    one["what"] = what;
    one["at"] = format_utc(at);
    unread.push_back(std::move(one));
  }
  json::object whole;
  whole["place"] = place;
  whole["at"] = format_utc(told.at);
  whole["instances"] = std::move(instances);
  whole["unread"] = std::move(unread);
  return whole;
}

// Reads objects of one document, and keeps the first thing that was wrong.
class Reader {
 public:
  Status status;

  void refuse(std::string why) {
    if (status) status = fail(ErrorKind::invalid_input, "read what was told", std::move(why));
  }
  // Of `objects`, each handed to `take` as long as nothing is wrong.
  template <class Take>
  void each(const json::array& objects, std::size_t most, Take take) {
    if (objects.size() > most) return refuse("it holds too much");
    for (const auto& value : objects) {
      const auto* const object = value.if_object();
      if (object == nullptr) return refuse("something in it is no object");
      os::JsonReader one(*object, "what was told");
      take(one);
      if (status && !one.status()) status = one.status();
      if (!status) return;
    }
  }
  std::string text(os::JsonReader& from, std::string_view name) {
    auto text = from.text(name);
    if (text.size() > k_longest_told_text || printable(text, k_longest_told_text) != text)
      refuse("a text in it can't be one of ours");
    return text;
  }
  WallTime time(os::JsonReader& from, std::string_view name) {
    const auto time = parse_utc(from.text(name));
    if (!time) refuse("a time in it is none");
    return time ? *time : WallTime{};
  }
};

ToldInstance read_instance(Reader& reader, os::JsonReader& from) {
  ToldInstance instance;
  const auto severity = from.text("severity");
  if (severity == name_of(Severity::critical)) instance.severity = Severity::critical;
  else if (severity != name_of(Severity::warning)) reader.refuse("a severity in it is none");
  const auto causes = from.texts("causes");
  if (causes.size() > k_causes.size()) reader.refuse("it holds too many causes");
  for (const auto& name : causes) {
    const auto cause = parse_cause(name);
    if (!cause) return reader.refuse("a cause in it is none"), instance;
    instance.causes.push_back(*cause);
  }
  instance.at = reader.time(from, "at");
  instance.name = reader.text(from, "name");
  return instance;
}

Told read_place(Reader& reader, os::JsonReader& from) {
  Told told;
  told.at = reader.time(from, "at");
  reader.each(from.array("instances"), k_most_told, [&](os::JsonReader& one) {
    InstanceKey key{reader.text(one, "account"), reader.text(one, "region"), reader.text(one, "id")};
    if (key.id.empty()) reader.refuse("an instance in it has no id");
    told.instances.insert_or_assign(std::move(key), read_instance(reader, one));
  });
  reader.each(from.array("unread"), k_most_told_unread, [&](os::JsonReader& one) {
    auto what = reader.text(one, "what");
    told.unread.insert_or_assign(std::move(what), reader.time(one, "at"));
  });
  return told;
}

bool is_key(std::string_view text) {
  return text.size() == k_key_size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::string place_key(std::string_view secret_text) {
  return aws::sha256_hex(secret_text).substr(0, k_key_size);
}

std::string to_json(const ToldByPlace& told) {
  std::vector<const ToldByPlace::value_type*> places;
  for (const auto& each : told) places.push_back(&each);
  std::stable_sort(places.begin(), places.end(),
                   [](const auto* a, const auto* b) { return a->second.at > b->second.at; });
  places.resize(std::min(places.size(), k_most_told_places));
  json::array array;
  for (const auto* each : places) array.push_back(json_of(each->first, each->second));
  json::object whole;
  whole["schema"] = k_told_schema;
  whole["places"] = std::move(array);
  return json::serialize(whole) + "\n";
}

Result<ToldByPlace> told_from_json(std::string_view text) {
  Reader reader;
  if (text.size() > k_longest_told) reader.refuse("it is too long");
  if (!reader.status) return fail(std::move(reader.status.error()));
  os::JsonReader whole(text, "what was told");
  const auto schema = whole.number("schema");
  const auto places = whole.array("places");
  if (auto status = whole.status(); !status) return fail(std::move(status).error());
  if (schema != k_told_schema) reader.refuse("it is of another version");
  ToldByPlace told;
  if (reader.status) {
    reader.each(places, k_most_told_places, [&](os::JsonReader& one) {
      auto key = one.text("place");
      if (!is_key(key)) reader.refuse("a place in it is none");
      told.insert_or_assign(std::move(key), read_place(reader, one));
    });
  }
  if (!reader.status) return fail(std::move(reader.status.error()));
  return told;
}

LoadedTold load_told(const std::string& path) {
  LoadedTold loaded;
  auto text = os::read_own_file(path, k_longest_told);
  if (!text && text.error().kind == ErrorKind::not_found) return loaded;
  auto told = text ? told_from_json(*text) : Result<ToldByPlace>(fail(Error{text.error()}));
  if (told) loaded.told = std::move(*told);
  else
    loaded.warning = "what was told before is told again, " + printable(path) +
                     " is of no use: " + printable(told.error().text());
  return loaded;
}

Status store_told(const std::string& path, const ToldByPlace& told) {
  return os::replace_file(path, to_json(told), 0600, os::Sync::no);
}

}  // namespace curfew::watch
