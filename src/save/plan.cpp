// Plans.
#include "save/plan.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>

namespace curfew::save {
namespace {

std::uint32_t hash_of(const std::string& bucket, const std::string& key) {
  const auto hash = std::hash<std::string>{}(bucket + '\n' + key);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

std::string mtime_text(std::int64_t nanoseconds) {
  std::int64_t seconds = nanoseconds / 1'000'000'000;
  std::int64_t rest = nanoseconds % 1'000'000'000;
  if (rest < 0) rest += 1'000'000'000, --seconds;  // before 1970
  const std::string digits = std::to_string(rest);
  return std::to_string(seconds) + "." + std::string(9 - digits.size(), '0') + digits;
}

}  // namespace

std::uint64_t part_size_of(std::uint64_t file_size) {
  constexpr std::uint64_t k_mib = 1U << 20U;
  const std::uint64_t least = (file_size + k_most_parts - 1) / k_most_parts;
  return std::max(k_part, (least + k_mib - 1) / k_mib * k_mib);
}

aws::Metadata metadata_of(const FileState& state, bool unsettled, bool escaped) {
  aws::Metadata metadata;
  metadata.emplace_back(k_meta_mtime, mtime_text(state.modified));
  if (unsettled) metadata.emplace_back(k_meta_unsettled, "1");
  if (escaped) metadata.emplace_back(k_meta_escaped, "1");
  return metadata;
}

bool same_as(const aws::ObjectInfo& head, const FileState& state) {
  if (head.size != state.size) return false;
  bool same = false;
  for (const auto& [name, value] : head.metadata) {
    if (name == k_meta_unsettled) return false;
    if (name == k_meta_mtime) same = value == mtime_text(state.modified);
  }
  return same;
}

bool unsettled(const FileState& state, WallTime now) {
  const bool coarse = state.modified % 1'000'000'000 == 0;
  const auto modified =
      std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds{state.modified});
  const auto age = now - modified;
  const auto window = coarse ? std::chrono::nanoseconds{2'000'000'000} : std::chrono::nanoseconds{50'000'000};
  return age < window && age > -window;
}

Plan::Plan(std::vector<Target> targets, Found found, const Manifest& manifest)
    : targets_(std::move(targets)), found_(std::move(found)), files_of_(targets_.size()) {
  const std::size_t count = tree().size();
  needs_.assign(count, Need::upload);
  if (manifest.size() > 0) etags_.assign(count, 0);
  index_.reserve(count);
  for (FileId file = 0; file < count; ++file) {
    const File& entry = tree()[file];
    const auto& to = targets_[entry.target].to;
    const auto key = key_of(to, root_of(file).is_file, tree().relative(file));
    if (!key) {
      found_.failed.add({shown(file), entry.state.size, key.error().cause});
      needs_[file] = Need::dropped;
      continue;
    }
    ++files_of_[entry.target];
    index_.emplace_back(hash_of(to.bucket, key->text), file);
    if (manifest.size() == 0) continue;
    const auto etag = manifest.find({{to.bucket, key->text}, absolute(file), entry.state, {}});
    if (!etag) continue;
    needs_[file] = *etag == 0 ? Need::resend : Need::stored;
    etags_[file] = *etag;
  }
  std::sort(index_.begin(), index_.end());
  drop_doubles();
}

void Plan::drop_doubles() {
  for (std::size_t first = 0; first + 1 < index_.size(); ++first) {
    const FileId a = index_[first].second;
    for (std::size_t i = first + 1; i < index_.size() && index_[i].first == index_[first].first; ++i) {
      const FileId b = index_[i].second;
      if (needs_[a] == Need::dropped) break;
      if (needs_[b] == Need::dropped || place_of(a).text() != place_of(b).text()) continue;
      const bool same = tree()[a].state.inode == tree()[b].state.inode && absolute(a) == absolute(b);
      const FileId lost = shown(a) <= shown(b) ? b : a;
      const FileId kept = lost == a ? b : a;
      if (!same)
        found_.failed.add({shown(lost), tree()[lost].state.size,
                           shown(kept) + " goes to the same key, " + place_of(a).text()});
      needs_[lost] = Need::dropped;
      --files_of_[tree()[lost].target];
    }
  }
  std::erase_if(index_, [this](const auto& entry) { return needs_[entry.second] == Need::dropped; });
}

Key Plan::key_for(FileId file) const {
  auto key = key_of(targets_[tree()[file].target].to, root_of(file).is_file, tree().relative(file));
  return key ? std::move(*key) : Key{};
}

aws::S3Location Plan::place_of(FileId file) const {
  return {targets_[tree()[file].target].to.bucket, key_for(file).text};
}

std::string Plan::shown(FileId file) const {
  const auto& source = targets_[tree()[file].target].source;
  if (root_of(file).is_file) return source;
  return source + (source.ends_with('/') ? "" : "/") + tree().relative(file);
}

std::string Plan::absolute(FileId file) const {
  const Root& root = root_of(file);
  return root.is_file ? root.real : root.real + "/" + tree().relative(file);
}

aws::S3Location Plan::prefix_of(std::uint16_t target) const {
  aws::S3Location prefix = targets_[target].to;
  if (!found_.roots[target].is_file && !prefix.key.empty() && prefix.key.back() != '/') prefix.key += '/';
  return prefix;
}

void Plan::seen(std::uint16_t target, const aws::ObjectInfo& object) {
  const auto hash = hash_of(targets_[target].to.bucket, object.key);
  auto at = std::lower_bound(index_.begin(), index_.end(), std::pair<std::uint32_t, FileId>{hash, 0});
  for (; at != index_.end() && at->first == hash; ++at) {
    const FileId file = at->second;
    if (targets_[tree()[file].target].to.bucket != targets_[target].to.bucket ||
        key_for(file).text != object.key)
      continue;
    const bool same_size = tree()[file].state.size == object.size;
    Need& need = needs_[file];
    if (need == Need::upload && same_size) need = Need::compare;
    if (need == Need::stored)
      need = same_size && etags_[file] == etag_mark(object.etag) ? Need::confirmed : Need::upload;
  }
}

void Plan::seen_all(std::uint16_t target) {
  for (FileId file = 0; file < needs_.size(); ++file)
    if (tree()[file].target == target && needs_[file] == Need::stored) needs_[file] = Need::upload;
}

void Plan::ask_each(std::uint16_t target) {
  for (FileId file = 0; file < needs_.size(); ++file) {
    if (tree()[file].target != target) continue;
    if (needs_[file] == Need::stored) needs_[file] = Need::confirm;
    if (needs_[file] == Need::upload) needs_[file] = Need::compare;
  }
}

bool Plan::settled_by(FileId file, const aws::ObjectInfo& head) const {
  const FileState& state = tree()[file].state;
  if (needs_[file] == Need::confirm) return head.size == state.size && etag_mark(head.etag) == etags_[file];
  return same_as(head, state);
}

Plan::Order Plan::order() {
  decltype(index_){}.swap(index_);
  Order order;
  for (FileId file = 0; file < needs_.size(); ++file) {
    const auto size = tree()[file].state.size;
    switch (needs_[file]) {
      case Need::dropped: break;
      case Need::stored:
      case Need::confirmed:
        ++order.unchanged_files;
        order.unchanged_bytes += size;
        break;
      case Need::upload:
      case Need::resend:
      case Need::compare:
      case Need::confirm:
        order.bytes += size;
        (size < k_part ? order.small : order.large).push_back(file);
        break;
    }
  }
  const auto before = [this](FileId a, FileId b) {
    const FileState& x = tree()[a].state;
    const FileState& y = tree()[b].state;
    if (x.modified != y.modified) return x.modified > y.modified;
    if (x.size != y.size) return x.size < y.size;
    return tree()[a].target != tree()[b].target ? tree()[a].target < tree()[b].target
                                                : tree().relative(a) < tree().relative(b);
  };
  std::sort(order.small.begin(), order.small.end(), before);
  std::sort(order.large.begin(), order.large.end(), before);
  return order;
}

}  // namespace curfew::save
