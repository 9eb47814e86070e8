// Reads /sys/block (Documentation/ABI/stable/sysfs-block).
#include "os/block_devices.hpp"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::os {
namespace {

constexpr std::size_t k_most_entries = 4096;  // a machine full of containers has hundreds of loop devices
constexpr std::size_t k_most_disks = 128;     // what the largest instances take
constexpr std::uint64_t k_sector = 512;       // `size` counts these, whatever the disk's own are
constexpr std::uint64_t k_largest = 64ULL << 40U;  // 64 TiB: the largest volume there is
constexpr std::size_t k_longest_attribute = 256;

// Takes what `is_good` accepts off the front; false where that is nothing.
bool take(std::string_view& text, bool (*is_good)(char)) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_good);
  const bool any = end != text.begin();
  text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
  return any;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// "nvme0n1"; not "nvme0c0n1", a path to one, which a multipath kernel lists beside it.
bool is_nvme(std::string_view name) {
  if (!name.starts_with("nvme")) return false;
  name.remove_prefix(4);
  if (!take(name, is_digit) || !name.starts_with('n')) return false;
  name.remove_prefix(1);
  return take(name, is_digit) && name.empty();
}

// "xvda", "sdb"; "xvda1" too, which on old images is a disk of its own, for a partition isn't in /sys/block.
bool is_scsi_or_xen(std::string_view name) {
  if (name.starts_with("xvd")) name.remove_prefix(3);
  else if (name.starts_with("sd")) name.remove_prefix(2);
  else return false;
  if (!take(name, is_lower)) return false;
  take(name, is_digit);
  return name.empty();
}

Result<std::string> attribute(const std::string& folder, const char* name) {
  auto text = read_file(folder + "/" + name, k_longest_attribute);
  if (!text) return fail(std::move(text).error());
  return std::string(trimmed(*text));
}

Result<std::uint64_t> size_of(const std::string& folder) {
  const auto text = attribute(folder, "size");
  if (!text) return fail(text.error());
  const auto sectors = parse_number(*text);
  if (!sectors || *sectors > k_largest / k_sector)
    return fail(ErrorKind::invalid_input, "read the size of " + folder,
                "it is \"" + printable(*text, 40) + "\"");
  return *sectors * k_sector;
}

// Nothing where it's no volume: an instance store, another's disk, a drive without a medium.
Result<std::optional<BlockDevice>> look_at(const std::string& folder, const std::string& name) {
  BlockDevice disk{name, 0, false};
  if (is_nvme(name)) {
    const auto model = attribute(folder, "device/model");
    if (!model) return fail(model.error());
    if (*model != "Amazon Elastic Block Store") return std::nullopt;
    disk.is_surely_ebs = true;
  } else if (!is_scsi_or_xen(name)) {
    return std::nullopt;
  }
  const auto bytes = size_of(folder);
  if (!bytes) return fail(bytes.error());
  if (*bytes == 0) return std::nullopt;
  disk.bytes = *bytes;
  return disk;
}

Result<std::vector<std::string>> names_in(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  if (!entries) return fail_errno("list " + folder, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;  // the end of the list and an error look alike but for this
    const dirent* const entry = ::readdir(entries.get());
    if (entry == nullptr) break;
    if (names.size() == k_most_entries)
      return fail(ErrorKind::invalid_input, "list " + folder, "it holds more than 4,096 disks");
    names.emplace_back(entry->d_name);
  }
  if (errno != 0) return fail_errno("list " + folder, errno);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::vector<BlockDevice>> ebs_disks(const std::string& root) {
  const auto folder = root + "/sys/block";
  const auto names = names_in(folder);
  if (!names) return fail(names.error());
  std::vector<BlockDevice> disks;
  for (const auto& name : *names) {
    auto disk = look_at(folder + "/" + name, name);
    if (!disk) return fail(std::move(disk).error().within("look at the disk " + printable(name, 40)));
    if (!*disk) continue;
    if (disks.size() == k_most_disks)
      return fail(ErrorKind::invalid_input, "look at the disks", "there are more than 128 volumes");
    disks.push_back(std::move(**disk));
  }
  return disks;
}

}  // namespace curfew::os
