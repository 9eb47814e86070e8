// An S3 in memory, as strict as the real one about checksums, that can be made slow, refusing, deaf or forgetful.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/evp.h>

#include "aws/s3.hpp"
#include "net/encoding.hpp"

namespace curfew::testing {

class FakeS3 final : public aws::S3 {
 public:
  struct Object {
    std::string content;  // empty where it's longer than keep_up_to
    std::uint64_t size = 0;
    std::string sha256;  // base64; of an object in parts: of the parts' sha256 one after the other
    std::string etag;
    aws::Metadata metadata;
  };
  struct Unfinished {
    aws::S3Location to;
    aws::Metadata metadata;
    std::map<int, std::pair<aws::Part, Object>> parts;
  };
  struct Call {
    std::string name;   // "put", "start", "part", "complete", "abort", "head", "list", "uploads"
    std::string place;  // "bucket/key"
    int part = 0;
  };
  enum class Mood { fine, deaf, stubborn };  // deaf: never answers; stubborn: not even when it's cancelled

  std::map<std::string, Object> objects;         // by "bucket/key"
  std::map<std::string, Unfinished> unfinished;  // by upload id
  std::set<std::string> buckets{"bucket"};
  std::vector<Call> calls;
  int most_at_once = 0;
  std::size_t keep_up_to = 1U << 20U;
  std::size_t page = 1000;
  std::size_t most_uploads = 20'000;
  Millis delay{0};
  // Asked before each call: an error to answer with, and how to behave.
  std::function<std::optional<Error>(const Call&)> refuse;
  std::function<Mood(const Call&)> mood;
  // Called while the body of a put or part is being taken; what it does to the file is what the request gets.
  std::function<void(const Call&)> while_sending;
  std::function<bool(const Call&)> corrupt;      // a byte of the body changes on its way
  std::function<bool(const Call&)> lose_answer;  // done, but the caller hears of a timeout

  static Error denied() { return {ErrorKind::refused, "talk to S3", "Access Denied", "", "AccessDenied"}; }
  static Error unavailable() { return {ErrorKind::unavailable, "talk to S3", "Slow down", "", "SlowDown"}; }

  [[nodiscard]] int count(std::string_view name) const {
    return static_cast<int>(
        std::count_if(calls.begin(), calls.end(), [&](const Call& call) { return call.name == name; }));
  }

  [[nodiscard]] net::Awaitable<Result<std::string>> put(aws::S3Location to, net::Body body,
                                                        std::string sha256, aws::Metadata metadata) override {
    Busy busy(*this);
    const Call call{"put", place(to), 0};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    auto object = take(call, body, sha256);
    if (!object) co_return fail(std::move(object.error()));
    object->metadata = std::move(metadata);
    const std::string etag = object->etag;
    objects[call.place] = std::move(*object);
    if (lost(call)) co_return fail(late());
    co_return etag;
  }

  [[nodiscard]] net::Awaitable<Result<std::string>> start_multipart(aws::S3Location to,
                                                                    aws::Metadata metadata) override {
    Busy busy(*this);
    const Call call{"start", place(to), 0};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    const std::string id = "upload-" + std::to_string(++next_id_);
    unfinished[id] = Unfinished{std::move(to), std::move(metadata), {}};
    if (lost(call)) co_return fail(late());
    co_return id;
  }

  [[nodiscard]] net::Awaitable<Result<aws::Part>> put_part(aws::S3Location to, std::string upload_id,
                                                           int number, net::Body body,
                                                           std::string sha256) override {
    Busy busy(*this);
    const Call call{"part", place(to), number};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    if (!unfinished.contains(upload_id)) co_return fail(no_such_upload());
    auto object = take(call, body, sha256);
    if (!object) co_return fail(std::move(object.error()));
    const aws::Part part{number, object->etag, object->sha256};
    unfinished[upload_id].parts[number] = {part, std::move(*object)};
    if (lost(call)) co_return fail(late());
    co_return part;
  }

  [[nodiscard]] net::Awaitable<Result<std::string>> complete_multipart(
      aws::S3Location to, std::string upload_id, std::vector<aws::Part> parts) override {
    Busy busy(*this);
    const Call call{"complete", place(to), 0};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    const auto found = unfinished.find(upload_id);
    if (found == unfinished.end()) co_return fail(no_such_upload());
    Object whole;
    std::string digests;
    int last = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto part = found->second.parts.find(parts[i].number);
      if (part == found->second.parts.end() || part->second.first.etag != parts[i].etag ||
          parts[i].number <= last)
        co_return fail(
            Error{ErrorKind::invalid_input, "complete", "a part is not as it was", "", "InvalidPart"});
      last = parts[i].number;
      const Object& piece = part->second.second;
      if (i + 1 < parts.size() && piece.size < (5U << 20U))
        co_return fail(
            Error{ErrorKind::invalid_input, "complete", "a part is too small", "", "EntityTooSmall"});
      whole.size += piece.size;
      digests += piece.sha256;
      if (whole.size <= keep_up_to) whole.content += piece.content;
    }
    if (whole.size > keep_up_to) whole.content.clear();
    whole.sha256 = sha256_of(digests);
    whole.etag = whole.sha256.substr(0, 16) + "-" + std::to_string(parts.size());
    whole.metadata = found->second.metadata;
    const std::string etag = whole.etag;
    objects[call.place] = std::move(whole);
    unfinished.erase(found);
    if (lost(call)) co_return fail(late());
    co_return etag;
  }

  [[nodiscard]] net::Awaitable<Status> abort_multipart(aws::S3Location to, std::string upload_id) override {
    Busy busy(*this);
    const Call call{"abort", place(to), 0};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    unfinished.erase(upload_id);
    co_return Status{};
  }

