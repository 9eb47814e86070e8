// Speaks to docker(1).
#include "guard/job_containers.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "os/process_tree.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

constexpr Millis k_look_again{200};
constexpr Millis k_look_again_most{1'000};
constexpr std::size_t k_asked_at_once = 16;  // so that what is told of them fits into a pipe
constexpr std::size_t k_most_clients = 64;
constexpr std::size_t k_longest_command = 64U << 10U;

std::vector<std::string> ids_of(const std::vector<Container>& containers) {
  std::vector<std::string> ids;
  for (const auto& container : containers) ids.push_back(container.id);
  return ids;
}

Error refusal(const std::string& verb, const os::Outcome& outcome) {
  return Error{ErrorKind::system,
               "run docker " + verb,
               "exit " + std::to_string(outcome.code) + ": " + printable(outcome.output, 300),
               {}};
}

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

}  // namespace

JobContainers::JobContainers(const Spec& spec, World world)
    : spec_(spec),
      world_(std::move(world)),
      socket_(world_.socket),
      saved_(saved_paths(spec.saves, spec.folder)) {
  const auto host = spec.environment.find("DOCKER_HOST");
  if (host == spec.environment.end() || host->second.empty()) return;
  named_ = true;
  socket_ = docker_socket(host->second);
}

// Cheap, for most machines have no Docker. One that the job names isn't looked at here: it may lie on a file system that
// hangs, and docker(1) may hang in the guard's stead.
bool JobContainers::is_there() const {
  if (socket_.empty() || (!named_ && !os::exists(socket_))) return false;
  return os::find_program(world_.program).has_value();
}

// By its socket, so that a context of Docker's that leads to another machine isn't followed.
std::vector<std::string> JobContainers::words(std::vector<std::string> rest) const {
  std::vector<std::string> argv{world_.program, "--host", "unix://" + socket_};
  append(argv, rest);
  return argv;
}

void JobContainers::begin(WallTime job_began) {
  began_ = {job_began, std::nullopt};
  (void)os::remove_file(record_path());
  if (is_there()) asio::co_spawn(world_.io, remember(), k_rethrow);
}

void JobContainers::resume(WallTime job_began) {
  began_ = {job_began, std::nullopt};
  const auto text = os::read_file(record_path());
  if (!text) return;
  auto saved = job_began_from_json(*text);
  if (saved && saved->at == job_began) began_ = std::move(*saved);
}

Awaitable<void> JobContainers::remember() {
  auto running = co_await find_running();
  if (!running) {
    complain(running.error());
    co_return;
  }
  // The job may have been quicker than this question.
  std::erase_if(*running, [this](const Container& container) { return container.started >= began_.at; });
  began_.running = ids_of(*running);
  if (auto written = os::replace_file(record_path(), to_json(began_), 0600, os::Sync::no); !written)
    world_.log.warning("what containers ran before the job isn't remembered: " + written.error().text());
}

std::vector<std::vector<std::string>> JobContainers::clients_below(int pid) {
  if (pid <= 0) return {};
  std::vector<os::Process> processes = os::descendants(pid);
  if (const auto top = os::read_process(pid)) processes.push_back(*top);
  std::vector<std::vector<std::string>> clients;
  for (const auto& process : processes) {
    if (clients.size() == k_most_clients) break;
    const std::string folder = "/proc/" + std::to_string(process.pid);
    // Only of these: the command line of a process that is stuck in the kernel may hold up its reader.
    const auto name = os::read_file(folder + "/comm", 64);
    if (!name || trimmed(*name) != "docker") continue;
    const auto line = os::read_file(folder + "/cmdline", k_longest_command);
    if (!line) continue;
    const auto words = split(*line, '\0');
    clients.emplace_back(words.begin(), words.end());
    if (!clients.back().empty() && clients.back().back().empty()) clients.back().pop_back();
  }
  return clients;
}

// Before they go.
void JobContainers::look_for_clients() {
  for (auto& client : world_.clients())
    if (clients_.size() < k_most_clients) clients_.push_back(std::move(client));
}

bool JobContainers::is_certainly_the_jobs(const Container& container) const {
  return may_write_to(container, saved_) ||
         (container.attached && std::any_of(clients_.begin(), clients_.end(), [&](const auto& client) {
            return is_run_by(container, client);
          }));
}

void JobContainers::stop(BootTime until) {
  until_ = until;
  if (stopping_ || !is_there()) return;
  stopping_ = true;
  look_for_clients();
  asio::co_spawn(world_.io, stop_detached(), k_rethrow);
}

// The others hear of it by their client, and twice would be once too often: a second SIGINT stops many a program in the
// middle of the checkpoint that it writes after the first.
Awaitable<void> JobContainers::stop_detached() {
  auto found = co_await find();
  stopping_ = false;
  if (!found) {
    complain(found.error());
    co_return;
  }
  std::erase_if(*found, [](const Container& container) { return container.attached; });
  ask_to_stop(*found);
}

