// The stages in their order, each with its log, its time and its words at the end.
#include "launch/run_stages.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "aws/core/hash.hpp"
#include "aws/s3.hpp"
#include "aws/s3_get.hpp"
#include "aws/session.hpp"
#include "aws/ssm.hpp"
#include "base/text.hpp"
#include "launch/fetch_repo.hpp"
#include "launch/stage_log.hpp"
#include "launch/stage_process.hpp"
#include "net/encoding.hpp"
#include "net/within.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "save/fetch.hpp"
#include "save/target.hpp"

namespace curfew::launch {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

constexpr Seconds k_secrets_limit{120};
constexpr int k_exit_failed = 125;
constexpr int k_signal_base = 128;

// How a stage ended that was not good.
struct Bad {
  int code = k_exit_stage_failed;
  std::string why;
  int signal = 0;  // train died of it
};
using Ended = std::optional<Bad>;

std::string seconds_since(Steady::time_point began) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(Steady::now() - began).count());
}

class Runner {
 public:
  Runner(const Stages& stages, const StagesWorld& world)
      : stages_(stages),
        world_(world),
        http_(net::make_http_client(io_.get_executor(), net::client_options_from(world.environment))),
        session_(aws::make_session(*http_, world.clock, world.environment)) {}

  int run() {
    // The secrets that this process holds in memory are not for other programs of the same user.
    ::prctl(PR_SET_DUMPABLE, 0);
    // A reader of stdout that has gone is no reason to stop: the log has it all.
    ::signal(SIGPIPE, SIG_IGN);
    if (!stages_.secrets.empty() && !stage("secrets", k_secrets_limit, [this] { return read_secrets(); }))
      return code_;
    if (stages_.has_code() && !stage("fetch", stages_.fetch_limit, [this] { return fetch_code(); }))
      return code_;
    if (!stages_.setup.empty() && !stage("setup", stages_.setup_limit, [this] { return set_up(); }))
      return code_;
    const bool has_data = !stages_.data.empty() || !stages_.restore.empty();
    if (has_data && !stage("data", stages_.data_limit, [this] { return fetch_data(); })) return code_;
    (void)stage("train", {}, [this] { return train(); });
    return code_;
  }

