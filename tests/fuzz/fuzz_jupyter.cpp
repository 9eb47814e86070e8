// A Jupyter server's replies, and its address as typed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "guard/probes/jupyter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto half = text.find('\n');
  const auto kernels = text.substr(0, half);
  const auto terminals = half == std::string_view::npos ? std::string_view() : text.substr(half + 1);
  if (const auto activity = guard::parse_jupyter_replies(kernels, terminals)) {
    if (activity->busy > activity->kernels) std::abort();
  }
  if (const auto server = guard::parse_jupyter(text, "secret-token")) {
    // What is shown depends on no token, neither the one given nor the URL's own.
    const auto other = guard::parse_jupyter(text, "another-token");
    if (!other || other->shown() != server->shown()) std::abort();
    const auto without = guard::parse_jupyter(text.substr(0, text.find_first_of("?#")), "");
    if (!without || without->shown() != server->shown()) std::abort();
    if (!server->base.target.ends_with('/') || server->base.target.find('?') != std::string::npos)
      std::abort();
  }
  return 0;
}
