#include "collection/journal.h"

#include <fmt/format.h>

#include <iterator>

#include "collection/segment.h"
#include "engine/statement.h"

namespace freshet::collection {

namespace {

// What `segment` says when it is not a segment.
enum Entry : std::int32_t {
  Position = 0,
  Offset = -1,
  CommitTime = -2,
  StaleAt = -3,
};

Result<> read_positions(engine::Connection& connection, const std::string& table,
                        JournalContent& content) {
  const auto rows = TRY(connection.query(fmt::format(
      "SELECT segment, arg_max(row, rowid) FROM {} WHERE segment <= 0 GROUP BY segment", table)));
  Applied& applied = content.applied;
  for (const auto& row : rows) {
    const std::int64_t number = std::stoll(row[1].value_or("0"));
    const auto position = static_cast<std::uint64_t>(number);
    switch (std::stoi(row[0].value_or("0"))) {
      case Entry::Position: applied.lsn = {position}; break;
      case Entry::Offset: applied.offset = {position}; break;
      case Entry::CommitTime: applied.commit_time = Time(std::chrono::microseconds(number)); break;
      case Entry::StaleAt: content.stale_at = {position}; break;
      default:
        return Error{.fault = Fault::Corruption, .message = "read " + table + ": unknown entry"};
    }
  }
  return {};
}

}  // namespace

std::string journal_name(SourceId source) {
  return fmt::format("journal{}", value(source));
}

Journal::Journal(engine::Connection& connection, SourceId source, std::uint64_t rows)
    : connection_(connection), source_(source), rows_(rows) {
  columns_.emplace_back(Type{.kind = TypeKind::Int32});
  columns_.emplace_back(Type{.kind = TypeKind::Int64});
}

void Journal::add_dead(SegmentId segment, std::uint64_t row) {
  add(static_cast<std::int32_t>(segment), static_cast<std::int64_t>(row));
}

void Journal::add(std::int32_t entry, std::int64_t number) {
  columns_[0].append(entry);
  columns_[1].append(number);
}

void Journal::add_position(const Applied& applied) {
  add(Entry::Position, static_cast<std::int64_t>(applied.lsn.value));
  add(Entry::Offset, static_cast<std::int64_t>(applied.offset.value));
  add(Entry::CommitTime, applied.commit_time.time_since_epoch().count());
}

void Journal::add_stale_at(Lsn lsn) {
  add(Entry::StaleAt, static_cast<std::int64_t>(lsn.value));
}

Result<> Journal::flush() {
  const std::size_t rows = columns_[0].size();
  if (rows == 0) return {};
  if (!inserter_) {
    inserter_.emplace(TRY(engine::Inserter::open(connection_, "_meta", journal_name(source_),
                                                 {columns_[0].type(), columns_[1].type()})));
  }
  TRY(inserter_->insert(columns_, 0, rows));
  rows_ += rows;
  for (Column& column : columns_) column.clear();
  return {};
}

Result<> Journal::forget(const std::vector<SegmentId>& segments) {
  TRY(flush());
  if (segments.empty()) return {};
  return connection_.execute(
      fmt::format("DELETE FROM store._meta.{} WHERE rowid >= {} AND segment IN ({})",
                  journal_name(source_), uncommitted_row_ids, fmt::join(segments, ",")));
}

Result<> Journal::rewrite(const Applied& applied, Lsn stale_at,
                          const std::vector<std::pair<SegmentId, const SegmentBits*>>& dead) {
  CHECK(columns_[0].size() == 0);
  inserter_.reset();
  TRY(connection_.execute(fmt::format("DROP TABLE store._meta.{}", journal_name(source_))));
  TRY(create_journal(connection_, source_));
  rows_ = 0;
  add_position(applied);
  add_stale_at(stale_at);
  constexpr std::size_t flush_rows = 1 << 20;
  for (const auto& [segment, bits] : dead) {
    Result<> flushed;
    bits->for_each_dead([&, id = segment](std::uint64_t row) {
      if (!flushed.ok()) return;
      add_dead(id, row);
      if (columns_[0].size() >= flush_rows) flushed = flush();
    });
    TRY(std::move(flushed));
  }
  return flush();
}

Result<> create_journal(engine::Connection& connection, SourceId source) {
  return connection.execute(fmt::format("CREATE TABLE store._meta.{}(segment INTEGER, row BIGINT)",
                                        journal_name(source)));
}

Result<JournalContent> read_journal(engine::Connection& connection, SourceId source,
                                    std::unordered_map<SegmentId, SegmentBits>& dead) {
  const std::string table = "store._meta." + journal_name(source);
  JournalContent content;
  TRY(read_positions(connection, table, content));
  const auto statement = TRY(connection.prepare("SELECT segment, row FROM " + table));
  const auto stream = TRY(statement->execute());
  SegmentId segment = 0;
  SegmentBits* bits = nullptr;
  while (const auto chunk = TRY(stream->next())) {
    const auto* segments = static_cast<const std::int32_t*>(chunk->column(0).data());
    const auto* rows = static_cast<const std::int64_t*>(chunk->column(1).data());
    content.rows += chunk->size();
    for (std::size_t i = 0; i < chunk->size(); ++i) {
      if (segments[i] <= 0) continue;
      if (bits == nullptr || static_cast<SegmentId>(segments[i]) != segment) {
        segment = static_cast<SegmentId>(segments[i]);
        bits = &dead[segment];
      }
      bits->mark_dead(static_cast<std::uint64_t>(rows[i]));
    }
  }
  for (const auto& [id, _] : dead) content.segment_max = std::max(content.segment_max, id);
  return content;
}

}  // namespace freshet::collection
