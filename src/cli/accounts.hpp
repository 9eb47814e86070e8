// The AWS accounts that `curfew check` and `curfew stop` speak to: the caller's own, and one for each role.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"
#include "watch/collect.hpp"
#include "watch/reads.hpp"

namespace curfew::cli {

struct AccountsRequest {
  std::string profile;               // --profile; may be empty
  std::vector<std::string> regions;  // --region; the first one's endpoint tells which are enabled
  std::vector<std::string> roles;    // of other accounts, by ARN
  std::string session_name;          // under which roles are assumed: "curfew-check"
  // Called ten times a second while run() works; may be null.
  std::function<void()> meanwhile = {};
  bool ask_regions = false;  // while signing in, where none is named: see take_enabled()
};

// Owns the loop and the sessions; all that is done in the accounts is done by run(), while this lives.
class Accounts {
 public:
  Accounts(AccountsRequest request, const os::Clock& clock, net::Environment environment);

  // An error: there are no credentials, or AWS doesn't take them. A role that can't be assumed is told when it's used.
  [[nodiscard]] Status sign_in();
  // Runs `work` on the loop until it has ended; what it throws is thrown.
  void run(const std::function<net::Awaitable<void>()>& work);

  // After sign_in(): the caller's own first.
  [[nodiscard]] const std::vector<watch::AccountReads>& all() const { return accounts_; }
  // The enabled regions of the caller's own account, as they were told while signing in; once, for they may change.
  [[nodiscard]] std::optional<std::vector<std::string>> take_enabled() { return std::exchange(enabled_, {}); }
  // Of the caller's own account.
  [[nodiscard]] aws::Session& session() { return *session_; }
  // The region whose endpoints are asked what isn't about one region.
  [[nodiscard]] const std::string& home() const { return home_; }

 private:
  [[nodiscard]] net::Awaitable<Status> find_own();
  [[nodiscard]] net::Awaitable<void> ask_caller(std::string& id, Status& status);
  [[nodiscard]] net::Awaitable<void> ask_regions();

  AccountsRequest request_;
  boost::asio::io_context io_{1};
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<aws::Session> session_;
  std::vector<std::unique_ptr<aws::Session>> assumed_;
  std::vector<std::unique_ptr<watch::Reads>> reads_;
  std::vector<watch::AccountReads> accounts_;
  std::string home_;
  std::optional<std::vector<std::string>> enabled_;
};

}  // namespace curfew::cli
