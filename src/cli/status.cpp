// `curfew status`: what is guarded on this machine, when it ends, and which layers hold, each read back.
#include "guard/status.hpp"

#include <unistd.h>

#include <cstdio>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/guard_link.hpp"
#include "layers/installed.hpp"
#include "layers/l0.hpp"
#include "layers/l2.hpp"
#include "os/files.hpp"
#include "os/json.hpp"

namespace curfew::cli {

namespace json = boost::json;

namespace {

constexpr std::string_view k_help = R"(Usage: curfew status [--json]

Shows the job that is guarded on this machine, its stage, when it is stopped and when the machine is gone, each layer of
protection as read back, and what ending will do. Without a guard: how the last job ended.

Exit code: 0 a guard is running; 3 none is; 125 curfew failed.

Examples:
  curfew status
  curfew status --json | jq .end_at.left_s
)";

constexpr int k_exit_no_guard = 3;  // as `systemctl status` of an inactive unit

Result<json::object> status_of(const layers::Places& places) {
  const auto answer = ask_guard(places, guard::ToGuard::status, "");
  if (!answer) return fail(Error{answer.error()});
  boost::system::error_code error;
  auto value = json::parse(answer->text, error);
  if (error || !value.is_object())
    return fail(ErrorKind::invalid_input, "ask the guard", "the answer is not JSON");
  return std::move(value.as_object());
}

json::object layers_of(const layers::Places& places, const json::object& status, const os::Power& power) {
  const bool systemd = status.at("supervised_by") == "systemd";
  const bool ends = status.at("ends_machine").as_bool();
  json::object out;
  const auto put = [&](const char* name, bool armed, const std::string& text,
                       std::optional<WallTime> at = {}) {
    out[name] = json::object{
        {"armed", armed}, {"at", at ? json::value(format_utc(*at)) : json::value()}, {"text", text}};
  };
  if (!ends) {
    put("L0", false, "not armed: this machine is to stay on");
  } else if (::geteuid() != 0 && places.run != layers::Places{}.run) {
    put("L0", false, "not armed: needs root");
  } else {
    const auto reading = layers::L0{places, systemd, power}.verify();
    put("L0", reading.armed, reading.text, reading.next);
  }
  put("L1", true,
      "guard " + std::to_string(status.at("guard_pid").as_int64()) + ", stage " +
          std::string(status.at("stage").as_string()));
  if (systemd) {
    const auto reading = layers::L2{places}.verify();
    put("L2", reading.armed, reading.text);
  } else {
    put("L2", true, "the job's parent restarts a guard that dies or hangs");
  }
  return out;
}

std::string text_at(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_string()) return printable(std::string_view(value->as_string()), 1'000);
  return json::serialize(*value);
}

std::string joined(const json::value& list) {
  std::string text;
  for (const auto& each : list.as_array())
    text += (text.empty() ? "" : "; ") + printable(std::string_view(each.as_string()), 1'000);
  return text;
}

std::string time_text(const json::object& status, const char* name) {
  const auto* value = status.if_contains(name);
  const auto* object = value == nullptr ? nullptr : value->if_object();
  if (object == nullptr) return "no limit";
  const Seconds left{object->at("left_s").as_int64()};
  return text_at(*object, "at") +
         (left > Seconds{0} ? ", in " + format_duration(left) : ", " + format_duration(-left) + " ago");
}

std::string saved_text(const json::object& saving) {
  const auto seconds = [&](const char* name) { return format_duration(Seconds{saving.at(name).as_int64()}); };
  std::string text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (!saving.at("every_s").is_null())
    add((saving.at("last_good_age_s").is_null() ? "nothing while the job runs yet"
                                                : seconds("last_good_age_s") + " ago") +
        ", every " + seconds("every_s"));
  if (saving.at("in_trouble").as_bool()) add("SAVING FAILS");
  if (!saving.at("will_fail").is_null()) add("SAVING WILL FAIL: " + text_at(saving, "will_fail"));
  if (const auto* left_out = saving.at("left_out").if_object()) add(text_at(*left_out, "text"));
  return text;
}

void print_text(const json::object& status) {
  const auto line = [](const char* name, const std::string& text) {
    std::printf("%-8s %s\n", name, text.c_str());
  };
  line("job", text_at(status, "command") + " (pid " + text_at(status, "job_pid") + ")");
  line("stage", text_at(status, "stage") + " since " + text_at(status, "since") +
                    (status.at("cause").is_null() ? "" : ", because of " + text_at(status, "cause")) +
                    (status.at("stage_until").is_null()
                         ? ""
                         : ", until " + time_text(status, "stage_until") + " at the latest"));
  if (const auto* result = status.at("result").if_object())
    line("result", text_at(*result, "how") + " " + text_at(*result, "number"));
  const auto stage = text_at(status, "stage");
  if (stage == "arming" || stage == "running") line("stop at", time_text(status, "stop_at"));
  line("end at", time_text(status, "end_at") +
                     (status.at("held_outside").is_null()
                          ? ""
                          : "; held outside by the tag curfew:deadline=" + text_at(status, "held_outside")));
  if (const auto ends = joined(status.at("also_ends_on"));
      !ends.empty() && (stage == "arming" || stage == "running"))
    line("also on", ends);
  if (const auto saves = joined(status.at("saves")); !saves.empty()) line("saves", saves);
  for (const auto& [name, value] : status.at("layers").as_object()) {
    const auto& layer = value.as_object();
    line(std::string(name).c_str(),
         (layer.at("armed").as_bool() ? "" : "NOT ARMED: ") + text_at(layer, "text"));
  }
  if (const auto* cost = status.at("cost").if_object())
    line("cost", text_at(*cost, "so_far") +
                     (cost->at("limit").is_null() ? "" : " of " + text_at(*cost, "limit")) + " since " +
                     text_at(*cost, "since") + ": " + text_at(*cost, "text"));
  if (const auto* saving = status.at("saving").if_object()) {
    if (const auto text = saved_text(*saving); !text.empty()) line("saved", text);
    if (!saving->at("logs_fail").is_null()) line("logs", "NOT IN S3: " + text_at(*saving, "logs_fail"));
  }
  // What is looked at, as it was seen last.
  for (const char* name : {"gpus", "output", "stall_path", "terminals", "jupyter", "idle"}) {
    const auto* reading = status.if_contains(name);
    if (reading != nullptr && !reading->is_null()) line(name, text_at(status, name));
  }
  line("ending", text_at(status, "ending"));
  if (status.at("installed").as_bool()) line("at boot", "guarded anew (`curfew install`)");
}

// The newest of what the guards of these places have left.
json::value last_of(const std::vector<layers::Places>& candidates) {
  json::value last;
  for (const auto& places : candidates) {
    const auto text = os::read_file(guard::last_path(places));
    boost::system::error_code error;
    auto value = text ? json::parse(*text, error) : json::value();
    const auto ended = [](const json::value& of) {
      const auto* object = of.if_object();
      const auto* at = object == nullptr ? nullptr : object->if_contains("ended");
      return at != nullptr && at->is_string() ? std::string(at->as_string()) : std::string();
    };
    if (!error && !ended(value).empty() && ended(value) > ended(last)) last = std::move(value);
  }
  return last;
}

// After a reboot only the shim's record is there, for those who may read it.
json::value recorded_by_shim(const std::vector<layers::Places>& candidates) {
  for (const auto& places : candidates) {
    const auto text = os::read_file(os::JobPaths{places.state, places.run}.exit_record());
    if (!text) continue;
    const auto record = os::exit_record_from_json(*text);
    if (!record) continue;
    const char* how = record->how == os::ExitRecord::How::exited      ? "exited"
                      : record->how == os::ExitRecord::How::signalled ? "signalled"
                                                                      : "not started";
    return json::object{{"version", 1},
                        {"result", json::object{{"how", how}, {"number", record->number}}},
                        {"exit_code", nullptr},
                        {"ended", format_utc(WallTime{Millis{record->ended_ms}})}};
  }
  return {};
}

int show_last(const std::vector<layers::Places>& candidates, bool as_json) {
  auto last = last_of(candidates);
  if (last.is_null()) last = recorded_by_shim(candidates);
  const bool installed = layers::is_installed(layers::Places{});
  if (as_json) {
    const json::object none{{"version", 1}, {"guard_pid", nullptr}, {"installed", installed}, {"last", last}};
    std::puts(json::serialize(none).c_str());
    return k_exit_no_guard;
  }
  std::puts(no_guard_text().c_str());
  if (installed) std::puts("the next boot is guarded anew (`curfew install`)");
  if (const auto* object = last.if_object()) {
    const auto* result = object->if_contains("result");
    const auto* how = result == nullptr ? nullptr : result->if_object();
    std::printf("last job %s %s at %s, exit code %s\n", how ? text_at(*how, "how").c_str() : "-",
                how ? text_at(*how, "number").c_str() : "-", text_at(*object, "ended").c_str(),
                text_at(*object, "exit_code").c_str());
  }
  return k_exit_no_guard;
}

}  // namespace

int status_command(const Words& words, const World& world) {
  bool as_json = false;
  for (const auto& word : words) {
    if (word == "--json") {
      as_json = true;
    } else if (word == "--help" || word == "-h") {
      return std::fputs(k_help.data(), stdout) < 0 ? k_exit_failed : 0;
    } else {
      std::fprintf(stderr, "curfew: unknown option '%s'; see curfew status --help\n",
                   printable(word, 80).c_str());
      return k_exit_failed;
    }
  }
  const auto candidates = guard_places();
  for (const auto& places : candidates) {
    auto status = status_of(places);
    if (!status && is_no_guard(status.error())) continue;
    if (!status) {
      std::fprintf(stderr, "curfew: %s\n", status.error().text().c_str());
      return k_exit_failed;
    }
    (*status)["installed"] = layers::is_installed(places);
    (*status)["layers"] = layers_of(places, *status, world.power);
    if (as_json) std::puts(json::serialize(*status).c_str());
    else print_text(*status);
    return 0;
  }
  return show_last(candidates, as_json);
}

}  // namespace curfew::cli
