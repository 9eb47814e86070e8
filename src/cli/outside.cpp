// Finds, shows, asks, carries out.
#include "cli/outside.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aws/core/call.hpp"
#include "aws/core/endpoints.hpp"
#include "aws/iam.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "cli/targets.hpp"
#include "launch/records.hpp"
#include "net/environment.hpp"
#include "os/signals.hpp"
#include "os/terminal.hpp"
#include "setup/names.hpp"
#include "watch/act_text.hpp"
#include "watch/deadline_moves.hpp"

namespace curfew::cli {
namespace {

using Decide = std::function<watch::DeadlinePlan(const watch::FoundInstance&, const watch::ScheduleSeen&,
                                                 const std::string& token)>;

// One command over all that it names.
class Outside {
 public:
  Outside(const Targets& targets, const char* session_name, const World& world)
      : targets_(targets),
        clock_(world.clock),
        accounts_({targets.profile, targets.regions, targets.roles, session_name}, world.clock,
                  net::process_environment()) {}

  // `question`: asked before anything is made; empty: it isn't asked.
  // `prepare`, where there is any, comes after signing in; its error ends the command.
  int run(const Decide& decide, const std::function<std::string(std::size_t)>& question,
          const std::function<Status(Accounts&)>& prepare = {}) {
    os::survive_broken_pipes();
    if (os::stdout_was_closed()) {
      say("stdout is closed: nobody would see what is to be done, so nothing is");
      return k_exit_failed;
    }
    if (auto signed_in = accounts_.sign_in(); !signed_in) {
      say(signed_in.error().text());
      return k_exit_no_credentials;
    }
    if (prepare) {
      if (auto prepared = prepare(accounts_); !prepared) {
        say(prepared.error().text());
        return k_exit_failed;
      }
    }
    const auto findings = find_targets(accounts_, targets_, clock_);
    failures_ = say_missing(findings, targets_, clock_);
    for (const auto& found : findings.found) look_at(found, decide);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      say("what is to be done could not be shown, so nothing is done");
      return k_exit_failed;
    }
    const auto to_do = static_cast<std::size_t>(std::count_if(
        works_.begin(), works_.end(), [](const Work& work) { return !work.plan.changes.empty(); }));
    if (to_do > 0 && question) {
      if (!says_yes(question(to_do))) {
        say("nothing is done");
        return k_exit_not_all;
      }
    }
    for (const auto& work : works_) carry_out(work);
    return failures_ == 0 ? 0 : k_exit_not_all;
  }

 private:
  struct Work {
    const watch::FoundInstance& found;
    std::unique_ptr<watch::DeadlineCalls> calls;
    watch::DeadlinePlan plan;
  };

  void look_at(const watch::FoundInstance& found, const Decide& decide) {
    Work work{found, watch::make_deadline_calls(*found.reads, found.machine.region), {}};
    watch::ScheduleSeen seen;
    accounts_.run([&]() -> net::Awaitable<void> {
      auto seeing = watch::see_schedule(*work.calls, found.machine.id);
      seen = co_await std::move(seeing);
    });
    work.plan = decide(found, seen, launch::new_launch_id(clock_.wall()));
    if (!work.plan.refused.empty()) {
      ++failures_;
      say(watch::about(found.machine, clock_.wall()) + ": nothing is done: " + work.plan.refused);
      return;
    }
    show(work.plan.lines);
    works_.push_back(std::move(work));
  }

  void carry_out(const Work& work) {
    const auto& id = work.found.machine.id;
    const auto at = format_utc(work.plan.deadline);
    std::vector<std::string> again{"curfew", "extend", id, "--to", at, "--region", work.found.machine.region};
    if (!work.found.role.empty()) again.insert(again.end(), {"--account", work.found.role});
    if (!targets_.profile.empty()) again.insert(again.end(), {"--profile", targets_.profile});
    Status done;
    accounts_.run([&]() -> net::Awaitable<void> {
      auto carrying = watch::carry_out(
          *work.calls, work.found, work.plan, clock_, [](const std::string& text) { say(text); },
          shell_quoted(again));
      done = co_await std::move(carrying);
    });
    if (!done) {
      ++failures_;
      say(id + ": " + done.error().text());
      return;
    }
    std::printf("%s is to be gone by %s%s\n", id.c_str(), at.c_str(),
                work.plan.changes.empty() ? ", and was already" : "");
  }

  const Targets& targets_;
  const os::Clock& clock_;
  Accounts accounts_;
  std::vector<Work> works_;
  std::size_t failures_ = 0;
};

// The scheduler's role that `curfew setup` makes. Who may not look for it takes it to be there: the scheduler tells.
Result<std::string> role_of_setup(Accounts& accounts) {
  auto& session = accounts.session();
  const std::string name(setup::k_scheduler_role);
  Result<std::string> found;
  accounts.run([&]() -> net::Awaitable<void> {
    const auto sts = aws::make_sts(session, accounts.home());
    auto asking = sts->caller_identity();
    const auto identity = co_await std::move(asking);
    if (!identity) {
      found = fail(Error{identity.error()});
      co_return;
    }
    const setup::Place place{std::string(aws::partition_of(accounts.home()).name), identity->account,
                             accounts.home()};
    const auto iam = aws::make_iam(session, accounts.home());
    auto looking = iam->role(name);
    const auto role = co_await std::move(looking);
    if (!role && !aws::is_denied(role.error())) found = fail(Error{role.error()});
    else if (role && !*role)
      found = fail(ErrorKind::not_found, "--scheduler-role", "isn't given, and there is no role " + name,
                   "`curfew setup --apply` makes it; --no-schedule does without what ends the instance "
                   "whatever else fails");
    else found = role ? (*role)->arn : place.role_arn(name);
  });
  return found;
}

}  // namespace

int guard_instances(const Words& words, const World& world) {
  auto options = parse_guard(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return std::fputs(k_guard_help.data(), stdout) < 0 ? k_exit_failed : 0;
  if (!options->yes && ::isatty(STDIN_FILENO) != 1) {
    say("guard: stdin is no terminal on which to ask, so nothing is done (--yes does it without asking)");
    return k_exit_failed;
  }
  Outside outside(options->targets, "curfew-guard", world);
  const auto decide = [&](const watch::FoundInstance& found, const watch::ScheduleSeen& seen,
                          const std::string& token) {
    return watch::plan_guard(found, options->wish, seen, world.clock.wall(), token, options->targets.profile);
  };
  std::function<std::string(std::size_t)> question;
  if (!options->yes)
    question = [](std::size_t many) {
      return "Guard " + std::to_string(many) + (many == 1 ? " instance?" : " instances?");
    };
  return outside.run(decide, question, [&options](Accounts& accounts) -> Status {
    auto& role = options->wish.scheduler_role;
    if (!options->wish.schedule || !role.empty()) return {};
    auto found = role_of_setup(accounts);
    if (!found) return fail(std::move(found.error()));
    role = std::move(*found);
    return {};
  });
}

int extend_instances(const ExtendOptions& options, const World& world) {
  Outside outside(options.targets, "curfew-extend", world);
  return outside.run(
      [&](const watch::FoundInstance& found, const watch::ScheduleSeen& seen, const std::string& token) {
        return watch::plan_move(found, options.wish, seen, world.clock.wall(), token);
      },
      {});
}

}  // namespace curfew::cli
