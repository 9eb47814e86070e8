// Lines, and the file that they're appended to.
#include "watch/ledger.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "os/files.hpp"
#include "watch/display.hpp"

namespace curfew::watch {
namespace {

constexpr const char* k_below_state = "/curfew/ledger.jsonl";
constexpr const char* k_for_root = "/var/log/curfew/ledger.jsonl";

boost::json::object line_of(const char* phase, const Act& act) {
  return {{"phase", phase},
          {"at", format_utc(act.at)},
          {"action", name_of(act.action)},
          {"account", valid_utf8(act.account)},
          {"region", valid_utf8(act.region)},
          {"instance", valid_utf8(act.instance)},
          {"name", valid_utf8(act.name)},
          {"by", valid_utf8(act.by)},
          {"why", valid_utf8(act.why)}};
}

std::string finished(boost::json::object line, const Actor& actor) {
  line["command"] = valid_utf8(actor.command);
  line["host"] = valid_utf8(actor.host);
  line["uid"] = actor.uid;
  line["pid"] = actor.pid;
  return safe_json(boost::json::serialize(line)) + "\n";
}

Result<os::Fd> open_ledger(const std::string& path) {
  if (auto made = os::make_private_folder(os::folder_of(path), 0700); !made)
    return fail(std::move(made.error()));
  return os::open_append(path, 0600);
}

}  // namespace

std::string ledger_path(const net::Environment& environment, uid_t uid) {
  const auto state = net::get(environment, "XDG_STATE_HOME");
  if (state.starts_with('/')) return state + k_below_state;
  const auto home = net::get(environment, "HOME");
  if (uid == 0 || !home.starts_with('/')) return k_for_root;
  return home + "/.local/state" + k_below_state;
}

std::string intent_line(const Act& act, const Actor& actor) {
  return finished(line_of("intent", act), actor);
}

std::string outcome_line(const Act& act, const Actor& actor, WallTime ended_at) {
  auto line = line_of("outcome", act);
  line["ended_at"] = format_utc(ended_at);
  line["done"] = act.done;
  line["outcome"] = valid_utf8(act.outcome);
  return finished(std::move(line), actor);
}

Status append_to_ledger(const std::string& path, const std::string& line) {
  auto file = open_ledger(path);
  if (!file) return fail(std::move(file.error()));
  if (auto written = os::write_all(file->get(), line, "write " + path); !written) return written;
  if (::fsync(file->get()) != 0) return fail_errno("write " + path + " to disk", errno);
  return {};
}

Status Ledger::before(const Act& act) {
  auto written = append_to_ledger(path_, intent_line(act, actor_));
  if (written) return {};
  if (unwritable_ == Unwritable::refuses) {
    written.error().hint = "mend that, or act without a ledger by --no-ledger";
    return written;
  }
  warn(act, written.error());
  return {};
}

void Ledger::after(const Act& act) {
  auto written = append_to_ledger(path_, outcome_line(act, actor_, clock_.wall()));
  if (!written) warn(act, written.error());
}

void Ledger::warn(const Act& act, const Error& error) const {
  std::fprintf(stderr, "curfew: THE LEDGER CAN'T BE WRITTEN, and has no line of %s %s: %s\n",
               std::string(name_of(act.action)).c_str(), printable(act.instance, 40).c_str(),
               printable(error.text(), 1'000).c_str());
}

}  // namespace curfew::watch
