// The HTTP client on Asio, OpenSSL and Beast's parser: with reply_body.hpp the only file that sees them. Beast's stream algorithms are left
// out on purpose: one pair of read and write loops serves plain and TLS sockets, keeps each limit in one place, and
// compiles in half the time.
#include "net/http.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/text.hpp"
#include "net/environment.hpp"
#include "net/reply_body.hpp"
#include "net/resolve.hpp"
#include "net/watch.hpp"
#include "net/wire.hpp"

namespace curfew::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Steady = std::chrono::steady_clock;

constexpr auto k_tuple = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t k_read_chunk = 16U << 10U;   // a TLS record
constexpr std::size_t k_file_chunk = 128U << 10U;  // what a body streamed from a file costs in memory
constexpr std::uint32_t k_header_limit = 64U << 10U;
constexpr int k_interim_replies = 100;  // 1xx before the real one; some servers send two
constexpr Millis k_idle_age{20'000};    // S3 closes an idle connection after about as long
// From this size a file is sent only after "100 Continue", so that a redirect or a refusal doesn't cost the upload. A
// peer that doesn't know Expect costs the wait once (RFC 9110, 10.1.1).
constexpr std::uint64_t k_expect_from = 1U << 20U;
constexpr Millis k_expect_wait{1'000};
constexpr Millis k_least_share{250};  // of the connect limit, for each address

using Parser = http::response_parser<ReplyBody>;

using Transfer = std::tuple<error_code, std::size_t>;

// A connection to one peer: a socket, TLS on it or not, and what was read but not yet used.
struct Connection {
  explicit Connection(const asio::any_io_executor& executor) : socket(executor) {}

  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;
  std::string pending;
  Steady::time_point idle_since;
  bool reused = false;

  Awaitable<Transfer> read_some(asio::mutable_buffer buffer) {
    if (tls) co_return co_await tls->async_read_some(buffer, k_tuple);
    co_return co_await socket.async_read_some(buffer, k_tuple);
  }
  Awaitable<Transfer> write_some(asio::const_buffer buffer) {
    if (tls) co_return co_await tls->async_write_some(buffer, k_tuple);
    co_return co_await socket.async_write_some(buffer, k_tuple);
  }
  // A kept-alive connection is fit for use while its peer has sent nothing, not even its end.
  [[nodiscard]] bool quiet() {
    char byte = 0;
    return ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
  }
};
using ConnectionPtr = std::unique_ptr<Connection>;

// How one attempt ended; `stale`: nothing of a reply came on a connection that had been used before.
struct Outcome {
  Result<Response> response;
  bool stale = false;
  bool keep = false;
};

struct Route {
  std::string key;
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::optional<Proxy> proxy;
  AddressFilter allowed = nullptr;  // of the address that is connected to
};

class Client final : public HttpClient {
 public:
  Client(asio::any_io_executor executor, ClientOptions options)
      : executor_(std::move(executor)), options_(std::move(options)) {}

  Awaitable<Result<Response>> send(Request request, Limits limits) override {
    const auto what = request.method + " " + place_of(request.url);
    if (!is_well_formed(request))
      co_return fail(ErrorKind::invalid_input, what, "the request has a malformed part");
    auto route = route_for(request);
    if (!route) co_return fail(std::move(route).error().within(what));

    const auto watch = std::make_shared<Watch>(executor_, limits);
    const struct Stop {
      Watch& watch;
      ~Stop() { watch.stop(); }
    } stop{*watch};
    for (;;) {
      auto connection = take(*route);
      if (!connection) {
        auto made = co_await connect(*route, *watch, limits);
        if (!made) co_return fail(std::move(made).error().within(what));
        connection = std::move(*made);
      }
      watch->guard(&connection->socket);
      watch->limit_to_end();
      auto outcome = co_await exchange(*connection, request, *route, *watch, limits);
      watch->stop();
      if (outcome.keep) give_back(route->key, std::move(connection));
      if (outcome.stale) continue;  // ends: each round takes one from the idle ones, of which there are few
      if (!outcome.response) co_return fail(std::move(outcome.response).error().within(what));
      co_return std::move(outcome.response);
    }
  }

 private:
  Result<Route> route_for(const Request& request) const {
    auto proxy =
        request.direct ? Result<std::optional<Proxy>>{std::nullopt} : proxy_for(options_, request.url);
    if (!proxy) return fail(std::move(proxy).error());
    Route route;
    route.tls = request.url.scheme == "https";
    route.proxy = std::move(*proxy);
    route.host = route.proxy ? route.proxy->host : request.url.host;
    route.port = route.proxy ? route.proxy->port : request.url.port;
    route.allowed = route.proxy ? nullptr : request.allowed;
    route.key = route.host + " " + std::to_string(route.port);
    if (route.tls) route.key += " " + request.url.host + " " + std::to_string(request.url.port);
    return route;
  }

  ConnectionPtr take(const Route& route) {
    const auto now = Steady::now();
    std::erase_if(idle_, [&](auto& entry) { return now - entry.second->idle_since > k_idle_age; });
    while (true) {
      const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](auto& entry) {
        return entry.first == route.key && may_use(route, *entry.second);
      });
      if (found == idle_.rend()) return nullptr;
      auto connection = std::move(found->second);
      idle_.erase(std::next(found).base());
      if (!connection->quiet()) continue;
      connection->reused = true;
      return connection;
    }
  }

  // An idle connection may come from a request that asked for less.
  static bool may_use(const Route& route, const Connection& connection) {
    if (route.allowed == nullptr) return true;
    error_code gone;
    const auto peer = connection.socket.remote_endpoint(gone);
    return !gone && route.allowed(peer.address());
  }

  void give_back(const std::string& key, ConnectionPtr connection) {
    if (idle_.size() >= options_.idle_connections) idle_.erase(idle_.begin());
    if (options_.idle_connections == 0) return;
    connection->idle_since = Steady::now();
    connection->pending = {};
    idle_.emplace_back(key, std::move(connection));
  }

  Awaitable<Result<ConnectionPtr>> connect(const Route& route, Watch& watch, Limits limits);
  Awaitable<Status> tunnel(Connection& connection, const Route& route, const std::string& peer, Watch& watch);
  Awaitable<Status> shake_hands(Connection& connection, const std::string& host, Watch& watch);
  Awaitable<Outcome> exchange(Connection& connection, const Request& request, const Route& route,
                              Watch& watch, Limits limits);
  Awaitable<Status> send_file(Connection& connection, FileSlice slice, Watch& watch);
  Result<asio::ssl::context*> context();

  asio::any_io_executor executor_;
  ClientOptions options_;
  std::optional<asio::ssl::context> context_;  // made with the first https request: it costs memory
  std::vector<std::pair<std::string, ConnectionPtr>> idle_;
};

