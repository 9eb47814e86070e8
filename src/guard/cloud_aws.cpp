// IMDS, EC2 and S3 as the guard uses them.
#include "guard/cloud_aws.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include "aws/ec2.hpp"
#include "aws/imds.hpp"
#include "aws/s3.hpp"
#include "aws/session.hpp"
#include "base/text.hpp"
#include "guard/cost_reading.hpp"
#include "guard/job_state.hpp"
#include "net/environment.hpp"
#include "os/job_record.hpp"
#include "os/machine.hpp"
#include "save/log_ship.hpp"
#include "save/saver.hpp"
#include "save/target.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

// The line that says what will happen shall not wait long for an API that may be cut off.
constexpr Millis k_behavior_limit{4'000};
constexpr Millis k_tidy_up{1'500};
constexpr Millis k_bucket_limit{10'000};
// For those who follow a launched job: so often a log's new text, and a part of full size at once. At a request in 15 s and
// log that costs less than a cent an hour, and what isn't sent by 4 parts in each look comes later.
constexpr Millis k_live_every{15'000};
constexpr std::size_t k_live_enough = 4U << 20U;
constexpr std::uint64_t k_live_parts = 4;
constexpr std::size_t k_most_buckets_asked = 3;  // the limits of all of them make half a minute

class AwsCloud final : public Cloud {
 public:
  AwsCloud(const Spec& spec, net::HttpClient& http, const os::Clock& clock, os::Log& log)
      : spec_(spec),
        clock_(clock),
        session_(aws::make_session(http, clock,
                                   net::Environment(spec.environment.begin(), spec.environment.end()))) {
    session_->note = [&log](const std::string& text) { log.warning(text); };
  }

  Awaitable<Result<MachineFacts>> facts() override {
    auto identity = co_await aws::read_identity(*session_->imds);
    if (!identity) co_return fail(std::move(identity.error()));
    MachineFacts facts;
    facts.instance_id = identity->instance_id;
    facts.region = identity->region;
    facts.instance_type = identity->instance_type;
    if (auto life = co_await aws::read_life_cycle(*session_->imds))
      facts.spot = *life == aws::LifeCycle::spot;
    auto tags = co_await aws::read_tags(*session_->imds);
    if (!tags) co_return fail(std::move(tags.error()));
    facts.tags_known = tags->has_value();
    if (*tags) facts.tags.insert((*tags)->begin(), (*tags)->end());

    const auto ec2 = aws::make_ec2(*session_, facts.region);
    const auto behavior = co_await within(k_behavior_limit, ec2->shutdown_behavior(facts.instance_id));
    if (behavior && *behavior)
      facts.shutdown_behavior = **behavior == "terminate" ? Ending::terminate : Ending::stop;
    // Asked only where the first question was allowed: both need the same right.
    if (facts.shutdown_behavior) {
      const auto volumes = co_await within(k_behavior_limit, ec2->volumes(facts.instance_id));
      if (volumes && *volumes) {
        for (const auto& volume : **volumes)
          facts.volumes.emplace_back(volume.id, volume.delete_on_termination);
      }
    }
    id_ = facts.instance_id;
    region_ = facts.region;
    co_return facts;
  }

  Awaitable<Result<std::optional<std::map<std::string, std::string>>>> tags() override {
    const auto read = co_await aws::read_tags(*session_->imds);
    if (!read) co_return fail(Error{read.error()});
    std::optional<std::map<std::string, std::string>> tags;
    if (*read) tags.emplace((*read)->begin(), (*read)->end());
    co_return tags;
  }

  Awaitable<Result<std::optional<std::string>>> tag(std::string key) override {
    return aws::read_tag(*session_->imds, std::move(key));
  }

  Awaitable<Result<SpotNews>> spot_news() override {
    SpotNews news;
    auto action = co_await aws::read_spot_action(*session_->imds);
    if (!action) co_return fail(std::move(action.error()));
    if (*action) {
      news.interrupted_at = (*action)->time;
      co_return news;
    }
    const auto rebalance = co_await aws::read_rebalance(*session_->imds);
    news.at_risk = rebalance && rebalance->has_value();
    co_return news;
  }

  Awaitable<Result<std::vector<Maintenance>>> maintenance() override {
    auto events = co_await aws::read_maintenance(*session_->imds);
    if (!events) co_return fail(std::move(events.error()));
    std::vector<Maintenance> active;
    for (auto& event : *events)
      if (event.active) active.push_back({std::move(event.id), std::move(event.code), event.not_before});
    co_return active;
  }

  Awaitable<Result<std::string>> end_instance(Ending ending) override {
    if (id_.empty()) {
      auto identity = co_await aws::read_identity(*session_->imds);
      if (!identity) co_return fail(std::move(identity.error()).within("find this instance's id"));
      id_ = identity->instance_id;
      region_ = identity->region;
    }
    const auto ec2 = aws::make_ec2(*session_, region_);
    // Not `? co_await a : co_await b`: g++ 12 destroys what such an expression gives twice.
    auto call = ending == Ending::terminate ? ec2->terminate_instance(id_) : ec2->stop_instance(id_);
    auto state = co_await std::move(call);
    if (!state) co_return fail(std::move(state.error()));
    // Done is what is seen to be done.
    if (*state != "shutting-down" && *state != "terminated" && *state != "stopping" && *state != "stopped")
      co_return fail(ErrorKind::unavailable, "end instance " + id_,
                     "EC2 says that it is " + printable(*state, 40));
    co_return state;
  }

  Awaitable<Status> may_save() override {
    auto found = co_await session_->credentials->get();
    if (!found) co_return fail(std::move(found.error()));
    co_return Status{};
  }

  Awaitable<BucketReport> look_for_buckets() override {
    co_await find_s3();
    BucketReport report;
    std::vector<std::string> asked;
    for (const auto& text : spec_.saves) {
      const auto target = save::parse_target(text);
      if (!target || asked.size() >= k_most_buckets_asked) continue;
      if (std::find(asked.begin(), asked.end(), target->to.bucket) != asked.end()) continue;
      asked.push_back(target->to.bucket);
      auto question = s3_->list(target->to, {});
      const auto answer = co_await within(k_bucket_limit, std::move(question));
      if (answer && *answer) continue;
      if (answer && answer->error().code == "NoSuchBucket") report.missing.push_back(target->to.bucket);
      else if (!answer || answer->error().kind != ErrorKind::refused) report.all_answered = false;
    }
    co_return report;
  }

  Awaitable<void> read_cost(CostReading& into) override { co_await guard::read_cost(*session_, into); }

  Awaitable<save::Summary> save(BootTime until, bool midway, std::shared_ptr<Cancel> cancel,
                                ShowProgress show) override {
    co_await find_s3();
    auto options = save_options(until, std::move(show));
    if (midway) {
      options.steady.emplace();
      options.left_out = left_out_;
      options.pace.refused_for =
          Millis{0};  // the next save tries again, and this one is to be told of at once
    }
    save::Saver saver(co_await asio::this_coro::executor, *s3_, clock_, std::move(options));
    cancel->listen([&saver] { saver.cancel(); });
    if (cancel->asked()) saver.cancel();
    auto summary = co_await saver.save();
    cancel->listen({});
    co_return summary;
  }

  Awaitable<save::Shipped> ship_logs() override {
    co_await find_log_ship();
    if (!log_ship_) co_return save::Shipped{};
    co_return co_await log_ship_->ship();
  }

  Awaitable<save::Shipped> finish_logs(BootTime until) override {
    co_await find_log_ship();
    if (!log_ship_) co_return save::Shipped{};
    co_return co_await log_ship_->finish(until);
  }

  Awaitable<save::Shipped> ship_live() override {
    co_await find_live_ship();
    if (!live_ship_) co_return save::Shipped{};
    co_return co_await live_ship_->ship();
  }

  Awaitable<save::Shipped> finish_live(BootTime until) override {
    co_await find_live_ship();
    if (!live_ship_) co_return save::Shipped{};
    co_return co_await live_ship_->finish(until);
  }

  Awaitable<Status> write_status(std::string text) override {
    co_await find_s3();
    if (!spec_.launched) co_return Status{};
    auto place = aws::parse_s3_url(spec_.launched->place + "status.json");
    if (!place) co_return fail(std::move(place.error()));
    net::Body body = std::move(text);
    auto putting = s3_->put(std::move(*place), std::move(body), {}, {});
    const auto put = co_await std::move(putting);
    if (!put) co_return fail(Error{put.error()});
    co_return Status{};
  }

 private:
  Awaitable<void> find_s3() {
    if (s3_) co_return;
    // Without a region S3 is asked where it began; it tells the bucket's own.
    const auto region = co_await session_->region();
    if (!s3_) s3_ = aws::make_s3(*session_, region ? *region : "us-east-1");
  }

  Awaitable<void> find_log_ship() {
    const auto executor = co_await asio::this_coro::executor;
    co_await find_s3();
    if (log_ship_ || spec_.saves.empty()) co_return;
    const auto first = save::parse_target(spec_.saves.front());
    if (!first) co_return;  // it was when the command line was read
    save::LogShipOptions options;
    // What the source is isn't looked at: it may lie on a file system that hangs.
    options.to = save::log_place(*first, save::SourceKind::unknown, id_.empty() ? os::host_name() : id_,
                                 spec_.times.started);
    options.sources = {{"output", os::JobPaths{spec_.places.state, spec_.places.run}.output()},
                       {"guard", spec_.log_path()}};
    options.state_path = spec_.places.state + "/shipped.json";
    if (spec_.save_every) options.every = *spec_.save_every;
    log_ship_ = std::make_unique<save::LogShip>(executor, *s3_, clock_, std::move(options));
  }

  Awaitable<void> find_live_ship() {
    const auto executor = co_await asio::this_coro::executor;
    co_await find_s3();
    if (live_ship_ || !spec_.launched) co_return;
    const auto place = aws::parse_s3_url(spec_.launched->place + "live/");
    if (!place) co_return;  // it was when the job file was read
    save::LogShipOptions options;
    options.to = *place;
    options.sources = {{"guard", spec_.log_path()}};
    for (const auto stage : k_stage_names) {
      const std::string name(stage);
      options.sources.push_back({name, spec_.launched->stages + "/" + name + ".log", spec_.owner});
    }
    options.state_path = spec_.places.state + "/live.json";
    options.every = k_live_every;
    options.enough = k_live_enough;
    options.parts_at_once = k_live_parts;
    live_ship_ = std::make_unique<save::LogShip>(executor, *s3_, clock_, std::move(options));
  }

  [[nodiscard]] save::Options save_options(BootTime until, ShowProgress show) const {
    save::Options options;
    for (const auto& text : spec_.saves) {
      if (auto target = save::parse_target(text)) options.targets.push_back(std::move(*target));
    }
    options.base_dir = spec_.folder;
    if (spec_.root && spec_.owner != 0) {
      const auto& groups = spec_.owner_groups;
      options.reader = std::make_shared<const os::FileUser>(
          os::FileUser{spec_.owner, spec_.owner_group, {groups.begin(), groups.end()}});
    }
    options.manifest_path = spec_.places.state + "/saved.jsonl";
    // A little before the policy gives up, so that what was not saved is told and unfinished uploads are aborted.
    options.until = until - std::clamp((until - clock_.boot()) / 4, Millis{0}, k_tidy_up);
    options.progress = std::move(show);
    return options;
  }

  const Spec& spec_;
  const os::Clock& clock_;
  std::unique_ptr<aws::Session> session_;
  std::unique_ptr<aws::S3> s3_;  // outlives every save: a call that hangs is left behind on it
  std::unique_ptr<save::LogShip> log_ship_;
  std::unique_ptr<save::LogShip> live_ship_;
  std::shared_ptr<save::LeftOut> left_out_ = std::make_shared<save::LeftOut>();
  std::string id_;
  std::string region_;
};

}  // namespace

Status check_credentials(const std::map<std::string, std::string>& environment, const os::Clock& clock,
                         Millis limit) {
  asio::io_context io{1};
  const net::Environment variables(environment.begin(), environment.end());
  const auto http = net::make_http_client(io.get_executor(), net::client_options_from(variables));
  const auto session = aws::make_session(*http, clock, variables);
  Status found = fail(ErrorKind::timed_out, "find AWS credentials",
                      "no answer within " + format_duration(std::chrono::ceil<Seconds>(limit)));
  const auto look = [&]() -> Awaitable<void> {
    auto got = co_await within(limit, session->credentials->get());
    if (got && *got) found = {};
    else if (got) found = fail(std::move(got->error()));
  };
  asio::co_spawn(io, look(), asio::detached);
  io.run();
  return found;
}

std::unique_ptr<Cloud> make_aws_cloud(const Spec& spec, net::HttpClient& http, const os::Clock& clock,
                                      os::Log& log) {
  return std::make_unique<AwsCloud>(spec, http, clock, log);
}

}  // namespace curfew::guard
