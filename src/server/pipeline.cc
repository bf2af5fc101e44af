#include "server/pipeline.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "server/alter_source.h"
#include "server/apply.h"
#include "server/copy_tables.h"
#include "server/handover.h"
#include "server/prepare.h"
#include "server/receive.h"
#include "server/watch.h"
#include "server/watch_catalog.h"
#include "source/replication.h"
#include "stream/stream.h"

namespace freshet::server {

namespace {

// Runs each stage on a thread; the first that fails stops all the others.
class Stages {
 public:
  explicit Stages(std::stop_token stop) : stop_outside_(stop, [this] { all_.request_stop(); }) {}

  void start(const std::string& name, std::function<Result<>(std::stop_token)> stage) {
    threads_.emplace_back([this, name, stage = std::move(stage)] {
      name_this_thread(name);
      Result<> result = stage(all_.get_token());
      if (!result.ok()) {
        failure_.with([&](std::optional<Error>& first) {
          if (!first) first = std::move(result).error();
        });
      }
      all_.request_stop();
    });
  }

  Result<> join() {
    threads_.clear();
    if (auto failure = failure_.get()) return *std::move(failure);
    return {};
  }

 private:
  std::stop_source all_;
  std::stop_callback<std::function<void()>> stop_outside_;
  Guarded<std::optional<Error>> failure_;
  std::vector<std::jthread> threads_;  // last: joined first
};

// Starts the stream of changes, and looks once more: until now somebody else could move the slot.
Result<std::unique_ptr<source::Replication>> start_replication(const SourceConfig& source,
                                                               const std::filesystem::path& streams,
                                                               const source::Owner& owner,
                                                               const Prepared& prepared,
                                                               Board& board, std::stop_token stop) {
  // What it could not send then, it sends now; the time after it is asked again.
  const bool streaming_failed =
      board.with([](SourceFacts& facts) { return std::exchange(facts.streaming_failed, false); });
  const source::Names& names = prepared.names;
  source::ReplicationOptions options{
      .slot = names.slot,
      .plugin = prepared.plugin,
      .publications = names.publication + "," + names.inserts_publication,
      .binary = prepared.binary,
      .known_end = prepared.known.end,
      .application_name = owner.application_name(),
      .stop = std::move(stop),
      .streaming = source.streaming && !streaming_failed,
      .spool = {.folder = streams / source.name / "spool"}};
  // Half of it would do; one lost word is no reason to be cut off.
  const auto timeout = TRY(source::wal_sender_timeout(*prepared.control));
  if (timeout.count() > 0) {
    options.status_interval = std::min(options.status_interval, timeout / 3);
  }
  auto replication = TRY(source::Replication::start(source.url, std::move(options)));
  const source::SlotStatus slot = TRY(source::slot_status(*prepared.control, names.slot));
  TRY(source::check_position(prepared.known, names, slot));
  board.with([&](SourceFacts& facts) { facts.walsender_pid = slot.active_pid; });
  return replication;
}

// What will come although it is here already.
Resent resent_of(const source::Replication& replication, const Prepared& prepared) {
  return Resent({.source = prepared.known.source,
                 .from = replication.from(),
                 .end = prepared.known.end,
                 .begin = prepared.stream->begin_lsn(),
                 .last = prepared.stream->last_transaction()});
}

}  // namespace

Result<> run_pipeline(const SourceConfig& source, const Config& config, const source::Owner& owner,
                      collection::Store& store, Requests& requests, Board& board,
                      std::stop_token stop) {
  const std::filesystem::path streams = config.data / "streams";
  Prepared prepared = TRY(
      prepare(source, streams, owner, store, board, stop).context("prepare source " + source.name));
  const SourceId id = prepared.record.id;
  stream::Stream& stream = *prepared.stream;
  const Applied applied = store.applied(id);
  auto replication = TRY(start_replication(source, streams, owner, prepared, board, stop));

  Handover handover;
  if (prepared.first_snapshot) {
    handover.copying_from.update([&](auto& from) { from = applied.offset; });
  }
  Room room(streams, {.disk_free_bytes_min = config.disk_free_bytes_min,
                      .stream_bytes_max = source.stream_bytes_max});
  Receive receive(*replication, stream, resent_of(*replication, prepared), std::move(room),
                  handover, board);
  Apply apply(store, std::move(prepared.writer), id, {source.url, prepared.binary, prepared.plugin},
              ConfiguredCollections(source.collections, board), stream, source.keep, handover,
              requests, board);
  CopyTables copy({.url = source.url,
                   .names = prepared.names,
                   .server_version = prepared.control->server_version(),
                   .plugin = prepared.plugin,
                   .workers = config.copy_workers,
                   .binary = prepared.binary},
                  store, id, stream, handover, board);
  Watch watch(source.url, prepared.names, owner, std::move(prepared.control), board);

  AlterSourceTables alter(source, owner, prepared.names, store, id, handover, requests, board);

  WatchCatalog watch_catalog(
      source, owner,
      {.names = prepared.names, .plugin = prepared.plugin, .binary = prepared.binary}, store, id,
      handover);

  Stages stages(stop);
  stages.start("receive:" + source.name, [&](std::stop_token s) {
    return receive.run(s).context("receive from source " + source.name);
  });
  stages.start("apply:" + source.name, [&](std::stop_token s) {
    return apply.run(s).context("apply changes of source " + source.name);
  });
  stages.start("watch:" + source.name, [&](std::stop_token s) {
    return watch.run(s).context("watch source " + source.name);
  });
  stages.start("catalog:" + source.name,
               [&](std::stop_token s) { return watch_catalog.run(std::move(s)); });
  stages.start("copy:" + source.name, [&](std::stop_token s) {
    return copy.run(std::move(prepared.first_snapshot), s)
        .context("copy from source " + source.name);
  });
  stages.start("tables:" + source.name, [&](std::stop_token s) { return alter.run(s); });
  Result<> ended = stages.join();
  board.with([&](SourceFacts& facts) {
    facts.streaming_failed = replication->streaming_failed();
    facts.rest.reset();
  });
  return ended;
}

}  // namespace freshet::server
