// `curfew guard --state …`: the guard's process, started by systemd or by the shim. Not for people; `curfew guard ID` is
// outside.cpp's.
#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/outside.hpp"
#include "cli/role_words.hpp"
#include "guard/cloud_aws.hpp"
#include "guard/spec.hpp"
#include "guard/supervisor.hpp"
#include "layers/l0.hpp"
#include "layers/l2.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/cgroup.hpp"
#include "os/files.hpp"
#include "os/log.hpp"
#include "os/memory.hpp"
#include "os/systemd.hpp"

namespace curfew::cli {
namespace {

// Five failed starts in ten minutes power the machine off (L2): a guard that finds nothing to guard must not fail.
constexpr int k_nothing_to_guard = 0;
// Credentials, buckets and the instance's own facts have been asked for by then.
constexpr Millis k_settled{15'000};

bool was_ended_in_another_boot(const layers::Places& places) {
  const auto boot = os::read_file(places.ended_marker(), 256);
  return boot && trimmed(*boot) != os::boot_id();
}

void take_layers_away(const layers::Places& places, const World& world, os::Log& log) {
  const bool systemd = os::has_systemd();
  if (auto done = layers::L0{places, systemd, world.power}.disarm(); !done) log.error(done.error().text());
  if (!systemd) return;
  if (auto done = layers::L2{places}.disarm(); !done) log.error(done.error().text());
}

// systemd leaves them to us (KillMode=process). Only in the service's own group: started by hand, we would kill whoever
// did so.
void kill_what_is_left() {
  const auto group = os::Cgroup::own();
  if (group && group->folder().ends_with(std::string("/") + layers::k_guard_service)) group->kill_others();
}

void open_logs(const guard::Spec& spec, os::Log& log) {
  // The journal has it as well, where there is one.
  log.write_to_stderr(spec.service);
  if (spec.rules.has_saves || spec.launched) {
    if (auto file = os::open_append(spec.log_path(), 0600))
      log.write_to(std::move(*file), os::LogFormat::text);
    else log.error("the log can't be kept to be saved: " + file.error().text());
  }
  if (spec.log.empty()) return;
  if (auto file = os::open_append(spec.log, 0644)) log.write_to(std::move(*file), spec.log_format);
  else log.error("the log can't be written, going on without: " + file.error().text());
}

}  // namespace

int guard_command(const Words& words, const World& world) {
  if (words.empty() || words.front() != "--state") return guard_instances(words, world);
  // The journal's pipe and a terminal may go away; the guard doesn't.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  const auto places = places_from(words);
  os::Log log(world.clock);
  log.write_to_stderr(true);
  if (!places) {
    log.error(places.error().text());
    return k_exit_failed;
  }
  if (was_ended_in_another_boot(*places)) {
    log.info("this machine was ended by curfew and has been started again: nothing is guarded any more");
    take_layers_away(*places, world, log);
    return k_nothing_to_guard;
  }
  auto spec = read_spec(*places);
  if (!spec && spec.error().kind == ErrorKind::not_found) return k_nothing_to_guard;
  if (!spec) {
    log.error(spec.error().text());
    // L2 will power the machine off. Whoever starts it again shall not see that happen at each boot.
    if (auto marked = os::replace_file(places->ended_marker(), os::boot_id(), 0644, os::Sync::yes); !marked)
      log.error(marked.error().text());
    return k_exit_failed;
  }
  if (is_stale_service(words, *spec)) return k_nothing_to_guard;
  // The run folder is gone after a reboot.
  if (auto made = os::make_private_folder(spec->places.run, spec->root ? 0711 : 0700); !made)
    log.error(made.error().text());
  auto lock = os::lock_file(spec->places.run + "/guard.lock");
  if (!lock && lock.error().kind == ErrorKind::conflict) {
    log.error("another guard runs already: " + lock.error().text());
    return k_exit_failed;
  }
  if (spec->service) kill_what_is_left();  // by a guard that was killed
  open_logs(*spec, log);

  boost::asio::io_context io{1};
  const net::Environment environment(spec->environment.begin(), spec->environment.end());
  const auto http = net::make_http_client(io.get_executor(), net::client_options_from(environment));
  const auto cloud = guard::make_aws_cloud(*spec, *http, world.clock, log);
  const auto teller = guard::make_teller(io.get_executor(), *spec, *http, world.clock, log);
  guard::Supervisor supervisor(*spec, {io, world.clock, world.power, log, *cloud, *teller});
  boost::asio::steady_timer settled(io, k_settled);
  settled.async_wait([](const boost::system::error_code& cancelled) {
    if (!cancelled) os::release_start_memory();
  });
  supervisor.run();
  // Else what ignores SIGTERM would hold up the shutdown.
  if (spec->service) kill_what_is_left();
  return 0;
}

}  // namespace curfew::cli
