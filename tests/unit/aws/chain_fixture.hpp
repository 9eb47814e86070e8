// The whole chain of credentials on files that aren't there, a transport that answers from a list, and a clock.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "aws/core/credentials.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_http.hpp"
#include "support/run.hpp"

namespace curfew::aws {

inline constexpr const char* k_config = "/home/u/.aws/config";

using Files = std::map<std::string, std::string>;

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

class ChainTest : public testing::Test {
 protected:
  std::unique_ptr<CredentialsSource> make(net::Environment environment, Files files,
                                          const std::string& profile = {}) {
    environment["HOME"] = home_;
    files_ = std::move(files);
    const ReadFile read = [this](const std::string& path) -> Result<std::string> {
      if (const auto found = files_.find(path); found != files_.end()) return found->second;
      return fail(ErrorKind::not_found, "read " + path, "no such file");
    };
    imds_ = make_imds(http_, clock_, environment);
    auto loaded = load_profile(environment, profile, read);
    CredentialsParts parts{http_, clock_, *imds_, std::move(environment), std::move(loaded), !profile.empty(),
                           read};
    parts.run_as = [](const std::string&) { return std::optional<os::Account>(); };  // the files aren't there
    return make_credentials(std::move(parts));
  }
  Result<Credentials> get(net::Environment environment, Files files, const std::string& profile = {}) {
    return test::run(make(std::move(environment), std::move(files), profile)->get());
  }
  // What the error says, whole.
  std::string refusal(net::Environment environment, Files files, const std::string& profile = {}) {
    const auto got = get(std::move(environment), std::move(files), profile);
    return got ? "got " + got->access_key : got.error().text();
  }

  std::string home_ = "/home/u";
  test::FakeHttp http_;
  test::FakeClock clock_;
  Files files_;
  std::unique_ptr<Imds> imds_;
};

}  // namespace curfew::aws
