#include "decode/pgoutput.h"

#include <fmt/core.h>

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "decode/relation.h"
#include "decode/row_decoder.h"
#include "postgres/ddl_message.h"

namespace freshet::decode {

namespace {

// How much of a table's changes was there when a transaction began.
struct Mark {
  std::size_t changes = 0;
  std::size_t rows = 0;
  std::size_t old = 0;
};

Mark mark_of(const TableChanges& changes) {
  return {changes.changes.size(), changes.row_count(),
          changes.old.empty() ? 0 : changes.old.front().size()};
}

void drop_to(TableChanges& changes, const Mark& mark) {
  changes.changes.resize(mark.changes);
  for (Column& column : changes.rows) column.drop_to(mark.rows);
  for (Column& column : changes.old) column.drop_to(mark.old);
}

std::uint32_t last_row(const std::vector<Column>& columns) {
  return columns.empty() ? 0 : static_cast<std::uint32_t>(columns.front().size() - 1);
}

// A table with an entry in the ChangeSet.
struct Table {
  explicit Table(std::shared_ptr<const TableSchema> schema) : rows(std::move(schema)) {}

  RowDecoder rows;
  bool stopped = false;  // until there is another schema or a newer copy
  bool checked = false;  // a Relation was seen and agreed with the schema

  // Of the part being decoded.
  std::uint64_t part = 0;
  TableChanges* changes = nullptr;
  bool skipped = false;  // the copy has this commit already
  Lsn skip_before;       // of the entry

  std::uint64_t transaction = 0;
  Mark begin;                   // when that transaction touched the table first
  std::size_t changes_end = 0;  // what we left behind; less means that the set was emptied
};

struct SeenRelation {
  Relation relation;
  Lsn commit_lsn;  // of the transaction it came in
};

Error corruption(std::string message) {
  Error error;
  error.fault = Fault::Corruption;
  error.sqlstate = "XX001";
  error.message = std::move(message);
  return error;
}

}  // namespace

struct PgoutputDecoder::State {
  Result<std::optional<Altered>> decode(const TransactionPart& next_part, ChangeSet& changes);

 private:
  Result<> message(Bytes bytes);
  Result<> begin(ByteReader& reader);
  Result<> commit(ByteReader& reader);
  Result<> relation(ByteReader& reader);
  Result<> row_change(char kind, ByteReader& reader);
  Result<> insert(Table& table, ByteReader& reader);
  Result<> update(Table& table, ByteReader& reader);
  Result<> remove(Table& table, ByteReader& reader);
  Result<> truncate(ByteReader& reader);
  Result<> logical(ByteReader& reader);
  Result<> finished(const ByteReader& reader, std::string_view kind) const;

  Table* find(TableId id);
  Table* prepare(TableId id);
  void enter(Table& table, TableChanges& entry);
  void check_shape(Table& table, const Relation& relation);
  bool usable(const Table* table) const { return table != nullptr && !table->stopped; }

  void push(Table& table, Change change);
  bool names_old_rows(Table& table, char old_kind);
  Result<> row_failed(Table& table, Outcome outcome, std::string_view kind);
  void stop(Table& table, bool shape_changed, Error reason,
            std::optional<WidenedColumn> widened = std::nullopt);

  std::unordered_map<TableId, Table> tables_;
  std::unordered_map<TableId, SeenRelation> relations_;
  std::uint64_t parts_ = 0;
  std::uint64_t transactions_ = 0;

  // A table that the message being decoded needs, and that has another shape: to be handed back.
  std::optional<Altered> altered_;
  std::size_t resume_at_ = 0;  // in the part, behind what is decoded of it

