// The sending itself: a few lanes, each with one request under way, that take files and parts of files until none is left.
// Half of the lanes prefer the small files, half the large ones, and each helps the others out: neither one huge
// checkpoint nor a hundred thousand little files can hold up the other. Loop's thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "aws/s3.hpp"
#include "os/clock.hpp"
#include "save/gate.hpp"
#include "save/manifest.hpp"
#include "save/plan.hpp"
#include "save/schedule.hpp"
#include "save/steady.hpp"
#include "save/summary.hpp"
#include "save/workers.hpp"

namespace curfew::save {

// What a save works with. Shared by all its coroutines, since one that S3 never answers outlives the save.
struct Means {
  boost::asio::any_io_executor executor;
  aws::S3& s3;
  const os::Clock& clock;
  std::shared_ptr<Workers> workers;
  std::shared_ptr<Journal> journal;
  std::optional<Steady> steady;
  std::shared_ptr<LeftOut> left_out;  // where files must be steady
  std::shared_ptr<std::atomic<bool>> stop =
      std::make_shared<std::atomic<bool>>(false);  // for the jobs on threads
};

// Aborts what the manifest says was left behind; those whose id isn't known are looked up by their key. The error, where
// some could not be aborted.
[[nodiscard]] Awaitable<std::optional<Error>> abort_leftovers(std::shared_ptr<Means> means,
                                                              std::vector<Leftover> leftovers);

class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  // `ended` is called whenever a lane or an abort has ended.
  Transfer(std::shared_ptr<Means> means, std::shared_ptr<Plan> plan, const Plan::Order& order, Pace pace,
           std::size_t lanes, std::function<void()> ended);
  ~Transfer();

  void start();
  [[nodiscard]] bool running() const { return running_ > 0; }
  // To be called a few times a second: wakes lanes for what waits on time, writes the manifest.
  void tick();
  // Ends all lanes at the next moment; they go on running until S3 lets go of them.
  void stop();
  // After stop(): aborts each unfinished multipart upload, all at once.
  void abort_open();
  [[nodiscard]] bool aborting() const { return aborting_ > 0; }

  void fill(Progress& progress);
  // Once, at the end: adds what was done; what wasn't counts as failed, with `reason`.
  void finish(Summary& summary, const std::string& reason);

 private:
  struct Lane;
  // One file being uploaded in parts.
  struct Multi {
    FileId file = 0;
    std::shared_ptr<const Opened> opened;
    aws::S3Location to;
    std::string id;  // empty while it's being started
    bool unsettled = false;
    bool grows = false;  // its beginning, as long as it was when it was opened, is what is sent
    std::uint64_t part_size = 0;
    int parts = 0;
    int next = 1;
    int in_flight = 0;
    std::vector<aws::Part> done;
    std::uint64_t bytes_done = 0;
    std::optional<Error> error;  // S3's
    std::optional<Error> local;  // the file's own
    bool changed = false;
    [[nodiscard]] bool over() const { return error || local || changed; }
  };
  using MultiPtr = std::shared_ptr<Multi>;
  // A file opened and, where it's small, read.
  struct Read {
    std::shared_ptr<const Opened> opened;
    std::string sha256;
    std::string bytes;
    std::optional<Error> error;
    bool unsettled = false;
    bool grows = false;
    Since since =
        Since::same;  // what became of it while it was read; looked at only where files must be steady
  };

  // transfer.cpp
  static Awaitable<void> run_lane(std::shared_ptr<Transfer> self, bool large_first);
  Awaitable<bool> one_unit(bool large_first);
  [[nodiscard]] MultiPtr with_part() const;
  [[nodiscard]] bool may_open_large() const;
  static Awaitable<void> abort_one(std::shared_ptr<Transfer> self, aws::S3Location to, std::string id);
  void stored(FileId file, const FileState& state, const std::string& etag, bool unsettled, Since since);
  void unchanged(FileId file);
  void failed(FileId file, const Error& error);    // by S3
  void unusable(FileId file, const Error& error);  // by itself
  void vanished(FileId file);
  void unsteady(FileId file, const FileState& state, std::string why);
  void returned();
  void note(const std::string& line);  // for the manifest
  void flush();

  // transfer_send.cpp
  Awaitable<void> send_file(FileId file);
  bool left_alone(FileId file, Read& read);
  [[nodiscard]] bool only_grows(FileId file, const Read& read) const;
  Awaitable<bool> shorter_than_stored(FileId file, FileState state);
  Awaitable<bool> is_there(FileId file);
  Awaitable<std::shared_ptr<Read>> read(FileId file);
  Awaitable<Since> since(FileId file, std::shared_ptr<const Opened> opened);
  Awaitable<void> begin_multi(FileId file, std::shared_ptr<Read> read);
  Awaitable<void> send_part(MultiPtr multi);
  Awaitable<void> finish_multi(MultiPtr multi);
  Awaitable<Result<std::string>> complete(MultiPtr multi);
  Awaitable<void> drop(MultiPtr multi);
  template <class T>
  Awaitable<Result<T>> call(Awaitable<Result<T>> operation);
  [[nodiscard]] aws::Metadata metadata(FileId file, const FileState& state, bool is_unsettled) const;

  std::shared_ptr<Means> means_;
  std::shared_ptr<Plan> plan_;
  Schedule schedule_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t lane_count_;
  std::size_t running_ = 0;
  std::size_t aborting_ = 0;
  bool stopping_ = false;
  Gate work_;
  std::function<void()> ended_;
  std::vector<MultiPtr> open_;               // oldest first
  std::unordered_map<FileId, int> changes_;  // how often a file was sent again because it changed
  std::unordered_set<FileId> hands_;         // files given out by the schedule and not yet reported
  std::size_t unwritten_ = 0;                // bytes added to the journal and not yet written
  std::size_t opening_ = 0;                  // parts of the large files that are being begun
  Summary tally_;
  std::uint64_t files_total_ = 0;
  std::uint64_t files_done_ = 0;
  std::uint64_t bytes_total_ = 0;
  std::uint64_t bytes_done_ = 0;
  std::deque<std::pair<BootTime, std::uint64_t>> samples_;
  std::string current_;
  std::string trouble_;  // what failed last
};

}  // namespace curfew::save