  [[nodiscard]] net::Awaitable<Result<aws::ObjectInfo>> head(aws::S3Location object) override {
    Busy busy(*this);
    const Call call{"head", place(object), 0};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    const auto found = objects.find(call.place);
    if (found == objects.end())
      co_return fail(Error{ErrorKind::not_found, "head", "no such key", "", "NoSuchKey"});
    aws::ObjectInfo info{object.key, found->second.size, found->second.etag, {}, found->second.metadata};
    co_return info;
  }

  [[nodiscard]] net::Awaitable<Result<aws::ListPage>> list(aws::S3Location prefix,
                                                           std::string next) override {
    Busy busy(*this);
    const Call call{"list", place(prefix), 0};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    aws::ListPage result;
    for (auto at = objects.upper_bound(next.empty() ? std::string{} : next); at != objects.end(); ++at) {
      if (!at->first.starts_with(call.place)) continue;
      if (result.objects.size() == page) {
        result.next = prefix.bucket + "/" + result.objects.back().key;
        break;
      }
      result.objects.push_back(
          {at->first.substr(prefix.bucket.size() + 1), at->second.size, at->second.etag, {}, {}});
    }
    co_return result;
  }

  [[nodiscard]] net::Awaitable<Result<aws::UploadList>> list_uploads(aws::S3Location prefix) override {
    Busy busy(*this);
    const Call call{"uploads", place(prefix), 0};
    if (auto error = co_await begin(call)) co_return fail(std::move(*error));
    aws::UploadList result;
    for (const auto& [id, upload] : unfinished) {
      if (!place(upload.to).starts_with(call.place)) continue;
      result.all = result.uploads.size() < most_uploads;
      if (!result.all) break;
      result.uploads.push_back({upload.to.key, id, {}});
    }
    co_return result;
  }

  static std::string sha256_of(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    ::EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, ::EVP_sha256(), nullptr);
    return net::base64(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
  }

 private:
  struct Busy {
    explicit Busy(FakeS3& of) : s3(of) { s3.most_at_once = std::max(s3.most_at_once, ++s3.at_once_); }
    ~Busy() { --s3.at_once_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    FakeS3& s3;
  };

  static std::string place(const aws::S3Location& at) { return at.bucket + "/" + at.key; }
  static Error late() { return {ErrorKind::timed_out, "talk to S3", "no answer", "", ""}; }
  static Error no_such_upload() {
    return {ErrorKind::not_found, "talk to S3", "no such upload", "", "NoSuchUpload"};
  }
  bool lost(const Call& call) const { return lose_answer && lose_answer(call); }

  net::Awaitable<std::optional<Error>> begin(const Call& call) {
    namespace asio = boost::asio;
    calls.push_back(call);
    const auto executor = co_await asio::this_coro::executor;
    const Mood now = mood ? mood(call) : Mood::fine;
    if (now == Mood::stubborn) co_await asio::this_coro::throw_if_cancelled(false);
    if (now != Mood::fine) {
      asio::steady_timer never(executor);
      do {
        never.expires_at(asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
      } while (now == Mood::stubborn);
    }
    if (delay.count() > 0) {
      asio::steady_timer timer(executor, delay);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_await asio::post(executor, asio::use_awaitable);
    if (refuse)
      if (auto error = refuse(call)) co_return error;
    const std::string bucket = call.place.substr(0, call.place.find('/'));
    if (!buckets.contains(bucket))
      co_return Error{ErrorKind::not_found, "talk to S3", "The specified bucket does not exist", "",
                      "NoSuchBucket"};
    co_return std::nullopt;
  }

  // What a server would get of the body, judged by its checksum.
  Result<Object> take(const Call& call, const net::Body& body, const std::string& sha256) {
    if (while_sending) while_sending(call);
    Object object;
    EVP_MD_CTX* context = ::EVP_MD_CTX_new();
    ::EVP_DigestInit_ex(context, ::EVP_sha256(), nullptr);
    bool spoil = corrupt && corrupt(call);
    bool whole = true;
    const auto add = [&](std::string chunk) {
      if (spoil && !chunk.empty()) chunk[0] = static_cast<char>(chunk[0] ^ 1), spoil = false;
      ::EVP_DigestUpdate(context, chunk.data(), chunk.size());
      object.size += chunk.size();
      if (object.size <= keep_up_to) object.content += chunk;
    };
    if (const auto* text = std::get_if<std::string>(&body)) {
      add(*text);
    } else {
      const auto slice = std::get<net::FileSlice>(body);
      std::string chunk(64U << 10U, '\0');
      for (std::uint64_t done = 0; done < slice.length && whole;) {
        const auto want =
            static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), slice.length - done));
        const auto got = ::pread(slice.fd, chunk.data(), want, static_cast<off_t>(slice.offset + done));
        whole = got > 0;
        if (whole)
          add(chunk.substr(0, static_cast<std::size_t>(got))), done += static_cast<std::uint64_t>(got);
      }
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    ::EVP_DigestFinal_ex(context, digest.data(), &size);
    ::EVP_MD_CTX_free(context);
    if (!whole) return fail(ErrorKind::invalid_input, "send", "the file has shrunk");
    object.sha256 = net::base64(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
    if (object.sha256 != sha256)
      return fail(
          Error{ErrorKind::invalid_input, "talk to S3", "the checksum did not match", "", "BadDigest"});
    object.etag = object.sha256.substr(0, 20);
    if (object.size > keep_up_to) object.content.clear();
    return object;
  }

  int at_once_ = 0;
  int next_id_ = 0;
};

}  // namespace curfew::testing
