// What an instance's tags say, and every format that shows it: a line a tag, KEY=VALUE; the value of `id` is the
// instance's own. Whatever they say, nothing is ended without its deadline, and no format lets a control character out.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "watch/enforcement.hpp"
#include "watch/gpus.hpp"
#include "watch/render.hpp"
#include "watch/tags.hpp"
#include "watch/totals.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_harmless(const std::string& text) {
  std::string cut;
  for (const char c : text)
    if (c != '\n') cut += c;
  return curfew::printable(cut, cut.size() + 1) == cut;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  using namespace curfew::watch;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Tags tags = [&](std::string_view key) -> std::optional<std::string_view> {
    for (const auto line : split(text, '\n')) {
      const auto equals = line.find('=');
      if (equals != std::string_view::npos && line.substr(0, equals) == key) return line.substr(equals + 1);
    }
    return {};
  };
  const auto now = parse_utc("2026-11-26T14:00Z").value();
  Report report;
  report.at = now;
  report.thresholds = {std::chrono::hours{2}, std::chrono::hours{6}, Micros{5'000'000}, Micros{20'000'000}};
  Machine machine;
  machine.id = tags("id").value_or("i-0123456789abcdef0");
  machine.type = tags("type").value_or("g5.xlarge");
  machine.region = tags("region").value_or("us-east-1");
  machine.launched = now - std::chrono::hours{5};
  machine.gpus = gpus_of(machine.type);
  take_tags(machine, tags);

  const auto enforcement = enforceable(machine, now);
  if (enforcement == Enforcement::end)
    check(machine.job && machine.deadline && machine.deadline->at && *machine.deadline->at < now &&
          machine.launched < *machine.deadline->at && !is_kept(machine, now) && machine.group.empty());
  check(is_harmless(describe(enforcement, machine)));
  const auto assessment = assess(machine, report.thresholds, now);
  check(assessment.causes.empty() == !assessment.needs_attention());
  check(!assessment.kept || machine.keep);

  report.machines.push_back(std::move(machine));
  for (const unsigned width : {0U, 40U, 80U}) {
    for (const auto format : {Format::table, Format::json, Format::csv, Format::prometheus}) {
      if (width != 0 && format != Format::table) continue;
      std::string out;
      render(format, report, {width, false}, [&](std::string_view piece) { out += piece; });
      check(is_harmless(out));
      boost::system::error_code error;
      if (format == Format::json) static_cast<void>(boost::json::parse(out, error));
      check(!error);
    }
  }
  return 0;
}