  // Of the part being decoded.
  const TransactionPart* part_ = nullptr;
  ChangeSet* out_ = nullptr;
  bool goes_on_ = false;            // with the transaction of the call before
  std::optional<TableId> last_id_;  // messages of one table come in runs
  Table* last_ = nullptr;
};

PgoutputDecoder::PgoutputDecoder() : state_(std::make_unique<State>()) {}
PgoutputDecoder::~PgoutputDecoder() = default;
PgoutputDecoder::PgoutputDecoder(PgoutputDecoder&&) noexcept = default;
PgoutputDecoder& PgoutputDecoder::operator=(PgoutputDecoder&&) noexcept = default;

Result<std::optional<Altered>> PgoutputDecoder::decode(const TransactionPart& part,
                                                       ChangeSet& out) {
  return state_->decode(part, out).context("decode transaction at " + to_string(part.commit_lsn));
}

Result<std::optional<Altered>> PgoutputDecoder::State::decode(const TransactionPart& next_part,
                                                              ChangeSet& changes) {
  part_ = &next_part;
  out_ = &changes;
  last_id_.reset();
  ++parts_;
  goes_on_ = !part_->first || resume_at_ > 0;
  if (!goes_on_) ++transactions_;
  ByteReader reader(part_->messages.subspan(std::exchange(resume_at_, 0)));
  while (!reader.at_end()) {
    const std::size_t at = part_->messages.size() - reader.remaining();
    const auto size = reader.little<std::uint32_t>();
    const Bytes bytes = reader.bytes(size);
    if (!reader.ok() || bytes.empty()) return corruption("the messages run out");
    TRY(message(bytes));
    if (!altered_) continue;
    resume_at_ = at;
    return std::exchange(altered_, std::nullopt);
  }
  out_->payload_bytes += part_->messages.size();
  if (!part_->last) return std::optional<Altered>();
  out_->applied.lsn = part_->end_lsn;
  out_->applied.commit_time = part_->commit_time;
  ++out_->transactions;
  return std::optional<Altered>();
}

Result<> PgoutputDecoder::State::message(Bytes bytes) {
  ByteReader reader(bytes);
  const char kind = reader.big<char>();
  switch (kind) {
    case 'I':
    case 'U':
    case 'D': return row_change(kind, reader);
    case 'B': return begin(reader);
    case 'C': return commit(reader);
    case 'R': return relation(reader);
    case 'T': return truncate(reader);
    case 'O':  // origin: LSN, name
      reader.big<std::uint64_t>();
      reader.text_to_nul();
      return finished(reader, "origin");
    case 'Y':  // type: oid, schema, name
      reader.big<std::uint32_t>();
      reader.text_to_nul();
      reader.text_to_nul();
      return finished(reader, "type");
    case 'M': return logical(reader);
    default:
      return corruption(fmt::format("unknown message 0x{:02x}", static_cast<unsigned char>(kind)));
  }
}

Result<> PgoutputDecoder::State::finished(const ByteReader& reader, std::string_view kind) const {
  if (!reader.ok()) return corruption(fmt::format("{} message runs out", kind));
  if (!reader.at_end()) return corruption(fmt::format("{} message is too long", kind));
  return {};
}

Result<> PgoutputDecoder::State::begin(ByteReader& reader) {
  const Lsn commit_lsn{reader.big<std::uint64_t>()};
  reader.big<std::int64_t>();   // commit time
  reader.big<std::uint32_t>();  // transaction id
  TRY(finished(reader, "begin"));
  if (commit_lsn == part_->commit_lsn) return {};
  return corruption("begin message is of the transaction at " + to_string(commit_lsn));
}

Result<> PgoutputDecoder::State::commit(ByteReader& reader) {
  const auto flags = reader.big<std::uint8_t>();
  const Lsn commit_lsn{reader.big<std::uint64_t>()};
  const Lsn end_lsn{reader.big<std::uint64_t>()};
  reader.big<std::int64_t>();  // commit time
  TRY(finished(reader, "commit"));
  if (flags != 0) return corruption(fmt::format("commit message has flags 0x{:02x}", flags));
  if (commit_lsn == part_->commit_lsn && end_lsn == part_->end_lsn) return {};
  return corruption("commit message is of the transaction at " + to_string(commit_lsn));
}

Result<> PgoutputDecoder::State::relation(ByteReader& reader) {
  std::optional<Relation> parsed = parse_relation(reader);
  if (!parsed) return corruption("malformed relation message");
  SeenRelation& seen = relations_[parsed->table];
  seen = {std::move(*parsed), part_->commit_lsn};
  Table* const table = find(seen.relation.table);
  if (usable(table)) check_shape(*table, seen.relation);
  return {};
}

Result<> PgoutputDecoder::State::row_change(char kind, ByteReader& reader) {
  const TableId id{reader.big<std::uint32_t>()};
  if (!reader.ok()) return corruption("row message runs out");
  Table* const table = find(id);
  if (!usable(table)) return {};
  if (kind == 'I') return insert(*table, reader);
  return kind == 'U' ? update(*table, reader) : remove(*table, reader);
}

Result<> PgoutputDecoder::State::insert(Table& table, ByteReader& reader) {
  if (reader.big<char>() != 'N') return corruption("insert message without a row");
  const Outcome outcome = table.rows.read_new(reader, *table.changes, {}, out_->arena);
  if (outcome != Outcome::Done) return row_failed(table, outcome, "insert");
  push(table, {Op::Insert, last_row(table.changes->rows)});
  return finished(reader, "insert");
}

Result<> PgoutputDecoder::State::update(Table& table, ByteReader& reader) {
  char kind = reader.big<char>();
  const char old_kind = kind == 'K' || kind == 'O' ? kind : '\0';
  if (old_kind == '\0' && kind != 'N') return corruption("update message without a row");
  if (!names_old_rows(table, old_kind)) return {};
  RowDecoder::NewRow row{.update = true};
  if (old_kind != '\0') {
    const Outcome outcome = table.rows.read_old(reader, *table.changes, out_->arena);
    if (outcome != Outcome::Done) return row_failed(table, outcome, "update");
    row.old = last_row(table.changes->old);
    kind = reader.big<char>();
  }
  if (kind != 'N') return corruption("update message without a new row");
  const Outcome outcome = table.rows.read_new(reader, *table.changes, row, out_->arena);
  if (outcome != Outcome::Done) return row_failed(table, outcome, "update");
  push(table, {Op::Update, last_row(table.changes->rows), row.old});
  return finished(reader, "update");
}

Result<> PgoutputDecoder::State::remove(Table& table, ByteReader& reader) {
  const char old_kind = reader.big<char>();
  if (old_kind != 'K' && old_kind != 'O') return corruption("delete message without a row");
  if (!names_old_rows(table, old_kind)) return {};
  const Outcome outcome = table.rows.read_old(reader, *table.changes, out_->arena);
  if (outcome != Outcome::Done) return row_failed(table, outcome, "delete");
  push(table, {Op::Delete, Change::none, last_row(table.changes->old)});
  return finished(reader, "delete");
}

Result<> PgoutputDecoder::State::truncate(ByteReader& reader) {
  const auto count = reader.big<std::uint32_t>();
  reader.big<std::uint8_t>();  // CASCADE and RESTART IDENTITY: nothing to us
  if (!reader.ok() || reader.remaining() != std::uint64_t{count} * sizeof(std::uint32_t)) {
    return corruption("truncate message of a wrong length");
  }
  std::vector<Table*> tables;
  for (std::uint32_t i = 0; i < count; ++i) {
    tables.push_back(find(TableId{reader.big<std::uint32_t>()}));
    if (altered_) return {};  // comes again, for all of them
  }
  for (Table* const table : tables) {
    if (usable(table)) push(*table, {Op::Truncate});
  }
  return {};
}

// A table whose rows have new values cannot be followed further: they have to be copied.
Result<> PgoutputDecoder::State::logical(ByteReader& reader) {
  const auto told = postgres::parse_ddl_message(reader);
  TRY(finished(reader, "logical"));
  if (!told || !told->rewritten) return {};
  Table* const table = find(*told->rewritten);
  if (!usable(table)) return {};
  stop(*table, true, {.sqlstate = "0A000", .message = "its rows have been rewritten"});
  return {};
}

// The table if this part's changes of it are to be decoded, else null.
Table* PgoutputDecoder::State::find(TableId id) {
  if (last_id_ == id) return last_;
  last_ = prepare(id);
  last_id_ = id;
  return last_;
}

Table* PgoutputDecoder::State::prepare(TableId id) {
  auto found = tables_.find(id);
  if (found != tables_.end() && found->second.part == parts_) {
    return found->second.skipped ? nullptr : &found->second;
  }
  const auto entry = out_->tables.find(id);
  if (entry == out_->tables.end()) return nullptr;
  const bool is_new = found == tables_.end() ||
                      found->second.rows.schema() != entry->second->schema ||
                      found->second.skip_before < entry->second->skip_before;
  if (is_new) found = tables_.insert_or_assign(id, Table(entry->second->schema)).first;
  Table& table = found->second;
  enter(table, *entry->second);
  if (table.skipped) return nullptr;
  // A Relation that came before the entry did is still in force, unless the copy is newer.
  const auto seen = relations_.find(id);
  if (is_new && seen != relations_.end() && seen->second.commit_lsn >= table.skip_before) {
    check_shape(table, seen->second.relation);
  }
  return &table;
}

// Takes up the table in a new part, which may go on with a transaction and with its changes.
void PgoutputDecoder::State::enter(Table& table, TableChanges& entry) {
  const bool same_changes = goes_on_ && table.transaction == transactions_ &&
                            table.changes == &entry && entry.changes.size() == table.changes_end;
  if (!same_changes) table.begin = mark_of(entry);
  table.part = parts_;
  table.transaction = transactions_;
  table.changes = &entry;
  table.changes_end = entry.changes.size();
  table.skip_before = entry.skip_before;
  table.skipped = entry.skip_before > part_->commit_lsn;
}

void PgoutputDecoder::State::check_shape(Table& table, const Relation& relation) {
  std::string what = difference(*table.rows.schema(), relation);
  table.checked = what.empty();
  if (table.checked) return;
  table.stopped = true;
  altered_ = Altered{table.rows.schema(), relation, std::move(what)};
}

void PgoutputDecoder::State::push(Table& table, Change change) {
  auto& origins = table.changes->origins;
  if (origins.empty() || origins.back().commit_lsn != part_->commit_lsn) {
    origins.push_back({table.changes->changes.size(), part_->commit_lsn, part_->commit_time});
  }
  table.changes->changes.push_back(change);
  ++table.changes_end;
  ++out_->change_count;
}

// Whether updates and deletes name their rows as the schema says; stops the table when not.
bool PgoutputDecoder::State::names_old_rows(Table& table, char old_kind) {
  const Identity identity = table.rows.schema()->identity;
  if (identity == Identity::Key && old_kind != 'O') return true;
  if (identity == Identity::Full && old_kind == 'O') return true;
  Error reason;
  reason.sqlstate = "55000";
  if (identity == Identity::None) {
    // It is published otherwise since it was copied, and rows were changed unseen before that.
    reason.message = "updates and deletes of it are sent now";
    stop(table, true, std::move(reason));
    return false;
  }
  reason.message = identity == Identity::Key ? "rows are named in full, not by the key"
                                             : "rows are named by a key, not in full";
  reason.detail = "The source has altered the table's replica identity.";
  stop(table, true, std::move(reason));
  return false;
}

Result<> PgoutputDecoder::State::row_failed(Table& table, Outcome outcome, std::string_view kind) {
  Error reason = table.rows.take_error();
  const auto widened = table.rows.take_widened();
  if (outcome == Outcome::Malformed || (outcome == Outcome::OtherShape && table.checked)) {
    return corruption(fmt::format("{} message: {}", kind, reason.message));
  }
  // In another form the value came when a column had gone from the catalog before its last rows
  // were sent; a copy has them all.
  const bool copied_again =
      outcome == Outcome::OtherShape || outcome == Outcome::OtherForm || widened;
  stop(table, copied_again, std::move(reason), widened);
  return {};
}

// Takes the table back to where the transaction began: what stays is its state at some commit.
void PgoutputDecoder::State::stop(Table& table, bool shape_changed, Error reason,
                                  std::optional<WidenedColumn> widened) {
  out_->change_count -= table.changes->changes.size() - table.begin.changes;
  drop_to(*table.changes, table.begin);
  table.changes_end = table.begin.changes;
  table.stopped = true;
  const TableSchema& schema = *table.rows.schema();
  out_->stopped.push_back({schema.id, shape_changed,
                           std::move(reason).with_context("table " + schema.qualified_name()),
                           widened});
}

}  // namespace freshet::decode
