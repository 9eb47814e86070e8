// What the commands that look at launched jobs read of the jobs' machines: status.json, logs, the saves in launch.json.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "jobs/assess.hpp"
#include "jobs/log_parts.hpp"
#include "jobs/render.hpp"
#include "jobs/results.hpp"
#include "jobs/status_file.hpp"
#include "jobs/terminal_text.hpp"

namespace {

using namespace curfew;

constexpr const char* k_id = "20261127-100000-4f2a9c0d1e2f3a4b5c6d7e8f";

void check(bool holds) {
  if (!holds) std::abort();
}

void check_line(const std::string& text) {
  for (const char c : text) check(static_cast<unsigned char>(c) >= 0x20);
}

// Escape sequences of colours alone, no control character but three.
void check_terminal(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    check(byte >= 0x20 || byte == '\n' || byte == '\t' || byte == '\r' || byte == 0x1b);
    check(byte != 0x7f);
    if (byte != 0x1b) continue;
    check(i + 1 < text.size() && text[++i] == '[');
    while (++i < text.size() && text[i] != 'm')
      check(text[i] == ';' || text[i] == ':' || (text[i] >= '0' && text[i] <= '9'));
    check(i < text.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto status = jobs::status_from_json(text, k_id)) {
    check(status->launch_id == k_id && status->reason.size() <= jobs::k_longest_text);
    check(!status->exit_code || (*status->exit_code >= 0 && *status->exit_code <= 255));
    jobs::Seen seen;
    seen.launch_id = k_id;
    seen.region = "us-east-1";
    seen.status = *status;
    const auto row = jobs::assess(seen, status->written);
    check_line(jobs::describe_end(row));
    if (jobs::exit_code_of(row) == 0) check(row.state == jobs::JobState::ended && row.exit_code == 0);
    jobs::JobList list;
    list.rows.push_back(row);
    (void)jobs::render_json(list);
    check_terminal(jobs::render_table(list, {80, true}));
  } else {
    check_line(status.error().text());
  }

  jobs::TerminalText whole;
  auto shown = whole.take(text);
  shown += whole.end();
  check_terminal(shown);
  jobs::TerminalText pieces;
  std::string again;
  const std::size_t step = size == 0 ? 1 : data[0] % 7U + 1;
  for (std::size_t at = 0; at < text.size(); at += step) again += pieces.take(text.substr(at, step));
  check(again + pieces.end() == shown);

  if (const auto places = jobs::result_places({std::string(text)})) {
    for (const auto& place : *places)
      check(!place.path.starts_with('/') && ("/" + place.path + "/").find("/../") == std::string::npos);
  } else {
    check_line(places.error().text());
  }
  const auto name = jobs::folder_name(std::string(text), k_id);
  check(name == k_id || (name.find('/') == std::string::npos && name != ".." && name != "."));
  std::uint64_t lines = 3;
  if (const auto start = jobs::start_of_last(text, lines, true)) check(*start <= text.size());
  return 0;
}
