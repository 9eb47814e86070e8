// Where notifications go, as `--notify` names it. Parsing is pure; a file is read by secret_file.hpp.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "aws/sns.hpp"
#include "base/result.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "notify/mail.hpp"

namespace curfew::notify {

// A webhook that takes Slack's {"text": …}. Its path is its password.
struct Webhook {
  net::Url url;
  // What the request may connect to: for http only loopback, whatever the name resolves to.
  [[nodiscard]] net::AddressFilter allowed() const;
};

// A parameter of SSM that holds one of the others; read only where something is to be sent, by who sends it.
struct Parameter {
  std::string name;
};

struct Target {
  std::variant<Webhook, aws::Topic, Mailbox, Parameter> place;

  // For logs and people: "https://hooks.slack.com/…", "SNS topic alerts in us-east-1", "mail to
  // a@example.com", "ssm:/curfew/slack". Never the path, query or account.
  [[nodiscard]] std::string shown() const;
  // What parse_target() reads again: a secret, for a file that nobody else can read.
  [[nodiscard]] std::string secret_text() const;
};

// "https://…", "sns:ARN", "ssm:/PARAMETER" or "mailto:ADDRESS". http only to loopback by its address or as localhost; no user info; no link-local or metadata
// address, however it's written. Errors (invalid_input, refused) never show the text.
[[nodiscard]] Result<Target> parse_target(std::string_view text);

// Refuses mail: sendmail hands it to this machine's own mail system, which ends with the machine.
[[nodiscard]] Status check_on_ending_machine(const Target& target);

// What a parameter held: a webhook or a topic. Errors never show it. Pure.
[[nodiscard]] Result<Target> parse_held(std::string_view text);

// Whether a launch may take it to its instance: what has no secret in it, for it lies in S3 and in the job's files. The error
// says how to make a parameter of another. Pure.
[[nodiscard]] Status check_without_secret(std::string_view option);

// Whether it can be what --notify is given: as resolve_target() has it, without looking where env: and file: point. Errors
// never show the text. Pure.
[[nodiscard]] Status check_option(std::string_view option);

// What a file held, and what is to be said of it to its owner (may be empty).
struct SecretFile {
  std::string line;
  std::string warning;
};
using ReadSecret = std::function<Result<SecretFile>(const std::string& path)>;

struct Resolved {
  Target target;
  std::string warning;  // empty, or a line for the log
};
// An option's value: what parse_target() takes, or "env:NAME" or "file:PATH" for where that stands. The last two keep it
// out of the process list.
[[nodiscard]] Result<Resolved> resolve_target(std::string_view option, const net::Environment& environment,
                                              const ReadSecret& read);

// An option's value as it may be shown: "env:NAME" and "file:PATH" as they are, else the target's shown(), or "…" where
// it's none.
[[nodiscard]] std::string shown_option(std::string_view option);

}  // namespace curfew::notify
