// What a launch asks of AWS, behind an interface so that every cut point can be tested without it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/ec2_launch.hpp"
#include "aws/s3.hpp"
#include "aws/s3_conditional.hpp"
#include "aws/scheduler.hpp"
#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::launch {

using net::Awaitable;

// An instance as the look-up by the tag curfew:launch finds it.
struct Found {
  std::string id;
  std::string state;     // "pending", "running", …
  std::string schedule;  // the tag curfew:schedule; empty: none
};

class Calls {
 public:
  virtual ~Calls() = default;
  // Whether an object of that size is there already.
  [[nodiscard]] virtual Awaitable<Result<bool>> is_there(aws::S3Location object, std::size_t size) = 0;
  [[nodiscard]] virtual Awaitable<Status> put(aws::S3Location to, std::string body) = 0;
  // As S3Conditional's: where there is none (`etag` empty), or still that one; conflict otherwise.
  [[nodiscard]] virtual Awaitable<Result<std::string>> put_if(aws::S3Location to, std::string body,
                                                              std::string etag) = 0;
  // Nothing where there's no such object.
  [[nodiscard]] virtual Awaitable<Result<std::optional<aws::Kept>>> read(aws::S3Location from,
                                                                         std::size_t limit) = 0;
  [[nodiscard]] virtual Awaitable<Result<aws::Launched>> run(aws::RunRequest request) = 0;
  // Those of a launch, those that EC2 still shows as terminated too; new ones may be missing for seconds.
  [[nodiscard]] virtual Awaitable<Result<std::vector<Found>>> find(std::string launch_id) = 0;
  [[nodiscard]] virtual Awaitable<Status> tag(std::string instance, aws::KeyValues tags) = 0;
  // The state that EC2 answers with.
  [[nodiscard]] virtual Awaitable<Result<std::string>> terminate(std::string instance) = 0;
  [[nodiscard]] virtual Awaitable<Status> create_schedule(aws::EndSchedule wanted) = 0;
  [[nodiscard]] virtual Awaitable<Result<aws::Schedule>> schedule(std::string name) = 0;
  [[nodiscard]] virtual Awaitable<Status> delete_schedule(std::string name) = 0;
  virtual Awaitable<void> sleep(Millis pause) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Calls> make_calls(aws::Session& session, std::string region);

}  // namespace curfew::launch
