// Where launched jobs are read from: the staging bucket and EC2, as bounded questions; behind an interface for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/s3.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "jobs/assess.hpp"
#include "net/http.hpp"

namespace curfew::jobs {

using net::Awaitable;

class Source {
 public:
  virtual ~Source() = default;
  // The ids of all launches, newest first. What isn't named as a launch is passed over. not_found: no such bucket.
  [[nodiscard]] virtual Awaitable<Result<std::vector<std::string>>> launches() = 0;
  // Whether anything lies under that launch.
  [[nodiscard]] virtual Awaitable<Result<bool>> is_there(std::string launch_id) = 0;
  // STAGING/jobs/LAUNCH/NAME; nothing where there's no such object.
  [[nodiscard]] virtual Awaitable<Result<std::optional<std::string>>> read(std::string launch_id,
                                                                           std::string name,
                                                                           std::size_t limit) = 0;
  // Those of these launches, at most k_launches_a_question, in a region; terminated ones too, as long as EC2 shows them.
  [[nodiscard]] virtual Awaitable<Result<std::vector<MachineSeen>>> machines(
      std::string region, std::vector<std::string> launch_ids) = 0;
  // The one of that id; nothing where the region has none, or it's no launch's.
  [[nodiscard]] virtual Awaitable<Result<std::optional<MachineSeen>>> machine(std::string region,
                                                                              std::string instance) = 0;
};
inline constexpr std::size_t k_launches_a_question = 200;  // EC2's limit for the values of a filter

// The session must outlive it. `region`: where the calls to S3 begin.
[[nodiscard]] std::unique_ptr<Source> make_source(aws::Session& session, aws::S3Location staging,
                                                  std::string region);

}  // namespace curfew::jobs
