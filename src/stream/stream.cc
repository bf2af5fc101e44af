#include "stream/stream.h"

#include <fmt/format.h>

#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "base/failpoint.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "stream/format.h"
#include "stream/reader.h"
#include "stream/recover.h"
#include "stream/writer.h"

namespace freshet::stream {
namespace {

namespace fs = std::filesystem;

observe::Counter& synced_bytes() {
  static observe::Counter& counter = observe::counter("freshet_stream_synced_bytes_total",
                                                      "Bytes of transactions synced to streams.");
  return counter;
}

observe::Counter& syncs() {
  static observe::Counter& counter =
      observe::counter("freshet_stream_syncs_total", "Syncs of stream files, each a group commit.");
  return counter;
}

Result<> create_folder(const fs::path& folder) {
  std::error_code failed;
  if (!fs::create_directories(folder, failed) && !failed) return {};
  if (failed) return io_error("create", folder, failed.value());
  const fs::path parent = fs::absolute(folder, failed).lexically_normal().parent_path();
  FAILPOINT("stream.folder.before_sync");
  return sync_folder(parent);
}

// By the clock of the file system; zero when it cannot be told.
std::chrono::seconds age_of(const fs::path& path) {
  std::error_code failed;
  const auto written = fs::last_write_time(path, failed);
  if (failed) return {};
  const auto age = fs::file_time_type::clock::now() - written;
  return std::chrono::duration_cast<std::chrono::seconds>(age);
}

}  // namespace

struct Stream::State {
  State(const fs::path& folder, StreamOptions options, Recovered recovered)
      : shared(std::make_shared<Shared>()),
        writer(folder, options, recovered.files.back(), std::move(recovered.last), recovered.end),
        last_transaction(recovered.last_transaction),
        begin_lsn(recovered.begin_lsn) {
    shared->folder = folder;
    shared->options = options;
    shared->published.with([&](Published& published) {
      published = {recovered.end, std::move(recovered.files)};
    });
  }

  // Shows readers what the writer made durable since `before`, and the file it may have begun.
  void publish(Offset before) {
    const std::uint64_t synced = writer.durable().offset.value - before.value;
    shared->published.update([this](Published& published) {
      published.durable = writer.durable();
      if (published.files.back() < writer.file_first()) {
        published.files.push_back(writer.file_first());
      }
    });
    if (synced == 0) return;
    synced_bytes().add(static_cast<double>(synced));
    syncs().add();
  }

  std::shared_ptr<Shared> shared;
  Writer writer;  // the receiving thread's
  const std::optional<TransactionMark> last_transaction;
  const Lsn begin_lsn;
};

Result<std::unique_ptr<Stream>> Stream::open(const fs::path& folder, StreamOptions options) {
  CHECK(options.record_bytes_max <= std::numeric_limits<std::uint32_t>::max());
  TRY(create_folder(folder));
  Recovered recovered = TRY(recover(folder, options).context("open stream"));
  observe::debug("stream opened", {{"folder", folder.string()},
                                   {"offset", recovered.end.offset.value},
                                   {"lsn", to_string(recovered.end.lsn)},
                                   {"files", recovered.files.size()},
                                   {"cut_bytes", recovered.cut_bytes}});
  auto state = std::make_shared<State>(folder, options, std::move(recovered));
  return std::unique_ptr<Stream>(new Stream(std::move(state)));
}

Stream::Stream(std::shared_ptr<State> state) : state_(std::move(state)) {}
Stream::~Stream() = default;

Result<> Stream::append(const TransactionPart& part) {
  Writer& writer = state_->writer;
  const Offset file_before = writer.file_first();
  const Offset durable_before = writer.durable().offset;
  Result<> appended = writer.append(part);
  // Beginning a file syncs the one before.
  if (writer.durable().offset != durable_before || writer.file_first() != file_before) {
    state_->publish(durable_before);
  }
  return appended;
}

Result<> Stream::sync() {
  Writer& writer = state_->writer;
  const Offset durable_before = writer.durable().offset;
  TRY(writer.sync());
  FAILPOINT("stream.publish.before");
  if (writer.durable().offset != durable_before) {
    state_->publish(durable_before);
  }
  return {};
}

std::uint64_t Stream::unsynced_bytes() const {
  return state_->writer.unsynced_bytes();
}

std::optional<TransactionMark> Stream::last_transaction() const {
  return state_->last_transaction;
}

Lsn Stream::begin_lsn() const {
  return state_->begin_lsn;
}

End Stream::durable() const {
  return state_->shared->published.with(
      [](const Published& published) { return published.durable; });
}

Offset Stream::begin() const {
  return state_->shared->published.with(
      [](const Published& published) { return published.files.front(); });
}

std::uint64_t Stream::kept_bytes() const {
  return state_->shared->published.with([](const Published& published) {
    return published.durable.offset.value - published.files.front().value +
           published.files.size() * sizeof(FileHeader);
  });
}

Result<std::unique_ptr<Reader>> Stream::read_from(Offset from) const {
  if (from < begin()) return retired_error(from, begin());
  const Offset end = durable().offset;
  if (from > end) {
    return Error{.fault = Fault::Corruption,
                 .sqlstate = "XX001",
                 .message = fmt::format("read stream: it ends at offset {}, before {}", end.value,
                                        from.value),
                 .detail = "Transactions that were synced are no longer there.",
                 .hint = "Check the disk. To start over, drop the source and create it again."};
  }
  return make_reader(state_->shared, from);
}

// The oldest first, so that a crash in between leaves no gap. The last file always stays: it says
// where the stream ends.
Result<> Stream::retire(Offset below, const Retention& retention) {
  Shared& shared = *state_->shared;
  const Published published = shared.published.get();
  std::vector<StreamFile> files;
  for (const Offset first : published.files) {
    StreamFile& file = files.emplace_back(StreamFile{.begin = first});
    if (retention.age_max.count() > 0) file.age = age_of(shared.folder / file_name(first));
  }
  const std::size_t count = removable(files, published.durable.offset, below, retention);
  for (std::size_t i = 0; i < count; ++i) {
    // Readers learn of it before the file is gone.
    shared.published.with([](Published& now) { now.files.erase(now.files.begin()); });
    const fs::path path = shared.folder / file_name(files[i].begin);
    std::error_code failed;
    FAILPOINT("stream.retire.before");
    fs::remove(path, failed);
    if (failed) {
      shared.published.with(
          [&](Published& now) { now.files.insert(now.files.begin(), files[i].begin); });
      return io_error("remove", path, failed.value());
    }
  }
  if (count > 0) {
    FAILPOINT("stream.retire.before_folder_sync");
    TRY(sync_folder(shared.folder));
  }
  return {};
}

}  // namespace freshet::stream
