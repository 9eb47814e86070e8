// Forms.
#include "aws/core/query.hpp"

#include "net/encoding.hpp"

namespace curfew::aws {

Result<Call> call_of(const Session& session, Query query, net::Limits limits, Millis total) {
  auto endpoint = session.endpoint(query.service, query.region);
  if (!endpoint) return fail(std::move(endpoint).error().within(query.what));
  Call call;
  call.what = std::move(query.what);
  call.service = std::move(query.service);
  call.region = std::move(query.region);
  call.limits = limits;
  call.total = total;
  call.once = query.once;
  call.request.method = "POST";
  call.request.url = std::move(endpoint->url);
  call.request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"});
  std::string body = "Action=" + query.action + "&Version=" + query.version;
  for (const auto& [name, value] : query.form)
    body += "&" + net::percent_encode(name) + "=" + net::percent_encode(value);
  call.request.body = std::move(body);
  return call;
}

Awaitable<Result<std::string>> ask_for_xml(Session& session, Query query, net::Limits limits, Millis total) {
  auto call = call_of(session, std::move(query), limits, total);
  if (!call) co_return fail(std::move(call).error());
  call->xml = true;
  auto response = co_await perform(session, std::move(*call));
  if (!response) co_return fail(std::move(response).error().error);
  co_return std::move(response->body);
}

}  // namespace curfew::aws
