// What docker(1) prints, and the record of what ran before the job.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "guard/containers.hpp"

namespace {

bool is_id(std::string_view text) {
  return text.size() >= 12 && text.size() <= 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ids = guard::parse_container_ids(text);
  if (ids.size() > guard::k_most_containers) std::abort();
  for (const auto& id : ids)
    if (!is_id(id)) std::abort();  // it becomes a word of a command line
  const auto containers = guard::parse_containers(text);
  if (containers.size() > guard::k_most_containers) std::abort();
  for (const auto& container : containers) {
    if (!is_id(container.id) || container.writable.size() > guard::k_most_mounts) std::abort();
    for (const auto& path : container.writable)
      if (!path.starts_with('/')) std::abort();
    (void)guard::may_write_to(container, {"/home/me/out"});
    (void)guard::is_since(container, {});
    (void)guard::is_run_by(container, {"docker", "run", container.image});
  }
  if (!guard::docker_socket(text).empty() && !guard::docker_socket(text).starts_with('/')) std::abort();
  if (const auto began = guard::job_began_from_json(text)) (void)guard::to_json(*began);
  return 0;
}
