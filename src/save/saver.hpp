// Brings what a job made to S3: changed files only, checked by SHA-256, retried until its limit, and says what it didn't
// manage. The layout: target.hpp; the order: plan.hpp, transfer.hpp; when it's tried again: schedule.hpp.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "aws/s3.hpp"
#include "os/clock.hpp"
#include "save/schedule.hpp"
#include "save/steady.hpp"
#include "save/summary.hpp"
#include "save/target.hpp"
#include "save/tree.hpp"

namespace curfew::save {

struct Options {
  std::vector<Target> targets;
  std::string base_dir;       // the job's folder, absolute: where a relative SRC is looked for
  Reader reader;              // whose files they are, where this process may read more than that user
  std::string manifest_path;  // in curfew's state folder, which is never saved itself; empty: none is kept
  BootTime until{};           // the limit; save() returns within a second after it
  // For saves in the middle of a job: leaves what is still being written for the next one, and takes a SRC that isn't
  // there yet as no failure. Empty, for the save at the end: all is saved as it is.
  std::optional<Steady> steady;
  // With `steady`: what the save before left out; the same for all saves of a job. Empty: what grows is left out each time.
  std::shared_ptr<LeftOut> left_out;
  // Requests under way. One small file takes S3 tens of milliseconds wherever it is, so that few would be slow; the AWS CLI
  // has 10. Each costs 150 KB.
  std::size_t parallel = 16;
  std::size_t threads = 2;  // that read and hash
  std::function<void(const Progress&)>
      progress;  // on the loop, at most four times a second of the clock given
  Pace pace;
  Millis tick{100};  // how often the clock is looked at (by asio's timers)
};

// One save. Everything on the executor's one thread but reading and hashing; no call on it blocks.
class Saver {
 public:
  // `s3` and `clock` outlive the executor's context, or it runs no more once they are gone: a call that S3 never lets go
  // of is left behind on it.
  Saver(boost::asio::any_io_executor executor, aws::S3& s3, const os::Clock& clock, Options options);
  ~Saver();
  Saver(const Saver&) = delete;
  Saver& operator=(const Saver&) = delete;

  // Once. Ends when all is saved, given up or out of time, and never fails: see the Summary. Cancelled (by cancel(), or as
  // a coroutine), it returns within a second, and tries in that to abort the multipart uploads it has begun; what it
  // can't abort, the next save with the same manifest does.
  [[nodiscard]] net::Awaitable<Summary> save();
  // At any time, also before save().
  void cancel();

 private:
  struct Run;
  std::shared_ptr<Run> run_;
};

}  // namespace curfew::save
