// Proxies and certificates from the environment.
#include "net/environment.hpp"

#include <arpa/inet.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::net {
namespace {

// An address as bytes; 4-in-6 ("::ffff:10.0.0.1") counts as the IPv4 address in it.
std::optional<std::string> address_bytes(const std::string& text) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return {};
  in6_addr address{};
  std::memcpy(&address, bytes.data(), bytes.size());
  if (IN6_IS_ADDR_V4MAPPED(&address)) return std::string(bytes.data() + 12, 4);
  return std::string(bytes.data(), 16);
}

bool same_bits(std::string_view a, std::string_view b, std::size_t bits) {
  if (a.size() != b.size() || bits > a.size() * 8) return false;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8));
    const auto differ = static_cast<unsigned char>(a[bit / 8] ^ b[bit / 8]);
    if ((differ & mask) != 0) return false;
  }
  return true;
}

bool in_network(std::string_view entry, const std::string& address) {
  const auto slash = entry.find('/');
  const auto network = address_bytes(std::string(entry.substr(0, slash)));
  const auto bits = parse_number(entry.substr(slash + 1));
  return network && bits && same_bits(*network, address, static_cast<std::size_t>(*bits));
}

bool names_host(std::string_view entry, std::string_view host, const std::optional<std::string>& address) {
  if (address) {
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    if (entry.find('/') != std::string_view::npos) return in_network(entry, *address);
    return address_bytes(std::string(entry)) == address;
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  while (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || host.size() < entry.size() ||
      !equal_ignoring_case(host.substr(host.size() - entry.size()), entry))
    return false;
  return host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.';
}

// The instance's own services: IMDS, ECS's and EKS's credentials.
bool is_local_service(std::string_view host) {
  static constexpr std::array<std::string_view, 5> k_hosts{"169.254.169.254", "fd00:ec2::254",
                                                           "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  return std::find(k_hosts.begin(), k_hosts.end(), host) != k_hosts.end();
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  const auto address = address_bytes(std::string(host));
  if (!address) return false;
  return address->size() == 4 ? address->front() == 127 : *address == std::string(15, '\0') + '\1';
}

bool has_hashed_links(const std::string& folder) {
  glob_t found{};
  const bool any = glob((folder + "/*.0").c_str(), GLOB_NOSORT, nullptr, &found) == 0 && found.gl_pathc > 0;
  globfree(&found);
  return any;
}

}  // namespace

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto at = text.find('=');
    if (at != std::string_view::npos) environment.emplace(text.substr(0, at), text.substr(at + 1));
  }
  return environment;
}

std::string get(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

ClientOptions client_options_from(const Environment& environment) {
  const auto either = [&](const char* lower, const char* upper) {
    auto value = get(environment, lower);
    return value.empty() ? get(environment, upper) : value;
  };
  ClientOptions options;
  const bool cgi = environment.contains("REQUEST_METHOD");
  options.http_proxy = cgi ? get(environment, "http_proxy") : either("http_proxy", "HTTP_PROXY");
  options.https_proxy = either("https_proxy", "HTTPS_PROXY");
  const auto no_proxy = either("no_proxy", "NO_PROXY");
  for (const auto entry : split(no_proxy, ','))
    if (const auto name = trimmed(entry); !name.empty()) options.no_proxy.emplace_back(name);
  options.ca_file = either("AWS_CA_BUNDLE", "SSL_CERT_FILE");
  return options;
}

Result<Proxy> parse_proxy(std::string_view text) {
  const auto refuse = [](std::string why) {
    return fail(ErrorKind::invalid_input, "use the proxy", std::move(why),
                "set https_proxy and http_proxy to http://host:port");
  };
  Proxy proxy;
  const auto scheme = text.find("://");
  std::string_view rest = scheme == std::string_view::npos ? text : text.substr(scheme + 3);
  const auto name =
      scheme == std::string_view::npos ? std::string("http") : lower_case(text.substr(0, scheme));
  if (name == "https") return refuse("a proxy that is itself spoken to by https is not supported");
  if (name != "http") return refuse("its scheme is not http");
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const auto login = percent_decode(rest.substr(0, at));
    if (!login) return refuse("its user name or password isn't percent-encoded rightly");
    proxy.authorization = "Basic " + base64(*login);
    rest.remove_prefix(at + 1);
  }
  const auto url = parse_url("http://" + std::string(rest));
  if (!url) return refuse("its host or port can't be used: " + url.error().cause);
  proxy.host = url->host;
  proxy.port = url->port;
  return proxy;
}

bool bypasses_proxy(const std::vector<std::string>& no_proxy, std::string_view host, std::uint16_t port) {
  const auto address = address_bytes(std::string(host));
  const auto suffix = ":" + std::to_string(port);
  return std::any_of(no_proxy.begin(), no_proxy.end(), [&](std::string_view entry) {
    if (entry == "*" || names_host(entry, host, address)) return true;
    return entry.ends_with(suffix) &&
           names_host(entry.substr(0, entry.size() - suffix.size()), host, address);
  });
}

Result<std::optional<Proxy>> proxy_for(const ClientOptions& options, const Url& url) {
  const auto& text = url.scheme == "https" ? options.https_proxy : options.http_proxy;
  if (text.empty() || is_local_service(url.host) || is_loopback(url.host) ||
      bypasses_proxy(options.no_proxy, url.host, url.port))
    return std::nullopt;
  auto proxy = parse_proxy(text);
  if (!proxy) return fail(std::move(proxy).error());
  return std::move(*proxy);
}

Result<TrustStore> find_trust_store(const std::string& ca_file, const std::string& root) {
  if (!ca_file.empty()) {
    if (access(ca_file.c_str(), R_OK) != 0)
      return fail_errno("read the certificates in " + ca_file, errno,
                        "AWS_CA_BUNDLE or SSL_CERT_FILE names this file");
    return TrustStore{ca_file, {}};
  }
  for (const auto* folder : {"/etc/ssl/certs", "/etc/pki/tls/certs"})
    if (has_hashed_links(root + folder)) return TrustStore{{}, root + folder};
  for (const auto* file : {
           "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Alpine
           "/etc/pki/tls/certs/ca-bundle.crt",                   // Amazon Linux, Fedora, RHEL
           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL 7 and later
           "/etc/ssl/ca-bundle.pem",                             // SUSE
           "/etc/ssl/cert.pem",
       })
    if (access((root + file).c_str(), R_OK) == 0) return TrustStore{root + file, {}};
  return fail(ErrorKind::refused, "find the certificates to trust", "there are none in the usual places",
              "install the package ca-certificates, or set AWS_CA_BUNDLE to a PEM file");
}

}  // namespace curfew::net
