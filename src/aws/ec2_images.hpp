// EC2: the images that an instance can be made of; behind an interface for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_inventory.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// A device that an image brings along.
struct ImageDevice {
  std::string name;       // "/dev/sda1"
  std::uint64_t gib = 0;  // of its snapshot; 0: not told
  bool is_ebs = false;    // else an instance store
};

struct Image {
  std::string id;    // ami-…
  std::string name;  // other people's text: printable() first
  std::string architecture;
  std::string state;        // "available"
  std::string root_device;  // one of `devices`
  std::vector<ImageDevice> devices;
  std::optional<WallTime> created;  // old ones and those of other makers may not tell
};

// Images by their name, of whom one trusts: anybody may give a public image any name, so that a search without an owner
// finds a stranger's ("whoAMI").
struct ImagePattern {
  std::vector<std::string> owners;  // "self", "amazon", or an account; at least one
  std::string name;                 // with * and ?, as EC2's filters take them
};

// "[OWNER:]NAME": OWNER is self, amazon or an account's 12 digits; without it both self and amazon, and then NAME must have
// a * or a ?, so that a typing error isn't a pattern. Nothing where it's neither. Pure.
[[nodiscard]] std::optional<ImagePattern> parse_image_pattern(std::string_view text);

// Error.code is EC2's own.
class Ec2Images {
 public:
  virtual ~Ec2Images() = default;
  // Within 30 s.
  [[nodiscard]] virtual Awaitable<Result<Image>> image(std::string id) = 0;
  // The youngest that is available, for that architecture ("x86_64"); not_found where there is none. Within 60 s.
  [[nodiscard]] virtual Awaitable<Result<Image>> newest(ImagePattern pattern, std::string architecture) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Ec2Images> make_ec2_images(Session& session, std::string region);

[[nodiscard]] bool is_image_id(std::string_view text);

// One page. Errors: unavailable. Pure; for ec2_images.cpp and its tests.
[[nodiscard]] Result<Page<Image>> parse_images(std::string_view xml);

}  // namespace curfew::aws
