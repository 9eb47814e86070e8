// URLs, proxies, places in S3: what people and variables give.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/s3.hpp"
#include "net/encoding.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "net/wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = net::parse_url(text)) {
    // What was read is fit to be sent, and reads the same once more.
    net::Request request;
    request.url = *url;
    if (!net::is_well_formed(request)) std::abort();
    const auto again = net::parse_url(net::place_of(*url) + url->target);
    if (!again || again->host != url->host || again->port != url->port || again->target != url->target)
      std::abort();
  }
  if (const auto proxy = net::parse_proxy(text);
      proxy && proxy->authorization.find_first_of("\r\n") != std::string::npos)
    std::abort();
  (void)net::bypasses_proxy({std::string(text)}, "10.1.2.3", 443);
  (void)net::bypasses_proxy({std::string(text)}, "s3.us-east-1.amazonaws.com", 443);
  if (const auto place = aws::parse_s3_url(text);
      place && place->text() != text && place->text() != std::string(text) + "/")
    std::abort();
  if (net::percent_decode(net::percent_encode(text)) != text) std::abort();
  if (net::from_base64(net::base64(text)) != text) std::abort();
  return 0;
}
