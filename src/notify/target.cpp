// Parsing what --notify names.
#include "notify/target.hpp"

#include <algorithm>

#include "aws/ssm.hpp"
#include "base/text.hpp"
#include "net/wire.hpp"
#include "notify/address.hpp"

namespace curfew::notify {
namespace {

constexpr std::size_t k_longest_name = 128;
constexpr std::size_t k_longest_path = 4096;  // PATH_MAX
constexpr std::string_view k_forms =
    "it is https://…, sns:ARN, ssm:/PARAMETER, env:NAME or file:PATH, and mailto:ADDRESS for curfew check";

tl::unexpected<Error> refuse(ErrorKind kind, std::string why, std::string hint = std::string(k_forms)) {
  return fail(kind, "use the place to notify", std::move(why), std::move(hint));
}

bool is_variable(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && name.size() <= k_longest_name && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_path(std::string_view path) {
  return !path.empty() && path.size() <= k_longest_path && path.find('\0') == std::string_view::npos;
}

Status check_host(const net::Url& url) {
  if (is_disguised_address(url.host))
    return refuse(ErrorKind::refused, "its address is written so that a reader doesn't see which it is",
                  "write a name, or a.b.c.d in decimal");
  boost::system::error_code not_numeric;
  const auto address = boost::asio::ip::make_address(url.host, not_numeric);
  if (!not_numeric && !is_allowed(address))
    return refuse(ErrorKind::refused, "link-local and metadata addresses are never notified", "");
  const bool loopback = not_numeric ? url.host == "localhost" : is_loopback(address);
  if (url.scheme == "http" && !loopback)
    return refuse(ErrorKind::refused, "it is http, and what goes there could be read on the way",
                  "use https; http is for 127.0.0.1, [::1] and localhost");
  return {};
}

Result<Target> parse_webhook(std::string_view text) {
  auto url = net::parse_url(text);
  // Its `what` shows the text; its `cause` doesn't.
  if (!url) return refuse(ErrorKind::invalid_input, "its URL can't be used: " + url.error().cause);
  if (auto good = check_host(*url); !good) return fail(std::move(good).error());
  return Target{Webhook{std::move(*url)}};
}

}  // namespace

net::AddressFilter Webhook::allowed() const { return url.scheme == "https" ? is_allowed : is_loopback; }

std::string Target::shown() const {
  if (const auto* webhook = std::get_if<Webhook>(&place)) return net::place_of(webhook->url) + "/…";
  if (const auto* mailbox = std::get_if<Mailbox>(&place)) return "mail to " + mailbox->address;
  if (const auto* parameter = std::get_if<Parameter>(&place)) return "ssm:" + parameter->name;
  const auto& topic = std::get<aws::Topic>(place);
  return "SNS topic " + topic.name + " in " + topic.region;
}

std::string Target::secret_text() const {
  if (const auto* webhook = std::get_if<Webhook>(&place))
    return net::place_of(webhook->url) + webhook->url.target;
  if (const auto* mailbox = std::get_if<Mailbox>(&place)) return "mailto:" + mailbox->address;
  if (const auto* parameter = std::get_if<Parameter>(&place)) return "ssm:" + parameter->name;
  return "sns:" + std::get<aws::Topic>(place).arn();
}

Result<Target> parse_target(std::string_view text) {
  if (text.starts_with("sns:")) {
    auto topic = aws::parse_topic_arn(text.substr(4));
    if (!topic) return refuse(ErrorKind::invalid_input, topic.error().cause, topic.error().hint);
    return Target{std::move(*topic)};
  }
  if (text.starts_with("ssm:")) {
    if (!aws::is_parameter_name(text.substr(4)) || text.substr(4).front() != '/')
      return refuse(ErrorKind::invalid_input, "what follows ssm: is no parameter's name",
                    "as ssm:/curfew/slack");
    return Target{Parameter{std::string(text.substr(4))}};
  }
  if (text.starts_with("mailto:")) {
    auto mailbox = parse_mailbox(text.substr(7));
    if (!mailbox)
      return refuse(ErrorKind::invalid_input, "its address is none that is taken", mailbox.error().hint);
    return Target{std::move(*mailbox)};
  }
  if (text.empty()) return refuse(ErrorKind::invalid_input, "it is empty");
  if (text.find("://") == std::string_view::npos) return refuse(ErrorKind::invalid_input, "it names none");
  return parse_webhook(text);
}

Status check_on_ending_machine(const Target& target) {
  if (!std::holds_alternative<Mailbox>(target.place)) return {};
  return refuse(ErrorKind::refused, "mail could still be waiting on this machine when it ends",
                "curfew check sends mail; SNS does for a machine that ends");
}

Result<Target> parse_held(std::string_view text) {
  auto target = parse_target(trimmed(text));
  if (!target) return target;
  if (auto good = check_on_ending_machine(*target); !good) return fail(std::move(good).error());
  if (std::holds_alternative<Parameter>(target->place))
    return refuse(ErrorKind::refused, "it names another parameter", "");
  return target;
}

Status check_without_secret(std::string_view option) {
  static constexpr const char* k_fix =
      "aws ssm put-parameter --type SecureString --name /curfew/slack --value file://FILE, with the URL in "
      "FILE; then "
      "--notify ssm:/curfew/slack";
  if (auto good = check_option(option); !good) return good;
  if (option.starts_with("env:") || option.starts_with("file:"))
    return refuse(ErrorKind::refused, "it is on this machine, and the job's instance can't see it", k_fix);
  const auto target = parse_target(option);
  if (!target) return fail(Error{target.error()});
  if (std::holds_alternative<Webhook>(target->place))
    return refuse(ErrorKind::refused, "a webhook's path is its password, and would lie in S3 with the job",
                  k_fix);
  return check_on_ending_machine(*target);
}

Status check_option(std::string_view option) {
  if (option.starts_with("env:")) {
    if (is_variable(option.substr(4))) return {};
    return refuse(ErrorKind::invalid_input, "what follows env: is no variable's name");
  }
  if (option.starts_with("file:")) {
    if (is_path(option.substr(5))) return {};
    return refuse(ErrorKind::invalid_input, "what follows file: is no path");
  }
  if (auto target = parse_target(option); !target) return fail(std::move(target).error());
  return {};
}

Result<Resolved> resolve_target(std::string_view option, const net::Environment& environment,
                                const ReadSecret& read) {
  if (auto good = check_option(option); !good) return fail(std::move(good).error());
  Resolved resolved;
  std::string text(option);
  std::string from;
  if (option.starts_with("env:")) {
    const auto name = option.substr(4);
    from = "the variable " + std::string(name);
    text = trimmed(net::get(environment, name));
    if (text.empty()) return refuse(ErrorKind::not_found, from + " is not set", "");
  } else if (option.starts_with("file:")) {
    const auto path = option.substr(5);
    from = printable(path);
    auto secret = read(std::string(path));
    if (!secret) return fail(std::move(secret).error().within("read the place to notify"));
    text = trimmed(secret->line);
    resolved.warning = std::move(secret->warning);
    if (text.empty()) return refuse(ErrorKind::invalid_input, "the first line of " + from + " is empty", "");
  }
  auto target = parse_target(text);
  if (!target) return fail(std::move(target).error().within("read " + from));
  resolved.target = std::move(*target);
  return resolved;
}

std::string shown_option(std::string_view option) {
  if (option.starts_with("env:") && is_variable(option.substr(4))) return std::string(option);
  if (option.starts_with("file:")) return printable(option);
  const auto target = parse_target(option);
  return target ? target->shown() : "…";
}

}  // namespace curfew::notify
