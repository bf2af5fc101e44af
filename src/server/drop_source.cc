#include "server/drop_source.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "collection/store.h"
#include "postgres/connection.h"
#include "server/folder_lock.h"
#include "source/lease.h"
#include "source/mark.h"

namespace freshet::server {

namespace {

namespace fs = std::filesystem;

constexpr const char* stop_it_first =
    "Stop that Freshet first. With --force it is cut off: it then finds its slot gone, and keeps "
    "its rows as they are.";

// The data folder, nobody else's while this lives.
class Folder {
 public:
  static Result<Folder> open(const fs::path& data) {
    if (!fs::exists(data / "store")) {
      return Error{.sqlstate = "22023",
                   .message = "no data folder of Freshet: " + data.string(),
                   .hint = "Without --data only the source is cleaned up."};
    }
    FolderLock lock = TRY(FolderLock::take(data));
    auto store = TRY(collection::Store::open(data / "store", {}).context("open store"));
    return Folder(data, std::move(lock), std::move(store));
  }

  const std::string& installation() const { return store_->installation(); }

  // How many collections a source has here; nothing when there is no such source.
  std::optional<std::size_t> count(const std::string& name) const {
    const auto source = store_->find_source(name);
    if (!source) return std::nullopt;
    return std::ranges::count(store_->tables(), source->id, &collection::TableRecord::source);
  }

  // The record last: a crash on the way leaves something to be dropped again.
  Result<> forget(const std::string& name) {
    const auto source = store_->find_source(name);
    const fs::path stream = data_ / "streams" / name;
    std::error_code failed;
    fs::remove_all(stream, failed);
    if (failed) return io_error("remove", stream, failed.value());
    return source ? store_->drop_source(source->id).context("forget source " + name) : Result<>();
  }

 private:
  Folder(fs::path data, FolderLock lock, std::unique_ptr<collection::Store> store)
      : data_(std::move(data)), lock_(std::move(lock)), store_(std::move(store)) {}

  fs::path data_;
  FolderLock lock_;
  std::unique_ptr<collection::Store> store_;
};

// Keeps every Freshet away until `connection` ends.
Result<> take_lease(postgres::Connection& connection, const source::Names& names,
                    const source::Owner& owner, bool force) {
  const std::chrono::seconds silence_max(force ? 0 : 60);
  Result<> taken = source::take_lease(connection, names, owner, silence_max);
  if (taken.ok()) return taken;
  Error error = std::move(taken).error();
  error.hint = stop_it_first;
  return error;
}

// Somebody may read a slot without the lease: another program, or a walsender of a Freshet whose
// end the server has not noticed.
Result<> check_nobody_reads(const std::vector<source::Leftover>& found) {
  for (const source::Leftover& leftover : found) {
    if (leftover.reader_pid == 0) continue;
    return Error{.sqlstate = "55006",
                 .message = leftover.kind + " " + leftover.name + " is in use",
                 .detail = "It " + leftover.note + ".",
                 .hint = "Stop its reader first, or end it with --force."};
  }
  return {};
}

void remove_all(postgres::Connection& connection, Dropped& dropped) {
  for (const source::Leftover& leftover : dropped.found) {
    std::optional<Error> failure;
    if (!leftover.why_not.empty()) {
      failure = Error{.sqlstate = "55000", .message = leftover.why_not};
    } else if (const Result<> removed = source::remove_leftover(connection, leftover);
               !removed.ok()) {
      failure = removed.error();
    }
    dropped.still_there.push_back(std::move(failure));
  }
}

}  // namespace

Result<Dropped> drop_source(const SourceConfig& source, const DropOptions& options) {
  std::optional<Folder> folder;
  if (options.data) folder.emplace(TRY(Folder::open(*options.data)));
  const std::string installation = folder ? folder->installation() : "drop-source";
  const source::Owner owner(source.name, installation);
  constexpr std::chrono::seconds lock_timeout{10};
  const auto connection = TRY(postgres::Connection::connect(
      source.url, {.application_name = owner.application_name(), .lock_timeout = lock_timeout}));
  const source::Names names = source::names_for(source.name);
  Dropped dropped;
  dropped.server_version = connection->parameter("server_version");
  dropped.found = TRY(source::find_leftovers(*connection, names));
  dropped.other_names = TRY(source::other_names(*connection, names));
  if (folder) dropped.collections = folder->count(source.name);
  if (options.dry_run) return dropped;

  if (folder && !options.force) {
    TRY(source::check_mark(*connection, names, folder->installation()));
  }
  TRY(take_lease(*connection, names, owner, options.force));
  if (!options.force) TRY(check_nobody_reads(dropped.found));
  // A role may be read-only by default.
  TRY(connection->query("SET default_transaction_read_only = off"));
  remove_all(*connection, dropped);
  const bool all_gone = std::ranges::none_of(
      dropped.still_there, [](const auto& failure) { return failure.has_value(); });
  if (folder && all_gone) TRY(folder->forget(source.name));
  return dropped;
}

}  // namespace freshet::server