void JobContainers::ask_to_stop(const std::vector<Container>& containers) {
  std::vector<Container> news;
  for (const auto& container : containers)
    if (asked_.insert(container.id).second) news.push_back(container);
  if (news.empty()) return;
  // Rounded down, but never to none: Docker kills it then, and the policy does so a moment later.
  const auto left = std::max(std::chrono::floor<Seconds>(until_ - world_.clock.boot()), Seconds{1});
  world_.log.info("stopping what was started since the job began, " + format_duration(left) +
                  " until SIGKILL: container " + ids_text(news));
  auto argv = words({"stop", "-t", std::to_string(left.count())});
  append(argv, ids_of(news));
  asio::co_spawn(world_.io, tell(std::move(argv), left + k_ask_limit), k_rethrow);
}

void JobContainers::kill() {
  if (killing_ || !is_there()) return;
  killing_ = true;
  look_for_clients();
  asio::co_spawn(world_.io, kill_all(), k_rethrow);
}

Awaitable<void> JobContainers::kill_all() {
  auto found = co_await find();
  if (!found) complain(found.error());
  if (found && !found->empty()) {
    if (!std::exchange(kill_said_, true))
      world_.log.warning("killing what was started since the job began: container " + ids_text(*found));
    auto argv = words({"kill"});
    append(argv, ids_of(*found));
    co_await tell(std::move(argv), k_ask_limit);
  }
  killing_ = false;
}

void JobContainers::when_gone(std::function<void()> then) {
  if (!is_there()) return then();
  asio::co_spawn(world_.io, settle(std::move(then)), k_rethrow);
}

Awaitable<void> JobContainers::settle(std::function<void()> then) {
  for (Millis wait = k_look_again;; wait = std::min(wait * 2, k_look_again_most)) {
    const auto found = co_await find();
    if (!found) {
      complain(found.error());
      break;
    }
    if (found->empty()) break;
    if (!world_.job_is_ending()) {
      world_.log.error("still running, and may still write: container " + ids_text(*found) +
                       (trouble_.empty() ? "" : " (" + trouble_ + ")"));
      break;
    }
    ask_to_stop(*found);
    co_await pause(wait);
  }
  then();
}

Awaitable<Result<std::vector<Container>>> JobContainers::find() {
  auto running = co_await find_running();
  if (!running) co_return fail(std::move(running.error()));
  std::erase_if(*running, [this](const Container& container) { return !is_since(container, began_); });
  if (!world_.machine_stays()) co_return running;
  std::vector<Container> others;
  std::erase_if(*running, [&](const Container& container) {
    if (is_certainly_the_jobs(container)) return false;
    others.push_back(container);
    return true;
  });
  say_what_is_left_alone(others);
  co_return running;
}

Awaitable<Result<std::vector<Container>>> JobContainers::find_running() {
  auto argv = words({"ps", "--quiet", "--no-trunc"});
  auto listed = co_await run_program(std::move(argv), k_ask_limit);
  if (!listed) co_return fail(std::move(listed.error()));
  if (listed->code != 0) co_return fail(refusal("ps", *listed));
  const auto ids = parse_container_ids(listed->output);
  std::vector<std::string> unknown;
  for (const auto& id : ids)
    if (!known_.contains(id)) unknown.push_back(id);
  for (std::size_t at = 0; at < unknown.size(); at += k_asked_at_once) {
    const auto first = unknown.begin() + static_cast<std::ptrdiff_t>(at);
    const auto most = static_cast<std::ptrdiff_t>(std::min(k_asked_at_once, unknown.size() - at));
    std::vector<std::string> part(first, first + most);
    auto inspected = co_await inspect(std::move(part));
    if (!inspected) co_return fail(std::move(inspected.error()));
  }
  std::vector<Container> running;
  for (const auto& id : ids)
    if (const auto container = known_.find(id); container != known_.end())
      running.push_back(container->second);
  co_return running;
}

// It fails where one of them has gone meanwhile, and tells of the others all the same.
Awaitable<Status> JobContainers::inspect(std::vector<std::string> ids) {
  auto argv = words({"inspect", "--format", std::string(k_container_format)});
  append(argv, ids);
  auto outcome = co_await run_program(std::move(argv), k_ask_limit);
  if (!outcome) co_return fail(std::move(outcome.error()));
  const auto containers = parse_containers(outcome->output);
  for (const auto& container : containers) known_.insert_or_assign(container.id, container);
  const bool has_gone = outcome->output.find("No such") != std::string::npos;
  if (containers.size() < ids.size() && !has_gone) co_return fail(refusal("inspect", *outcome));
  co_return Status{};
}

// How it went is seen by what runs afterwards.
Awaitable<void> JobContainers::tell(std::vector<std::string> argv, Millis limit) {
  const std::string verb = argv.at(3);
  const auto outcome = co_await run_program(std::move(argv), limit);
  if (!outcome) trouble_ = outcome.error().text();
  else if (outcome->code != 0) trouble_ = "docker " + verb + ": " + printable(outcome->output, 300);
}

void JobContainers::complain(const Error& error) {
  trouble_ = error.text();
  if (std::exchange(complained_, true)) return;
  world_.log.warning("containers that the job starts can't be seen or stopped, and may go on writing: " +
                     error.text());
}

void JobContainers::say_what_is_left_alone(const std::vector<Container>& containers) {
  if (containers.empty() || !world_.job_is_ending() || std::exchange(left_alone_said_, true)) return;
  world_.log.warning(
      "started since the guard began, and left running, for it may be somebody else's: container " +
      ids_text(containers) + " (`docker stop` ends it)");
}

}  // namespace curfew::guard
