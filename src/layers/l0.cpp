// L0: arms, moves, reads back and removes the last timer of the machine.
#include "layers/l0.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "os/json.hpp"
#include "os/machine.hpp"
#include "os/systemd.hpp"

namespace curfew::layers {
namespace {

constexpr Millis k_command_limit{30'000};

std::string record_path(const Places& places) { return places.state + "/l0.json"; }

Status write_unit(const Places& places, const char* name, const std::string& text) {
  return os::replace_file(places.units + "/" + name, text, 0644, os::Sync::yes);
}

Status link_unit(const Places& places, const char* name, const std::string& target) {
  const std::string folder = places.units + "/" + target + ".wants";
  if (auto made = os::make_private_folder(folder, 0755); !made) return made;
  const std::string link = folder + "/" + name;
  if (::symlink((places.units + "/" + name).c_str(), link.c_str()) != 0 && errno != EEXIST)
    return fail_errno("enable " + std::string(name), errno);
  return {};
}

// shutdown(8) of systemd returns at once; sysvinit's stays in the foreground until its time, and is left running.
Status schedule_shutdown(Millis left, const os::Power& power) {
  const auto minutes = std::max<long>(1, (std::chrono::ceil<Seconds>(left).count() + 59) / 60);
  const auto argv = power.shutdown_in(minutes);
  auto running = os::start_command(argv);
  if (!running) return fail(std::move(running.error()));
  std::string output;
  for (int tries = 0; tries < 20; ++tries) {
    ::usleep(50'000);
    os::read_output(*running, output);
    if (::access(("/proc/" + std::to_string(running->pid)).c_str(), F_OK) != 0) break;
    const auto status = os::read_file("/proc/" + std::to_string(running->pid) + "/stat");
    if (!status || status->find(") Z ") == std::string::npos) continue;
    if (const int code = os::reap(*running); code != 0)
      return fail(ErrorKind::system, shell_quoted(argv),
                  "exit " + std::to_string(code) + ": " + printable(trimmed(output)));
    return {};
  }
  return {};
}

}  // namespace

std::string to_json(const L0Record& record) {
  return boost::json::serialize(boost::json::object{{"at_wall_ms", record.at.wall.time_since_epoch().count()},
                                                    {"at_boot_ms", record.at.boot.time_since_epoch().count()},
                                                    {"boot_id", record.boot_id},
                                                    {"marks_ended", record.marks_ended},
                                                    {"machine", record.machine},
                                                    {"every_boot", record.every_boot}});
}

Result<L0Record> l0_record_from_json(std::string_view text) {
  os::JsonReader read(text, "the record of L0");
  L0Record record{{WallTime{Millis{read.number("at_wall_ms")}}, BootTime{Millis{read.number("at_boot_ms")}}},
                  read.text("boot_id"),
                  read.flag("marks_ended"),
                  read.text("machine"),
                  read.flag("every_boot")};
  if (auto good = read.status(); !good) return fail(std::move(good.error()));
  return record;
}

Millis left_to_l0(const L0Record& record, const job::Now& now) {
  if (record.boot_id == now.boot_id) return record.at.boot - now.boot;
  return record.at.wall - now.wall;
}

Status L0::arm(const L0Record& record, const job::Now& now) const {
  if (auto written = os::replace_file(record_path(places_), to_json(record), 0600, os::Sync::yes); !written)
    return written;
  const auto left = std::max(left_to_l0(record, now), Millis{0});
  if (!systemd_) return schedule_shutdown(left, power_);

  // The calendar time follows from what is left, not from record.at.wall: those differ once the wall clock has jumped.
  const auto seconds = std::chrono::ceil<Seconds>(left);
  Status done = write_unit(
      places_, k_l0_timer,
      record.every_boot ? l0_boot_timer_unit(seconds) : l0_timer_unit(now.wall + seconds, seconds));
  if (done) done = write_unit(places_, k_l0_ending_timer, l0_ending_timer_unit(k_l0_while_ending));
  if (done) done = write_unit(places_, k_l0_service, l0_service_unit(places_));
  if (done) done = link_unit(places_, k_l0_timer, "timers.target");
  if (done) done = os::replace_file(places_.armed_marker(), "", 0644, os::Sync::no);
  if (!done) return done;
  for (const auto& words : {std::vector<std::string>{"daemon-reload"},
                            std::vector<std::string>{"restart", "--no-block", k_l0_timer}}) {
    if (auto said = os::systemctl(words); !said) return fail(std::move(said.error()).within("arm L0"));
  }
  return {};
}

Status L0::move_for_ending(bool marks_ended, const job::Now& now) const {
  const L0Record record{{now.wall + k_l0_while_ending, now.boot + k_l0_while_ending},
                        now.boot_id,
                        marks_ended,
                        os::machine_id()};
  if (auto written = os::replace_file(record_path(places_), to_json(record), 0600, os::Sync::no); !written)
    return written;
  if (!systemd_) return {};  // `shutdown -h +N` stays where it is; our own shutdown replaces it
  if (auto said = os::systemctl({"restart", "--no-block", k_l0_ending_timer}); !said)
    return fail(std::move(said.error()).within("move L0"));
  return {};
}

L0Reading L0::verify() const {
  if (!systemd_) {
    const auto record = os::read_file(record_path(places_));
    const auto parsed = record ? l0_record_from_json(*record) : Result<L0Record>(fail(Error{record.error()}));
    if (!parsed) return {false, {}, "not armed: " + parsed.error().text()};
    return {true, parsed->at.wall,
            "shutdown -h +N, without systemd: gone after a reboot, and can't be read back"};
  }
  const auto read =
      os::unit_properties(k_l0_timer, {"ActiveState", "NextElapseUSecRealtime", "UnitFileState"});
  if (!read) return {false, {}, "can't be read: " + read.error().text()};
  const auto state = read->contains("ActiveState") ? read->at("ActiveState") : "";
  if (state != "active")
    return {false, {}, std::string(k_l0_timer) + " is " + (state.empty() ? "unknown" : state)};
  const auto next = read->contains("NextElapseUSecRealtime") ? read->at("NextElapseUSecRealtime") : "";
  const auto enabled = read->contains("UnitFileState") ? read->at("UnitFileState") : "";
  // "Tue 2026-11-24 18:01:00 UTC": the zone is the machine's; only UTC is taken for a time.
  std::optional<WallTime> at;
  if (const auto words = split(next, ' '); words.size() == 4 && words[3] == "UTC") {
    if (auto parsed = parse_utc(std::string(words[1]) + "T" + std::string(words[2]) + "Z")) at = *parsed;
  }
  std::string text = std::string(k_l0_timer) + " " + state + ", " + enabled;
  if (!next.empty()) text += ", next " + next;
  // One that counts from each boot has no calendar time; its record, for those who may read it, has.
  if (const auto record = os::read_file(record_path(places_)); next.empty() && record) {
    if (const auto parsed = l0_record_from_json(*record); parsed && parsed->boot_id == os::boot_id()) {
      at = parsed->at.wall;
      text += ", next " + format_utc(*at) + ", from each boot on";
    }
  }
  return {true, at, text};
}

Status L0::remove_files() const {
  Status done;
  for (const auto& path : {record_path(places_), places_.units + "/timers.target.wants/" + k_l0_timer,
                           places_.units + "/" + k_l0_timer, places_.units + "/" + k_l0_ending_timer,
                           places_.units + "/" + k_l0_service, places_.armed_marker()}) {
    if (auto removed = os::remove_file(path); !removed) done = removed;
  }
  return done;
}

Status L0::disarm() const {
  if (!systemd_) {
    const auto cancelled = os::run_command(power_.cancel_shutdown(), k_command_limit);
    if (!cancelled) return fail(Error{cancelled.error()}.within("disarm L0"));
    return os::remove_file(record_path(places_));
  }
  // Each by itself: a timer that isn't loaded, as after an earlier disarm, is as good as stopped, and must not hide
  // what is wrong with the other.
  Status stopped;
  for (const char* timer : {k_l0_timer, k_l0_ending_timer}) {
    auto said = os::systemctl({"stop", timer});
    if (!said && said.error().kind != ErrorKind::not_found && stopped)
      stopped = fail(std::move(said.error()));
    if (!stopped && stopped.error().kind == ErrorKind::timed_out) break;
  }
  Status done = remove_files();
  if (auto reloaded = os::systemctl({"daemon-reload"}); !reloaded && done)
    done = fail(std::move(reloaded.error()));
  if (!stopped && done) return fail(std::move(stopped.error()).within("disarm L0"));
  return done;
}

namespace {

// In a child that is waited for a moment only: whether or not a dead disk takes it, the machine has to end.
void mark_ended(const Places& places) {
  const pid_t child = ::fork();
  if (child == 0)
    ::_exit(os::replace_file(places.ended_marker(), os::boot_id(), 0644, os::Sync::yes) ? 0 : 1);
  for (int tries = 0; child > 0 && tries < 50; ++tries) {
    if (::waitpid(child, nullptr, WNOHANG) != 0) return;
    ::usleep(100'000);
  }
}

}  // namespace

int run_l0(const Places& places, const os::Clock& clock, os::Power& power) {
  const job::Now now{clock.wall(), clock.boot(), os::boot_id()};
  const auto text = os::read_file(record_path(places));
  const auto record = text ? l0_record_from_json(*text) : Result<L0Record>(fail(Error{text.error()}));
  if (record) {
    // A disk that was moved to another instance, or an image made of it: nothing is to end here.
    const auto here = os::machine_id();
    if (!record->every_boot && !here.empty() && !record->machine.empty() && here != record->machine)
      return L0{places, os::has_systemd(), power}.disarm() ? 0 : 1;
    if (left_to_l0(*record, now) > Millis{0}) {
      // A wall clock that jumped forward, or a timer that was started late.
      return L0{places, os::has_systemd(), power}.arm(*record, now) ? 0 : 1;
    }
    if (record->marks_ended) {
      mark_ended(places);
    }
  }
  const auto started = clock.boot();
  (void)os::run_command(power.shutdown_now(), k_command_limit);
  while (clock.boot() - started < k_l0_while_ending) ::sleep(1);
  (void)os::run_command(power.force_off(), k_command_limit);
  (void)power.kernel_power_off();
  (void)power.sysrq_power_off();
  return 1;
}

}  // namespace curfew::layers
