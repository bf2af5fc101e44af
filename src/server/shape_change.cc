#include "server/shape_change.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "postgres/types.h"

namespace freshet::server {

namespace {

using collection::Alteration;
using decode::Relation;
using decode::RelationColumn;
using postgres::CatalogColumn;
using postgres::CatalogShape;
using postgres::CatalogState;

using Numbers = std::vector<std::int16_t>;

// Ways to read a Relation message that are looked at; a table with more of them is copied again.
constexpr std::size_t readings_max = 64;

const ColumnSchema* find(const TableSchema& schema, std::int16_t attnum) {
  const auto found = std::ranges::find(schema.columns, attnum, &ColumnSchema::attnum);
  return found == schema.columns.end() ? nullptr : &*found;
}

const CatalogColumn* find(const CatalogShape& shape, std::int16_t attnum) {
  const auto found = std::ranges::find(shape.columns, attnum, &CatalogColumn::attnum);
  return found == shape.columns.end() ? nullptr : &*found;
}

bool same_kind(std::uint32_t one, std::uint32_t other) {
  return one == other || postgres::type_for(one, -1).kind == postgres::type_for(other, -1).kind;
}

// The columns that a Relation message can stand for. At its place in the stream, columns up to some
// number had been added; of those some are still there, and the others were dropped before it or
// after it.
class Readings {
 public:
  Readings(const TableSchema& known, const CatalogState& state, const Relation& relation,
           const CatalogShape& now)
      : known_(known), relation_(relation), now_(now), columns_before_(state.columns) {
    const int last = now.columns.empty() ? 0 : now.columns.back().attnum;
    for (int added = columns_before_; added <= std::max(last, columns_before_); ++added) {
      read(static_cast<std::int16_t>(added));
    }
  }

  // The one that is possible; nothing when there is none or several.
  std::optional<Numbers> only() const {
    if (found_.size() != 1 || found_.size() > readings_max) return std::nullopt;
    return *found_.begin();
  }

 private:
  // With the columns up to this number.
  void read(std::int16_t added) {
    Numbers there, maybe;
    for (const CatalogColumn& column : now_.columns) {
      if (column.attnum > added) continue;
      const bool is_new = column.attnum > columns_before_;
      if (!column.dropped && column.sent) {
        there.push_back(column.attnum);
      } else if (column.dropped && (is_new || find(known_, column.attnum) != nullptr)) {
        maybe.push_back(column.attnum);
      }
    }
    if (there.size() > relation_.columns.size()) return;
    choose(there, maybe, 0, relation_.columns.size() - there.size());
  }

  // Adds `wanted` of those from `at` on.
  void choose(const Numbers& chosen, const Numbers& maybe, std::size_t at, std::size_t wanted) {
    if (found_.size() > readings_max || maybe.size() - at < wanted) return;
    if (wanted == 0) {
      Numbers sorted = chosen;
      std::ranges::sort(sorted);
      if (fits(sorted)) found_.insert(std::move(sorted));
      return;
    }
    for (std::size_t i = at; i < maybe.size(); ++i) {
      Numbers more = chosen;
      more.push_back(maybe[i]);
      choose(more, maybe, i + 1, wanted - 1);
    }
  }

  // As far as types go: the rows were not rewritten, so none has become something else altogether.
  bool fits(const Numbers& numbers) const {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::uint32_t type = relation_.columns[i].pg_type;
      const ColumnSchema* const before = find(known_, numbers[i]);
      const CatalogColumn* const column = find(now_, numbers[i]);
      if (before != nullptr && !same_kind(before->declared_type(), type)) return false;
      if (before == nullptr && !column->dropped && !same_kind(column->pg_type, type)) return false;
    }
    return true;
  }

