// `curfew guard`: the guard's process, started by systemd or by the shim. Not for people.
#include <csignal>

#include <boost/asio/io_context.hpp>

#include "cli/commands.hpp"
#include "cli/role_words.hpp"
#include "guard/cloud_aws.hpp"
#include "guard/spec.hpp"
#include "guard/supervisor.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/files.hpp"
#include "os/log.hpp"

namespace curfew::cli {
namespace {

// Five failed starts in ten minutes power the machine off (L2): a guard that finds nothing to guard must not fail.
constexpr int k_nothing_to_guard = 0;
constexpr std::size_t k_largest_spec = 4U << 20U;

void open_logs(const guard::Spec& spec, os::Log& log) {
  // The journal has it as well, where there is one.
  log.write_to_stderr(spec.service);
  if (spec.log.empty()) return;
  if (auto file = os::open_append(spec.log, 0644)) log.write_to(std::move(*file), spec.log_format);
  else log.error("the log can't be written, going on without: " + file.error().text());
}

}  // namespace

int guard_command(const Words& words, const World& world) {
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
  guard::Spec here;
  here.places = *places;
  const std::string path = here.path();
  if (!os::exists(path)) return k_nothing_to_guard;
  const auto text = os::read_file(path, k_largest_spec);
  auto spec = text ? guard::spec_from_json(*text) : Result<guard::Spec>(fail(Error{text.error()}));
  if (!spec) {
    log.error(spec.error().text());
    return k_exit_failed;
  }
  // The run folder is gone after a reboot.
  if (auto made = os::make_private_folder(spec->places.run, spec->root ? 0711 : 0700); !made)
    log.error(made.error().text());
  auto lock = os::lock_file(spec->places.run + "/guard.lock");
  if (!lock && lock.error().kind == ErrorKind::conflict) {
    log.error("another guard runs already: " + lock.error().text());
    return k_exit_failed;
  }
  open_logs(*spec, log);

  boost::asio::io_context io{1};
  const net::Environment environment(spec->environment.begin(), spec->environment.end());
  const auto http = net::make_http_client(io.get_executor(), net::client_options_from(environment));
  const auto cloud = guard::make_aws_cloud(*spec, *http, world.clock, log);
  guard::Supervisor supervisor(*spec, {io, world.clock, world.power, log, *cloud});
  supervisor.run();
  return 0;
}

}  // namespace curfew::cli
