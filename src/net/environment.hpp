// The environment as a value, and what of it concerns the network: proxies and certificates.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.hpp"

namespace curfew::net {

// A copy of the process's variables, taken once by main and handed down; tests make their own.
using Environment = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Environment process_environment();
// The value, or empty where it's unset: AWS's tools treat both alike.
[[nodiscard]] std::string get(const Environment& environment, std::string_view name);

// https_proxy, http_proxy, no_proxy (lower case wins, as in botocore), AWS_CA_BUNDLE, then SSL_CERT_FILE. HTTP_PROXY in
// capitals is left alone where REQUEST_METHOD is set: in a CGI script it's whatever the caller sent ("httpoxy").
[[nodiscard]] ClientOptions client_options_from(const Environment& environment);

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  // "Basic …" or empty: never to be shown
};
// Takes "http://user:password@host:port", "host:port" and "host"; the port is 80 where there is none (3128 is Squid's
// own, not a standard). An https:// proxy is refused: TLS within TLS isn't built in. Errors never show the text.
[[nodiscard]] Result<Proxy> parse_proxy(std::string_view text);

// The proxy to use for a URL, or none. Never one for loopback and for the metadata and container credential services:
// a proxy would answer for its own machine, and see the credentials.
[[nodiscard]] Result<std::optional<Proxy>> proxy_for(const ClientOptions& options, const Url& url);

// Whether a NO_PROXY list names the host: "*", "host", "domain" or ".domain" with all below it, any of them with ":port",
// an IP address, a network as "10.0.0.0/8".
[[nodiscard]] bool bypasses_proxy(const std::vector<std::string>& no_proxy, std::string_view host,
                                  std::uint16_t port);

// Where trusted certificates are on this machine: a folder of hashed links is preferred, as only what is needed of it
// is then read into memory.
struct TrustStore {
  std::string file;
  std::string folder;
};
// `root` is put in front of the paths, for tests.
[[nodiscard]] Result<TrustStore> find_trust_store(const std::string& ca_file, const std::string& root = {});

}  // namespace curfew::net
