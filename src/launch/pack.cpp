// git names the files, tar packs them.
#include "launch/pack.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "aws/core/hash.hpp"
#include "base/text.hpp"
#include "net/program.hpp"
#include "os/fd.hpp"
#include "os/files.hpp"

namespace curfew::launch {
namespace {

namespace fs = std::filesystem;

constexpr Millis k_list_limit{60'000};
constexpr Millis k_tar_limit{300'000};
constexpr std::size_t k_longest_list = 64U << 20U;
constexpr const char* k_hint = "put what is large into S3, and give it with --data s3://…=PATH";

// $1: the folder, $2: where the names go. Submodules' own files are listed only with those that are tracked.
constexpr const char* k_list_script =
    "exec >\"$2\" && git -C \"$1\" ls-files -z --cached --recurse-submodules && "
    "git -C \"$1\" ls-files -z --others --exclude-standard";
// $1: the folder, $2: the names, $3: the archive. What isn't needed of the owner isn't told.
constexpr const char* k_tar_script =
    "exec tar --create --gzip --file=\"$3\" --directory=\"$1\" --null --verbatim-files-from --no-recursion "
    "--owner=0 --group=0 --numeric-owner --files-from=\"$2\"";

// A file without a name: nothing of it is left, however this process ends. Programs that it starts open it by path().
class Scratch {
 public:
  explicit Scratch(const net::Environment& environment) {
    const auto base = net::get(environment, "TMPDIR");
    auto name = (base.starts_with('/') ? base : "/tmp") + "/curfew-pack.XXXXXX";
    fd_.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd_ || ::unlink(name.c_str()) != 0)
      status_ = fail_errno("make a file in " + os::folder_of(name), errno);
  }
  [[nodiscard]] const Status& status() const { return status_; }
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get());
  }
  // In place of what it holds; once.
  [[nodiscard]] Status write(std::string_view text, const std::string& what) const {
    if (::ftruncate(fd_.get(), 0) != 0) return fail_errno(what, errno);
    return os::write_all(fd_.get(), text, what);
  }

 private:
  os::Fd fd_;
  Status status_;
};

bool is_in_git(const fs::path& folder) {
  for (auto one = folder;; one = one.parent_path()) {
    std::error_code ignored;
    if (fs::exists(one / ".git", ignored)) return true;
    if (one == one.parent_path()) return false;
  }
}

net::Program shell(const char* script, std::vector<std::string> words, const net::Environment& environment) {
  net::Program program;
  program.argv = {"sh", "-c", script, "sh"};
  program.argv.insert(program.argv.end(), words.begin(), words.end());
  os::Surroundings around;
  around.environment = {"LC_ALL=C", "GIT_OPTIONAL_LOCKS=0"};
  // What git ignores may stand in the user's own configuration; not GIT_DIR, which means another work tree.
  for (const char* name : {"HOME", "XDG_CONFIG_HOME", "PATH"})
    if (const auto value = net::get(environment, name); !value.empty())
      around.environment.push_back(std::string(name) + "=" + value);
  program.around = std::move(around);
  return program;
}

Awaitable<Status> run(net::Program program, Millis limit, std::string what) {
  auto running = net::run_program(std::move(program), limit);
  const auto outcome = co_await std::move(running);
  if (!outcome) co_return fail(Error{outcome.error()}.within(what));
  if (outcome->code == 127)
    co_return fail(ErrorKind::not_found, what,
                   "a program for it isn't installed: " + printable(outcome->output));
  if (outcome->code != 0)
    co_return fail(ErrorKind::system, what,
                   outcome->output.empty() ? "exit status " + std::to_string(outcome->code)
                                           : printable(outcome->output, 400));
  co_return Status{};
}

// Every file and link below, as names for tar.
Result<std::string> list_all(const fs::path& folder) {
  std::string list;
  std::size_t files = 0;
  std::error_code error;
  fs::recursive_directory_iterator each(folder, fs::directory_options::none, error);
  for (; !error && each != fs::recursive_directory_iterator(); each.increment(error)) {
    std::error_code gone;
    const auto status = each->symlink_status(gone);
    if (gone || fs::is_directory(status)) continue;
    if (++files > k_most_packed_files)
      return fail(ErrorKind::invalid_input, "pack " + folder.string(), "it has more than 100,000 files",
                  k_hint);
    list += each->path().lexically_relative(folder).string();
    list += '\0';
  }
  if (error) return fail(ErrorKind::system, "read " + folder.string(), error.message());
  return list;
}

// Those that are there: a file may be tracked and deleted. Sockets, pipes and devices aren't code.
Result<std::string> present(const std::string& folder, std::string_view list, Packed& packed) {
  std::string kept;
  for (const auto& name : names_in(list)) {
    struct stat about {};
    if (::lstat((folder + "/" + name).c_str(), &about) != 0) continue;
    if (!S_ISREG(about.st_mode) && !S_ISLNK(about.st_mode)) continue;
    if (S_ISREG(about.st_mode)) packed.bytes += static_cast<std::uint64_t>(about.st_size);
    if (++packed.files > k_most_packed_files)
      return fail(ErrorKind::invalid_input, "pack " + folder, "it has more than 100,000 files", k_hint);
    if (packed.bytes > k_most_files_bytes)
      return fail(ErrorKind::invalid_input, "pack " + folder, "its files have more than 1 GiB", k_hint);
    kept += name;
    kept += '\0';
  }
  if (packed.files == 0)
    return fail(ErrorKind::invalid_input, "pack " + folder,
                "there are no files in it that git knows of, or none");
  return kept;
}

}  // namespace

