// Containers of the job's. Docker's daemon is their parent, so they aren't in the job's tree and outlive it. Here: reads
// what docker(1) prints, and tells which containers are the job's. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::guard {

struct Container {
  std::string id;  // 12 to 64 hex digits
  WallTime started{};
  // Started by a client that stays and shows its output: what the client is sent, it passes on to the container.
  bool attached = false;
  std::vector<std::string> writable;  // what it may write to of this machine; absolute, without . and ..
  std::string image;                  // as its client was told
  std::vector<std::string> command;   // as its client was told, or the image's own
};

// More are not looked at: a machine that runs so many isn't one job's.
inline constexpr std::size_t k_most_containers = 256;
inline constexpr std::size_t k_most_mounts = 64;
inline constexpr std::size_t k_most_words = 1'024;

// For `docker inspect --format`: a line of JSON a container. A null ends a list, for each word has a comma after it.
inline constexpr std::string_view k_container_format =
    R"({"id":{{json .Id}},"started":{{json .State.StartedAt}},"attached":{{json .Config.AttachStdout}},)"
    R"("image":{{json .Config.Image}},"command":[{{range .Config.Cmd}}{{json .}},{{end}}null],)"
    R"("writable":[{{range .Mounts}}{{if .RW}}{{json .Source}},{{end}}{{end}}null]})";

// Of `docker ps --quiet --no-trunc`: each id once, k_most_containers at most. Lines that are no id (the client's
// warnings stand among them) are skipped.
[[nodiscard]] std::vector<std::string> parse_container_ids(std::string_view text);
// Of `docker inspect --format k_container_format`; lines that aren't wholly right are skipped.
[[nodiscard]] std::vector<Container> parse_containers(std::string_view text);

// What tells the job's containers from those that were there before.
struct JobBegan {
  WallTime at{};
  // Those that ran then. They decide where they're known: Docker may restart one of them, and clocks jump.
  std::optional<std::vector<std::string>> running;
};
[[nodiscard]] bool is_since(const Container& container, const JobBegan& began);

// Whether it may write to one of these paths: it has that mounted, or something above or below it.
[[nodiscard]] bool may_write_to(const Container& container, const std::vector<std::string>& paths);
// Whether `argv` is a client's `run` of this very image and command.
[[nodiscard]] bool is_run_by(const Container& container, const std::vector<std::string>& argv);
// The absolute paths of what is saved ("SRC=s3://…", relative to `folder`), without . and ..
[[nodiscard]] std::vector<std::string> saved_paths(const std::vector<std::string>& saves,
                                                   const std::string& folder);

// The socket that DOCKER_HOST names; empty where the daemon isn't on this machine.
[[nodiscard]] std::string docker_socket(std::string_view docker_host);

// containers.json, for the next guard: `running` is known.
[[nodiscard]] std::string to_json(const JobBegan& began);
[[nodiscard]] Result<JobBegan> job_began_from_json(std::string_view text);

// "0123456789ab, ba9876543210 and 3 more", for people.
[[nodiscard]] std::string ids_text(const std::vector<Container>& containers);

}  // namespace curfew::guard
