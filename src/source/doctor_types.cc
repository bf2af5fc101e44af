// The doctor's check of types: what of the tables does not arrive, or otherwise than it is.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string>

#include "postgres/type_table.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace {

using postgres::CatalogTable;

// Names of columns with their types, for one table.
struct Notes {
  std::string not_sent;
  std::string nested;
  std::string as_text;
  std::string wider;
  std::string objects;
};

void add(std::string& list, const std::string& item) {
  list += (list.empty() ? "" : ", ") + item;
}

// Whether queries see the text of a type that is none.
bool arrives_as_text(const ColumnSchema& column) {
  const Type type = column.type.kind == TypeKind::List ? element_type(column.type) : column.type;
  if (type.kind != TypeKind::Text || type.shown != Shown::AsStored) return false;
  const postgres::KnownType* const known = postgres::known_type(column.pg_type);
  return known == nullptr || known->kind != TypeKind::Text;
}

// The planner's sample of a column has a value that its type here does not hold: NaN in a decimal,
// a time after 294247-01-10, an array of several dimensions or from another index on.
constexpr const char* does_not_fit =
    "coalesce((SELECT CASE WHEN a.atttypid = 1700 THEN a.atttypmod >= 4 AND s.sample LIKE '%NaN%' "
    "WHEN a.atttypid IN (1114, 1184) THEN s.sample ~ '2942(4[7-9]|[5-7][0-9])-' "
    "WHEN t.typcategory = 'A' THEN s.sample LIKE '%\"{{%' OR s.sample ~ '\"\\[-?[0-9]+:' END "
    "FROM (SELECT concat(s.most_common_vals::text, s.histogram_bounds::text) AS sample "
    "FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND "
    "s.attname = a.attname LIMIT 1) s), false)";

void report(Findings& findings, const std::string& name, const Notes& notes) {
  if (!notes.not_sent.empty()) {
    findings.warning({.message = fmt::format("generated columns of {} are not mirrored: {}", name,
                                             notes.not_sent),
                      .fix = "Compute them in queries, or in a view on the copy.",
                      .table = name});
  }
  if (!notes.nested.empty()) {
    findings.info({.message = fmt::format("arrays of {} that are declared with several dimensions "
                                          "arrive as their exact text: {}",
                                          name, notes.nested),
                   .detail = "A query reads one with CAST(pg_array_text(column) AS INTEGER[][]).",
                   .table = name});
  }
  if (!notes.wider.empty()) {
    findings.info({.message = fmt::format("{} has values that the type of their column cannot hold "
                                          "here: {}",
                                          name, notes.wider),
                   .detail = "Decimals with NaN become numbers without a precision, anything else "
                             "becomes its exact text; the table is copied once more for each.",
                   .table = name});
  }
  if (!notes.as_text.empty()) {
    findings.info({.message = fmt::format("columns of {} that arrive as their exact text: {}", name,
                                          notes.as_text),
                   .table = name});
  }
  if (!notes.objects.empty()) {
    findings.info({.message = fmt::format("{} may refer to large objects, which are not "
                                          "replicated: {}",
                                          name, notes.objects),
                   .table = name});
  }
}

}  // namespace

Result<> check_column_types(Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT a.attrelid, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), "
      "a.attnum, {}, a.attndims > 1, {}, a.atttypid = 26, "
      "coalesce((SELECT ' of extension ' || e.extname FROM pg_depend d JOIN pg_extension e "
      "ON e.oid = d.refobjid WHERE d.classid = 'pg_type'::regclass AND d.objid = a.atttypid "
      "AND d.deptype = 'e' LIMIT 1), '') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
      "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid "
      "WHERE a.attrelid = ANY ({}) AND a.attnum > 0 AND NOT a.attisdropped "
      "ORDER BY a.attrelid, a.attnum",
      patient.at_least(12) ? "a.attgenerated <> ''" : "false", does_not_fit,
      patient.table_oids())));
  std::map<std::string, Notes> tables;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const CatalogTable* table = patient.table(answer.text(i, 0));
    if (table == nullptr || !table->why_not.empty()) continue;
    Notes& notes = tables[table->schema.qualified_name()];
    const std::string column = answer.text(i, 1);
    const std::string typed = column + ' ' + answer.text(i, 2) + answer.text(i, 8);
    const auto found = std::ranges::find(table->schema.columns, answer.number(i, 3),
                                         [](const ColumnSchema& each) { return each.attnum; });
    if (found == table->schema.columns.end()) {
      if (answer.holds(i, 4)) add(notes.not_sent, column);
    } else if (answer.holds(i, 5)) {
      add(notes.nested, typed);
    } else if (answer.holds(i, 6)) {
      add(notes.wider, typed);
    } else if (arrives_as_text(*found)) {
      add(notes.as_text, typed);
    }
    if (answer.holds(i, 7)) add(notes.objects, column);
  }
  for (const auto& [name, notes] : tables) report(findings, name, notes);
  findings.fine("all other columns arrive with their own type");
  return {};
}

}  // namespace freshet::source
