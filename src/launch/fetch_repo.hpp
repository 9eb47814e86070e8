// How git fetches a repository on the instance: without prompts, and with a token that is on no command line.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "launch/stages.hpp"

namespace curfew::launch {

// A token in a file of mode 0600, in memory where the machine has such a place; gone with this. git reads it by a helper
// that is asked for one host alone.
class GitCredential {
 public:
  // Of "user:token" or a token alone; empty: none, and no file.
  [[nodiscard]] static Result<GitCredential> make(const std::string& url, std::string_view token);
  GitCredential(GitCredential&& other) noexcept
      : folder_(std::exchange(other.folder_, {})), options_(std::move(other.options_)) {}
  GitCredential& operator=(GitCredential&&) = delete;
  GitCredential(const GitCredential&) = delete;
  GitCredential& operator=(const GitCredential&) = delete;
  ~GitCredential();
  // For git's own command line.
  [[nodiscard]] const std::vector<std::string>& options() const { return options_; }

 private:
  GitCredential() = default;
  std::string folder_;
  std::vector<std::string> options_;
};

// What a credential helper prints (git-credential(1)). invalid_input where the token has more than one line. Pure.
[[nodiscard]] Result<std::string> credential_text(std::string_view token);
// "https://host/" of a URL, as credential.<url>.helper wants it. Pure.
[[nodiscard]] std::string origin_of(std::string_view url);

struct GitStep {
  std::string says;
  std::vector<std::string> argv;
  std::vector<std::vector<std::string>> instead;  // where that fails
  bool only_with_submodules = false;
};
// A shallow fetch of the ref alone; a commit that a server doesn't give by itself is looked for among all. Pure.
[[nodiscard]] std::vector<GitStep> git_steps(const Repo& repo, const std::string& folder,
                                             const GitCredential& credential);

// Never a question, which nobody would answer.
[[nodiscard]] const std::map<std::string, std::string>& git_variables();

}  // namespace curfew::launch
