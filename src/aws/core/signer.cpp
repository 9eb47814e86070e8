// AWS Signature Version 4 ("Create a signed AWS API request", IAM User Guide).
#include "aws/core/signer.hpp"

#include <algorithm>
#include <map>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "aws/core/hash.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

// RFC 3986, 5.2.4, as SDKs do it: no empty segments, no dots; a slash at the end stays.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const auto segment : split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") kept.push_back(segment);
    else if (!kept.empty()) kept.pop_back();
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (path.ends_with('/') || out.empty()) out += '/';
  return out;
}

std::string canonical_query(std::string_view query) {
  if (query.empty()) return {};
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const auto part : split(query, '&')) {
    const auto at = part.find('=');
    pairs.emplace_back(part.substr(0, at),
                       at == std::string_view::npos ? std::string_view() : part.substr(at + 1));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs)
    out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
  return out;
}

// Runs of white space become one space.
std::string canonical_value(std::string_view value) {
  std::string out;
  bool gap = false;
  for (const char c : value) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

bool is_signed(std::string_view name) {
  return name != "expect" && name != "user-agent" && name != "transfer-encoding" &&
         name != "x-amzn-trace-id" && name != "authorization" && name != "connection";
}

}  // namespace

std::string format_amz_date(WallTime time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::floor<Seconds>(time))));
}

std::vector<net::Header> sign(const Credentials& credentials, const SigningScope& scope,
                              const net::Request& request, std::string_view payload_sha256) {
  const auto date = format_amz_date(scope.time);
  const bool s3 = scope.service == "s3";
  std::vector<net::Header> added{{"X-Amz-Date", date}};
  if (!credentials.session_token.empty())
    added.push_back({"X-Amz-Security-Token", credentials.session_token});
  if (s3) added.push_back({"X-Amz-Content-SHA256", std::string(payload_sha256)});

  std::map<std::string, std::string> headers{{"host", request.url.authority()}};
  const auto take = [&](const net::Header& header) {
    auto name = net::lower_case(header.name);
    if (!is_signed(name)) return;
    const auto value = canonical_value(header.value);
    if (const auto [at, fresh] = headers.try_emplace(std::move(name), value); !fresh)
      at->second += "," + value;
  };
  for (const auto& header : request.headers) take(header);
  for (const auto& header : added) take(header);

  const std::string_view target = request.url.target;
  const auto mark = target.find('?');
  const auto path = target.substr(0, mark);
  std::string canonical = request.method + "\n";
  canonical += s3 ? std::string(path) : net::percent_encode(normalised(path), "/");
  canonical += "\n" + canonical_query(mark == std::string_view::npos ? "" : target.substr(mark + 1)) + "\n";
  std::string names;
  for (const auto& [name, value] : headers) {
    canonical.append(name).append(":").append(value).append("\n");
    names.append(names.empty() ? "" : ";").append(name);
  }
  canonical.append("\n").append(names).append("\n").append(payload_sha256);

  const auto day = date.substr(0, 8);
  const auto place = day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const auto to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + place + "\n" + sha256_hex(canonical);
  auto key = hmac_sha256("AWS4" + credentials.secret_key, day);
  for (const auto part :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")})
    key = hmac_sha256(view(key), part);
  added.push_back({"Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + place +
                                        ", SignedHeaders=" + names +
                                        ", Signature=" + net::hex(hmac_sha256(view(key), to_sign))});
  return added;
}

}  // namespace curfew::aws
