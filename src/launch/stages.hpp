// What a job does on its instance, one stage after another: fetch, setup, data, train; and how each is written on a
// command line. As values; run_stages.hpp carries them out. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::launch {

// --repo URL[@REF].
struct Repo {
  std::string url;    // https://… or ssh, without any password
  std::string ref;    // a branch, tag or commit; empty: the repository's default branch
  std::string token;  // an SSM parameter that holds one for a private repository; empty: none

  friend bool operator==(const Repo&, const Repo&) = default;
};
// REF is what follows the first @ of the path. Refused: other schemes, and a user with a password or token in the URL; the
// error doesn't show that.
[[nodiscard]] Result<Repo> parse_repo(std::string_view text);
[[nodiscard]] bool is_ref(std::string_view text);

// --workdir, as it was packed: a tar.gz in the staging bucket.
struct PackedCode {
  aws::S3Location place;
  std::string sha256;  // in hex
  std::uint64_t bytes = 0;

  friend bool operator==(const PackedCode& a, const PackedCode& b) {
    return a.place.bucket == b.place.bucket && a.place.key == b.place.key && a.sha256 == b.sha256 &&
           a.bytes == b.bytes;
  }
};

// --data s3://BUCKET/KEY=PATH: an object, or all that lies below KEY/.
struct Data {
  aws::S3Location from;
  std::string path;  // relative to the job's folder, or absolute

  friend bool operator==(const Data& a, const Data& b) {
    return a.from.bucket == b.from.bucket && a.from.key == b.from.key && a.path == b.path;
  }
};
[[nodiscard]] Result<Data> parse_data(std::string_view text);

// What `--save PATH=s3://BUCKET/KEY` may have made, to be tried in this order: a file's content may be at KEY, or below it
// by the file's name, and a folder's is below it.
[[nodiscard]] std::vector<Data> saved_places(const Data& saved);

// --secret NAME=ssm:/PARAMETER: a variable of the train stage's alone.
struct Secret {
  std::string name;
  std::string parameter;

  friend bool operator==(const Secret&, const Secret&) = default;
};
[[nodiscard]] Result<Secret> parse_secret(std::string_view text);
// "ssm:/path" -> "/path".
[[nodiscard]] Result<std::string> parse_ssm(std::string_view text);

struct Stages {
  std::optional<Repo> repo;  // one of these two, or none
  std::optional<PackedCode> workdir;
  std::vector<std::string> setup;  // each for a shell
  std::vector<Data> data;
  // What an earlier launch of the job has saved, and where it was: --save turned round. What isn't there was never saved.
  std::vector<Data> restore;
  std::vector<Secret> secrets;
  std::vector<std::string> command;  // empty: `shell`
  std::string shell;
  Seconds fetch_limit{std::chrono::minutes{15}};
  Seconds setup_limit{std::chrono::minutes{30}};
  Seconds data_limit{std::chrono::hours{1}};

  [[nodiscard]] bool has_code() const { return repo || workdir; }
  friend bool operator==(const Stages&, const Stages&) = default;
};
[[nodiscard]] boost::json::object json_of(const PackedCode& packed);
[[nodiscard]] Result<PackedCode> packed_from(const boost::json::object& object);
[[nodiscard]] boost::json::object json_of(const Stages& stages);
[[nodiscard]] Result<Stages> stages_from(boost::json::object object);
// As a file of their own.
[[nodiscard]] std::string to_json(const Stages& stages);
[[nodiscard]] Result<Stages> stages_from_json(std::string_view text);

// Of each --setup, --data, --secret: more are no job that a person has written.
inline constexpr std::size_t k_most_of_a_kind = 100;

// A name that a variable of a shell can have.
[[nodiscard]] bool is_variable_name(std::string_view text);

}  // namespace curfew::launch