tl::unexpected<Error> broken(const Watch& watch, const char* doing, error_code error) {
  if (watch.expired()) return fail(ErrorKind::timed_out, doing, watch.reason());
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
    return fail(ErrorKind::unavailable, doing, "the peer closed the connection");
  return fail(ErrorKind::unavailable, doing, error.message());
}

Awaitable<error_code> write_all(Connection& connection, asio::const_buffer buffer, Watch& watch) {
  while (buffer.size() > 0) {
    const auto [error, count] = co_await connection.write_some(buffer);
    if (error) co_return error;
    watch.touch();
    buffer += count;
  }
  co_return error_code{};
}

// Reads until the parser has a whole reply. `began` tells whether a byte of one came.
Awaitable<error_code> read_reply(Connection& connection, Parser& parser, Watch& watch, bool& began) {
  std::string chunk(k_read_chunk, '\0');
  while (!parser.is_done()) {
    if (!connection.pending.empty()) {
      began = true;
      error_code error;
      const auto used = parser.put(asio::buffer(connection.pending), error);
      connection.pending.erase(0, used);
      if (error && error != http::error::need_more) co_return error;
      if (parser.is_done()) break;
    }
    const auto [error, count] = co_await connection.read_some(asio::buffer(chunk));
    if (error == asio::error::eof && parser.got_some() && connection.pending.empty()) {
      error_code at_end;
      parser.put_eof(at_end);  // fine only for a body that lasts until the connection's end
      co_return at_end;
    }
    if (error) co_return error;
    watch.touch();
    std::size_t used = 0;
    if (connection.pending.empty()) {  // as it mostly is: nothing has to be copied
      began = true;
      error_code why;
      used = parser.put(asio::buffer(chunk.data(), count), why);
      if (why && why != http::error::need_more) co_return why;
    }
    connection.pending.append(chunk, used, count - used);
  }
  co_return error_code{};
}

