// Ends the job's containers with the job: asks Docker what runs, stops it with what is left of the grace, and kills it.
// Every question has a limit, and a Docker that doesn't answer is said once and then gone without.
//
// Podman needs none of this: its containers descend from what started them, so that they're in the job's tree.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "guard/async.hpp"
#include "guard/containers.hpp"
#include "guard/spec.hpp"
#include "os/clock.hpp"
#include "os/log.hpp"

namespace curfew::guard {

class JobContainers {
 public:
  struct World {
    boost::asio::io_context& io;
    const os::Clock& clock;
    os::Log& log;
    // Whether the machine outlives the job: then a container may be somebody else's, and only one that a client in the
    // job's tree runs, or that can write into what is saved, is taken for the job's.
    std::function<bool()> machine_stays;
    std::function<std::vector<std::vector<std::string>>()> clients;  // in the job's tree: their command lines
    std::function<bool()> job_is_ending;  // false: whoever waited for containers waits no longer
    std::string program = "docker";
    std::string socket = "/var/run/docker.sock";  // where the job's DOCKER_HOST names no other
  };

  // `spec` and what `world` refers to outlive the loop.
  JobContainers(const Spec& spec, World world);

  // A new job: remembers what runs already, for later guards as well.
  void begin(WallTime job_began);
  // A later guard.
  void resume(WallTime job_began);

  // `docker stop` for those that don't hear of it by a client in the job's tree. `until`: then they're killed.
  void stop(BootTime until);
  void kill();
  // Once the tree is gone: stops what it left, and calls `then` when that's done, or can't be; at once where there is no
  // Docker. Takes k_ask_limit at most beyond what the policy waits for anyway.
  void when_gone(std::function<void()> then);

  static constexpr Millis k_ask_limit{5'000};

  // The command lines of docker(1) in this process and below it.
  [[nodiscard]] static std::vector<std::vector<std::string>> clients_below(int pid);

 private:
  [[nodiscard]] bool is_there() const;
  [[nodiscard]] bool is_certainly_the_jobs(const Container& container) const;
  void look_for_clients();
  [[nodiscard]] std::string record_path() const { return spec_.places.state + "/containers.json"; }
  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> rest) const;
  [[nodiscard]] Awaitable<void> remember();
  [[nodiscard]] Awaitable<void> stop_detached();
  [[nodiscard]] Awaitable<void> kill_all();
  [[nodiscard]] Awaitable<void> settle(std::function<void()> then);
  // Those of the job's that run.
  [[nodiscard]] Awaitable<Result<std::vector<Container>>> find();
  [[nodiscard]] Awaitable<Result<std::vector<Container>>> find_running();
  [[nodiscard]] Awaitable<Status> inspect(std::vector<std::string> ids);
  [[nodiscard]] Awaitable<void> tell(std::vector<std::string> argv, Millis limit);
  void ask_to_stop(const std::vector<Container>& containers);
  void complain(const Error& error);
  void say_what_is_left_alone(const std::vector<Container>& containers);

  const Spec& spec_;
  World world_;
  std::string socket_;  // empty: the job's daemon is on another machine
  bool named_ = false;  // by the job's DOCKER_HOST
  std::vector<std::string> saved_;
  JobBegan began_;
  BootTime until_{};
  std::map<std::string, Container> known_;  // as asked once
  std::set<std::string> asked_;             // to stop
  std::vector<std::vector<std::string>> clients_;
  std::string trouble_;  // the last
  bool complained_ = false;
  bool left_alone_said_ = false;
  bool stopping_ = false;
  bool killing_ = false;
  bool kill_said_ = false;
};

}  // namespace curfew::guard