 private:
  // True where it's done, and the next may begin.
  bool stage(const char* name, std::optional<Seconds> limit, const std::function<Ended()>& work) {
    auto log = StageLog::open(world_.logs + "/" + name + ".log");
    if (!log) {
      std::fprintf(stderr, "curfew: stage %s: %s\n", name, printable(log.error().text(), 1'000).c_str());
      code_ = k_exit_failed;
      return false;
    }
    log_ = std::move(*log);
    const auto began = Steady::now();
    until_ = limit ? std::optional(began + *limit) : std::nullopt;
    log_->say(
        fmt::format("stage {} begins{}", name, limit ? ", for " + format_duration(*limit) + " at most" : ""));
    record(name, "running", began, 0);
    const auto bad = work();
    if (!bad) {
      log_->say(fmt::format("stage {} done in {}", name, seconds_since(began)));
      record(name, "done", began, 0);
      return true;
    }
    code_ = bad->code;
    log_->say(fmt::format("stage {} failed: {} after {} (its log: {})", name, bad->why, seconds_since(began),
                          log_->path()));
    record(name, "failed", began, bad->code);
    if (bad->signal != 0) die_of(bad->signal);
    return false;
  }

  // As the guard sees it, and says it.
  static void die_of(int signal) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(signal, SIG_DFL);
    ::kill(::getpid(), signal);
  }

  void record(const char* name, const char* state, Steady::time_point began, int code) {
    if (!record_.empty() && record_.back().at("name").as_string() == name) record_.pop_back();
    const auto took = std::chrono::duration_cast<Millis>(Steady::now() - began);
    record_.push_back(boost::json::object{{"name", name},
                                          {"state", state},
                                          {"began", format_utc(world_.clock.wall() - took)},
                                          {"ms", took.count()},
                                          {"exit_code", code}});
    const boost::json::object all{{"version", 1}, {"stages", record_}};
    // For those who look; nothing hangs on it.
    (void)os::replace_file(world_.logs + "/stages.json", boost::json::serialize(all) + "\n", 0644,
                           os::Sync::no);
  }

  [[nodiscard]] Millis left() const {
    return std::max(Millis{1}, std::chrono::ceil<Millis>(*until_ - Steady::now()));
  }

  [[nodiscard]] Bad late() const { return {k_exit_stage_limit, "not done in time"}; }

  [[nodiscard]] Ended told(const Error& error) const {
    if (error.kind == ErrorKind::timed_out && until_ && Steady::now() >= *until_) return late();
    return Bad{k_exit_stage_failed, error.text()};
  }

  [[nodiscard]] std::vector<std::string> environment(
      const std::map<std::string, std::string>& more = {}) const {
    auto all = world_.environment;
    for (const auto& [name, value] : more) all[name] = value;
    std::vector<std::string> texts;
    for (const auto& [name, value] : all) texts.push_back(name + "=" + value);
    return texts;
  }

  // The program of one of the stages before train.
  Ended run_program(const std::vector<std::string>& argv,
                    const std::map<std::string, std::string>& more = {}) {
    const auto end = run_logged(argv, environment(more), left(), log_);
    if (!end) return Bad{k_exit_stage_failed, end.error().text()};
    if (end->is_good()) return {};
    if (end->told)
      return Bad{k_signal_base + *end->told, "it was told to stop, by signal " + std::to_string(*end->told)};
    if (end->timed_out) return late();
    return Bad{end->signal != 0 ? k_signal_base + end->signal : end->code, end->text()};
  }

  // What waits for AWS, within what is left of the stage's time.
  template <class T>
  Result<T> wait_for(net::Awaitable<Result<T>> work) {
    std::optional<std::optional<Result<T>>> got;
    asio::co_spawn(io_, net::within(left(), std::move(work)),
                   [&got](const std::exception_ptr& thrown, std::optional<Result<T>> value) {
                     if (thrown) std::rethrow_exception(thrown);
                     got.emplace(std::move(value));
                   });
    io_.restart();
    while (!got && io_.run_one() > 0) {
    }
    if (!got || !*got) return fail(ErrorKind::timed_out, "wait for AWS", "not done in time");
    return std::move(**got);
  }

  Result<std::string> region() { return wait_for(session_->region()); }

  Result<std::string> read_parameter(const std::string& parameter) {
    const auto where = region();
    if (!where) return where;
    const auto ssm = aws::make_ssm(*session_, *where);
    return wait_for(ssm->secret(parameter));
  }

  Ended read_secrets() {
    for (const auto& secret : stages_.secrets) {
      auto value = read_parameter(secret.parameter);
      if (!value) return told(std::move(value.error()).within("the secret " + secret.name));
      if (value->find('\0') != std::string::npos)
        return Bad{k_exit_stage_failed, "the secret " + secret.name + " holds a NUL, which no variable can"};
      secrets_[secret.name] = std::move(*value);
      log_->say("secret " + secret.name + " read from ssm:" + secret.parameter);
    }
    return {};
  }

  Ended fetch_code() { return stages_.repo ? fetch_repo() : fetch_workdir(); }

  Ended fetch_repo() {
    std::string token;
    if (!stages_.repo->token.empty()) {
      auto value = read_parameter(stages_.repo->token);
      if (!value) return told(std::move(value.error()).within("the token of --repo-token"));
      token = std::move(*value);
    }
    auto credential = GitCredential::make(stages_.repo->url, token);
    if (!credential) return Bad{k_exit_stage_failed, credential.error().text()};
    for (const auto& step : git_steps(*stages_.repo, world_.folder, *credential)) {
      if (step.only_with_submodules && !os::exists(world_.folder + "/.gitmodules")) continue;
      log_->say(step.says);
      auto bad = run_program(step.argv, git_variables());
      if (bad && !step.instead.empty() && bad->code != k_exit_stage_limit && bad->code < k_signal_base + 1) {
        log_->say("not by itself: fetching all branches and tags");
        bad.reset();
        for (const auto& argv : step.instead)
          if (!bad) bad = run_program(argv, git_variables());
      }
      if (bad) {
        bad->why = "git: " + bad->why;
        return bad;
      }
    }
    return {};
  }

  Ended fetch_workdir() {
    const auto& packed = *stages_.workdir;
    const auto archive = world_.logs + "/../.curfew-workdir.tar.gz";
    const auto where = region();
    if (!where) return told(where.error());
    const auto get = aws::make_s3_get(*session_, *where);
    const auto brought = wait_for(bring_archive(*get, packed, archive));
    Ended bad;
    if (!brought) bad = told(brought.error());
    else if (*brought != packed.sha256)
      bad = Bad{k_exit_stage_failed,
                packed.place.text() + " has the SHA-256 " + *brought + ", not " + packed.sha256};
    if (!bad) {
      log_->say("unpacking " + format_bytes(packed.bytes) + " to " + world_.folder);
      bad = run_program({"tar", "--extract", "--gzip", "--no-same-owner", "--file=" + archive,
                         "--directory=" + world_.folder});
      if (bad) bad->why = "tar: " + bad->why;
    }
    (void)os::remove_file(archive);
    return bad;
  }

  // Piece by piece, to a file of this user's alone; its SHA-256.
  static net::Awaitable<Result<std::string>> bring_archive(aws::S3Get& get, PackedCode packed,
                                                           std::string path) {
    if (auto removed = os::remove_file(path); !removed) co_return fail(std::move(removed.error()));
    const os::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!fd) co_return fail_errno("write " + path, errno);
    aws::Sha256 sum;
    for (std::uint64_t at = 0; at < packed.bytes;) {
      const auto length = std::min(aws::k_largest_piece, packed.bytes - at);
      auto asked = get.get(packed.place, at, length, packed.bytes, "");
      const auto piece = co_await std::move(asked);
      if (!piece) co_return fail(Error{piece.error()});
      sum.update(piece->bytes);
      if (auto written = os::write_all(fd.get(), piece->bytes, path); !written)
        co_return fail(std::move(written.error()));
      at += length;
    }
    const auto digest = sum.finish();
    co_return net::hex(digest);
  }