Result<asio::ssl::context*> Client::context() {
  if (context_) return &*context_;
  auto trusted = find_trust_store(options_.ca_file);
  if (!trusted) return fail(std::move(trusted).error());
  // No openssl.cnf of the host: it may name providers to load, which a static binary can't.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  context_.emplace(asio::ssl::context::tls_client);
  SSL_CTX* handle = context_->native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
  SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);
  const bool loaded = trusted->folder.empty() ? SSL_CTX_load_verify_file(handle, trusted->file.c_str()) == 1
                                              : SSL_CTX_load_verify_dir(handle, trusted->folder.c_str()) == 1;
  ERR_clear_error();
  if (loaded) return &*context_;
  context_.reset();
  return fail(ErrorKind::invalid_input, "load the certificates in " + trusted->file + trusted->folder,
              "there is no certificate in PEM form");
}

Awaitable<Result<ConnectionPtr>> Client::connect(const Route& route, Watch& watch, Limits limits) {
  const auto end = std::min(Steady::now() + limits.connect, watch.end());
  const auto left = [&] { return std::chrono::duration_cast<Millis>(end - Steady::now()); };
  if (route.tls) {
    const auto ready = context();
    if (!ready) co_return fail(ready.error());
  }
  auto endpoints = co_await resolve(route.host, route.port, std::max(left(), Millis{1}));
  if (!endpoints) co_return fail(std::move(endpoints).error());

  if (route.allowed != nullptr)
    std::erase_if(*endpoints, [&](const auto& endpoint) { return !route.allowed(endpoint.address()); });
  if (endpoints->empty())
    co_return fail(ErrorKind::refused, "connect to " + route.host, "its address is not one that may be used");

  auto connection = std::make_unique<Connection>(executor_);
  watch.guard(&connection->socket);
  Error last{ErrorKind::timed_out, "connect", "the limit ran out before the first address", ""};
  bool connected = false;
  for (std::size_t i = 0; i < endpoints->size() && left() > Millis{0}; ++i) {
    const auto share = left() / static_cast<int>(endpoints->size() - i);
    error_code ignored;
    connection->socket.close(ignored);
    watch.limit_to(std::min(end, Steady::now() + std::max(share, k_least_share)));
    const auto [error] = co_await connection->socket.async_connect((*endpoints)[i], k_tuple);
    if (!error && !watch.expired()) {
      connected = true;
      break;
    }
    const auto where =
        "connect to " + (*endpoints)[i].address().to_string() + " port " + std::to_string(route.port);
    last = watch.expired() ? Error{ErrorKind::timed_out, where, "no answer in time", ""}
                           : Error{ErrorKind::unavailable, where, error.message(), ""};
    if (route.proxy) last.hint = "this is the proxy of http_proxy or https_proxy";
  }
  if (!connected) {
    watch.stop();
    co_return fail(std::move(last));
  }
  error_code ignored;
  connection->socket.set_option(tcp::no_delay(true), ignored);
  watch.limit_to(end);
  Status status;
  if (route.tls) {
    // The key ends in the peer's own name and port, behind the proxy's.
    const auto words = split(route.key, ' ');
    const std::string host(words[2]);
    if (route.proxy) {
      const Url peer{"http", host, static_cast<std::uint16_t>(parse_number(words[3]).value_or(443)), "/"};
      const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
      status = co_await tunnel(*connection, route, name + ":" + std::to_string(peer.port), watch);
    }
    if (status) status = co_await shake_hands(*connection, host, watch);
  }
  watch.stop();
  if (!status) co_return fail(std::move(status).error());
  co_return connection;
}

