// Runs a program of the user's on the loop, within bounds, and reads what it prints.
#include "aws/core/credential_process.hpp"

#include <sys/poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>

#include "base/text.hpp"

namespace curfew::aws {
namespace {

namespace asio = boost::asio;

constexpr Millis k_limit{60'000};  // as in the SDKs for Go and Java: it may open a browser's session
constexpr std::size_t k_most_output = 64U << 10U;
constexpr std::size_t k_most_words = 256;
constexpr Millis k_look{5};
constexpr Millis k_look_most{100};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The program where a shell would find it; the name itself where it has a slash.
Result<std::string> find_on_path(const std::string& name, const net::Environment& environment) {
  if (name.find('/') != std::string::npos) return name;
  auto path = net::get(environment, "PATH");
  if (path.empty()) path = os::k_system_path;  // a service has none
  for (const auto folder : split(path, ':')) {
    if (folder.empty()) continue;
    auto candidate = std::string(folder) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail(ErrorKind::not_found, "run " + printable(name, 100),
              "no folder of PATH has it: " + printable(path), "write its whole path into credential_process");
}

os::Surroundings surroundings_of(const net::Environment& environment) {
  os::Surroundings around;
  for (const auto& [name, value] : environment) around.environment.push_back(name + "=" + value);
  if (net::get(environment, "PATH").empty())
    around.environment.push_back("PATH=" + std::string(os::k_system_path));
  around.with_errors = false;  // they may quote a password
  return around;
}

// Killed with its children when the coroutine that waits for it ends, however it ends.
class Child {
 public:
  explicit Child(os::Running running) : running_(std::move(running)) {}
  ~Child() { os::kill_command(running_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  os::Running& operator*() { return running_; }

 private:
  os::Running running_;
};

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool has_ended(const os::Running& running) {
  pollfd wait{running.pidfd.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) > 0;
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view text) {
  const auto refuse = [](std::string why) {
    return fail(ErrorKind::invalid_input, "read the command in credential_process", std::move(why),
                "quote it as in a shell; no variables and no ~ there");
  };
  if (text.find('\0') != std::string_view::npos) return refuse("it has a zero byte");
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote == 0 && is_blank(c)) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (++at == text.size()) return refuse("it ends with a backslash");
      // Within double quotes it's a character as others are, but before a quote or another of its kind.
      if (quote == '"' && text[at] != '"' && text[at] != '\\') word += c;
      word += text[at];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      word += c;
    }
  }
  if (quote != 0) return refuse("a quote in it isn't closed");
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words.front().empty()) return refuse("it names no program");
  if (words.size() > k_most_words)
    return refuse("it has more than " + std::to_string(k_most_words) + " words");
  return words;
}

Result<std::optional<os::Account>> run_as_owner(const std::string& file) {
  if (::geteuid() != 0) return std::nullopt;
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return fail_errno("see whose " + printable(file) + " is", errno);
  if (status.st_uid != 0) return os::Account{status.st_uid, status.st_gid};
  if ((status.st_mode & 022U) != 0)
    return fail(ErrorKind::refused, "trust " + printable(file),
                "others can write it, and it names a program that root would run",
                "chmod go-w " + printable(file));
  return std::nullopt;
}

Result<Credentials> parse_process_output(std::string_view json, std::string source) {
  const auto what = "read what credential_process printed";
  const auto refuse = [&](std::string why) {
    return fail(ErrorKind::refused, what, std::move(why), "run it by hand: it must print one JSON object");
  };
  boost::json::error_code failed;
  boost::json::parse_options options;
  options.max_depth = 8;
  const auto value = boost::json::parse({json.data(), json.size()}, failed, {}, options);
  if (failed || !value.is_object()) return refuse("that is no JSON object");
  const auto& object = value.get_object();
  const auto* version = object.if_contains("Version");
  if (version == nullptr || !version->is_int64() || version->get_int64() != 1)
    return refuse("its Version is not 1");
  Credentials found;
  found.access_key = text_of(object, "AccessKeyId");
  found.secret_key = text_of(object, "SecretAccessKey");
  found.session_token = text_of(object, "SessionToken");
  found.source = std::move(source);
  if (found.access_key.empty() || found.secret_key.empty())
    return refuse("AccessKeyId or SecretAccessKey is missing");
  for (const auto* text : {&found.access_key, &found.secret_key, &found.session_token})
    if (!is_credential_text(*text)) return refuse("a key has a character that no key has");
  if (const auto* expiration = object.if_contains("Expiration");
      expiration != nullptr && !expiration->is_null()) {
    const auto expires = parse_utc(text_of(object, "Expiration"));
    if (!expires) return refuse("its Expiration can't be read");
    found.expires = *expires;
  }
  return found;
}

net::Awaitable<Result<Credentials>> run_credential_process(ProcessSource source, net::Environment environment,
                                                           RunAs run_as) {
  auto words = split_command(source.command);
  if (!words) co_return fail(std::move(words).error());
  auto path = find_on_path(words->front(), environment);
  if (!path) co_return fail(std::move(path).error());
  // Its name alone: the words after it may hold a secret.
  const auto what = "run credential_process " + printable(*path, 100);
  words->front() = std::move(*path);
  auto around = surroundings_of(environment);
  auto account = run_as(source.file);
  if (!account) co_return fail(std::move(account).error().within(what));
  around.as = *account;
  auto running = os::start_command(*words, {}, &around);
  if (!running) co_return fail(ErrorKind::system, what, running.error().cause);
  Child child(std::move(*running));

  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto until = std::chrono::steady_clock::now() + k_limit;
  std::string output;
  for (Millis look = k_look;; look = std::min(2 * look, k_look_most)) {
    // In this order: what it wrote before it ended is there once it has.
    const bool ended = has_ended(*child);
    os::read_output(*child, output);
    if (output.size() >= k_most_output)
      co_return fail(ErrorKind::refused, what, "it printed more than " + format_bytes(k_most_output));
    if (ended) break;
    if (std::chrono::steady_clock::now() >= until)
      co_return fail(ErrorKind::timed_out, what,
                     "it did not end within " + format_duration(std::chrono::ceil<Seconds>(k_limit)),
                     "run it by hand: it must not wait for somebody");
    timer.expires_after(look);
    co_await timer.async_wait(asio::use_awaitable);
  }
  const int code = os::reap(*child);
  if (code != 0)
    co_return fail(ErrorKind::refused, what, "it ended with exit code " + std::to_string(code),
                   "run it by hand to see why: what it wrote to stderr may hold secrets, and isn't shown");
  auto found = parse_process_output(output, "credential_process of profile " + source.profile);
  if (!found) co_return fail(std::move(found).error().within(what));
  co_return found;
}

}  // namespace curfew::aws
