// Summaries and progress as text and JSON.
#include "save/summary.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"

namespace curfew::save {
namespace {

void append(std::vector<std::string>& out, const Notes& notes, std::size_t shown) {
  const std::size_t count = std::min(shown, notes.first.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Note& note = notes.first[i];
    std::string line = "  " + printable(note.path);
    if (note.size > 0) line += " (" + format_bytes(note.size) + ")";
    out.push_back(line + ": " + printable(note.reason, 400));
  }
  if (notes.count > count) out.push_back("  and " + std::to_string(notes.count - count) + " more");
}

boost::json::object to_json(const Notes& notes) {
  boost::json::array first;
  for (const Note& note : notes.first) {
    boost::json::object one;
    one["path"] = printable(note.path, 4096);
    one["size"] = note.size;
    one["reason"] = printable(note.reason, 1000);
    first.emplace_back(std::move(one));
  }
  boost::json::object out;
  out["files"] = notes.count;
  out["bytes"] = notes.bytes;
  out["first"] = std::move(first);
  return out;
}

// "1.2/3.4 GiB" where the units are the same, else "900 MiB/3.4 GiB".
std::string ratio(std::uint64_t done, std::uint64_t total) {
  std::string a = format_bytes(done);
  const std::string b = format_bytes(total);
  const auto unit = a.rfind(' ');
  if (unit != std::string::npos && a.substr(unit) == b.substr(std::min(b.rfind(' '), b.size())))
    a.resize(unit);
  return a + "/" + b;
}

// The end of a path says more than its start.
std::string tail(const std::string& path, std::size_t width) {
  std::string whole = printable(path, 4096);
  const auto columns = [](std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
  };
  if (columns(whole) <= width) return whole;
  if (width < 8) return {};
  std::string_view rest = whole;
  while (columns(rest) > width - 3) {
    rest.remove_prefix(1);
    while (!rest.empty() && (static_cast<unsigned char>(rest.front()) & 0xc0U) == 0x80U)
      rest.remove_prefix(1);
  }
  return "..." + std::string(rest);
}

}  // namespace

std::string count_of_files(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " file" : " files");
}

void Notes::add(Note note) {
  ++count;
  bytes += note.size;
  if (first.size() < k_kept) first.push_back(std::move(note));
}

std::vector<std::string> lines(const Summary& summary, std::size_t shown) {
  std::vector<std::string> out;
  std::string head = "saved " + count_of_files(summary.saved_files);
  if (summary.saved_files > 0) head += ", " + format_bytes(summary.saved_bytes);
  head += " in " + format_duration(std::chrono::round<Seconds>(summary.elapsed));
  if (summary.unchanged_files > 0)
    head += "; " + count_of_files(summary.unchanged_files) + " unchanged, in S3 already";
  out.push_back(std::move(head));
  if (!summary.all_saved()) {
    std::string line = "NOT saved: ";
    line += summary.failed.count == 0 ? "perhaps more, not all was looked at"
                                      : count_of_files(summary.failed.count);
    if (summary.failed.bytes > 0) line += ", " + format_bytes(summary.failed.bytes);
    if (summary.limit_hit) line += "; the limit for saving ran out";
    else if (summary.cancelled) line += "; saving was cut short";
    out.push_back(std::move(line));
    append(out, summary.failed, shown);
  }
  if (summary.changing.count > 0) {
    out.push_back("stored, but changing while it was saved: " + count_of_files(summary.changing.count));
    append(out, summary.changing, shown);
  }
  if (summary.unsteady.count > 0) {
    out.push_back("still being written, left for the next save: " + count_of_files(summary.unsteady.count));
    append(out, summary.unsteady, shown);
  }
  if (summary.skipped.count > 0) {
    out.push_back("skipped: " + std::to_string(summary.skipped.count));
    append(out, summary.skipped, shown);
  }
  const std::size_t warnings = std::min(shown, summary.warnings.size());
  for (std::size_t i = 0; i < warnings; ++i) out.push_back("warning: " + printable(summary.warnings[i], 400));
  if (summary.warnings.size() > warnings)
    out.push_back("warning: and " + std::to_string(summary.warnings.size() - warnings) + " more");
  return out;
}

