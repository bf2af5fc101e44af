#include "transform/transformation.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "engine/read_columns.h"
#include "transform/ingest_sql.h"

namespace freshet::transform {

namespace {

std::string_view name_of(Op op) {
  switch (op) {
    case Op::Insert: return "INSERT";
    case Op::Update: return "UPDATE";
    case Op::Delete: return "DELETE";
    case Op::Truncate: return "TRUNCATE";
  }
  return "";
}

// The commit that the change came with, if that is known.
const TableChanges::Origin* origin_of(const TableChanges& changes, const Change* change) {
  if (changes.origins.empty()) return nullptr;
  if (change == nullptr) return &changes.origins.front();
  const auto at = static_cast<std::size_t>(change - changes.changes.data());
  const auto behind =
      std::ranges::upper_bound(changes.origins, at, {}, &TableChanges::Origin::first);
  return behind == changes.origins.begin() ? nullptr : &*std::prev(behind);
}

}  // namespace

void Transformed::drop_to(std::size_t rows) {
  for (Column& column : columns) column.drop_to(rows);
  from.resize(rows);
}

// The metadata of every new row of the changes, as far as the statement asks for it.
void Transformation::describe_rows(const TableChanges& changes) {
  const std::size_t rows = changes.row_count();
  for (Column& column : metadata_) {
    if (&column != &metadata_.back()) column.clear();
  }
  number_rows(rows);
  if (std::ranges::find(metadata_read_, true) == metadata_read_.end()) return;
  texts_.clear();
  std::vector<const Change*> change_of(rows, nullptr);
  for (const Change& change : changes.changes) {
    if (change.row != Change::none) change_of[change.row] = &change;
  }
  texts_.push_back(table_->qualified_name());
  const std::string_view table = texts_.back();
  std::string_view lsn;
  const TableChanges::Origin* last = nullptr;
  for (std::size_t row = 0; row < rows; ++row) {
    const Change* const change = change_of[row];
    const TableChanges::Origin* const origin = origin_of(changes, change);
    if (origin != last && origin != nullptr) {
      texts_.push_back(to_string(origin->commit_lsn));
      lsn = texts_.back();
    }
    last = origin;
    metadata_[0].append_string(name_of(change == nullptr ? Op::Insert : change->op));
    metadata_[4].append_string(table);
    if (origin == nullptr) {
      for (std::size_t i = 1; i < 4; ++i) metadata_[i].append_null();
      continue;
    }
    const std::int64_t micros = origin->commit_time.time_since_epoch().count();
    metadata_[1].append(micros);
    metadata_[2].append_string(lsn);
    metadata_[3].append(micros);
  }
}

Result<> Transformation::run(const TableChanges& changes, std::span<const std::uint32_t> rows,
                             Arena& keep, Transformed& out) {
  describe_rows(changes);
  return run_rows(changes.rows, rows, keep, out);
}

Result<> Transformation::run_old(const TableChanges& changes, std::span<const std::uint32_t> rows,
                                 Arena& keep, Transformed& out) {
  CHECK(identity_ == Identity::Full);
  number_rows(changes.old.front().size());
  return run_rows(changes.old, rows, keep, out);  // all columns, in order
}

Result<> Transformation::run_rows(std::span<const Column> columns,
                                  std::span<const std::uint32_t> rows, Arena& keep,
                                  Transformed& out) {
  out.columns = columns_of(types_of(columns_));
  TRY(run_all(*row_query_, columns, rows, keep, out));
  refuse_null_keys(out);
  return {};
}

void Transformation::number_rows(std::size_t rows) {
  Column& number = metadata_.back();
  while (number.size() < rows) number.append(static_cast<std::int32_t>(number.size()));
}

Result<> Transformation::keys(std::span<const Column> identity, Arena& keep, Transformed& out) {
  out.columns.clear();
  for (const ColumnSchema& column : columns_) {
    if (column.in_key) out.columns.emplace_back(column.type);
  }
  const std::size_t rows = identity.front().size();
  number_rows(rows);
  while (numbers_.size() < rows) numbers_.push_back(static_cast<std::uint32_t>(numbers_.size()));
  return run_all(*key_query_, identity, std::span(numbers_).first(rows), keep, out);
}

// `first`: the columns of the table or of its key; the rest is metadata, or the row's number alone.
Result<> Transformation::run_all(engine::RowQuery& query, std::span<const Column> first,
                                 std::span<const std::uint32_t> rows, Arena& keep,
                                 Transformed& out) {
  out.from.clear();
  out.rejected.clear();
  const bool keys_only = key_query_ && &query == &*key_query_;
  const std::span<const Column> more =
      keys_only ? std::span(metadata_).last(1) : std::span<const Column>(metadata_);
  const auto take = [&](const engine::Chunk& chunk) -> Result<> {
    const auto* from = static_cast<const std::int32_t*>(chunk.column(out.columns.size()).data());
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      out.from.push_back(static_cast<std::uint32_t>(from[i]));
    }
    for (std::size_t c = 0; c < out.columns.size(); ++c) {
      engine::append_all(out.columns[c], chunk.column(c), chunk.size(), keep);
    }
    return {};
  };
  // What fails is halved until the rows that do are alone.
  std::vector<std::span<const std::uint32_t>> left{rows};
  while (!left.empty()) {
    const auto part = left.back();
    left.pop_back();
    const std::size_t before = out.from.size();
    Result<> ran = query.run(first, more, part, take);
    if (ran.ok()) continue;
    if (ran.error().fault != Fault::Permanent) return ran;
    out.drop_to(before);
    if (part.size() == 1) {
      out.rejected.push_back({part.front(), std::move(ran).error()});
      continue;
    }
    left.push_back(part.subspan(part.size() / 2));
    left.push_back(part.first(part.size() / 2));
  }
  return {};
}

// Rows whose key is null cannot be told from others.
void Transformation::refuse_null_keys(Transformed& out) const {
  const auto complete = [&](std::size_t ordinal) { return out.columns[ordinal].all_present(); };
  if (std::ranges::all_of(key_, complete)) return;
  Transformed good;
  good.columns = columns_of(types_of(columns_));
  for (std::size_t i = 0; i < out.from.size(); ++i) {
    const auto null = std::ranges::find_if(key_, [&](std::size_t ordinal) {
      return out.columns[ordinal].state(i) == ValueState::Null;
    });
    if (null == key_.end()) {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        good.columns[c].append_from(out.columns[c], i);
      }
      good.from.push_back(out.from[i]);
      continue;
    }
    out.rejected.push_back({out.from[i],
                            {.sqlstate = "23502",
                             .message = fmt::format("primary key column {} is null",
                                                    engine::quoted(columns_[*null].name))}});
  }
  std::ranges::sort(out.rejected, {}, &Rejected::row);
  good.rejected = std::move(out.rejected);
  out = std::move(good);
}

}  // namespace freshet::transform
