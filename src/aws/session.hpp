// What every AWS call shares: built once by main, handed down.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "aws/core/credentials.hpp"
#include "aws/core/endpoints.hpp"
#include "aws/core/retry.hpp"
#include "aws/imds.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"

namespace curfew::aws {

struct SessionOptions {
  std::string profile;  // --profile; empty: AWS_PROFILE, else "default"
  std::string region;   // --region; empty: as region() says
};

// Single-threaded. Used by reference: it must outlive the calls made with it.
class Session {
 public:
  Session(net::HttpClient& http_client, const os::Clock& system_clock, net::Environment variables,
          SessionOptions options, ReadFile read);

  // --region, AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's own by IMDS; found once.
  [[nodiscard]] Awaitable<Result<std::string>> region();
  // The same as far as it is known without asking IMDS; empty where nothing names one.
  [[nodiscard]] std::string known_region() const;
  [[nodiscard]] Result<Endpoint> endpoint(std::string_view service, std::string_view region_name) const;

  net::HttpClient& http;
  const os::Clock& clock;
  net::Environment environment;
  Result<Profile> profile;
  std::unique_ptr<Imds> imds;
  std::unique_ptr<CredentialsSource> credentials;
  RetryQuota quota;
  Millis skew{0};                                // AWS's clock minus ours, once AWS has complained
  std::function<double()> random;                // in [0, 1)
  std::function<Awaitable<void>(Millis)> sleep;  // between attempts
  std::function<void(const std::string&)> note = [](auto&) {
  };  // one line for the log: retries, a wrong clock

 private:
  std::string region_;
};

// Reads ~/.aws; never fails: what is wrong there is told by the first call that needs it.
[[nodiscard]] std::unique_ptr<Session> make_session(net::HttpClient& http, const os::Clock& clock,
                                                    net::Environment environment,
                                                    SessionOptions options = {});

}  // namespace curfew::aws
