// Brings the guard's log and the job's output to S3 while the job runs, piece by piece, so that they outlive the machine:
// _curfew/WHO/START/NAME-000001.log and so on below the first --save, to be read with `aws s3 cp --recursive` and `cat`.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"
#include "save/target.hpp"

namespace curfew::save {

using net::Awaitable;

enum class SourceKind : std::uint8_t { unknown, file, folder };  // unknown: it isn't there yet

// Where the logs of a job go: "_curfew/WHO/20261124T180000Z/" below the target's prefix; beside the object where the
// target is a single file with a name of its own. A SRC that isn't there yet is a file where it and the key end in the same
// name with a dot in it ("model.pt=s3://b/run/model.pt"). `who` is the instance's id or the host's name; what isn't of
// [A-Za-z0-9._-] becomes "_". Pure.
[[nodiscard]] aws::S3Location log_place(const Target& first, SourceKind kind, std::string_view who,
                                        WallTime started);

struct LogSource {
  std::string name;  // "output", "guard": the part's name in S3
  std::string path;
  std::optional<uid_t> owner = {};  // whose it must be, where it lies in a folder that isn't root's
};

// Their number is what many small ones cost by ($0.005 for 1,000), so it's bounded: by `every` and by what is enough
// together.
struct LogShipOptions {
  aws::S3Location to;  // a folder, as log_place()
  std::vector<LogSource> sources;
  std::string state_path;  // in curfew's state folder, of mode 0700; empty: a new guard begins anew
  Millis every{
      600'000};  // what was appended is sent at least so often (--save-every), or when `enough` is there
  std::size_t enough = 1U << 20U;
  std::uint64_t parts_at_once = 64;  // in one call, however fast a log grows; finish() isn't bound by it
  Millis retry{1'000};               // finish() waits so long between two tries
};

struct Shipped {
  std::uint64_t parts = 0;
  std::uint64_t bytes = 0;
  std::uint64_t gaps = 0;      // places where lines may be missing; each is marked in the text too
  bool all = false;            // nothing is left but what is being written
  std::optional<Error> error;  // what stopped it; it goes on from there at the next call
  // For the log: once when it stops working, once when it works again.
  std::optional<std::string> alert;
};

// Loop's thread only; files are read on a thread. A part is sent until S3 has it, always under the same key with the same
// bytes; the position is written down after each, so that a new guard goes on there, and sends at most one part twice, under
// its old key. In memory there is one part of 4 MiB and its copy on the way.
class LogShip {
 public:
  // `s3` and `clock` outlive the executor's context. For the logs of one job: make it when that has begun its output.log.
  LogShip(boost::asio::any_io_executor executor, aws::S3& s3, const os::Clock& clock, LogShipOptions options);
  ~LogShip();
  LogShip(const LogShip&) = delete;
  LogShip& operator=(const LogShip&) = delete;

  // Sends what is due; to be called every few seconds. At once, with nothing done, where one is under way. A call that S3
  // never answers is waited for.
  [[nodiscard]] Awaitable<Shipped> ship();
  // Sends all there is, trying again while S3 is unavailable, and returns within a second after `until`; one that is under
  // way gets half of the time. Once, at the end; nothing is sent after.
  [[nodiscard]] Awaitable<Shipped> finish(BootTime until);

 private:
  struct Run;
  std::shared_ptr<Run> run_;
};

}  // namespace curfew::save
