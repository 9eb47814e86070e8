// `curfew install`: what begins the guard anew at each boot of a machine that people keep. A unit that is enabled, and the
// request that it starts from.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "layers/units.hpp"

namespace curfew::layers {

// Readable by everybody, unlike the state folder.
[[nodiscard]] bool is_installed(const Places& places);

// Keeps the request (0600, for it holds secrets), puts the program where the unit expects it, and enables the unit for the
// boots to come. What was done before a failure is left: see remove_installation().
[[nodiscard]] Status install(const Places& places, std::string_view request, const std::string& program);

// Takes back what install() did, but for the program. On disk only.
[[nodiscard]] Status remove_installation(const Places& places);
// Every unit and timer of curfew's on this machine, on disk only. Goes on after a failure, and tells the last one.
[[nodiscard]] Status remove_units(const Places& places);
// Its folders, with all that is in them. Nothing of curfew's may run any more.
[[nodiscard]] Status remove_folders(const Places& places);

}  // namespace curfew::layers