Awaitable<Status> Client::tunnel(Connection& connection, const Route& route, const std::string& peer,
                                 Watch& watch) {
  auto head = "CONNECT " + peer + " HTTP/1.1\r\nHost: " + peer + "\r\n";
  if (!route.proxy->authorization.empty())
    head += "Proxy-Authorization: " + route.proxy->authorization + "\r\n";
  head += "\r\n";
  Parser parser;
  parser.header_limit(k_header_limit);
  parser.skip(true);
  bool began = false;
  auto error = co_await write_all(connection, asio::buffer(head), watch);
  if (!error) error = co_await read_reply(connection, parser, watch, began);
  if (error) co_return broken(watch, "ask the proxy for a tunnel", error);
  const int status = static_cast<int>(parser.get().result_int());
  if (status / 100 == 2 && connection.pending.empty()) co_return Status{};
  co_return fail(status == 407 ? ErrorKind::refused : ErrorKind::unavailable, "ask the proxy for a tunnel",
                 "it answered " + std::to_string(status),
                 status == 407 ? "the proxy wants a user name and password in https_proxy" : "");
}

Awaitable<Status> Client::shake_hands(Connection& connection, const std::string& host, Watch& watch) {
  connection.tls.emplace(connection.socket, *context_);
  SSL* handle = connection.tls->native_handle();
  error_code not_numeric;
  asio::ip::make_address(host, not_numeric);
  X509_VERIFY_PARAM* verify = SSL_get0_param(handle);
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = not_numeric ? X509_VERIFY_PARAM_set1_host(verify, host.c_str(), host.size()) == 1 &&
                                       SSL_set_tlsext_host_name(handle, host.c_str()) == 1
                                 : X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) == 1;
  if (!named)
    co_return fail(ErrorKind::invalid_input, "prepare TLS to " + host, "OpenSSL doesn't take the name");
  const auto [error] = co_await connection.tls->async_handshake(asio::ssl::stream_base::client, k_tuple);
  if (!error) co_return Status{};
  const auto what = "agree on TLS with " + host;
  if (watch.expired()) co_return fail(ErrorKind::timed_out, what, "no answer in time");
  if (const auto verdict = SSL_get_verify_result(handle); verdict != X509_V_OK)
    co_return fail(ErrorKind::refused, what, X509_verify_cert_error_string(verdict),
                   "is the clock right? A company's own authority belongs in AWS_CA_BUNDLE");
  if (error.category() == asio::error::get_ssl_category())
    co_return fail(ErrorKind::refused, what, error.message());
  co_return broken(watch, what.c_str(), error);
}

Awaitable<Status> Client::send_file(Connection& connection, FileSlice slice, Watch& watch) {
  std::string chunk(static_cast<std::size_t>(std::min<std::uint64_t>(k_file_chunk, slice.length)), '\0');
  while (slice.length > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), slice.length));
    const auto count = ::pread(slice.fd, chunk.data(), wanted, static_cast<off_t>(slice.offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) co_return fail_errno("read the file to send", errno);
    if (count == 0)
      co_return fail(ErrorKind::invalid_input, "read the file to send",
                     "it has become shorter while it was sent");
    const auto read = static_cast<std::size_t>(count);
    const auto error = co_await write_all(connection, asio::buffer(chunk.data(), read), watch);
    if (error) co_return broken(watch, "send the file", error);
    slice.offset += read;
    slice.length -= read;
  }
  co_return Status{};
}

Response response_from(Parser& parser) {
  auto message = parser.release();
  Response response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) response.headers.push_back({field.name_string(), field.value()});
  response.body = std::move(message.body().text);
  return response;
}

