#include "server/altered_tables.h"

#include "base/guarded.h"
#include "observe/log.h"
#include "server/new_labels.h"

namespace freshet::server {

namespace {

// The tables of the source stand still meanwhile.
constexpr std::chrono::milliseconds answers_within{10'000};

// Within the writer's open transaction.
Result<std::vector<ChangeSet::Stopped>> stop_table(ChangeSet::Stopped why,
                                                   collection::Writer& writer,
                                                   AlteredTables::Rows rows) {
  ChangeSet nothing;
  nothing.stopped.push_back(std::move(why));
  if (rows == AlteredTables::Rows::Behind) return writer.replay(nothing, true, {});
  return writer.apply(nothing, true);
}

}  // namespace

Result<std::vector<ChangeSet::Stopped>> AlteredTables::follow(const decode::Altered& altered,
                                                              collection::TableRecord& record,
                                                              collection::Writer& writer, Rows rows,
                                                              std::stop_token stop) {
  const std::string name = record.schema->qualified_name();
  arena_.reset();
  ShapeChange change = TRY(decide(altered, record, std::move(stop)).context("alter " + name));
  if (const auto* again = std::get_if<CopyAgain>(&change)) {
    Error reason{.sqlstate = "0A000",
                 .message = "table " + name + ": " + altered.difference + ", and " + again->reason};
    return stop_table({record.schema->id, true, std::move(reason)}, writer, rows);
  }
  const auto& alteration = std::get<collection::Alteration>(change);
  auto refused = TRY(writer.alter(alteration, rows == Rows::Behind).context("alter " + name));
  if (!refused.empty()) return refused;
  observe::info("table altered", {{"table", name}, {"change", altered.difference}});
  record.schema = alteration.schema;
  record.catalog = alteration.catalog;
  return refused;
}

Result<std::vector<ChangeSet::Stopped>> AlteredTables::learn_labels(collection::TableRecord& record,
                                                                    collection::Writer& writer,
                                                                    Rows rows,
                                                                    std::stop_token stop) {
  const TableSchema& before = *record.schema;
  const std::string name = before.qualified_name();
  const auto shape = TRY(ask(before.id, std::move(stop)).context("read the labels of " + name));
  if (!shape) return std::vector<ChangeSet::Stopped>();  // the stream will come to its end
  auto schema = with_labels_of(*shape, before);
  if (renamed_label(before, *schema)) {
    Error reason{.sqlstate = "0A000", .message = "table " + name + ": a label was renamed"};
    return stop_table({before.id, true, std::move(reason)}, writer, rows);
  }
  if (*schema == before) return std::vector<ChangeSet::Stopped>();
  auto refused =
      TRY(writer.alter({.schema = schema, .catalog = record.catalog}, rows == Rows::Behind)
              .context("alter " + name));
  if (!refused.empty()) return refused;
  observe::info("table altered", {{"table", name}, {"change", "an enum has a new label"}});
  record.schema = std::move(schema);
  return refused;
}

// The stream can be ahead of the catalog for a moment: a commit is sent when it is in the WAL, and
// visible to others a little later. So what does not fit is looked at again.
Result<ShapeChange> AlteredTables::decide(const decode::Altered& altered,
                                          const collection::TableRecord& record,
                                          std::stop_token stop) {
  constexpr int looks = 3;
  constexpr std::chrono::milliseconds between{30};
  Guarded<bool> never;
  for (int look = 1;; ++look) {
    ShapeChange change = TRY(look_once(altered, record, stop));
    const bool fits = std::holds_alternative<collection::Alteration>(change);
    if (fits || look == looks || stop.stop_requested()) return change;
    never.wait_for(stop, between, [](bool) { return false; });
  }
}

Result<ShapeChange> AlteredTables::look_once(const decode::Altered& altered,
                                             const collection::TableRecord& record,
                                             std::stop_token stop) {
  const auto shape = TRY(ask(record.schema->id, std::move(stop)));
  if (!shape) return ShapeChange(CopyAgain{"it has been dropped since"});
  ShapeChange change = shape_change({altered.schema, record.catalog, binary_}, altered.relation,
                                    *shape, Catalog::Ahead, arena_);
  const auto* alteration = std::get_if<collection::Alteration>(&change);
  const bool lines = plugin_ == postgres::Plugin::TestDecoding;
  if (lines && alteration != nullptr && !same_identity(*altered.schema, *alteration->schema)) {
    return ShapeChange(CopyAgain{"lines do not tell what they name rows by"});
  }
  return change;
}

Result<std::optional<postgres::CatalogShape>> AlteredTables::ask(TableId id, std::stop_token stop) {
  if (connection_) {
    auto shape = postgres::read_shape(*connection_, id, plugin_);
    if (shape.ok()) return shape;
    connection_.reset();
    if (shape.error().fault != Fault::Transient) return shape;
  }
  // There was none, or it had been idle for so long that it is gone.
  connection_ = TRY(postgres::Connection::connect(url_, {.stop = stop}));
  connection_->limit_answers(std::move(stop), answers_within);
  return postgres::read_shape(*connection_, id, plugin_);
}

void go_on_as(const std::shared_ptr<const TableSchema>& schema,
              std::unique_ptr<TableChanges>& entry) {
  auto next = std::make_unique<TableChanges>(schema);
  next->skip_before = entry->skip_before;
  entry = std::move(next);
}

}  // namespace freshet::server
