// `curfew shim` and `curfew l0`: roles that curfew and systemd start. Not for people.
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/role_words.hpp"
#include "layers/l0.hpp"
#include "os/command.hpp"
#include "os/job_record.hpp"
#include "shim/shim.hpp"
#include "shim/start.hpp"

namespace curfew::cli {
namespace {

constexpr Millis k_command_limit{30'000};
constexpr std::size_t k_largest_job = 4U << 20U;

int refuse(const Error& error) {
  std::fprintf(stderr, "curfew: %s\n", error.text().c_str());
  return k_exit_failed;
}

}  // namespace

int shim_command(const Words& words, const World& world) {
  const auto places = places_from(words);
  if (!places) return refuse(places.error());
  if (const auto spec = read_spec(*places); spec && is_stale_service(words, *spec)) return 0;
  shim::ShimOptions options;
  if (has_word(words, "--with-guard"))
    options.guard = {places->program, "guard", "--state", places->state, "--run", places->run};
  // What systemd's StartLimitAction does elsewhere (L2).
  if (has_word(words, "--powers-off")) {
    options.on_guard_hopeless = [&world] {
      (void)os::run_command(world.power.shutdown_now(), k_command_limit);
      (void)world.power.kernel_power_off();
      (void)world.power.sysrq_power_off();
    };
  }
  return shim::run_shim({places->state, places->run}, options);
}

int before_end_command(const Words& words, const World&) {
  const auto places = places_from(words);
  if (!places) return refuse(places.error());
  const auto guard = read_spec(*places);
  if (!guard) return refuse(guard.error());
  const os::JobPaths paths{places->state, places->run};
  const auto text = os::read_file(paths.spec(), k_largest_job);
  if (!text) return refuse(text.error());
  auto job = os::job_spec_from_json(*text);
  if (!job) return refuse(job.error());
  job->argv = {os::exists("/bin/bash") ? "/bin/bash" : "/bin/sh", "-c", guard->before_end};
  job->oom_score = os::JobSpec{}.oom_score;  // a user's command, also where the job is curfew's own
  job->env.push_back("CURFEW_CAUSE=" + word_after(words, "--cause"));
  shim::exec_as_job(*job);
}

int l0_command(const Words& words, const World& world) {
  const auto places = places_from(words);
  if (!places) return refuse(places.error());
  return layers::run_l0(*places, world.clock, world.power);
}

}  // namespace curfew::cli
