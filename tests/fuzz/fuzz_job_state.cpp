// The record of a launched job's stages, which is the job's user's: read by root, and told on as it is.
#include <cstdint>
#include <string_view>

#include <boost/json/serialize.hpp>

#include "checks.hpp"
#include "guard/job_state.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto seen = guard::stages_seen_from_json(text);
  if (!seen) {
    for (const char c : seen.error().text()) fuzz::check(static_cast<unsigned char>(c) >= 0x20);
    return 0;
  }
  fuzz::check(size <= guard::k_largest_stages_file && seen->size() <= guard::k_stage_names.size());
  const guard::State state;
  const guard::JobState job{state, "i-1", *seen, false};
  const auto told = guard::job_state_of({"l", "j", "s3://b/", "/l"}, job, WallTime{}, {});
  for (const auto& stage : told.at("stages").as_array()) {
    const auto& one = stage.as_object();
    fuzz::check_printable(std::string_view(one.at("began").as_string()));
    fuzz::check(one.at("ms").as_int64() >= 0 && one.at("exit_code").as_int64() <= 255);
  }
  // What is told can be read again.
  const auto again = guard::stages_seen_from_json(
      boost::json::serialize(boost::json::object{{"version", 1}, {"stages", told.at("stages")}}));
  fuzz::check(again && guard::gist_of(job) == guard::gist_of({state, "i-1", *again, false}));
  return 0;
}
