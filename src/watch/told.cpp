// What was told, as JSON, and its file.
#include "watch/told.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

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
constexpr std::size_t k_longest_id = 60;
constexpr std::array<std::pair<ToldUnread::Until, std::string_view>, 4> k_untils{
    {{ToldUnread::Until::region, "region"},
     {ToldUnread::Until::account, "account"},
     {ToldUnread::Until::anything, "anything"},
     {ToldUnread::Until::everything, "everything"}}};
constexpr std::array k_causes{Cause::past_deadline, Cause::past_crit,      Cause::past_crit_cost,
                              Cause::past_warn,     Cause::past_warn_cost, Cause::malformed_deadline,
                              Cause::unguarded,     Cause::no_schedule,    Cause::malformed_keep};

std::optional<Cause> parse_cause(std::string_view name) {
  const auto* const found =
      std::find_if(k_causes.begin(), k_causes.end(), [&](Cause cause) { return name_of(cause) == name; });
  if (found == k_causes.end()) return {};
  return *found;
}

std::string_view name_of(ToldUnread::Until until) {
  for (const auto& [known, name] : k_untils)
    if (known == until) return name;
  return {};
}

json::object json_of(const InstanceKey& key) {
  json::object one;
  one["account"] = key.account;
  one["region"] = key.region;
  one["id"] = key.id;
  return one;
}

json::object json_of(const InstanceKey& key, const ToldInstance& instance) {
  json::array causes;
  for (const auto cause : instance.causes) causes.emplace_back(name_of(cause));
  auto one = json_of(key);
  one["severity"] = name_of(instance.severity);
  one["causes"] = std::move(causes);
  one["at"] = format_utc(instance.at);
  one["name"] = instance.name;
  return one;
}

json::object json_of(const std::string& what, const ToldUnread& unread) {
  json::object one;
  one["what"] = what;
  one["at"] = format_utc(unread.at);
  one["until"] = name_of(unread.until);
  one["account"] = unread.account;
  one["region"] = unread.region;
  return one;
}

json::object json_of(const InstanceKey& key, const ToldFailure& failure) {
  auto one = json_of(key);
  one["at"] = format_utc(failure.at);
  one["how"] = failure.how;
  return one;
}

json::object json_of(const ToldAct& act) {
  auto one = json_of(act.instance);
  one["at"] = format_utc(act.at);
  one["action"] = name_of(act.action);
  one["done"] = act.done;
  one["name"] = act.name;
  one["why"] = act.why;
  one["outcome"] = act.outcome;
  return one;
}

json::object json_of(const std::string& place, const Told& told) {
  json::array instances;
  for (const auto& [key, instance] : told.instances) instances.push_back(json_of(key, instance));
  json::array unread;
  for (const auto& [what, each] : told.unread) unread.push_back(json_of(what, each));
  json::array failures;
  for (const auto& [key, failure] : told.failures) failures.push_back(json_of(key, failure));
  json::array untold;
  for (const auto& act : told.untold) untold.push_back(json_of(act));
  json::object whole;
  whole["place"] = place;
  whole["at"] = format_utc(told.at);
  whole["instances"] = std::move(instances);
  whole["unread"] = std::move(unread);
  whole["failures"] = std::move(failures);
  if (told.ended_nothing) whole["ended_nothing"] = json::object{{"at", format_utc(*told.ended_nothing)}};
  whole["untold"] = std::move(untold);
  whole["more_untold"] = told.more_untold;
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
  InstanceKey instance(os::JsonReader& from) {
    InstanceKey key{text(from, "account"), text(from, "region"), text(from, "id")};
    if (key.id.empty()) refuse("an instance in it has no id");
    return key;
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

ToldUnread read_unread(Reader& reader, os::JsonReader& from) {
  ToldUnread unread;
  unread.at = reader.time(from, "at");
  const auto until = from.text("until");
  const auto* const found = std::find_if(k_untils.begin(), k_untils.end(),
                                         [&](const auto& known) { return known.second == until; });
  if (found == k_untils.end()) reader.refuse("what is to be read in it is nothing");
  else unread.until = found->first;
  unread.account = reader.text(from, "account");
  unread.region = reader.text(from, "region");
  return unread;
}

ToldAct read_act(Reader& reader, os::JsonReader& from) {
  ToldAct act;
  act.instance = reader.instance(from);
  act.at = reader.time(from, "at");
  const auto action = from.text("action");
  if (action == name_of(Action::stop)) act.action = Action::stop;
  else if (action != name_of(Action::terminate)) reader.refuse("an action in it is none");
  act.done = from.flag("done");
  act.name = reader.text(from, "name");
  act.why = reader.text(from, "why");
  act.outcome = reader.text(from, "outcome");
  return act;
}

Told read_place(Reader& reader, os::JsonReader& from) {
  Told told;
  told.at = reader.time(from, "at");
  reader.each(from.array("instances"), k_most_told, [&](os::JsonReader& one) {
    auto key = reader.instance(one);
    told.instances.insert_or_assign(std::move(key), read_instance(reader, one));
  });
  reader.each(from.array("unread"), k_most_told_unread, [&](os::JsonReader& one) {
    auto what = reader.text(one, "what");
    told.unread.insert_or_assign(std::move(what), read_unread(reader, one));
  });
  reader.each(from.array("failures"), k_most_told_failures, [&](os::JsonReader& one) {
    auto key = reader.instance(one);
    told.failures.insert_or_assign(std::move(key),
                                   ToldFailure{reader.time(one, "at"), reader.text(one, "how")});
  });
  if (auto ended_nothing = from.maybe_object("ended_nothing")) {
    os::JsonReader one(std::move(*ended_nothing), "what was told");
    told.ended_nothing = reader.time(one, "at");
  }
  reader.each(from.array("untold"), k_most_untold,
              [&](os::JsonReader& one) { told.untold.push_back(read_act(reader, one)); });
  told.more_untold = from.whole<std::size_t>("more_untold");
  if (told.more_untold > k_most_more_untold) reader.refuse("it holds too much");
  return told;
}

// The last thing that happened to it.
WallTime last_of(const Told& told) {
  return told.untold.empty() ? told.at : std::max(told.at, told.untold.back().at);
}

bool is_key(std::string_view text) {
  return text.size() == k_key_size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

InstanceKey instance_key(std::string_view account, std::string_view region, std::string_view id) {
  return {printable(account, k_longest_id), printable(region, k_longest_id), printable(id, k_longest_id)};
}

std::string place_key(std::string_view secret_text) {
  return aws::sha256_hex(secret_text).substr(0, k_key_size);
}

std::string to_json(const ToldByPlace& told) {
  std::vector<const ToldByPlace::value_type*> places;
  for (const auto& each : told) places.push_back(&each);
  std::stable_sort(places.begin(), places.end(),
                   [](const auto* a, const auto* b) { return last_of(a->second) > last_of(b->second); });
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
