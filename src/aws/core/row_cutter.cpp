// Items are found by their tags alone, as EC2 writes them: a tag in another spelling, or one that is none (in a comment),
// makes a piece that no parser takes.
#include "aws/core/row_cutter.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::string_view k_tag_end = "item>";
constexpr std::size_t k_longest_frame = 1U << 20U;  // a token has 8 KiB at most
constexpr std::size_t k_npos = std::string_view::npos;

std::size_t find(std::string_view text, std::size_t from) {
  // glibc's is several times as fast as string_view's.
  const void* const found =
      ::memmem(text.data() + from, text.size() - from, k_tag_end.data(), k_tag_end.size());
  return found == nullptr ? k_npos : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace

void RowCutter::refuse(std::string why) {
  if (status_) status_ = fail(ErrorKind::unavailable, "read the reply", std::move(why));
  text_ = {};
}

void RowCutter::take(std::string_view piece) {
  if (!status_) return;
  text_ += piece;
  std::size_t done = 0;  // up to here it's cut
  while (status_) {
    const auto found = find(text_, scanned_);
    if (found == k_npos) {
      // What has come of a tag is looked at again with the rest of it.
      const auto kept = k_tag_end.size() - 1;
      scanned_ = std::max(scanned_, text_.size() - std::min(text_.size(), kept));
      break;
    }
    scanned_ = found + k_tag_end.size();
    if (found >= 2 && text_[found - 2] == '<' && text_[found - 1] == '/') {
      if (depth_ == 0) return refuse("it ends an item that it hasn't begun");
      if (--depth_ > 0) continue;
      cut(row_begin_, scanned_);
      done = scanned_;
    } else if (found > done && text_[found - 1] == '<') {
      if (depth_++ > 0) continue;
      row_begin_ = found - 1;
      const auto around = trimmed(std::string_view(text_).substr(done, row_begin_ - done));
      if (rows_ == 0) frame_ = around;
      if (rows_ == 0 ? !around.ends_with("<" + list_ + ">") : !around.empty())
        return refuse("it has an item elsewhere than in its " + list_);
      if (frame_.size() > k_longest_frame) return refuse("it has more than its rows");
    }
  }
  if (!status_ || done == 0) return;
  text_.erase(0, done);
  scanned_ -= done;
  row_begin_ -= std::min(row_begin_, done);
}

void RowCutter::cut(std::size_t open, std::size_t end) {
  ++rows_;
  if (auto taken = row_(text_.data() + open, end - open); !taken) {
    status_ = std::move(taken);
    text_ = {};
  }
}

Result<std::string> RowCutter::frame() {
  if (!status_) return fail(status_.error());
  if (depth_ > 0) return fail(ErrorKind::unavailable, "read the reply", "it is cut within an item");
  frame_ += std::exchange(text_, std::string());
  if (frame_.size() > k_longest_frame)
    return fail(ErrorKind::unavailable, "read the reply", "it has more than its rows");
  return std::move(frame_);
}

}  // namespace curfew::aws