std::string left_out_line(const Notes& unsteady, std::size_t shown) {
  if (unsteady.count == 0) return {};
  std::string line = count_of_files(unsteady.count) + " left out, still being written: ";
  const std::size_t named = std::min(shown, unsteady.first.size());
  for (std::size_t i = 0; i < named; ++i) line += (i > 0 ? ", " : "") + printable(unsteady.first[i].path);
  if (unsteady.count > named) line += " and " + std::to_string(unsteady.count - named) + " more";
  return line;
}

std::string first_failure(const Summary& summary) {
  std::vector<std::string> out;
  append(out, summary.failed, 1);
  if (out.empty()) return summary.limit_hit ? "it took longer than --save-limit" : "";
  return out.front().substr(2);
}

boost::json::object to_json(const Summary& summary) {
  boost::json::object saved;
  saved["files"] = summary.saved_files;
  saved["bytes"] = summary.saved_bytes;
  boost::json::object unchanged;
  unchanged["files"] = summary.unchanged_files;
  unchanged["bytes"] = summary.unchanged_bytes;
  boost::json::array warnings;
  for (const auto& warning : summary.warnings) warnings.emplace_back(printable(warning, 1000));
  boost::json::object out;
  out["all_saved"] = summary.all_saved();
  out["saved"] = std::move(saved);
  out["unchanged"] = std::move(unchanged);
  out["failed"] = to_json(summary.failed);
  out["skipped"] = to_json(summary.skipped);
  out["changing"] = to_json(summary.changing);
  out["unsteady"] = to_json(summary.unsteady);
  out["warnings"] = std::move(warnings);
  out["elapsed_ms"] = summary.elapsed.count();
  out["limit_hit"] = summary.limit_hit;
  out["cancelled"] = summary.cancelled;
  return out;
}

std::string progress_line(const Progress& progress, std::size_t width) {
  std::vector<std::string> parts;
  const std::string left = format_duration(std::chrono::floor<Seconds>(std::max(progress.left, Millis{0})));
  if (progress.phase == Phase::looking) {
    parts.push_back("saving: " + count_of_files(progress.files_done) + " found so far");
  } else if (progress.phase == Phase::comparing) {
    parts.push_back("saving: comparing " + count_of_files(progress.files_total) + " with what S3 has");
  } else {
    parts.push_back("saving " + std::to_string(progress.files_done) + "/" +
                    count_of_files(progress.files_total));
    parts.push_back(ratio(progress.bytes_done, progress.bytes_total));
    parts.push_back(format_bytes(progress.bytes_per_second) + "/s");
  }
  parts.push_back(left + " left of the limit");
  std::string line;
  for (const auto& part : parts) {
    const std::size_t with = line.size() + (line.empty() ? 0 : 2) + part.size();
    if (with > width) return line.empty() ? part.substr(0, width) : line;
    line += (line.empty() ? "" : ", ") + part;
  }
  if (!progress.current.empty() && line.size() + 2 < width) {
    const std::string name = tail(progress.current, width - line.size() - 2);
    if (!name.empty()) line += ", " + name;
  }
  return line;
}

std::optional<std::string> ProgressLog::look(BootTime now, const Progress& progress) {
  const bool trouble = !progress.trouble.empty();
  if (now - said_ < k_every && (!trouble || said_trouble_)) return std::nullopt;
  said_ = now;
  said_trouble_ = said_trouble_ || trouble;
  std::string line = progress_line(progress, 160);
  if (trouble) line += "; trying again after: " + printable(progress.trouble, 400);
  return line;
}

}  // namespace curfew::save