Awaitable<Outcome> Client::exchange(Connection& connection, const Request& request, const Route& route,
                                    Watch& watch, Limits limits) {
  const auto* slice = std::get_if<FileSlice>(&request.body);
  const bool expect = slice != nullptr && slice->length >= k_expect_from;
  const bool by_proxy = route.proxy && !route.tls;
  std::string head =
      head_of(request, {by_proxy, by_proxy ? route.proxy->authorization : std::string(), expect});
  if (slice == nullptr) {
    const auto& body = std::get<std::string>(request.body);
    if (body.size() <= k_read_chunk) head += body;
  }
  bool began = false;
  bool sent = false;
  auto error = co_await write_all(connection, asio::buffer(head), watch);
  const auto failed = [&](error_code why) {
    Outcome outcome{broken(watch, "exchange", why)};
    outcome.stale = connection.reused && !began && !watch.expired();
    return outcome;
  };
  if (error) co_return failed(error);

  std::optional<Parser> parser;
  for (int interim = 0;;) {
    parser.emplace();
    parser->header_limit(k_header_limit);
    parser->body_limit(limits.body);
    parser->eager(true);
    parser->skip(request.method == "HEAD");
    parser->get().body().take = &request.take;
    if (!sent && (!expect || interim > 0)) {
      sent = true;
      if (slice != nullptr) {
        auto status = co_await send_file(connection, *slice, watch);
        if (!status && status.error().kind != ErrorKind::unavailable) co_return Outcome{fail(status.error())};
        if (!status) sent = false;  // the peer may have answered before it hung up
      } else if (const auto& body = std::get<std::string>(request.body); body.size() > k_read_chunk) {
        error = co_await write_all(connection, asio::buffer(body), watch);
        if (error) sent = false;
      }
      if (watch.expired()) co_return Outcome{broken(watch, "send", error)};
    }
    if (!sent && interim == 0 && expect) {
      // Wait for the 100, or a refusal, but not for ever; a read that is cancelled has taken nothing.
      // The handler may still be on its way when the read is over, so it touches nothing of this frame by itself.
      struct Wait {
        tcp::socket* socket;
        bool over = false;
      };
      const auto wait = std::make_shared<Wait>(Wait{&connection.socket});
      asio::steady_timer timer(executor_, k_expect_wait);
      timer.async_wait([wait](error_code aborted) {
        if (aborted || wait->socket == nullptr) return;
        wait->over = true;
        error_code ignored;
        wait->socket->cancel(ignored);
      });
      const struct Forget {
        Wait& wait;
        ~Forget() { wait.socket = nullptr; }
      } forget{*wait};
      error = co_await read_reply(connection, *parser, watch, began);
      if (error && wait->over && !began) {
        error = {};
        interim = 1;
        continue;
      }
    } else {
      error = co_await read_reply(connection, *parser, watch, began);
    }
    if (error) break;
    const int status = static_cast<int>(parser->get().result_int());
    if (status / 100 != 1) break;
    if (status == 101 || ++interim > k_interim_replies)
      co_return Outcome{fail(ErrorKind::invalid_input, "read the reply", "too many interim replies")};
  }
  if (error == http::error::body_limit || error == http::error::header_limit)
    co_return Outcome{
        fail(ErrorKind::invalid_input, "read the reply",
             "it is larger than " +
                 format_bytes(error == http::error::body_limit ? limits.body : k_header_limit))};
  if (error && error.category() == make_error_code(http::error::need_more).category() &&
      error != http::error::partial_message && error != http::error::end_of_stream)
    co_return Outcome{fail(ErrorKind::invalid_input, "read the reply", "it is no HTTP: " + error.message())};
  if (error) co_return failed(error);
  Outcome outcome{Response{}};
  outcome.keep = sent && parser->keep_alive() && connection.pending.empty();
  outcome.response = response_from(*parser);
  co_return outcome;
}

}  // namespace

std::unique_ptr<HttpClient> make_http_client(asio::any_io_executor executor, ClientOptions options) {
  return std::make_unique<Client>(std::move(executor), std::move(options));
}

}  // namespace curfew::net
