// Whether somebody works in a Jupyter server: kernels that run something, and when one was last used.
//
// The server's REST API: GET /api/kernels and /api/terminals, with "Authorization: token …" (Jupyter Server, REST API).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::guard {

struct JupyterServer {
  net::Url base;      // its target ends with "/", and has no query
  std::string token;  // never to be shown; empty: none is sent

  // For logs: without the token.
  [[nodiscard]] std::string shown() const;
};

// What a browser's address bar or the server's start line has: "http://127.0.0.1:8888/lab?token=…". http only to this
// machine, https anywhere. A token in the URL wins over `token` (JUPYTER_TOKEN). Errors never show the query.
[[nodiscard]] Result<JupyterServer> parse_jupyter(std::string_view url, std::string_view token);

struct JupyterActivity {
  std::size_t kernels = 0;
  std::size_t busy = 0;  // kernels that run something just now
  std::size_t terminals = 0;
  std::optional<WallTime> last;  // when a kernel or terminal was last used, by the server's own clock
};
// The two replies' bodies; `terminals` is empty where the server has none.
[[nodiscard]] Result<JupyterActivity> parse_jupyter_replies(std::string_view kernels,
                                                            std::string_view terminals);

// Asks; at most 10 s. Errors: refused (wrong token), unavailable, timed_out, invalid_input. Any of them is unknown, which
// is never idle.
[[nodiscard]] net::Awaitable<Result<JupyterActivity>> read_jupyter(net::HttpClient& http,
                                                                   JupyterServer server);

// When it was last in use, on the clock that doesn't jump. Pure.
struct JupyterUse {
  std::optional<WallTime> last_seen;
  BootTime last{};  // the first look counts as use
  bool looked = false;
};
[[nodiscard]] JupyterUse with_jupyter(JupyterUse use, const JupyterActivity& activity, BootTime at);

}  // namespace curfew::guard
