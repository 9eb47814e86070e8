// Packs a folder of this machine for the instance: a tar.gz of what git would give to somebody else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"

namespace curfew::launch {

using net::Awaitable;

struct Packed {
  std::string archive;  // tar.gz
  std::string sha256;   // of that, in hex
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // of the files
};

// Larger code isn't code: it's held in memory, and uploaded with each launch.
inline constexpr std::uint64_t k_most_packed = 256ULL << 20U;  // the archive
inline constexpr std::uint64_t k_most_files_bytes = 1ULL << 30U;
inline constexpr std::size_t k_most_packed_files = 100'000;

// In a work tree of git's: what is tracked, with the files of submodules that are there, and what is new and not ignored;
// what git ignores (.env, data, checkpoints) isn't packed. Where there is no git: every file, and `note` gets a line.
// Links stay links. Needs tar, and git where that is used; ends within minutes. `environment`: HOME, whose git
// configuration may ignore files too.
[[nodiscard]] Awaitable<Result<Packed>> pack(std::string folder, const net::Environment& environment,
                                             const std::function<void(const std::string&)>& note);

// The names in git's NUL-separated lists, each once, sorted; without those that can't be below the folder. Pure.
[[nodiscard]] std::vector<std::string> names_in(std::string_view lists);

}  // namespace curfew::launch
