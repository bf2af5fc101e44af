#include "postgres/user_types.h"

#include <fmt/core.h>

#include <map>
#include <set>
#include <string>

#include "postgres/cell.h"
#include "postgres/type_table.h"
#include "postgres/types.h"

namespace freshet::postgres {

namespace {

using Oids = std::set<std::uint32_t>;

// What a type comes down to.
struct Base {
  std::uint32_t oid = 0;  // of a domain: what it is over, through all domains between
  std::int32_t typmod = -1;
  char kind = 'b';            // pg_type.typtype
  std::uint32_t array = 0;    // the type of arrays of it
  std::uint32_t element = 0;  // of an array with commas between its elements
};
using Bases = std::map<std::uint32_t, Base>;

std::string listed(const Oids& oids) {
  std::string list;
  for (const std::uint32_t oid : oids) list += fmt::format("{}{}", list.empty() ? "" : ",", oid);
  return list;
}

Result<Bases> read_bases(Connection& connection, const Oids& oids) {
  Bases bases;
  if (oids.empty()) return bases;
  // An array type is the one that its elements' type names; vectors like oidvector are none.
  const Rows rows = TRY(connection.query(fmt::format(
      "WITH RECURSIVE base(asked, oid, typmod) AS (SELECT t.oid, t.oid, -1 FROM "
      "pg_catalog.pg_type t WHERE t.oid IN ({}) UNION ALL SELECT base.asked, t.typbasetype, "
      "t.typtypmod FROM base JOIN pg_catalog.pg_type t ON t.oid = base.oid AND t.typtype = 'd') "
      "SELECT base.asked, t.oid, base.typmod, t.typtype, t.typarray, e.oid FROM base "
      "JOIN pg_catalog.pg_type t ON t.oid = base.oid AND t.typtype <> 'd' "
      "LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid "
      "AND e.typdelim = ','",
      listed(oids))));
  for (const auto& row : rows.rows) {
    bases[number<std::uint32_t>(row[0])] = {.oid = number<std::uint32_t>(row[1]),
                                            .typmod = number<std::int32_t>(row[2]),
                                            .kind = row[3].value_or("b").at(0),
                                            .array = number<std::uint32_t>(row[4]),
                                            .element = number<std::uint32_t>(row[5])};
  }
  return bases;
}

Type scalar_type(const Base& base) {
  Type type = type_for(base.oid, base.typmod);
  if (base.kind == 'e') type.shown = Shown::Enum;
  if (base.kind == 'c') type.shown = Shown::Record;
  return type;
}

// What of a column's type is still to be read: of itself, or of its elements.
struct Wanted {
  ColumnSchema* column = nullptr;
  std::uint32_t oid = 0;
};

// The elements of an array decide what it is a list of. Lists of lists are texts of arrays.
Wanted describe_array(ColumnSchema& column, const Base& element) {
  Type type = scalar_type(element);
  if (type.kind == TypeKind::List) type = {};
  column.type = list_of(type);
  const KnownType* const known = known_type(element.oid);
  if (known != nullptr && known->type_oid == element.oid && element.array != column.pg_type) {
    // An array of a domain, whose values are those of an array of what it is over.
    if (column.domain == 0) column.domain = column.pg_type;
    column.pg_type = element.array;
  }
  return {&column, element.oid};
}

Wanted describe(ColumnSchema& column, const Base& base, const Bases& elements) {
  if (base.oid != column.pg_type) {
    column.domain = column.pg_type;
    column.pg_type = base.oid;
    column.pg_typmod = base.typmod;
  }
  const auto element = elements.find(base.element);
  if (known_type(base.oid) == nullptr && element != elements.end()) {
    return describe_array(column, element->second);
  }
  column.type = scalar_type({base.oid, column.pg_typmod, base.kind});
  return {&column, base.oid};
}

// The oids of those that are shown so.
Oids shown_as(Shown shown, const std::vector<Wanted>& all) {
  Oids oids;
  for (const Wanted& each : all) {
    if (each.column->type.shown == shown) oids.insert(each.oid);
  }
  return oids;
}

Result<> read_labels(Connection& connection, const std::vector<Wanted>& all) {
  const Oids enums = shown_as(Shown::Enum, all);
  if (enums.empty()) return {};
  const Rows rows = TRY(connection.query(
      fmt::format("SELECT enumtypid, oid, enumlabel FROM pg_catalog.pg_enum WHERE enumtypid IN "
                  "({}) ORDER BY enumtypid, enumsortorder",
                  listed(enums))));
  std::map<std::uint32_t, std::vector<EnumLabel>> labels;
  for (const auto& row : rows.rows) {
    labels[number<std::uint32_t>(row[0])].push_back(
        {number<std::uint32_t>(row[1]), row[2].value_or("")});
  }
  for (const Wanted& each : all) {
    if (each.column->type.shown == Shown::Enum) each.column->labels = labels[each.oid];
  }
  return {};
}

Result<> read_fields(Connection& connection, const std::vector<Wanted>& all) {
  const Oids composites = shown_as(Shown::Record, all);
  if (composites.empty()) return {};
  const Rows rows = TRY(connection.query(
      fmt::format("SELECT t.oid, a.attname, a.atttypid, a.atttypmod FROM pg_catalog.pg_type t "
                  "JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 "
                  "AND NOT a.attisdropped WHERE t.oid IN ({}) ORDER BY t.oid, a.attnum",
                  listed(composites))));
  std::map<std::uint32_t, std::vector<RecordField>> fields;
  for (const auto& row : rows.rows) {
    Type type = type_for(number<std::uint32_t>(row[2]), number<std::int32_t>(row[3]));
    if (type.kind == TypeKind::List) type = {};
    fields[number<std::uint32_t>(row[0])].push_back({row[1].value_or(""), type});
  }
  for (const Wanted& each : all) {
    if (each.column->type.shown == Shown::Record) each.column->fields = fields[each.oid];
  }
  return {};
}

}  // namespace

Result<> describe_types(Connection& connection, std::span<ColumnSchema* const> columns) {
  Oids unknown;
  for (const ColumnSchema* column : columns) {
    if (known_type(column->pg_type) == nullptr) unknown.insert(column->pg_type);
  }
  const Bases bases = TRY(read_bases(connection, unknown));
  Oids of_arrays;
  for (const auto& [oid, base] : bases) {
    if (base.element != 0) of_arrays.insert(base.element);
  }
  const Bases elements = TRY(read_bases(connection, of_arrays));
  std::vector<Wanted> described;
  for (ColumnSchema* const column : columns) {
    const auto base = bases.find(column->pg_type);
    if (base != bases.end()) described.push_back(describe(*column, base->second, elements));
  }
  TRY(read_labels(connection, described));
  return read_fields(connection, described);
}

}  // namespace freshet::postgres
