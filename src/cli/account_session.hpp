// A session with AWS for commands that set up an account, and whose account it is.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "aws/session.hpp"
#include "aws/sts.hpp"
#include "base/result.hpp"
#include "cli/loop.hpp"
#include "net/environment.hpp"
#include "os/clock.hpp"
#include "setup/account_work.hpp"

namespace curfew::cli {

class AccountSession {
 public:
  AccountSession(const std::string& profile, const std::string& region, const os::Clock& clock);

  template <class T>
  T complete(net::Awaitable<T> work) {
    return cli::complete(io_, std::move(work));
  }
  [[nodiscard]] aws::Session& session() { return *session_; }
  [[nodiscard]] Result<std::string> region();
  // Who asks; within 30 s.
  [[nodiscard]] Result<aws::CallerIdentity> identity(const std::string& region);
  [[nodiscard]] Result<setup::Place> place();

 private:
  net::Environment environment_;
  boost::asio::io_context io_{1};
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<aws::Session> session_;
};

// The calls on what launches need there; the session must outlive it.
class AccountServices {
 public:
  AccountServices(aws::Session& session, const setup::Place& place)
      : bucket_(aws::make_s3_bucket(session, place.bucket(), place.region, place.account)),
        objects_(aws::make_s3(session, place.region)),
        iam_(aws::make_iam(session, place.region)),
        groups_(aws::make_ec2_groups(session, place.region)) {}
  [[nodiscard]] setup::AccountCalls calls() { return {*bucket_, *objects_, *iam_, *groups_}; }

 private:
  std::unique_ptr<aws::S3Bucket> bucket_;
  std::unique_ptr<aws::S3> objects_;
  std::unique_ptr<aws::Iam> iam_;
  std::unique_ptr<aws::Ec2Groups> groups_;
};

}  // namespace curfew::cli
