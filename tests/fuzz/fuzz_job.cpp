// What a job is written in: job.toml, the options of its stages, and the stages as the instance reads them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/config.hpp"
#include "cli/job_file.hpp"
#include "launch/stages.hpp"
#include "save/fetch.hpp"
#include "save/fetched_files.hpp"

namespace {

using namespace curfew;

void check(bool holds) {
  if (!holds) std::abort();
}

template <class T>
bool is_read(const Result<T>& result) {
  if (result) return true;
  for (const char c : result.error().text()) check(static_cast<unsigned char>(c) >= 0x20);
  return false;
}

void check_file(std::string_view text) {
  static const std::vector<cli::KnownOption> known{{"max-time", cli::Takes::text},
                                                   {"disk", cli::Takes::number},
                                                   {"spot", cli::Takes::flag},
                                                   {"instance-type", cli::Takes::text},
                                                   {"env", cli::Takes::list},
                                                   {"secret", cli::Takes::list},
                                                   {"yes", cli::Takes::flag, {}, "of one launch"}};
  const auto job = cli::parse_job_settings(text, "fuzz", known, cli::k_joined_options);
  if (!is_read(job)) return;
  for (const auto& word : cli::words_of(job->settings)) {
    check(word.starts_with("--") && word != "--" && word != "--yes" && word.find('\0') == std::string::npos);
    check(word == "--spot" || word.find('=') + 1 < word.size());
  }
  for (const auto& word : job->command) check(word.find('\0') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_file(text);
  if (const auto repo = launch::parse_repo(text); is_read(repo)) {
    check(repo->url.starts_with("https://") || repo->url.find('@') != std::string::npos ||
          repo->url.starts_with("ssh://"));
    check(!repo->url.starts_with('-') && !repo->ref.starts_with('-'));
    launch::Stages stages;
    stages.repo = *repo;
    stages.shell = "true";
    const auto again = launch::stages_from_json(launch::to_json(stages));
    check(again && again->repo == stages.repo);
  }
  if (const auto one = launch::parse_data(text); is_read(one)) check(!one->path.empty());
  if (const auto secret = launch::parse_secret(text); is_read(secret))
    check(launch::is_variable_name(secret->name));
  if (const auto stages = launch::stages_from_json(text); is_read(stages)) {
    const auto again = launch::stages_from_json(launch::to_json(*stages));
    check(again && *again == *stages);
  }
  if (save::is_path_below(text)) check(text.front() != '/' && text.find('\0') == std::string_view::npos);
  (void)save::FetchedFiles::parse(text);
  return 0;
}
