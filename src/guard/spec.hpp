// What the guard is asked to do: made once by `curfew run`, kept in guard.json (0600: it holds the caller's AWS
// variables) for every guard that follows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "guard/cost.hpp"
#include "guard/policy.hpp"
#include "guard/probes/progress.hpp"
#include "layers/units.hpp"
#include "os/log.hpp"

namespace curfew::guard {

// --then.
enum class Then : std::uint8_t { automatic, terminate, stop, none };
[[nodiscard]] Result<Then> parse_then(std::string_view text);
[[nodiscard]] std::string_view name_of(Then then);

// Which probes look, and for how long something has to last before it's a reason to end.
struct Watches {
  std::optional<Seconds> idle;    // --idle-gpu
  int idle_millipercent = 5'000;  // below this a GPU isn't busy; thousandths of a percent
  bool idle_any = false;          // one idle GPU is enough
  std::optional<Seconds> gpu_start;
  std::optional<Seconds> stall;
  std::string stall_path;  // absolute
  std::vector<std::string>
      own_files;              // where the front end's stdout and stderr go: what curfew says is no progress
  std::string done_file;      // absolute
  FileMark done_file_mark;    // what stood there before the job was started
  std::string done_pattern;   // ECMAScript
  std::string jupyter;        // without a command: where its server is; never with a token
  std::string jupyter_token;  // never to be shown
};

// --spot-notice: on spot instances, always, never.
enum class SpotNotice : std::uint8_t { automatic, on, off };
[[nodiscard]] std::string_view name_of(SpotNotice notice);
[[nodiscard]] Result<SpotNotice> parse_spot_notice(std::string_view text);

// --pid: a process that ran already, named for good by its start (os::Process).
struct WatchedProcess {
  std::int64_t pid = 0;
  std::uint64_t start = 0;
};

// A job that `curfew launch` has started: its state and its logs go to S3 while it runs.
struct Launched {
  std::string id;      // of the launch
  std::string job;     // its name
  std::string place;   // s3://BUCKET/…/jobs/ID/
  std::string stages;  // the folder of the stages' logs, which is the job's user's: not to be trusted
};

struct Spec {
  Then then = Then::automatic;
  Rules rules;
  job::Times times;                // as of the start
  std::vector<std::string> saves;  // SRC=s3://bucket/prefix
  std::string folder;              // the job's: relative SRCs are below it
  std::string command;             // for people
  std::string before_end;          // for a shell, as the job's user
  Watches watches;
  std::optional<WatchedProcess> watched;
  SpotNotice spot_notice = SpotNotice::automatic;
  std::optional<Seconds> save_every;
  std::optional<Micros> max_cost;
  std::optional<Micros> price;      // of an hour, by --price
  std::optional<MachineCost> cost;  // where --max-cost had it found out
  std::optional<CostBound> cost_bound;
  std::vector<std::string> notify;  // where to, resolved: secrets, never shown
  std::string log;                  // a file, or empty
  os::LogFormat log_format = os::LogFormat::text;
  bool on_ec2 = false;     // by what the machine says of itself
  bool installed = false;  // began with this boot, by `curfew install`, and the next one begins anew
  bool service = false;    // supervised by systemd; else by the shim
  bool root = false;
  std::uint32_t owner = 0;  // the job's uid: may follow and stop it by the control socket
  // With it whose files are saved: a guard that is root reads none that the job's user couldn't.
  std::uint32_t owner_group = 0;
  std::vector<std::uint32_t> owner_groups;
  std::optional<Launched> launched;
  std::map<std::string, std::string> environment;  // AWS_*, proxies, certificates, HOME
  layers::Places places;

  // L0 and L2 exist only where the machine is to end: not with `--then none`, in a dry run, or with auto off EC2.
  [[nodiscard]] bool ends_machine() const;
  [[nodiscard]] std::string path() const { return places.state + "/guard.json"; }
  [[nodiscard]] std::string state_path() const { return places.state + "/state.json"; }
  // The guard's own log, kept to be saved.
  [[nodiscard]] std::string log_path() const { return places.state + "/guard.log"; }
};

[[nodiscard]] std::string to_json(const Spec& spec);
[[nodiscard]] Result<Spec> spec_from_json(std::string_view text);

// state.json: what the next guard needs, with what was left of the times when it was written (job::rebased).
struct Saved {
  State state;
  std::optional<Millis> left_to_stop;
  std::string instance_id;  // empty: not known
};
[[nodiscard]] std::string to_json(const Saved& saved);
[[nodiscard]] Result<Saved> saved_from_json(std::string_view text);

}  // namespace curfew::guard
