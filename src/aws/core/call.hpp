// One AWS call: signed, sent, and sent again by the standard mode.
#pragma once

#include <functional>
#include <string>

#include <tl/expected.hpp>

#include "aws/session.hpp"

namespace curfew::aws {

struct Call {
  std::string what;     // "TerminateInstances i-0123…", for messages
  std::string service;  // in the signature
  std::string region;
  net::Request request;
  // Reads a reply of status 2xx, and may take its body; null: any will do. An error makes the reply as good as none: the
  // call is sent again, and in the end told with that error.
  std::function<Status(net::Response&)> read = {};
  // Before each attempt: what `request.take` got of the one before is worth nothing.
  std::function<void()> begin = {};
  std::string payload_sha256;  // of the body, in hex; empty: a body in memory is hashed here
  net::Limits limits;          // for each attempt
  Millis total{60'000};        // for all of them, pauses included
  bool xml = false;            // a success must hold a whole XML document that isn't an <Error>
  // It must not be carried out twice: a refusal that follows an attempt without an answer doesn't speak of that one, and is
  // told as unavailable.
  bool once = false;
  bool anonymous = false;  // not signed: what proves who asks is in the request
  std::string secret;      // and is this: never to be shown, should the reply quote it
};

struct CallFailure {
  Error
      error;  // refused, not_found, conflict, invalid_input, unavailable, timed_out; AWS's own name in `code`
  int status = 0;
  std::string bucket_region;  // S3's x-amz-bucket-region or <Region>
};

// A reply of status 2xx, or why there is none.
[[nodiscard]] Awaitable<tl::expected<net::Response, CallFailure>> perform(Session& session, Call call);

// What a code and a status mean to a caller. Pure.
[[nodiscard]] ErrorKind kind_of(std::string_view code, int status);

// Whether it's a permission that is missing, by AWS's own word. ErrorKind::refused is more: keys that have expired, a clock
// that is wrong, a proxy's 403, a certificate. Pure.
[[nodiscard]] bool is_denied(const Error& error);

}  // namespace curfew::aws