std::vector<std::string> names_in(std::string_view lists) {
  std::vector<std::string> names;
  for (const auto name : split(lists, '\0')) {
    const auto steps = split(name, '/');
    const bool leads_out = std::find(steps.begin(), steps.end(), "..") != steps.end();
    if (!name.empty() && name.front() != '/' && !leads_out) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Awaitable<Result<Packed>> pack(std::string folder, const net::Environment& environment,
                               const std::function<void(const std::string&)>& note) {
  const std::string what = "--workdir " + printable(folder);
  std::error_code error;
  const auto real = fs::canonical(folder, error);
  if (error) co_return fail(ErrorKind::not_found, what, error.message());
  if (!fs::is_directory(real, error)) co_return fail(ErrorKind::invalid_input, what, "is no folder");
  const Scratch names_file(environment);
  const Scratch archive_file(environment);
  for (const auto* file : {&names_file, &archive_file})
    if (!file->status()) co_return fail(Error{file->status().error()});
  const auto names = names_file.path();
  const auto archive = archive_file.path();
  Result<std::string> list{std::string()};
  if (is_in_git(real)) {
    auto listing = run(shell(k_list_script, {real.string(), names}, environment), k_list_limit,
                       what + ": ask git what is in it");
    auto listed = co_await std::move(listing);
    if (!listed) co_return fail(std::move(listed.error()));
    list = os::read_file(names, k_longest_list);
  } else {
    note(what +
         " is no git repository: all its files are packed, those too that a .gitignore would leave out");
    list = list_all(real);
  }
  if (!list) co_return fail(std::move(list.error()).within(what));
  Packed packed;
  auto kept = present(real.string(), *list, packed);
  if (!kept) co_return fail(std::move(kept.error()));
  if (auto written = names_file.write(*kept, what + ": list its files"); !written)
    co_return fail(std::move(written.error()));
  auto packing =
      run(shell(k_tar_script, {real.string(), names, archive}, environment), k_tar_limit, what + ": pack it");
  auto done = co_await std::move(packing);
  if (!done) co_return fail(std::move(done.error()));
  const auto size = fs::file_size(archive, error);
  if (!error && size > k_most_packed)
    co_return fail(ErrorKind::invalid_input, what,
                   "has " + format_bytes(size) + " when packed, more than " + format_bytes(k_most_packed),
                   k_hint);
  auto bytes = os::read_file(archive, k_most_packed);
  if (!bytes) co_return fail(std::move(bytes.error()));
  packed.archive = std::move(*bytes);
  packed.sha256 = aws::sha256_hex(packed.archive);
  co_return packed;
}

}  // namespace curfew::launch
