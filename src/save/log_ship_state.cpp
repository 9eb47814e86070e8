// JSON of it.
#include "save/log_ship_state.hpp"

#include <cstdint>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "os/json.hpp"

namespace curfew::save {
namespace {

namespace json = boost::json;
constexpr std::size_t k_most_sources = 16;

// All 64 bits of a number that may be any; JSON's readers stop at 63.
json::value wide(std::uint64_t number) { return static_cast<std::int64_t>(number); }
std::uint64_t wide(os::JsonReader& reader, std::string_view name) {
  return static_cast<std::uint64_t>(reader.number(name));
}

}  // namespace

std::string to_json(const LogShipState& state) {
  json::array sources;
  for (const auto& source : state.sources) {
    json::object one;
    one["name"] = source.name;
    one["device"] = wide(source.at.device);
    one["inode"] = wide(source.at.inode);
    one["offset"] = source.at.offset;
    one["head"] = source.at.head;
    one["part"] = source.part;
    sources.emplace_back(std::move(one));
  }
  json::object out;
  out["bucket"] = state.to.bucket;
  out["key"] = state.to.key;
  out["sources"] = std::move(sources);
  return json::serialize(out) + "\n";
}

Result<LogShipState> log_ship_state_from_json(std::string_view text) {
  const std::string what = "how far the logs are sent";
  os::JsonReader reader(text, what);
  LogShipState state;
  state.to = {reader.text("bucket"), reader.text("key")};
  for (auto& item : reader.array("sources")) {
    if (!item.is_object() || state.sources.size() == k_most_sources) {
      reader.refuse("sources", "is no short list of objects");
      break;
    }
    os::JsonReader one(std::move(item.get_object()), what);
    LogProgress source;
    source.name = one.text("name");
    source.at.device = wide(one, "device");
    source.at.inode = wide(one, "inode");
    source.at.offset = one.whole<std::uint64_t>("offset");
    source.at.head = one.text("head");
    source.part = one.whole<int>("part");
    if (source.part < 1 || source.part > k_most_log_parts + 1) one.refuse("part", "is out of range");
    if (auto fine = one.status(); !fine) return fail(std::move(fine.error()));
    state.sources.push_back(std::move(source));
  }
  if (auto fine = reader.status(); !fine) return fail(std::move(fine.error()));
  return state;
}

}  // namespace curfew::save
