// Who launches a job again: of several who try in the same moment one does. The claim is one small object beside the launch
// that is gone, STAGING/jobs/LAUNCH/retried.json, which only one of those who write it at once writes.
//
// It's taken before anything of the new attempt is staged. A claim is free again where its attempt has given it up or has noted
// that it made nothing, and where nothing of it is staged k_claim_holds after it was written last: its launcher is dead, or it
// finds out by renew(), before it asks EC2 for anything, that it holds the claim no more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "launch/again.hpp"
#include "launch/calls.hpp"
#include "os/clock.hpp"

namespace curfew::launch {

struct Claim {
  std::string launch_id;     // of the new attempt
  WallTime at{};             // by its launcher's clock, for people
  std::int64_t renewed = 0;  // so that no two writes are alike
  bool given_up = false;     // it has made nothing, and never will
};
[[nodiscard]] std::string to_json(const Claim& claim);
[[nodiscard]] Result<Claim> claim_from_json(std::string_view text);
inline constexpr std::size_t k_largest_claim = 4U << 10U;
[[nodiscard]] aws::S3Location claim_place(const aws::S3Location& staging, std::string_view launch_id);

// From a claim to launch.json of its attempt, which is staged before EC2 is asked, minutes pass at most.
inline constexpr Seconds k_claim_holds = std::chrono::minutes{15};

// Whether that launch may be launched again: conflict where another attempt holds it, which is said with how to follow it.
[[nodiscard]] Awaitable<Status> check_unclaimed(Calls& calls, aws::S3Location staging, std::string launch_id);

class RetryClaim {
 public:
  RetryClaim(Calls& calls, const os::Clock& clock, aws::S3Location staging, Again again, std::string own_id);
  // conflict where another attempt holds it, or the launch before isn't over after all. Nothing is held then.
  [[nodiscard]] Awaitable<Status> take();
  // Before EC2 is asked: that it's held still, and the launch before is over still. After this nobody takes it over by what
  // was there before.
  [[nodiscard]] Awaitable<Status> renew();
  // Where nothing was made. An error leaves it to k_claim_holds.
  [[nodiscard]] Awaitable<Status> give_up();

 private:
  [[nodiscard]] std::string text(bool given_up = false);
  Awaitable<Status> claim_it();
  Awaitable<Status> check_last();
  Awaitable<Status> write_anew(bool given_up);

  Calls& calls_;
  const os::Clock& clock_;
  aws::S3Location staging_;
  Again again_;
  Claim own_;
  std::string etag_;
};

}  // namespace curfew::launch
