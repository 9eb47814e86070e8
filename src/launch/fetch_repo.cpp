// git's words.
#include "launch/fetch_repo.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::launch {
namespace {

constexpr const char* k_file = "credential";
constexpr const char* k_code = "refs/curfew/code";  // what was asked for, whatever it's called
// What GitHub takes beside a token, and GitLab and others ignore.
constexpr std::string_view k_user = "x-access-token";
constexpr std::size_t k_shortest_commit = 7;
constexpr std::size_t k_longest_commit = 64;

bool may_be_commit(std::string_view ref) {
  return ref.size() >= k_shortest_commit && ref.size() <= k_longest_commit &&
         std::all_of(ref.begin(), ref.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<std::string> credential_text(std::string_view token) {
  token = trimmed(token);
  if (token.empty() || token.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
    return fail(ErrorKind::invalid_input, "use the token of --repo-token",
                "the parameter is empty, or has more than one line");
  const auto colon = token.find(':');
  const auto user = colon == std::string_view::npos ? k_user : token.substr(0, colon);
  const auto password = colon == std::string_view::npos ? token : token.substr(colon + 1);
  return "username=" + std::string(user) + "\npassword=" + std::string(password) + "\n";
}

std::string origin_of(std::string_view url) {
  const auto host = url.find("://");
  if (host == std::string_view::npos) return {};
  return std::string(url.substr(0, url.find('/', host + 3))) + "/";
}

Result<GitCredential> GitCredential::make(const std::string& url, std::string_view token) {
  GitCredential credential;
  if (token.empty()) return credential;
  const auto text = credential_text(token);
  if (!text) return fail(Error{text.error()});
  std::string folder =
      (::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + std::string("/curfew-git.XXXXXX");
  if (::mkdtemp(folder.data()) == nullptr) return fail_errno("make a folder for a token", errno);
  credential.folder_ = folder;
  const auto file = folder + "/" + k_file;
  if (auto written = os::replace_file(file, *text, 0600, os::Sync::no); !written)
    return fail(std::move(written.error()));
  // An empty one first: those of the image aren't asked.
  const auto key = "credential." + origin_of(url) + ".helper=";
  credential.options_ = {"-c", "credential.helper=",
                         "-c", key,
                         "-c", key + "!f() { test \"$1\" = get && cat '" + file + "'; }; f"};
  return credential;
}

GitCredential::~GitCredential() {
  if (folder_.empty()) return;
  ::unlink((folder_ + "/" + k_file).c_str());
  ::rmdir(folder_.c_str());
}

std::vector<GitStep> git_steps(const Repo& repo, const std::string& folder, const GitCredential& credential) {
  const auto git = [&](std::vector<std::string> words) {
    std::vector<std::string> argv{"git", "-C", folder};
    argv.insert(argv.end(), credential.options().begin(), credential.options().end());
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  };
  const auto ref = repo.ref.empty() ? std::string("HEAD") : repo.ref;
  std::vector<GitStep> steps;
  steps.push_back({"git init", git({"init", "--quiet", "."}), {}, false});
  steps.push_back(
      {"git remote add origin " + repo.url, git({"remote", "add", "origin", repo.url}), {}, false});
  GitStep fetch{
      "git fetch " + ref, git({"fetch", "--depth=1", "origin", "+" + ref + ":" + k_code}), {}, false};
  // By the commit's id alone only some servers give it, and none by a shortened one.
  if (may_be_commit(ref))
    fetch.instead = {git({"fetch", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"}),
                     git({"update-ref", k_code, ref + "^{commit}"})};
  steps.push_back(std::move(fetch));
  steps.push_back(
      {"git checkout", git({"-c", "advice.detachedHead=false", "checkout", "--detach", k_code}), {}, false});
  steps.push_back(
      {"git submodule update", git({"submodule", "update", "--init", "--recursive", "--depth=1"}), {}, true});
  return steps;
}

const std::map<std::string, std::string>& git_variables() {
  static const std::map<std::string, std::string> k_variables{
      {"GIT_TERMINAL_PROMPT", "0"},
      {"GIT_ASKPASS", "true"},
      {"SSH_ASKPASS", "true"},
      {"GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"}};
  return k_variables;
}

}  // namespace curfew::launch
