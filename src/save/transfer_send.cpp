// One file's way to S3: compared, read, put whole or in parts, and looked at again.
#include <algorithm>
#include <exception>

#include "save/digest.hpp"
#include "save/transfer.hpp"

namespace curfew::save {
namespace {

constexpr std::uint64_t k_inline = 64U << 10U;  // below this a file is kept in memory from hashing to sending
constexpr int k_most_changes = 2;               // a file that changes is sent again so often
constexpr const char* k_changed_meanwhile = "was changed while it was being saved";

Error changing() {
  return {ErrorKind::invalid_input,
          "save",
          "keeps changing while it's being saved",
          "stop what writes to it",
          {}};
}

}  // namespace

// An exception out of S3 is an error like others, unless it says that this lane is to stop.
template <class T>
Awaitable<Result<T>> Transfer::call(Awaitable<Result<T>> operation) {
  std::string thrown;
  try {
    co_return co_await std::move(operation);
  } catch (const std::exception& exception) {
    if (stopping_) throw;
    thrown = exception.what();
  }
  co_return fail(ErrorKind::unavailable, "talk to S3", thrown);
}

aws::Metadata Transfer::metadata(FileId file, const FileState& state, bool is_unsettled) const {
  return metadata_of(state, is_unsettled, plan_->key_for(file).escaped);
}

// S3 has it already, in this state. Never so on doubt.
Awaitable<bool> Transfer::is_there(FileId file) {
  const Need need = plan_->need(file);
  if (need != Need::compare && need != Need::confirm) co_return false;
  aws::S3Location place = plan_->place_of(file);
  auto head = co_await call(means_->s3.head(std::move(place)));
  if (head) co_return plan_->settled_by(file, *head);
  // A role that may only write can't ask; then the manifest's word stands.
  co_return need == Need::confirm&& head.error().kind != ErrorKind::not_found;
}

Awaitable<std::shared_ptr<Transfer::Read>> Transfer::read(FileId file) {
  struct Job {
    Root root;
    std::string relative;
    WallTime now{};
    std::shared_ptr<std::atomic<bool>> stop;
    bool steady = false;
    Read out;
  };
  const auto job = std::make_shared<Job>();
  job->root = plan_->root_of(file);
  job->relative = plan_->tree().relative(file);
  job->now = means_->clock.wall();  // before it's opened: see unsettled()
  job->stop = means_->stop;
  job->steady = means_->steady.has_value();
  std::function<void()> work = [job] {
    auto opened = open_below(job->root, job->relative);
    if (!opened) {
      job->out.error = std::move(opened.error());
      return;
    }
    if (job->steady) write_back(*opened);
    job->out.opened = std::make_shared<const Opened>(std::move(*opened));
    const FileState& state = job->out.opened->state;
    job->out.unsettled = unsettled(state, job->now);
    if (state.size >= k_part) return;
    auto sha256 = sha256_of(job->out.opened->fd.get(), 0, state.size, *job->stop,
                            state.size < k_inline ? &job->out.bytes : nullptr);
    if (sha256) job->out.sha256 = std::move(*sha256);
    else job->out.error = std::move(sha256.error());
    if (job->steady)
      job->out.since = since_opened(job->root, job->relative, job->out.opened->fd.get(), state, true);
  };
  const bool ran = co_await means_->workers->run(std::move(work));
  if (!ran) co_return nullptr;
  co_return std::shared_ptr<Read>(job, &job->out);
}

Awaitable<Since> Transfer::since(FileId file, std::shared_ptr<const Opened> opened) {
  const auto root = std::make_shared<const Root>(plan_->root_of(file));
  const auto result = std::make_shared<Since>(Since::changed);
  std::string relative = plan_->tree().relative(file);
  std::function<void()> work = [root, result, opened, relative = std::move(relative),
                                by_ctime = means_->steady.has_value()] {
    *result = since_opened(*root, relative, opened->fd.get(), opened->state, by_ctime);
  };
  const bool ran = co_await means_->workers->run(std::move(work));
  co_return ran ? *result : Since::changed;
}

// Left out of the save before, and nothing was seen since but that it grew.
bool Transfer::only_grows(FileId file, const Read& read_now) const {
  if (!means_->left_out || read_now.since == Since::changed) return false;
  const auto last = means_->left_out->last(plan_->absolute(file));
  const FileState& found = plan_->tree()[file].state;
  return last && only_grew(*last, found) && only_grew(found, read_now.opened->state);
}

// Takes a file that isn't steady, or vanished at the second look, off the list. What was read of a steady one is whole,
// since nothing had changed it by the end of the reading, and S3 gets just that: the checksum holds it to it. The same
// holds for the beginning of one that only grows, which is sent as unsettled, so that a later save sends it again.
bool Transfer::left_alone(FileId file, Read& read_now) {
  if (!means_->steady) return false;
  const FileState& state = read_now.opened->state;
  auto why = why_unsteady(plan_->tree()[file].state, state, means_->clock.wall(), *means_->steady);
  if (!why && (read_now.since == Since::changed || read_now.since == Since::grew)) why = k_changed_meanwhile;
  if (!why && read_now.since == Since::vanished) {
    vanished(file);
    return true;
  }
  if (!why) return false;
  read_now.grows = only_grows(file, read_now);
  read_now.unsettled = read_now.unsettled || read_now.grows;
  if (!read_now.grows) unsteady(file, state, std::move(*why));
  return !read_now.grows;
}

// Then it's no log that grows, but a file that is being written anew over a longer one.
Awaitable<bool> Transfer::shorter_than_stored(FileId file, FileState state) {
  aws::S3Location place = plan_->place_of(file);
  auto head = co_await call(means_->s3.head(std::move(place)));
  co_return head && head->size > state.size;
}

Awaitable<void> Transfer::send_file(FileId file) {
  const bool there = co_await is_there(file);
  if (there) co_return unchanged(file);
  for (int changes = 0;; ++changes) {
    const auto read_now = co_await read(file);
    if (!read_now || stopping_) co_return;
    if (!read_now->opened) {
      if (read_now->error->kind == ErrorKind::not_found) co_return vanished(file);
      co_return unusable(file, *read_now->error);
    }
    if (left_alone(file, *read_now)) co_return;
    const FileState state = read_now->opened->state;
    if (read_now->grows) {
      const bool shorter = co_await shorter_than_stored(file, state);
      if (stopping_) co_return;
      if (shorter) co_return unsteady(file, state, "is shorter than what S3 has of it");
    }
    if (state.size >= k_part) {
      co_await begin_multi(file, read_now);
      co_return;
    }
    Result<std::string> etag;
    if (!read_now->error) {
      net::Body body;
      if (state.size < k_inline) body = std::move(read_now->bytes);
      else body = net::FileSlice{read_now->opened->fd.get(), 0, state.size};
      aws::S3Location place = plan_->place_of(file);
      aws::Metadata meta = metadata(file, state, read_now->unsettled);
      etag =
          co_await call(means_->s3.put(std::move(place), std::move(body), read_now->sha256, std::move(meta)));
    }
    const Since after = co_await since(file, read_now->opened);
    if (stopping_) co_return;
    const bool changed = after == Since::changed || (after == Since::grew && !read_now->grows);
    if (changed && means_->steady) {
      // What went is whole, but its mtime and size may be set back to what S3 was told of it.
      note(line_doubtful(plan_->place_of(file)));
      co_return unsteady(file, state, k_changed_meanwhile);
    }
    if (after == Since::changed && changes < k_most_changes) continue;
    if (!read_now->error && etag) {
      bytes_done_ += state.size;
      if (read_now->grows) means_->left_out->add(plan_->absolute(file), state);
      co_return stored(file, state, *etag, read_now->unsettled, after);
    }
    const bool shrank =
        !read_now->error && etag.error().kind == ErrorKind::invalid_input && after != Since::same;
    if (after == Since::vanished && (read_now->error || shrank)) co_return vanished(file);
    if (shrank) co_return unusable(file, changing());
    if (read_now->error) co_return unusable(file, *read_now->error);
    co_return failed(file, etag.error());
  }
}

Awaitable<void> Transfer::begin_multi(FileId file, std::shared_ptr<Read> read_now) {
  const auto multi = std::make_shared<Multi>();
  multi->file = file;
  multi->opened = read_now->opened;
  multi->unsettled = read_now->unsettled;
  multi->grows = read_now->grows;
  multi->to = plan_->place_of(file);
  const auto size = multi->opened->state.size;
  multi->part_size = part_size_of(size);
  if (multi->part_size > k_largest_part) {
    const Error error{ErrorKind::invalid_input, "save", "is larger than S3 takes", "split it", {}};
    co_return unusable(file, error);
  }
  multi->parts = static_cast<int>((size + multi->part_size - 1) / multi->part_size);
  multi->done.resize(static_cast<std::size_t>(multi->parts));
  open_.push_back(multi);
  // Written before and after, so that a guard which dies in between leaves a trace.
  std::function<void()> before = [journal = means_->journal, line = line_starting(multi->to)] {
    journal->append(line);
  };
  const bool written = co_await means_->workers->run(std::move(before));
  if (!written || stopping_) co_return;
  aws::Metadata meta = metadata(file, multi->opened->state, multi->unsettled);
  auto id = co_await call(means_->s3.start_multipart(multi->to, std::move(meta)));
  if (stopping_) {
    if (id) multi->id = *id;
    co_return;
  }
  if (!id) {
    std::erase(open_, multi);
    // A start that wasn't answered may have been heard.
    if (id.error().kind != ErrorKind::timed_out) note(line_closed(multi->to, {}));
    co_return failed(file, id.error());
  }
  multi->id = *id;
  note(line_upload(multi->to, multi->id));
  flush();
  work_.open();
}

Awaitable<void> Transfer::send_part(MultiPtr multi) {
  const int number = multi->next++;
  ++multi->in_flight;
  current_ = plan_->shown(multi->file);
  const FileState& state = multi->opened->state;
  const std::uint64_t offset = static_cast<std::uint64_t>(number - 1) * multi->part_size;
  const std::uint64_t length = std::min(multi->part_size, state.size - offset);
  struct Job {
    Root root;
    std::string relative;
    Result<std::string> sha256{};
    Since since = Since::same;
  };
  const auto job = std::make_shared<Job>();
  job->root = plan_->root_of(multi->file);
  job->relative = plan_->tree().relative(multi->file);
  const bool steady = means_->steady.has_value();
  std::function<void()> work = [job, opened = multi->opened, stop = means_->stop, offset, length, steady] {
    job->sha256 = sha256_of(opened->fd.get(), offset, length, *stop);
    job->since = since_opened(job->root, job->relative, opened->fd.get(), opened->state, steady);
  };
  const bool ran = co_await means_->workers->run(std::move(work));
  if (!ran || stopping_) co_return;
  const bool last_try = !steady && changes_[multi->file] >= k_most_changes;
  const bool changed = job->since == Since::changed || (job->since == Since::grew && !multi->grows);
  if (changed && !last_try) multi->changed = true;
  if (!job->sha256 && !multi->local) multi->local = job->sha256.error();
  if (!multi->over()) {
    net::Body body = net::FileSlice{multi->opened->fd.get(), offset, length};
    auto part =
        co_await call(means_->s3.put_part(multi->to, multi->id, number, std::move(body), *job->sha256));
    if (stopping_) co_return;
    if (part) {
      multi->done[static_cast<std::size_t>(number - 1)] = std::move(*part);
      multi->bytes_done += length;
      bytes_done_ += length;
    } else if (!multi->error) {
      multi->error = part.error();
    }
  }
  --multi->in_flight;
  const bool given_out = multi->next > multi->parts || multi->over();
  if (multi->in_flight == 0 && given_out) co_await finish_multi(multi);
}

Awaitable<void> Transfer::finish_multi(MultiPtr multi) {
  const FileId file = multi->file;
  const Since after = co_await since(file, multi->opened);
  if (stopping_) co_return;
  const bool steady = means_->steady.has_value();
  const bool changed = after == Since::changed || (after == Since::grew && !multi->grows);
  if (multi->changed || (changed && (steady || changes_[file] < k_most_changes))) {
    ++changes_[file];
    co_await drop(multi);
    if (stopping_) co_return;
    if (steady) {  // what S3 had of it before stays
      co_return unsteady(file, multi->opened->state, k_changed_meanwhile);
    }
    co_return co_await send_file(file);
  }
  if (!multi->error && !multi->local) {
    auto etag = co_await complete(multi);
    if (stopping_) co_return;
    if (etag) {
      std::erase(open_, multi);
      note(line_closed(multi->to, multi->id));
      if (multi->grows) means_->left_out->add(plan_->absolute(file), multi->opened->state);
      co_return stored(file, multi->opened->state, *etag, multi->unsettled, after);
    }
    multi->error = etag.error();
  }
  co_await drop(multi);
  if (stopping_) co_return;
  const bool shrank =
      after != Since::same && (multi->local || multi->error->kind == ErrorKind::invalid_input);
  if (shrank && after == Since::vanished) co_return vanished(file);
  if (shrank) co_return unusable(file, changing());
  if (multi->local) co_return unusable(file, *multi->local);
  failed(file, *multi->error);
}

// Where the answer got lost, or S3 no longer knows the upload because it was completed: head tells.
Awaitable<Result<std::string>> Transfer::complete(MultiPtr multi) {
  std::vector<aws::Part> parts = multi->done;
  auto etag = co_await call(means_->s3.complete_multipart(multi->to, multi->id, std::move(parts)));
  if (etag || stopping_) co_return etag;
  const ErrorKind kind = etag.error().kind;
  if (kind != ErrorKind::unavailable && kind != ErrorKind::timed_out && etag.error().code != "NoSuchUpload")
    co_return etag;
  auto head = co_await call(means_->s3.head(multi->to));
  if (head && !multi->unsettled && same_as(*head, multi->opened->state)) co_return head->etag;
  co_return etag;
}

// Aborts it; where that fails the manifest still has it, for the next save.
Awaitable<void> Transfer::drop(MultiPtr multi) {
  bytes_done_ -= std::min(multi->bytes_done, bytes_done_);
  multi->bytes_done = 0;
  std::vector<Leftover> one;
  one.push_back({multi->to, multi->id});
  const auto error = co_await abort_leftovers(means_, std::move(one));
  if (stopping_) co_return;
  static_cast<void>(error);
  std::erase(open_, multi);
}

Awaitable<std::optional<Error>> abort_leftovers(std::shared_ptr<Means> means,
                                                std::vector<Leftover> leftovers) {
  std::optional<Error> first;
  for (const Leftover& leftover : leftovers) {
    std::vector<std::string> ids;
    bool gone = true;
    if (leftover.id.empty()) {
      auto uploads = co_await means->s3.list_uploads(leftover.to);
      if (uploads) {
        for (const auto& upload : uploads->uploads)
          if (upload.key == leftover.to.key) ids.push_back(upload.id);
        gone = uploads->all;  // else what is looked for may be among the rest
        if (!gone && !first)
          first =
              Error{ErrorKind::unavailable,
                    "look for unfinished uploads to " + leftover.to.text(),
                    "there are more than the " + std::to_string(uploads->uploads.size()) + " looked through",
                    "abort them, or let a lifecycle rule of the bucket do it",
                    {}};
      } else if (uploads.error().kind !=
                 ErrorKind::refused) {  // where it may not be asked, it can't be known
        gone = false;
        first = first ? first : std::optional<Error>(uploads.error());
      }
    } else {
      ids.push_back(leftover.id);
    }
    for (const auto& id : ids) {
      auto aborted = co_await means->s3.abort_multipart(leftover.to, id);
      if (aborted) continue;
      gone = false;
      first = first ? first : std::optional<Error>(aborted.error());
    }
    if (!gone) continue;
    means->journal->add(line_closed(leftover.to, leftover.id));
    means->workers->post([journal = means->journal] { journal->write(); });
  }
  co_return first;
}

}  // namespace curfew::save
