// HTTP/1.1 client: requests and replies as values, every reply and wait bounded. Beast stays in http.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include "base/result.hpp"
#include "base/times.hpp"

// gcc 12 takes the frame of an inlined Asio coroutine for memory that was got in another way than it's given back
// (gcc bug 109224 and its kin): a false alarm in each file with a coroutine, and each of those includes this one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace curfew::net {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

struct Header {
  std::string name;
  std::string value;
};

// http or https; `target` is the path with its query, already encoded, never empty.
struct Url {
  std::string scheme;
  std::string host;  // no brackets around IPv6
  std::uint16_t port = 0;
  std::string target = "/";

  // "host" or "host:port" where the port isn't the scheme's own.
  [[nodiscard]] std::string authority() const;
};
// Refuses other schemes, user info, fragments, control characters and bad ports.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

// A part of an open file, read with pread while it's being sent, so that a body costs no memory. The descriptor is
// borrowed: it must stay open until send() returns. A file that has shrunk fails the request (invalid_input).
struct FileSlice {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
using Body = std::variant<std::string, FileSlice>;

// Whether an address may be connected to. A name is only a promise: what it resolves to is what is checked.
using AddressFilter = bool (*)(const boost::asio::ip::address&);

// Gets a body piece by piece, as it comes. A piece is gone after the call.
using TakeBody = std::function<void(std::string_view)>;

struct Request {
  std::string method = "GET";
  Url url;
  std::vector<Header> headers;  // without Host, Content-Length, Connection: the client adds them
  Body body = std::string{};
  bool direct = false;  // never through a proxy
  // Null: any. Of a name's addresses the others are left out; none left is an error (refused). Behind a proxy it's the
  // proxy that resolves the name, and the proxy's own address isn't asked about.
  AddressFilter allowed = nullptr;
  // Gets the body of a reply of 2xx, which Response::body is empty of then: for what is too large to hold. Of an exchange
  // that fails it may have got some.
  TakeBody take = nullptr;
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;
  // The first header of that name (any case), or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct Limits {
  Millis connect{5'000};          // name, TCP and TLS, each address tried in turn within it
  Millis idle{30'000};            // without a byte in either direction
  Millis total{120'000};          // the whole exchange
  std::size_t body = 16U << 20U;  // largest reply taken; a larger one is an error
};

// Proxies and certificates; net/environment.hpp reads them from the process's variables.
struct ClientOptions {
  std::string http_proxy;   // for http URLs
  std::string https_proxy;  // for https URLs, by CONNECT
  std::vector<std::string> no_proxy;
  std::string ca_file;  // PEM; empty: the first of the distributions' usual places
  std::size_t idle_connections = 16;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // One exchange; never outlasts limits.total. Throws only when the coroutine that waits for it is cancelled. No redirects are followed, nothing is retried, except that
  // a kept-alive connection which the peer had already closed is replaced by a new one.
  // Errors: unavailable (no connection, reset), timed_out, invalid_input (malformed or oversized reply), refused (TLS).
  [[nodiscard]] virtual Awaitable<Result<Response>> send(Request request, Limits limits) = 0;
};

// The real client on an io_context's executor. Names are resolved on a thread that may be left behind: leave by _exit.
[[nodiscard]] std::unique_ptr<HttpClient> make_http_client(boost::asio::any_io_executor executor,
                                                           ClientOptions options);

}  // namespace curfew::net
