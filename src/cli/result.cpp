// `curfew result`: what a launched job has saved, brought here.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "aws/s3.hpp"
#include "aws/s3_get.hpp"
#include "base/text.hpp"
#include "cli/jobs_commands.hpp"
#include "cli/jobs_options.hpp"
#include "cli/jobs_session.hpp"
#include "cli/output.hpp"
#include "jobs/reading.hpp"
#include "jobs/results.hpp"
#include "save/fetch.hpp"
#include "save/fetched_files.hpp"
#include "save/summary.hpp"
#include "save/target.hpp"

namespace curfew::cli {
namespace {

constexpr int k_exit_not_all = 1;
constexpr const char* k_manifest = ".curfew-result.jsonl";
constexpr std::size_t k_most_named = 10;  // files that stand in the way

struct Found {
  jobs::ResultPlace place;
  std::vector<jobs::ResultFile> files;
};

class ResultCommand {
 public:
  ResultCommand(const ResultOptions& options, JobsSession& session)
      : options_(options),
        session_(session),
        s3_(aws::make_s3(session.session(), session.region())),
        get_(aws::make_s3_get(session.session(), session.region())) {}

  int run() {
    auto launch_id = session_.find(options_.job);
    if (!launch_id) return tell_failure(launch_id.error());
    jobs::JobWatch watch(session_.source(), session_.clock(), *launch_id, session_.region());
    auto looking = jobs::look_for_sure(watch);
    const auto row = session_.complete(std::move(looking));
    if (!row) return tell_failure(row.error());
    const auto& launch = watch.seen().launch;
    if (!launch) {
      say(watch.seen().launch_problem.empty()
              ? "launch " + *launch_id + " has no launch.json, so what it saves isn't known"
              : watch.seen().launch_problem);
      return k_exit_failed;
    }
    if (launch->saves.empty()) {
      say("launch " + *launch_id + " saves nothing (--save of curfew launch)");
      return k_exit_not_all;
    }
    const auto places = jobs::result_places(launch->saves);
    if (!places) return tell_failure(places.error());
    bool is_all = tell_state(*row);
    for (const auto& place : *places) {
      auto listing = jobs::list_results(*s3_, place);
      auto files = session_.complete(std::move(listing));
      if (!files) return tell_failure(files.error());
      if (files->empty()) {
        say("nothing is saved of " + place.save);
        is_all = false;
      }
      found_.push_back({place, std::move(*files)});
    }
    const int code = options_.list ? list() : fetch(jobs::folder_name(row->job, *launch_id));
    return code != 0 ? code : is_all ? 0 : k_exit_not_all;
  }

 private:
  // Whether what is saved is all that there will be.
  static bool tell_state(const jobs::Row& row) {
    if (row.state == jobs::JobState::unknown) {
      say("what became of the job isn't known" +
          (row.notes.empty() ? "" : " (" + printable(row.notes.front(), 300) + ")") +
          ": this is what it has saved so far");
      return true;
    }
    if (!jobs::is_over(row.state)) {
      say("the job is " + std::string(jobs::name_of(row.state)) + ": this is what it has saved so far");
      return true;
    }
    if (!row.unsaved) return true;
    say(jobs::describe_end(row) + (row.saved ? "" : "; its results may not be whole"));
    return false;
  }

  [[nodiscard]] int list() const {
    std::string text;
    for (const auto& [place, files] : found_) {
      for (const auto& file : files)
        text += format_utc(file.modified) + "  " + format_bytes(file.size) + "  " +
                printable(file.path, 1'000) + "  " + printable(file.from.text(), 2'000) + "\n";
    }
    return show(text) ? 0 : k_exit_failed;
  }

  int fetch(const std::string& name) {
    std::error_code error;
    auto folder = std::filesystem::absolute(options_.to.empty() ? name : options_.to, error)
                      .lexically_normal()
                      .string();
    if (error) {
      say("find this folder: " + error.message());
      return k_exit_failed;
    }
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    const auto manifest = folder + "/" + k_manifest;
    auto known = save::FetchedFiles::load(manifest);
    if (!known) return tell_failure(known.error());
    std::vector<jobs::ResultFile> all;
    for (const auto& each : found_) all.insert(all.end(), each.files.begin(), each.files.end());
    if (all.empty()) return k_exit_not_all;
    if (const auto twice = jobs::path_of_two(all); !twice.empty()) {
      say("two of the job's saves lead to " + printable(twice, 500) +
          ": `curfew result --list` shows where they are");
      return k_exit_failed;
    }
    if (const auto changed = jobs::changed_here(folder, all, *known); !changed.empty() && !options_.force) {
      for (std::size_t i = 0; i < std::min(changed.size(), k_most_named); ++i)
        say(changed[i] + " is here already, and isn't what this command has fetched: it stays");
      say("nothing is fetched: " + save::count_of_files(changed.size()) +
          (changed.size() == 1 ? " stands" : " stand") +
          " in the way (--to another folder, or --force to replace them)");
      return k_exit_not_all;
    }
    save::Fetched sum;
    for (const auto& each : found_) {
      if (each.files.empty()) continue;
      auto fetching = fetch_one(each, folder, manifest);
      const auto done = session_.complete(std::move(fetching));
      if (!done) {
        say(done.error().text());
        return k_exit_failed;
      }
      sum.files += done->files;
      sum.bytes += done->bytes;
      sum.there += done->there;
      sum.unverified += done->unverified;
      std::printf("%s  from %s\n",
                  printable(each.place.path.empty() ? folder : folder + "/" + each.place.path, 1'000).c_str(),
                  printable(each.place.to.text(), 2'000).c_str());
    }
    std::printf("%s (%s) fetched to %s%s%s\n", save::count_of_files(sum.files).c_str(),
                format_bytes(sum.bytes).c_str(), printable(folder, 1'000).c_str(),
                sum.there > 0 ? (", " + std::to_string(sum.there) + " were here already").c_str() : "",
                sum.unverified > 0
                    ? (", of " + std::to_string(sum.unverified) + " only the size could be checked").c_str()
                    : "");
    return 0;
  }

  net::Awaitable<Result<save::Fetched>> fetch_one(const Found& found, std::string folder,
                                                  std::string manifest) {
    const auto executor = co_await boost::asio::this_coro::executor;
    save::FetchOptions options;
    options.manifest = std::move(manifest);
    options.leave_out = save::k_logs_below;
    // One file, as list_results() has found it, or all below.
    const auto& first = found.files.front();
    const bool is_one =
        found.files.size() == 1 && first.path == (found.place.path.empty() ? "result" : found.place.path);
    auto from = is_one ? first.from : found.place.to;
    if (!is_one && !from.key.empty() && !from.key.ends_with('/')) from.key += '/';
    const auto& below = is_one ? first.path : found.place.path;
    if (!below.empty()) folder += "/" + below;
    auto fetching = save::fetch(executor, *s3_, *get_, std::move(from), std::move(folder), std::move(options),
                                [](const std::string& text) { say(text); });
    co_return co_await std::move(fetching);
  }

  const ResultOptions& options_;
  JobsSession& session_;
  std::unique_ptr<aws::S3> s3_;
  std::unique_ptr<aws::S3Get> get_;
  std::vector<Found> found_;
};

}  // namespace

int result_command(const Words& words, const World& world) {
  const auto options = parse_result(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_result_help)) ? 0 : k_exit_failed;
  JobsSession session(options->place, world.clock);
  if (const int code = session.open(); code != 0) return code;
  return ResultCommand(*options, session).run();
}

}  // namespace curfew::cli