  const TableSchema& known_;
  const Relation& relation_;
  const CatalogShape& now_;
  int columns_before_;
  std::set<Numbers> found_;
};

// Whether values of one type are values of the other, byte for byte and as text: PostgreSQL did not
// rewrite them.
bool holds(const ColumnSchema& before, const RelationColumn& after) {
  if (before.declared_type() == after.pg_type) return true;
  const auto is_text = [](std::uint32_t type) {
    return type == postgres::oid::text || type == postgres::oid::varchar;
  };
  return is_text(before.declared_type()) && is_text(after.pg_type);
}

CopyAgain copy_again(std::string reason) {
  return {std::move(reason)};
}

// What the rows that are there have in a new column; an empty column for null, nothing when that
// cannot be known.
std::optional<Column> value_before(const CatalogColumn& column, const ColumnSchema& schema,
                                   Arena& arena) {
  Column value(schema.type);
  if (!column.has_constant) return value;
  if (!column.constant) return std::nullopt;
  const std::string_view kept = arena.keep(*column.constant);
  const Result<> read =
      postgres::append_value(value, schema.pg_type, postgres::Format::Text, as_bytes(kept), arena);
  if (!read.ok()) return std::nullopt;
  return value;
}

std::optional<Numbers> columns_of(const TableSchema& known, const CatalogState& state,
                                  const Relation& relation, const CatalogShape& now,
                                  Catalog catalog) {
  if (catalog == Catalog::Ahead) return Readings(known, state, relation, now).only();
  Numbers numbers;
  for (const CatalogColumn& column : now.columns) {
    if (!column.dropped && column.sent) numbers.push_back(column.attnum);
  }
  if (numbers.size() != relation.columns.size()) return std::nullopt;
  return numbers;
}

Identity identity_after(Identity before, const Relation& relation) {
  // A table that is published for inserts only stays so until it is published otherwise.
  return before == Identity::None ? before : decode::identity_of(relation);
}

// What a message does not say of a type (what a domain is over, what an enum is made of) stays what
// it was; of a new column it is what the catalog says.
ColumnSchema column_after(const ColumnSchema* before, const RelationColumn& said,
                          const CatalogColumn& column, bool in_key) {
  ColumnSchema after{.name = {}, .type = postgres::type_for(said.pg_type, said.pg_typmod)};
  const ColumnSchema& known = before != nullptr ? *before : column.described;
  if (known.declared_type() == said.pg_type) {
    const bool as_its_type_says = known.type == postgres::type_for(known.pg_type, known.pg_typmod);
    const Type type = as_its_type_says && known.domain == 0 ? after.type : known.type;
    after = known;
    after.type = type;
  } else {
    after.pg_type = said.pg_type;
  }
  after.name = said.name;
  if (after.domain == 0) after.pg_typmod = said.pg_typmod;
  after.attnum = column.attnum;
  after.in_key = in_key;
  after.not_null = column.not_null;
  return after;
}

}  // namespace

ShapeChange shape_change(const KnownShape& known, const Relation& relation, const CatalogShape& now,
                         Catalog catalog, Arena& arena) {
  const auto state = CatalogState::parse(known.catalog);
  if (relation.columns.empty()) return copy_again("it has no columns");
  if (!state) return copy_again("it is not known whether its rows were rewritten");
  if (state->files != now.state.files) return copy_again("its rows may have been rewritten");
  const auto numbers = columns_of(*known.schema, *state, relation, now, catalog);
  if (!numbers) return copy_again("it is not certain which column is which");

  auto schema = std::make_shared<TableSchema>(*known.schema);
  schema->identity = identity_after(known.schema->identity, relation);
  schema->columns.clear();
  Alteration alteration;
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    const RelationColumn& said = relation.columns[i];
    const CatalogColumn& column = *find(now, numbers->at(i));
    const ColumnSchema* const before = find(*known.schema, column.attnum);
    schema->columns.push_back(
        column_after(before, said, column,
                     schema->identity == Identity::Full ||
                         (schema->identity == Identity::Key && said.in_identity)));
    if (known.binary && !postgres::has_binary_form(schema->columns.back())) {
      return copy_again(fmt::format("column {} has to be sent as text", said.name));
    }
    if (before != nullptr) {
      if (holds(*before, said)) continue;
      return copy_again(fmt::format("column {} became another type", said.name));
    }
    if (column.attnum <= state->columns || column.dropped || column.pg_type != said.pg_type) {
      return copy_again(fmt::format("the values of column {} are not known", said.name));
    }
    auto value = value_before(column, schema->columns.back(), arena);
    if (!value) return copy_again(fmt::format("the constant of column {} is not known", said.name));
    if (value->size() > 0) alteration.constants.emplace(column.attnum, *std::move(value));
  }
  if (!decode::difference(*schema, relation).empty()) {
    return copy_again("its key changed in a way that is not known");
  }
  // Columns that were added since then are still to come.
  CatalogState after = now.state;
  const bool up_to_date = std::ranges::all_of(now.columns, [&](const CatalogColumn& column) {
    return column.dropped || !column.sent || std::ranges::count(*numbers, column.attnum) > 0;
  });
  if (!up_to_date) after.columns = std::max<int>(state->columns, numbers->back());
  alteration.schema = std::move(schema);
  alteration.catalog = after.to_text();
  return alteration;
}

bool same_identity(const TableSchema& one, const TableSchema& other) {
  if (one.identity != other.identity) return false;
  if (one.identity != Identity::Key) return true;
  const auto keys = [](const TableSchema& schema) {
    std::set<std::int16_t> numbers;
    for (const ColumnSchema& column : schema.columns) {
      if (column.in_key) numbers.insert(column.attnum);
    }
    return numbers;
  };
  return keys(one) == keys(other);
}

}  // namespace freshet::server
