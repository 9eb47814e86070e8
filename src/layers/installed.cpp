// The files of an installed curfew.
#include "layers/installed.hpp"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "layers/l2.hpp"
#include "os/files.hpp"
#include "os/systemd.hpp"

namespace curfew::layers {
namespace {

std::string unit_path(const Places& places) { return places.units + "/" + k_boot_service; }
std::string link_path(const Places& places) {
  return places.units + "/multi-user.target.wants/" + k_boot_service;
}

}  // namespace

bool is_installed(const Places& places) { return os::exists(unit_path(places)); }

Status install(const Places& places, std::string_view request, const std::string& program) {
  Status done = os::make_private_folder(places.state, 0700);
  if (done) done = os::replace_file(places.installed(), request, 0600, os::Sync::yes);
  if (done) done = install_program(program, places.program);
  if (done) done = os::replace_file(unit_path(places), boot_unit(places), 0644, os::Sync::yes);
  if (done) done = os::make_private_folder(os::folder_of(link_path(places)), 0755);
  if (!done) return done;
  if (::symlink(unit_path(places).c_str(), link_path(places).c_str()) != 0 && errno != EEXIST)
    return fail_errno("enable " + std::string(k_boot_service), errno);
  return {};
}

Status remove_installation(const Places& places) {
  Status done;
  for (const auto& path : {link_path(places), unit_path(places), places.installed()}) {
    if (auto removed = os::remove_file(path); !removed) done = removed;
  }
  return done;
}

Status remove_units(const Places& places) {
  Status done = remove_installation(places);
  if (auto removed = L2{places}.remove_files(); !removed) done = removed;
  for (const auto& path : {places.units + "/timers.target.wants/" + k_l0_timer,
                           places.units + "/" + k_l0_timer, places.units + "/" + k_l0_ending_timer,
                           places.units + "/" + k_l0_service, places.timer_stamps + "/stamp-" + k_l0_timer}) {
    if (auto removed = os::remove_file(path); !removed) done = removed;
  }
  return done;
}

Status remove_folders(const Places& places) {
  Status done;
  for (const auto& folder : {places.state, places.run}) {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) done = fail(ErrorKind::system, "remove " + folder, error.message());
  }
  return done;
}

}  // namespace curfew::layers
