// The calls, in their order.
#include "setup/teardown_work.hpp"

#include "aws/pages.hpp"
#include "base/text.hpp"

namespace curfew::setup {
namespace {

// For emptying: each round deletes up to 1000 of what is there.
constexpr std::size_t k_most_rounds = k_most_counted / 1'000;

Awaitable<Status> empty_bucket(AccountCalls calls, std::string bucket) {
  const aws::S3Location all{bucket, ""};
  auto looking = calls.objects.list_uploads(all);
  const auto uploads = co_await std::move(looking);
  if (!uploads) co_return fail(with_permission(Error{uploads.error()}, "s3:ListBucketMultipartUploads"));
  for (const auto& upload : uploads->uploads) {
    const aws::S3Location at{bucket, upload.key};
    auto aborting = calls.objects.abort_multipart(at, upload.id);
    const auto aborted = co_await std::move(aborting);
    if (!aborted) co_return fail(with_permission(Error{aborted.error()}, "s3:AbortMultipartUpload"));
  }
  for (std::size_t round = 0; round < k_most_rounds; ++round) {
    auto listing = calls.objects.list(all, "");
    const auto page = co_await std::move(listing);
    if (!page) co_return fail(with_permission(Error{page.error()}, "s3:ListBucket"));
    if (page->objects.empty()) co_return Status{};
    std::vector<std::string> keys;
    for (const auto& object : page->objects) keys.push_back(object.key);
    auto deleting = calls.bucket.delete_objects(std::move(keys));
    const auto deleted = co_await std::move(deleting);
    if (!deleted) co_return fail(with_permission(Error{deleted.error()}, "s3:DeleteObject"));
  }
  co_return fail(ErrorKind::conflict, "empty the bucket " + bucket,
                 "there is always more in it: something goes on writing");
}

Awaitable<Status> empty_profile(aws::Iam& iam, std::vector<std::string> roles) {
  for (const auto& role : roles) {
    auto removing = iam.remove_role(std::string(k_instance_role), role);
    auto removed = co_await std::move(removing);
    if (!removed) co_return removed;
  }
  co_return Status{};
}

struct Made {
  std::string what;  // empty: not worth a line
  std::string_view permission;
};

struct Wording {
  const Place& place;
  Made operator()(const EmptyBucket&) const { return {"", "s3:DeleteObject"}; }
  Made operator()(const DeleteBucket&) const {
    return {"bucket " + place.bucket() + " deleted, with all that was in it", "s3:DeleteBucket"};
  }
  Made operator()(const DeleteGroup& step) const {
    return {"security group " + step.group + " deleted", "ec2:DeleteSecurityGroup"};
  }
  Made operator()(const EmptyProfile&) const { return {"", "iam:RemoveRoleFromInstanceProfile"}; }
  Made operator()(const DeleteProfile&) const {
    return {"instance profile " + std::string(k_instance_role) + " deleted", "iam:DeleteInstanceProfile"};
  }
  Made operator()(const DeleteRolePolicy&) const { return {"", "iam:DeleteRolePolicy"}; }
  Made operator()(const DeleteRole& step) const {
    return {"role " + name_of(step.role) + " deleted", "iam:DeleteRole"};
  }
};

struct Beginning {
  AccountCalls calls;
  const Place& place;
  using Begun = Awaitable<Status>;
  Begun operator()(const EmptyBucket&) const { return empty_bucket(calls, place.bucket()); }
  Begun operator()(const DeleteBucket&) const { return calls.bucket.delete_bucket(); }
  Begun operator()(const DeleteGroup& step) const { return calls.groups.delete_group(step.group); }
  Begun operator()(const EmptyProfile& step) const { return empty_profile(calls.iam, step.roles); }
  Begun operator()(const DeleteProfile&) const {
    return calls.iam.delete_profile(std::string(k_instance_role));
  }
  Begun operator()(const DeleteRolePolicy& step) const {
    return calls.iam.delete_role_policy(name_of(step.role), std::string(k_role_policy));
  }
  Begun operator()(const DeleteRole& step) const { return calls.iam.delete_role(name_of(step.role)); }
};

}  // namespace

Awaitable<Result<std::vector<Heap>>> read_heaps(AccountCalls calls, Place place) {
  const aws::S3Location all{place.bucket(), ""};
  std::vector<Heap> heaps;
  std::size_t counted = 0;
  for (std::string next;;) {
    auto listing = calls.objects.list(all, next);
    const auto page = co_await std::move(listing);
    if (!page) co_return fail(with_permission(Error{page.error()}, "s3:ListBucket"));
    counted += page->objects.size();
    if (counted > k_most_counted)
      co_return fail(ErrorKind::invalid_input, "count what is in " + all.bucket,
                     "it's more than 5 million objects", "empty it by a lifecycle rule first");
    for (const auto& object : page->objects) add_object(heaps, object.key, object.size);
    if (page->next.empty()) co_return heaps;
    if (page->objects.empty() || page->next == next)
      co_return fail(ErrorKind::unavailable, "count what is in " + all.bucket,
                     "the list goes round in circles");
    next = page->next;
  }
}

Awaitable<Result<std::vector<std::string>>> launched_in(aws::Ec2Inventory& inventory, std::string region) {
  using enum aws::InstanceState;
  std::vector<std::string> found;
  aws::PageRule rule("DescribeInstances in " + region);
  for (std::string token;;) {
    aws::InstanceFilter filter;
    filter.states = {pending, running, stopping, stopped};
    filter.tags.push_back({"curfew:launch", {}});
    auto asking = inventory.instances(std::move(filter), token);
    auto page = co_await std::move(asking);
    if (!page)
      co_return fail(with_permission(std::move(page.error()), "ec2:DescribeInstances").within(region));
    for (const auto& row : page->rows)
      found.push_back(row.id + " in " + region + " (" + std::string(aws::name_of(row.state)) + ")");
    const auto next = rule.after(page->next);
    if (!next) co_return fail(Error{next.error()});
    if (*next == aws::NextPage::none) co_return found;
    token = std::move(page->next);
  }
}

Awaitable<bool> tear_down(AccountCalls calls, Place place, TeardownPlan plan,
                          std::function<void(const Outcome&)> tell) {
  bool all = true;
  for (const auto& part : plan.parts) {
    for (const auto& step : part.steps) {
      const auto [what, permission] = std::visit(Wording{place}, step);
      auto deleting = std::visit(Beginning{calls, place}, step);
      auto deleted = co_await std::move(deleting);
      if (deleted) {
        if (!what.empty()) tell({what, {}});
        continue;
      }
      all = false;
      tell({what, fail(with_permission(std::move(deleted).error(), permission))});
      break;
    }
  }
  co_return all;
}

}  // namespace curfew::setup
