// Asks a Jupyter server.
#include "guard/probes/jupyter.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"
#include "net/encoding.hpp"
#include "net/wire.hpp"

namespace curfew::guard {
namespace {

namespace json = boost::json;

constexpr net::Limits k_limits{Millis{2'000}, Millis{3'000}, Millis{5'000}, 1U << 20U};
constexpr std::size_t k_longest_token = 1'024;
constexpr std::size_t k_most_kernels = 10'000;

bool is_this_machine(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

// "/user/me/lab" and "/tree/work.ipynb" are pages; what stands before them is where the server begins.
std::string base_of(std::string_view path) {
  for (const std::string_view page : {"/lab", "/tree", "/notebooks", "/login"}) {
    for (auto at = path.find(page); at != std::string_view::npos; at = path.find(page, at + 1)) {
      const auto end = at + page.size();
      if (end == path.size() || path[end] == '/') {
        path = path.substr(0, at);
        break;
      }
    }
  }
  return path.ends_with('/') ? std::string(path) : std::string(path) + "/";
}

tl::unexpected<Error> bad_url(std::string why) {
  return fail(ErrorKind::invalid_input, "read the URL of the Jupyter server", std::move(why),
              "write it as http://127.0.0.1:8888/?token=TOKEN");
}

bool is_token(std::string_view token) {
  return token.size() <= k_longest_token &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<std::string> token_in(std::string_view query) {
  for (const auto part : split(query, '&')) {
    if (!part.starts_with("token=")) continue;
    auto token = net::percent_decode(part.substr(6));
    if (!token) return bad_url("a % in the token isn't followed by two hex digits");
    return std::move(*token);
  }
  return std::string{};
}

net::Request request_for(const JupyterServer& server, std::string_view what) {
  net::Request request;
  request.url = server.base;
  request.url.target += what;
  request.headers.push_back({"Accept", "application/json"});
  if (!server.token.empty()) request.headers.push_back({"Authorization", "token " + server.token});
  return request;
}

// A list of objects, each with the time at which it was last used.
Result<json::array> list_from(std::string_view text, std::string_view what) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_array() || value.get_array().size() > k_most_kernels)
    return fail(ErrorKind::invalid_input, "read Jupyter's " + std::string(what), "is no list of them");
  return std::move(value.get_array());
}

Status take_time(const json::value& one, JupyterActivity& activity) {
  const auto* object = one.if_object();
  const auto* text = object == nullptr ? nullptr : object->if_contains("last_activity");
  if (text == nullptr || !text->is_string())
    return fail(ErrorKind::invalid_input, "read Jupyter's reply",
                "a kernel or terminal has no last_activity");
  const auto time = parse_utc(std::string_view(text->get_string()));
  if (!time) return fail(time.error());
  activity.last = std::max(activity.last.value_or(*time), *time);
  return {};
}

Status check(const net::Response& response, const std::string& what) {
  if (response.status == 200) return {};
  // Without a good token it sends the browser to its login page.
  if (response.status == 401 || response.status == 403 || response.status / 100 == 3)
    return fail(ErrorKind::refused, what,
                "the server wants another token (HTTP " + std::to_string(response.status) + ")",
                "give it in JUPYTER_TOKEN, or as ?token= in the URL");
  return fail(ErrorKind::unavailable, what, "HTTP " + std::to_string(response.status));
}

}  // namespace

std::string JupyterServer::shown() const { return net::place_of(base) + base.target; }

Result<JupyterServer> parse_jupyter(std::string_view url, std::string_view token) {
  // Cut before anything is read, for what refuses a URL shows it.
  const auto end = url.find_first_of("?#");
  const auto parsed = net::parse_url(url.substr(0, end));
  if (!parsed) return fail(parsed.error());
  if (parsed->scheme != "https" && !is_this_machine(parsed->host))
    return bad_url("http sends the token in the clear, and so is for this machine only: use https");
  JupyterServer server{*parsed, std::string(token)};
  server.base.target = base_of(parsed->target);
  if (end != std::string_view::npos && url[end] == '?') {
    const auto query = url.substr(end + 1);
    auto own = token_in(query.substr(0, query.find('#')));
    if (!own) return fail(std::move(own.error()));
    if (!own->empty()) server.token = std::move(*own);
  }
  if (!is_token(server.token)) return bad_url("the token has characters that no token has, or is too long");
  return server;
}

Result<JupyterActivity> parse_jupyter_replies(std::string_view kernels, std::string_view terminals) {
  JupyterActivity activity;
  const auto kernel_list = list_from(kernels, "kernels");
  if (!kernel_list) return fail(kernel_list.error());
  for (const auto& kernel : *kernel_list) {
    if (const auto taken = take_time(kernel, activity); !taken) return fail(taken.error());
    const auto* state = kernel.get_object().if_contains("execution_state");
    if (state == nullptr || !state->is_string())
      return fail(ErrorKind::invalid_input, "read Jupyter's reply", "a kernel has no execution_state");
    ++activity.kernels;
    // "starting" stays where no browser ever connects; its last_activity tells.
    if (state->get_string() == "busy") ++activity.busy;
  }
  if (terminals.empty()) return activity;
  const auto terminal_list = list_from(terminals, "terminals");
  if (!terminal_list) return fail(terminal_list.error());
  for (const auto& terminal : *terminal_list) {
    if (const auto taken = take_time(terminal, activity); !taken) return fail(taken.error());
    ++activity.terminals;
  }
  return activity;
}

net::Awaitable<Result<JupyterActivity>> read_jupyter(net::HttpClient& http, JupyterServer server) {
  const std::string what = "ask the Jupyter server at " + server.shown();
  net::Request for_kernels = request_for(server, "api/kernels");
  const auto kernels = co_await http.send(std::move(for_kernels), k_limits);
  if (!kernels) co_return fail(Error(kernels.error()).within(what));
  if (const auto good = check(*kernels, what); !good) co_return fail(good.error());

  net::Request for_terminals = request_for(server, "api/terminals");
  const auto terminals = co_await http.send(std::move(for_terminals), k_limits);
  if (!terminals) co_return fail(Error(terminals.error()).within(what));
  // Switched off by the server's owner, or no terminado installed.
  const bool has_none = terminals->status == 404 || terminals->status == 503;
  if (!has_none) {
    if (const auto good = check(*terminals, what); !good) co_return fail(good.error());
  }
  const std::string list = has_none ? std::string{} : terminals->body;
  auto activity = parse_jupyter_replies(kernels->body, list);
  if (!activity) co_return fail(std::move(activity.error()).within(what));
  co_return activity;
}

JupyterUse with_jupyter(JupyterUse use, const JupyterActivity& activity, BootTime at) {
  const bool used = !use.looked || activity.busy > 0 || activity.last != use.last_seen;
  if (used) use.last = at;
  use.last_seen = activity.last;
  use.looked = true;
  return use;
}

}  // namespace curfew::guard
