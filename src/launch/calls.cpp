// The real calls.
#include "launch/calls.hpp"

#include "aws/core/hash.hpp"
#include "aws/ec2.hpp"
#include "aws/ec2_inventory.hpp"
#include "aws/pages.hpp"
#include "net/within.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_most_pages = 100;  // EC2 may answer with empty ones before the one that counts

class AwsCalls final : public Calls {
 public:
  AwsCalls(aws::Session& session, std::string region)
      : s3_(aws::make_s3(session, region)),
        conditional_(aws::make_s3_conditional(session, region)),
        launch_(aws::make_ec2_launch(session, region)),
        ec2_(aws::make_ec2(session, region)),
        inventory_(aws::make_ec2_inventory(session, region)),
        scheduler_(aws::make_scheduler(session, region)),
        maker_(aws::make_schedule_maker(session, region)) {}

  Awaitable<Result<bool>> is_there(aws::S3Location object, std::size_t size) override {
    auto head = co_await s3_->head(std::move(object));
    if (head) co_return head->size == size;
    if (head.error().kind == ErrorKind::not_found) co_return false;
    co_return fail(std::move(head.error()));
  }

  Awaitable<Status> put(aws::S3Location to, std::string body) override {
    auto sha256 = aws::sha256_base64(body);
    auto put = co_await s3_->put(std::move(to), std::move(body), std::move(sha256), {});
    if (!put) co_return fail(std::move(put.error()));
    co_return Status{};
  }

  Awaitable<Result<std::string>> put_if(aws::S3Location to, std::string body, std::string etag) override {
    return conditional_->put(std::move(to), std::move(body), std::move(etag));
  }

  Awaitable<Result<std::optional<aws::Kept>>> read(aws::S3Location from, std::size_t limit) override {
    auto reading = conditional_->read(std::move(from), limit);
    auto kept = co_await std::move(reading);
    if (kept) co_return std::optional(std::move(*kept));
    if (kept.error().kind == ErrorKind::not_found) co_return std::optional<aws::Kept>{};
    co_return fail(std::move(kept.error()));
  }

  Awaitable<Result<aws::Launched>> run(aws::RunRequest request) override {
    return launch_->run(std::move(request));
  }

  Awaitable<Result<std::vector<Found>>> find(std::string launch_id) override {
    using enum aws::InstanceState;
    std::vector<Found> all;
    aws::PageRule rule("DescribeInstances", k_most_pages);
    for (std::string token;;) {
      aws::InstanceFilter filter;
      filter.states = {pending, running, shutting_down, stopping, stopped, terminated};
      filter.tags.push_back({"curfew:launch", {launch_id}});
      auto page = co_await inventory_->instances(std::move(filter), token);
      if (!page) co_return fail(std::move(page.error()));
      for (const auto& row : page->rows)
        all.push_back({row.id, std::string(name_of(row.state)),
                       std::string(row.tags.find("curfew:schedule").value_or(""))});
      const auto next = rule.after(page->next);
      if (!next) co_return fail(Error{next.error()});
      if (*next == aws::NextPage::none) co_return all;
      token = std::move(page->next);
    }
  }

  Awaitable<Status> tag(std::string instance, aws::KeyValues tags) override {
    return launch_->create_tags(std::move(instance), std::move(tags));
  }
  Awaitable<Result<std::string>> terminate(std::string instance) override {
    return ec2_->terminate_instance(std::move(instance));
  }
  Awaitable<Status> create_schedule(aws::EndSchedule wanted) override {
    return maker_->create_schedule(std::move(wanted));
  }
  Awaitable<Result<aws::Schedule>> schedule(std::string name) override {
    return scheduler_->schedule(std::move(name), "default");
  }
  Awaitable<Status> delete_schedule(std::string name) override {
    return maker_->delete_schedule(std::move(name), "default");
  }
  Awaitable<void> sleep(Millis time) override { return net::pause(time); }

 private:
  std::unique_ptr<aws::S3> s3_;
  std::unique_ptr<aws::S3Conditional> conditional_;
  std::unique_ptr<aws::Ec2Launch> launch_;
  std::unique_ptr<aws::Ec2> ec2_;
  std::unique_ptr<aws::Ec2Inventory> inventory_;
  std::unique_ptr<aws::Scheduler> scheduler_;
  std::unique_ptr<aws::ScheduleMaker> maker_;
};

}  // namespace

std::unique_ptr<Calls> make_calls(aws::Session& session, std::string region) {
  return std::make_unique<AwsCalls>(session, std::move(region));
}

}  // namespace curfew::launch
