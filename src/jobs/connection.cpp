// ssh or the AWS CLI.
#include "jobs/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "aws/core/endpoints.hpp"
#include "aws/imds.hpp"
#include "base/text.hpp"

namespace curfew::jobs {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// As useradd takes them, or of a directory service; never an option.
bool is_user(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_ipv4(std::string_view text) {
  const auto parts = split(text, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           const auto number = parse_number(part);
           return part.size() <= 3 && number && *number <= 255;
         });
}

// Of a file in ~/.ssh.
bool is_key_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.' || c == ' ' || c == '@' ||
                  c == '+';
         });
}

std::string option_of(const launch::LaunchFile* launch, std::string_view name) {
  std::string value;
  if (launch == nullptr) return value;
  for (const auto& [key, text] : launch->options)
    if (key == name) value = text;
  return value;
}

// Whom an image is made for, by what it's called.
std::string user_of_image(const std::string& image) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> k_users{
      {{"al2023", "ec2-user"},
       {"amzn", "ec2-user"},
       {"amazon-linux", "ec2-user"},
       {"debian", "admin"},
       {"rhel", "ec2-user"}}};
  for (const auto& [part, user] : k_users)
    if (image.find(part) != std::string::npos) return std::string(user);
  return "ubuntu";
}

Connection by_ssm(const Row& row, const std::string& profile, std::string note) {
  std::vector<std::string> words{"aws",        "ssm",      "start-session", "--target",
                                 row.instance, "--region", row.region};
  if (!profile.empty()) words.insert(words.end(), {"--profile", profile});
  return {std::move(words), std::move(note)};
}

}  // namespace

Result<Connection> connection_of(const Row& row, const launch::LaunchFile* launch, const ConnectWish& wish,
                                 const std::function<bool(const std::string&)>& exists) {
  const auto what = "connect to " + printable(row.launch_id, 80);
  if (!aws::is_instance_id(row.instance) || !aws::is_region(row.region))
    return fail(ErrorKind::not_found, what, "it has no instance that is known",
                "curfew ps shows what became of it");
  if (row.instance_state.empty() && !row.complete)
    return fail(ErrorKind::unavailable, what,
                "EC2 can't be asked whether " + row.instance + " is its instance", "curfew ps shows why");
  if (row.instance_state != "running")
    return fail(
        ErrorKind::not_found, what,
        "its instance " + row.instance + " doesn't run" +
            (row.instance_state.empty() ? ": EC2 doesn't know it any more" : ": it is " + row.instance_state),
        "curfew logs shows what it said");
  const auto key_name = option_of(launch, "key-name");
  if (wish.by_ssm || (key_name.empty() && wish.key.empty())) return by_ssm(row, wish.profile, {});
  if (!is_ipv4(row.public_ipv4))
    return by_ssm(row, wish.profile, "it has no public address, so ssh can't reach it from here");
  auto user = wish.user.empty() ? user_of_image(option_of(launch, "image")) : wish.user;
  if (!is_user(user))
    return fail(ErrorKind::invalid_input, "--user '" + printable(user, 80) + "'", "is no user's name");
  auto key = wish.key;
  if (key.empty() && is_key_name(key_name) && wish.home.starts_with('/')) {
    for (const auto* suffix : {".pem", ""}) {
      const auto path = wish.home + "/.ssh/" + key_name + suffix;
      if (key.empty() && exists(path)) key = path;
    }
  }
  Connection connection{{"ssh"}, {}};
  if (key.empty())
    connection.note =
        "no file ~/.ssh/" + printable(key_name, 80) + "[.pem] is here: ssh takes what it has (--key FILE)";
  else connection.words.insert(connection.words.end(), {"-i", key});
  connection.words.push_back(user + "@" + row.public_ipv4);
  return connection;
}

}  // namespace curfew::jobs