  Ended set_up() {
    const std::string shell = os::exists("/bin/bash") ? "/bin/bash" : "/bin/sh";
    std::size_t number = 0;
    for (const auto& command : stages_.setup) {
      log_->say(fmt::format("setup {} of {}: {}", ++number, stages_.setup.size(), printable(command, 1'000)));
      if (auto bad = run_program({shell, "-c", command}); bad) {
        if (stages_.setup.size() > 1) bad->why = fmt::format("command {}: {}", number, bad->why);
        return bad;
      }
    }
    return {};
  }

  Ended fetch_data() {
    const auto where = region();
    if (!where) return told(where.error());
    const auto s3 = aws::make_s3(*session_, *where);
    const auto get = aws::make_s3_get(*session_, *where);
    for (const auto& data : stages_.data)
      if (const auto fetched = bring(*s3, *get, data.from, data.path, {}); !fetched)
        return told(fetched.error());
    for (const auto& saved : stages_.restore)
      if (const auto restored = restore(*s3, *get, saved); !restored) return told(restored.error());
    return {};
  }

  Status bring(aws::S3& s3, aws::S3Get& get, const aws::S3Location& from, const std::string& path,
               std::string leave_out) {
    const auto to = path.starts_with('/') ? path : world_.folder + "/" + path;
    log_->say(from.text() + " to " + to);
    save::FetchOptions options;
    options.manifest = world_.logs + "/../.curfew-data.jsonl";
    options.leave_out = std::move(leave_out);
    const auto note = [this](const std::string& line) { log_->say(line); };
    auto fetched = wait_for(save::fetch(io_.get_executor(), s3, get, from, to, std::move(options), note));
    if (!fetched) return fail(std::move(fetched.error()));
    std::string line = fmt::format("{} files, {}", fetched->files, format_bytes(fetched->bytes));
    if (fetched->there > 0) line += fmt::format("; {} were there already", fetched->there);
    if (fetched->unverified > 0)
      line += fmt::format("; of {} S3 keeps no checksum: only their size was checked", fetched->unverified);
    log_->say(line);
    return {};
  }

  Status restore(aws::S3& s3, aws::S3Get& get, const Data& saved) {
    for (const auto& [from, path] : saved_places(saved)) {
      auto brought = bring(s3, get, from, path, std::string(save::k_logs_below));
      if (brought || brought.error().kind != ErrorKind::not_found) return brought;
    }
    log_->say("nothing was saved to " + saved.from.text() + " yet");
    return {};
  }

  Ended train() {
    // A shell finds the command as one would by typing it, and is replaced by it.
    std::vector<std::string> argv;
    if (stages_.command.empty())
      argv = {os::exists("/bin/bash") ? "/bin/bash" : "/bin/sh", "-c", stages_.shell};
    else {
      argv = {"/bin/sh", "-c", "exec \"$@\"", "sh"};
      argv.insert(argv.end(), stages_.command.begin(), stages_.command.end());
    }
    const auto end = run_logged(argv, environment(secrets_), {}, log_);
    if (!end) return Bad{k_exit_failed, end.error().text()};
    if (end->code == 0 && end->signal == 0) return {};
    return Bad{end->signal != 0 ? k_signal_base + end->signal : end->code, end->text(), end->signal};
  }

  const Stages& stages_;
  const StagesWorld& world_;
  asio::io_context io_{1};
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<aws::Session> session_;
  std::map<std::string, std::string> secrets_;
  std::shared_ptr<StageLog> log_;
  std::optional<Steady::time_point> until_;
  boost::json::array record_;
  int code_ = 0;
};

}  // namespace

int run_stages(const Stages& stages, const StagesWorld& world) {
  // Never destroyed: what was cut short by a limit still refers to it, and the process ends now.
  auto* const runner = new Runner(stages, world);
  return runner->run();
}

}  // namespace curfew::launch
