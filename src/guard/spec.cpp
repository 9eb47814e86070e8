// guard.json: what the guard is asked to do.
#include "guard/spec.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"
#include "guard/json_parts.hpp"
#include "os/json.hpp"

namespace curfew::guard {

namespace json = boost::json;

std::string_view name_of(Then then) {
  switch (then) {
    case Then::automatic: return "auto";
    case Then::terminate: return "terminate";
    case Then::stop: return "stop";
    case Then::none: return "none";
  }
  return "auto";
}

Result<Then> parse_then(std::string_view text) {
  for (const auto then : {Then::automatic, Then::terminate, Then::stop, Then::none}) {
    if (text == name_of(then)) return then;
  }
  return fail(ErrorKind::invalid_input, "'" + printable(text, 40) + "'", "is not a way to end",
              "one of auto, terminate, stop, none");
}

std::string_view name_of(SpotNotice notice) {
  switch (notice) {
    case SpotNotice::automatic: return "auto";
    case SpotNotice::on: return "on";
    case SpotNotice::off: return "off";
  }
  return "auto";
}

Result<SpotNotice> parse_spot_notice(std::string_view text) {
  for (const auto notice : {SpotNotice::automatic, SpotNotice::on, SpotNotice::off}) {
    if (text == name_of(notice)) return notice;
  }
  return fail(ErrorKind::invalid_input, "'" + printable(text, 40) + "'", "is none of auto, on, off");
}

bool Spec::ends_machine() const {
  return then != Then::none && !rules.dry_run && (then != Then::automatic || on_ec2);
}

namespace {

json::object to_object(const Watches& watches) {
  return {{"idle_s", detail::maybe(watches.idle)},
          {"idle_millipercent", watches.idle_millipercent},
          {"idle_any", watches.idle_any},
          {"gpu_start_s", detail::maybe(watches.gpu_start)},
          {"stall_s", detail::maybe(watches.stall)},
          {"stall_path", watches.stall_path},
          {"own_files", os::json_array(watches.own_files)},
          {"done_file", watches.done_file},
          {"done_file_exists", watches.done_file_mark.exists},
          {"done_file_device", watches.done_file_mark.device},
          {"done_file_inode", watches.done_file_mark.inode},
          {"done_file_changed_ns", watches.done_file_mark.changed_ns},
          {"done_pattern", watches.done_pattern},
          {"jupyter", watches.jupyter},
          {"jupyter_token", watches.jupyter_token}};
}

std::optional<Seconds> maybe_seconds(os::JsonReader& read, std::string_view name) {
  const auto number = read.maybe_number(name);
  if (!number) return {};
  return Seconds{*number};
}

std::optional<Micros> maybe_micros(os::JsonReader& read, std::string_view name) {
  const auto number = read.maybe_number(name);
  if (!number) return {};
  return Micros{*number};
}

json::value micros(const std::optional<Micros>& amount) {
  return amount ? json::value(amount->count) : json::value();
}

json::value to_value(const std::optional<MachineCost>& cost) {
  if (!cost) return {};
  return json::object{{"per_hour_micros", micros(cost->per_hour)},
                      {"complete", cost->is_complete},
                      {"since_ms", cost->since.time_since_epoch().count()},
                      {"description", cost->description}};
}

std::optional<MachineCost> maybe_cost(os::JsonReader& read) {
  auto object = read.maybe_object("cost");
  if (!object) return {};
  os::JsonReader parts(std::move(*object), "cost");
  MachineCost cost;
  cost.per_hour = maybe_micros(parts, "per_hour_micros");
  cost.is_complete = parts.flag("complete");
  cost.since = WallTime{Millis{parts.number("since_ms")}};
  cost.description = parts.text("description");
  if (!parts.status()) read.refuse("cost", "can't be read");
  return cost;
}

// The times in it are the spec's own.
json::value to_value(const std::optional<CostBound>& bound) {
  if (!bound) return {};
  return json::object{{"end_at_ms", bound->end_at.time_since_epoch().count()}, {"first", bound->is_first}};
}

std::optional<CostBound> maybe_cost_bound(os::JsonReader& read) {
  auto object = read.maybe_object("cost_bound");
  if (!object) return {};
  os::JsonReader parts(std::move(*object), "cost_bound");
  CostBound bound;
  bound.end_at = WallTime{Millis{parts.number("end_at_ms")}};
  bound.is_first = parts.flag("first");
  if (!parts.status()) read.refuse("cost_bound", "can't be read");
  return bound;
}

json::value to_value(const std::optional<Launched>& launched) {
  if (!launched) return {};
  return json::object{
      {"id", launched->id}, {"job", launched->job}, {"place", launched->place}, {"stages", launched->stages}};
}

std::optional<Launched> maybe_launched(os::JsonReader& read) {
  auto object = read.maybe_object("launched");
  if (!object) return {};
  os::JsonReader parts(std::move(*object), "launched");
  Launched launched{parts.text("id"), parts.text("job"), parts.text("place"), parts.text("stages")};
  if (!parts.status()) read.refuse("launched", "can't be read");
  return launched;
}

Result<Watches> watches_from_object(json::object object) {
  os::JsonReader read(std::move(object), "watches");
  Watches watches;
  watches.idle = maybe_seconds(read, "idle_s");
  watches.idle_millipercent = read.whole<int>("idle_millipercent");
  watches.idle_any = read.flag("idle_any");
  watches.gpu_start = maybe_seconds(read, "gpu_start_s");
  watches.stall = maybe_seconds(read, "stall_s");
  watches.stall_path = read.text("stall_path");
  watches.own_files = read.texts("own_files");
  watches.done_file = read.text("done_file");
  watches.done_pattern = read.text("done_pattern");
  watches.jupyter = read.text("jupyter");
  watches.jupyter_token = read.text("jupyter_token");
  watches.done_file_mark = {read.flag("done_file_exists"), read.whole<std::uint64_t>("done_file_device"),
                            read.whole<std::uint64_t>("done_file_inode"),
                            read.number("done_file_changed_ns")};
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return watches;
}

}  // namespace

std::string to_json(const Spec& spec) {
  json::array owner_groups;
  for (const auto group : spec.owner_groups) owner_groups.emplace_back(group);
  json::object environment;
  for (const auto& [name, value] : spec.environment) environment[name] = value;
  const auto& limits = spec.rules.limits;
  json::object out{
      {"version", 1},
      {"then", std::string(name_of(spec.then))},
      {"max_time_s", detail::maybe(limits.max_time)},
      {"deadline_ms",
       limits.deadline ? json::value(limits.deadline->time_since_epoch().count()) : json::value()},
      {"grace_s", limits.grace.count()},
      {"before_end_s", limits.before_end.count()},
      {"save_s", limits.save.count()},
      {"has_saves", spec.rules.has_saves},
      {"dry_run", spec.rules.dry_run},
      {"on_terminal", spec.rules.on_terminal},
      {"no_command", spec.rules.no_command},
      {"keep_on_failure_s", spec.rules.keep_on_failure.count()},
      {"early_signal", spec.rules.early_signal ? spec.rules.early_signal->signal : 0},
      {"early_signal_ahead_s", spec.rules.early_signal ? spec.rules.early_signal->ahead.count() : 0},
      {"before_end", spec.before_end},
      {"watches", to_object(spec.watches)},
      {"watched_pid", spec.watched ? spec.watched->pid : 0},
      {"watched_start", spec.watched ? spec.watched->start : 0U},
      {"spot_notice", std::string(name_of(spec.spot_notice))},
      {"save_every_s", detail::maybe(spec.save_every)},
      {"max_cost_micros", micros(spec.max_cost)},
      {"price_micros", micros(spec.price)},
      {"cost", to_value(spec.cost)},
      {"cost_bound", to_value(spec.cost_bound)},
      {"notify", os::json_array(spec.notify)},
      {"times", detail::to_object(spec.times)},
      {"saves", os::json_array(spec.saves)},
      {"folder", spec.folder},
      {"command", spec.command},
      {"log", spec.log},
      {"log_json", spec.log_format == os::LogFormat::json},
      {"on_ec2", spec.on_ec2},
      {"installed", spec.installed},
      {"service", spec.service},
      {"root", spec.root},
      {"owner", spec.owner},
      {"owner_group", spec.owner_group},
      {"owner_groups", std::move(owner_groups)},
      {"launched", to_value(spec.launched)},
      {"environment", std::move(environment)},
      {"program", spec.places.program},
      {"state", spec.places.state},
      {"run", spec.places.run},
  };
  return json::serialize(out);
}

Result<Spec> spec_from_json(std::string_view text) {
  os::JsonReader read(text, "guard.json");
  Spec spec;
  if (auto then = parse_then(read.text("then"))) spec.then = *then;
  else read.refuse("then", "is unknown");
  auto& limits = spec.rules.limits;
  if (const auto seconds = read.maybe_number("max_time_s")) limits.max_time = Seconds{*seconds};
  if (const auto millis = read.maybe_number("deadline_ms")) limits.deadline = WallTime{Millis{*millis}};
  limits.grace = Seconds{read.number("grace_s")};
  limits.before_end = Seconds{read.number("before_end_s")};
  limits.save = Seconds{read.number("save_s")};
  spec.rules.has_saves = read.flag("has_saves");
  spec.rules.dry_run = read.flag("dry_run");
  spec.rules.on_terminal = read.flag("on_terminal");
  spec.rules.no_command = read.flag("no_command");
  spec.rules.keep_on_failure = Seconds{read.number("keep_on_failure_s")};
  const int early_signal = read.whole<int>("early_signal");
  const Seconds early_signal_ahead{read.number("early_signal_ahead_s")};
  if (early_signal > 0) spec.rules.early_signal = EarlySignal{early_signal, early_signal_ahead};
  spec.before_end = read.text("before_end");
  spec.rules.has_before_end = !spec.before_end.empty();
  if (auto watches = watches_from_object(read.object("watches"))) spec.watches = *watches;
  else read.refuse("watches", watches.error().cause);
  const auto watched_pid = read.number("watched_pid");
  const auto watched_start = read.whole<std::uint64_t>("watched_start");
  if (watched_pid > 0) spec.watched = WatchedProcess{watched_pid, watched_start};
  spec.rules.guards_machine = spec.rules.no_command && !spec.watched;
  if (auto notice = parse_spot_notice(read.text("spot_notice"))) spec.spot_notice = *notice;
  else read.refuse("spot_notice", "is unknown");
  spec.save_every = maybe_seconds(read, "save_every_s");
  spec.max_cost = maybe_micros(read, "max_cost_micros");
  spec.price = maybe_micros(read, "price_micros");
  spec.cost = maybe_cost(read);
  spec.cost_bound = maybe_cost_bound(read);
  spec.notify = read.texts("notify");
  if (auto times = detail::times_from_object(read.object("times"))) spec.times = *times;
  else read.refuse("times", times.error().cause);
  if (spec.cost_bound) spec.cost_bound->times = spec.times;
  spec.saves = read.texts("saves");
  spec.folder = read.text("folder");
  spec.command = read.text("command");
  spec.log = read.text("log");
  spec.log_format = read.flag("log_json") ? os::LogFormat::json : os::LogFormat::text;
  spec.on_ec2 = read.flag("on_ec2");
  spec.installed = read.flag("installed");
  spec.service = read.flag("service");
  spec.root = read.flag("root");
  spec.owner = static_cast<std::uint32_t>(read.number("owner"));
  spec.owner_group = read.whole<std::uint32_t>("owner_group");
  for (const auto& group : read.array("owner_groups")) {
    boost::system::error_code error;
    spec.owner_groups.push_back(group.to_number<std::uint32_t>(error));
    if (error) read.refuse("owner_groups", "holds something that is no group id");
  }
  spec.launched = maybe_launched(read);
  for (const auto& [name, value] : read.object("environment")) {
    if (value.is_string()) spec.environment.emplace(std::string(name), std::string(value.as_string()));
    else read.refuse("environment", "holds something that is not a text");
  }
  spec.places.program = read.text("program");
  spec.places.state = read.text("state");
  spec.places.run = read.text("run");
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return spec;
}

}  // namespace curfew::guard
