// The real questions.
#include "jobs/source.hpp"

#include <algorithm>
#include <utility>

#include "aws/ec2_inventory.hpp"
#include "aws/pages.hpp"
#include "aws/s3_browse.hpp"
#include "launch/launch_file.hpp"
#include "launch/records.hpp"
#include "pricing/instance_facts.hpp"

namespace curfew::jobs {
namespace {

constexpr std::size_t k_most_pages = 200;  // of 1000 launches each

MachineSeen seen_from(const aws::ListedInstance& row) {
  MachineSeen machine;
  machine.id = row.id;
  machine.type = row.type;
  machine.zone = row.zone;
  machine.launch_id = row.tags.find("curfew:launch").value_or("");
  machine.job = row.tags.find("curfew:job").value_or("");
  machine.state = row.state;
  machine.launched = row.launched;
  machine.reason_code = row.reason_code;
  machine.ended = pricing::transition_time(row.reason);
  machine.public_ipv4 = row.public_ipv4;
  if (const auto at = parse_utc(row.tags.find("curfew:deadline").value_or(""))) machine.deadline = *at;
  if (const auto price = parse_dollars(row.tags.find("curfew:price").value_or(""))) machine.price = *price;
  return machine;
}

class AwsSource final : public Source {
 public:
  AwsSource(aws::Session& session, aws::S3Location staging, std::string region)
      : session_(session),
        staging_(std::move(staging)),
        browse_(aws::make_s3_browse(session, std::move(region))) {}

  Awaitable<Result<std::vector<std::string>>> launches() override {
    const aws::S3Location below{staging_.bucket, launch::folder_of(staging_) + "jobs/"};
    std::vector<std::string> ids;
    aws::PageRule rule("list " + below.text(), k_most_pages);
    for (std::string token;;) {
      auto asking = browse_->list({below, {}, true}, token);
      auto page = co_await std::move(asking);
      if (!page) co_return fail(std::move(page.error()));
      for (const auto& folder : page->folders) {
        if (!folder.starts_with(below.key) || !folder.ends_with('/')) continue;
        auto id = folder.substr(below.key.size(), folder.size() - below.key.size() - 1);
        if (launch::is_launch_id(id)) ids.push_back(std::move(id));
      }
      const auto next = rule.after(page->next);
      if (!next) co_return fail(Error{next.error()});
      if (*next == aws::NextPage::none) break;
      token = std::move(page->next);
    }
    // Their ids begin with the time.
    std::sort(ids.begin(), ids.end(), std::greater<>());
    co_return ids;
  }

  Awaitable<Result<bool>> is_there(std::string launch_id) override {
    auto asking = browse_->list({launch::place_of(staging_, launch_id, ""), {}, false}, {});
    auto page = co_await std::move(asking);
    if (!page) co_return fail(std::move(page.error()));
    co_return !page->objects.empty();
  }

  Awaitable<Result<std::optional<std::string>>> read(std::string launch_id, std::string name,
                                                     std::size_t limit) override {
    auto asking = browse_->read(launch::place_of(staging_, launch_id, name), limit);
    auto text = co_await std::move(asking);
    if (text) co_return std::optional(std::move(*text));
    if (text.error().kind == ErrorKind::not_found) co_return std::optional<std::string>{};
    co_return fail(std::move(text.error()));
  }

  Awaitable<Result<std::vector<MachineSeen>>> machines(std::string region,
                                                       std::vector<std::string> launch_ids) override {
    aws::InstanceFilter filter;
    filter.tags.push_back({"curfew:launch", std::move(launch_ids)});
    auto asking = all(std::move(region), std::move(filter));
    co_return co_await std::move(asking);
  }

  Awaitable<Result<std::optional<MachineSeen>>> machine(std::string region, std::string instance) override {
    aws::InstanceFilter filter;
    filter.ids.push_back(std::move(instance));
    auto asking = all(std::move(region), std::move(filter));
    auto found = co_await std::move(asking);
    if (!found) co_return fail(std::move(found.error()));
    if (found->empty()) co_return std::optional<MachineSeen>{};
    co_return std::optional(std::move(found->front()));
  }

 private:
  Awaitable<Result<std::vector<MachineSeen>>> all(std::string region, aws::InstanceFilter filter) {
    const auto inventory = aws::make_ec2_inventory(session_, region);
    std::vector<MachineSeen> machines;
    aws::PageRule rule("DescribeInstances in " + region, k_most_pages);
    for (std::string token;;) {
      auto asking = inventory->instances(filter, token);
      auto page = co_await std::move(asking);
      if (!page) co_return fail(std::move(page.error()));
      for (const auto& row : page->rows) {
        auto machine = seen_from(row);
        if (launch::is_launch_id(machine.launch_id)) machines.push_back(std::move(machine));
      }
      const auto next = rule.after(page->next);
      if (!next) co_return fail(Error{next.error()});
      if (*next == aws::NextPage::none) co_return machines;
      token = std::move(page->next);
    }
  }

  aws::Session& session_;
  aws::S3Location staging_;
  std::unique_ptr<aws::S3Browse> browse_;
};

}  // namespace

std::unique_ptr<Source> make_source(aws::Session& session, aws::S3Location staging, std::string region) {
  return std::make_unique<AwsSource>(session, std::move(staging), std::move(region));
}

}  // namespace curfew::jobs
