// S3's documents.
#include "aws/s3_replies.hpp"

#include <algorithm>

#include "aws/core/retry.hpp"
#include "aws/core/xml.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

// Keys come URL-encoded on request (encoding-type=url), as XML can't hold all that a key can; a space is a plus then.
Result<std::string> decoded_key(const pugi::xml_node& node, const char* name, bool encoded) {
  std::string text = node.child(name).text().get();
  if (!encoded) return text;
  std::replace(text.begin(), text.end(), '+', ' ');
  auto key = net::percent_decode(text);
  if (!key) return fail(ErrorKind::unavailable, "read the reply", "a key in it isn't encoded rightly");
  return std::move(*key);
}

bool is_encoded(const pugi::xml_node& root) { return child_text(root, "EncodingType") == "url"; }

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

}  // namespace

std::string without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

Result<ListPage> parse_object_list(std::string_view text) {
  const auto xml = Xml::parse(text, "ListBucketResult");
  if (!xml) return fail(xml.error());
  const bool encoded = is_encoded(xml->root());
  ListPage page;
  for (const auto node : xml->root().children("Contents")) {
    auto key = decoded_key(node, "Key", encoded);
    if (!key) return fail(std::move(key).error());
    const auto size = parse_number(child_text(node, "Size"));
    const auto modified = parse_utc(child_text(node, "LastModified"));
    if (!size || !modified || key->empty())
      return fail(ErrorKind::unavailable, "read the list of objects", "one of them has no key, size or time");
    page.objects.push_back({std::move(*key), *size, without_quotes(child_text(node, "ETag")), *modified, {}});
  }
  if (child_text(xml->root(), "IsTruncated") != "true") return page;
  page.next = child_text(xml->root(), "NextContinuationToken");
  if (page.next.empty())
    return fail(ErrorKind::unavailable, "read the list of objects", "it is cut, without a token");
  return page;
}

Result<std::vector<std::string>> parse_common_prefixes(std::string_view text) {
  const auto xml = Xml::parse(text, "ListBucketResult");
  if (!xml) return fail(xml.error());
  std::vector<std::string> prefixes;
  for (const auto node : xml->root().children("CommonPrefixes")) {
    auto prefix = decoded_key(node, "Prefix", is_encoded(xml->root()));
    if (!prefix) return fail(std::move(prefix).error());
    prefixes.push_back(std::move(*prefix));
  }
  return prefixes;
}

Result<UploadsPage> parse_upload_list(std::string_view text) {
  const auto xml = Xml::parse(text, "ListMultipartUploadsResult");
  if (!xml) return fail(xml.error());
  const bool encoded = is_encoded(xml->root());
  UploadsPage page;
  for (const auto node : xml->root().children("Upload")) {
    auto key = decoded_key(node, "Key", encoded);
    if (!key) return fail(std::move(key).error());
    auto id = child_text(node, "UploadId");
    const auto initiated = parse_utc(child_text(node, "Initiated"));
    if (!initiated || id.empty() || key->empty())
      return fail(ErrorKind::unavailable, "read the list of uploads", "one of them has no key, id or time");
    page.uploads.push_back({std::move(*key), std::move(id), *initiated});
  }
  if (child_text(xml->root(), "IsTruncated") != "true") return page;
  auto next = decoded_key(xml->root(), "NextKeyMarker", encoded);
  if (!next) return fail(std::move(next).error());
  page.next_key = std::move(*next);
  page.next_id = child_text(xml->root(), "NextUploadIdMarker");
  if (page.next_key.empty())
    return fail(ErrorKind::unavailable, "read the list of uploads", "it is cut, without a marker");
  return page;
}

Result<std::string> parse_started_upload(std::string_view text) {
  const auto xml = Xml::parse(text, "InitiateMultipartUploadResult");
  if (!xml) return fail(xml.error());
  auto id = child_text(xml->root(), "UploadId");
  if (id.empty())
    return fail(ErrorKind::unavailable, "start a multipart upload", "the reply has no UploadId");
  return id;
}

Result<std::string> parse_completed_upload(std::string_view text) {
  // "…Result" by the documentation; other stores that speak S3 end it in "…Response".
  const bool other = text.find("<CompleteMultipartUploadResponse") != std::string_view::npos;
  const auto xml =
      Xml::parse(text, other ? "CompleteMultipartUploadResponse" : "CompleteMultipartUploadResult");
  if (!xml) return fail(xml.error());
  auto etag = without_quotes(child_text(xml->root(), "ETag"));
  if (etag.empty()) return fail(ErrorKind::unavailable, "complete the upload", "the reply has no ETag");
  return etag;
}

Result<ObjectInfo> object_from_headers(const std::string& key, const net::Response& response) {
  ObjectInfo info;
  info.key = key;
  const auto size = parse_number(response.header("Content-Length"));
  const auto modified = parse_http_date(response.header("Last-Modified"));
  if (!size || !modified)
    return fail(ErrorKind::unavailable, "read the object's headers", "its size or time is missing");
  info.size = *size;
  info.modified = *modified;
  info.etag = without_quotes(response.header("ETag"));
  static constexpr std::string_view k_prefix = "x-amz-meta-";
  for (const auto& header : response.headers) {
    const auto name = net::lower_case(header.name);
    if (name.starts_with(k_prefix)) info.metadata.emplace_back(name.substr(k_prefix.size()), header.value);
  }
  return info;
}

std::string complete_upload_body(const std::vector<Part>& parts) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const auto& part : parts) {
    body += "<Part><ETag>&quot;" + escaped(part.etag) + "&quot;</ETag>";
    if (!part.sha256.empty()) body += "<ChecksumSHA256>" + escaped(part.sha256) + "</ChecksumSHA256>";
    body += "<PartNumber>" + std::to_string(part.number) + "</PartNumber></Part>";
  }
  return body + "</CompleteMultipartUpload>";
}

}  // namespace curfew::aws
