// L2: the guard as a systemd service.
#include "layers/l2.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/files.hpp"
#include "os/systemd.hpp"

namespace curfew::layers {

Status install_program(const std::string& program, const std::string& to) {
  struct stat from_info {};
  struct stat to_info {};
  const os::Fd from{::open(program.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!from || ::fstat(from.get(), &from_info) != 0) return fail_errno("read " + program, errno);
  if (::stat(to.c_str(), &to_info) == 0) {
    const bool same_file = from_info.st_dev == to_info.st_dev && from_info.st_ino == to_info.st_ino;
    const bool same_copy = from_info.st_size == to_info.st_size &&
                           from_info.st_mtim.tv_sec == to_info.st_mtim.tv_sec &&
                           from_info.st_mtim.tv_nsec == to_info.st_mtim.tv_nsec;
    if (same_file || same_copy) return {};
  }
  if (auto made = os::make_private_folder(os::folder_of(to), 0755); !made) return made;
  const std::string temporary = to + ".new";
  if (auto removed = os::remove_file(temporary); !removed) return removed;
  const os::Fd out{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755)};
  if (!out) return fail_errno("write " + temporary, errno);
  Status done;
  for (off_t at = 0; done && at < from_info.st_size;) {
    const auto sent =
        ::sendfile(out.get(), from.get(), &at, static_cast<std::size_t>(from_info.st_size - at));
    if (sent <= 0) done = fail_errno("copy " + program + " to " + to, sent == 0 ? EIO : errno);
  }
  if (done && ::fchmod(out.get(), 0755) != 0) done = fail_errno("set the mode of " + to, errno);
  const timespec times[2] = {from_info.st_atim, from_info.st_mtim};
  if (done && ::futimens(out.get(), times) != 0) done = fail_errno("set the time of " + to, errno);
  if (done && ::fsync(out.get()) != 0) done = fail_errno("write " + to, errno);
  if (done && ::rename(temporary.c_str(), to.c_str()) != 0) done = fail_errno("replace " + to, errno);
  if (!done) (void)os::remove_file(temporary);
  return done;
}

Status L2::write_files(const GuardUnit& unit) const {
  const std::string guard = places_.units + "/" + k_guard_service;
  Status done = os::replace_file(guard, guard_unit(places_, unit), 0644, os::Sync::yes);
  if (done) done = os::make_private_folder(places_.runtime_units, 0755);
  if (done)
    done =
        os::replace_file(places_.runtime_units + "/" + k_job_service, job_unit(places_), 0644, os::Sync::no);
  const std::string wants = places_.units + "/multi-user.target.wants";
  if (done && !unit.enabled) return os::remove_file(wants + "/" + k_guard_service);
  if (done) done = os::make_private_folder(wants, 0755);
  if (!done) return done;
  if (::symlink(guard.c_str(), (wants + "/" + k_guard_service).c_str()) != 0 && errno != EEXIST)
    return fail_errno("enable " + std::string(k_guard_service), errno);
  return {};
}

Status L2::arm(const std::string& program, const GuardUnit& unit) const {
  if (auto installed = install_program(program, places_.program); !installed) return installed;
  if (auto written = write_files(unit); !written) return written;
  if (auto said = os::systemctl({"daemon-reload"}); !said)
    return fail(std::move(said.error()).within("arm L2"));
  // Starts of ours must not count towards the limit that powers the machine off. Fails where nothing had failed.
  (void)os::systemctl({"reset-failed", k_guard_service, k_job_service});
  if (auto said = os::systemctl({"start", "--no-block", k_job_service, k_guard_service}); !said)
    return fail(std::move(said.error()).within("arm L2"));
  return {};
}

Status L2::keep_without_power_off(Seconds stop_limit) const {
  if (auto written = write_files({false, stop_limit}); !written) return written;
  if (auto removed = os::remove_file(places_.units + "/multi-user.target.wants/" + k_guard_service); !removed)
    return removed;
  if (auto said = os::systemctl({"daemon-reload"}); !said)
    return fail(std::move(said.error()).within("take the power-off from L2"));
  return {};
}

L2Reading L2::verify() const {
  const auto read = os::unit_properties(
      k_guard_service, {"ActiveState", "Restart", "WatchdogUSec", "StartLimitAction", "UnitFileState"});
  if (!read) return {false, "can't be read: " + read.error().text()};
  const auto value = [&](const char* name) {
    const auto found = read->find(name);
    return found == read->end() ? std::string("?") : found->second;
  };
  const bool armed = (value("ActiveState") == "active" || value("ActiveState") == "activating") &&
                     value("Restart") == "always";
  return {armed, std::string(k_guard_service) + " " + value("ActiveState") + ", " + value("UnitFileState") +
                     ", restart " + value("Restart") + ", watchdog " + value("WatchdogUSec") + ", then " +
                     value("StartLimitAction")};
}

Status L2::remove_files() const {
  Status done;
  for (const auto& path :
       {places_.units + "/multi-user.target.wants/" + k_guard_service, places_.units + "/" + k_guard_service,
        places_.runtime_units + "/" + k_job_service}) {
    if (auto removed = os::remove_file(path); !removed) done = removed;
  }
  return done;
}

Status L2::disarm() const {
  Status done = remove_files();
  if (auto said = os::systemctl({"daemon-reload"}); !said && done) done = fail(std::move(said.error()));
  return done;
}

}  // namespace curfew::layers
