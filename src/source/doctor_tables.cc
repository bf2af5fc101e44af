// The tables: can they be read, how their rows are named, what of them arrives and how.
#include <fmt/core.h>

#include <algorithm>

#include "base/figures.h"
#include "postgres/sqlstate.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::CatalogTable;
using postgres::quoted;

namespace {

std::string quoted_name(const CatalogTable& table) {
  return quoted(table.schema.schema) + '.' + quoted(table.schema.name);
}

// A pattern that names one table, and what is there under that name instead of a table of ours.
Result<> check_named_table(const Patient& patient, const std::string& pattern, Findings& findings) {
  const std::size_t dot = pattern.find('.');
  const std::string schema = dot == std::string::npos ? "public" : pattern.substr(0, dot);
  const std::string name = dot == std::string::npos ? pattern : pattern.substr(dot + 1);
  const auto found = std::ranges::any_of(patient.tables, [&](const CatalogTable& table) {
    return table.schema.schema == schema && table.schema.name == name;
  });
  if (found) return {};
  const std::string partition =
      patient.at_least(10) ? "WHEN c.relispartition THEN 'a partition: name its root, ' || (SELECT "
                             "i.inhparent::regclass FROM pg_inherits i WHERE i.inhrelid = c.oid) "
                           : "";
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT CASE {}WHEN c.relkind = 'v' THEN "
      "'a view' WHEN c.relkind = 'm' THEN 'a materialized view' WHEN c.relkind = 'f' THEN 'a "
      "foreign "
      "table' WHEN c.relkind = 'S' THEN 'a sequence' WHEN c.relpersistence = 't' THEN 'a temporary "
      "table' WHEN c.relkind = 'p' THEN 'a partitioned table, which can be published since 13: "
      "name "
      "its partitions' ELSE 'excluded by another pattern, or in a system schema' END FROM pg_class "
      "c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}",
      partition, postgres::literal(schema), postgres::literal(name))));
  findings.blocking({.message = answer.size() == 0
                                    ? fmt::format("there is no table {}.{}", schema, name)
                                    : fmt::format("{}.{} cannot be mirrored: it is {}", schema,
                                                  name, answer.text(0, 0)),
                     .fix = "Correct --tables.",
                     .table = schema + '.' + name,
                     .sqlstate = sqlstate::undefined_table});
  return {};
}

// What may not be read: nothing of a table, or some of its columns.
Result<> check_readable(const Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT c.oid, quote_ident(n.nspname), has_schema_privilege(n.oid, 'USAGE'), "
      "has_table_privilege(c.oid, 'SELECT'), (SELECT string_agg(quote_ident(a.attname), ', ' ORDER "
      "BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT "
      "a.attisdropped AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')) FROM pg_class c "
      "JOIN "
      "pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ({})",
      patient.table_oids())));
  const std::string role = quoted(patient.role.name);
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const CatalogTable* table = patient.table(answer.text(i, 0));
    const bool schema = answer.holds(i, 2);
    const bool all_columns = answer.holds(i, 3) || answer.null(i, 4);
    if (table == nullptr || (schema && all_columns)) continue;
    const std::string name = table->schema.qualified_name();
    std::string fix;
    if (!schema) fix = fmt::format("GRANT USAGE ON SCHEMA {} TO {};", answer.text(i, 1), role);
    if (!all_columns) {
      fix += fmt::format("{}GRANT SELECT ON {} TO {};", fix.empty() ? "" : "\n",
                         quoted_name(*table), role);
    }
    findings.blocking(
        {.message = fmt::format("the role {} may not read {}", patient.role.name, name),
         .detail = all_columns || answer.null(i, 4) ? "" : "Columns: " + answer.text(i, 4) + ".",
         .fix = std::move(fix),
         .table = name,
         .sqlstate = sqlstate::insufficient_privilege});
  }
  return {};
}

// Why PostgreSQL cannot name the rows of a table, and the statement that lets it.
struct Nameless {
  std::string reason;
  std::string fix;
};
Nameless nameless(const CatalogTable& table, const Answer& answer, std::size_t row) {
  const std::string identity = answer.text(row, 1);
  const bool deferrable = answer.holds(row, 2);
  const std::string candidate = answer.text(row, 3);
  const bool generated = answer.holds(row, 4);
  const bool leaves = answer.holds(row, 5);
  std::string reason = "it has no primary key";
  if (generated) reason = "its replica identity needs a generated column, which is not sent";
  if (leaves) reason = "not all of its partitions have the replica identity of the root";
  if (deferrable) reason = "its primary key is DEFERRABLE, which does not count";
  if (identity == "n") reason = "its replica identity is NOTHING";
  if (identity == "i") reason = "its identity index is gone or not valid";
  const std::string alter = "ALTER TABLE " + quoted_name(table);
  std::string fix;
  if (identity != "d" && answer.holds(row, 6)) {
    fix = alter + " REPLICA IDENTITY DEFAULT;";
  } else if (!candidate.empty()) {
    fix = fmt::format("{} REPLICA IDENTITY USING INDEX {};", alter, candidate);
  } else {
    fix = fmt::format(
        "{0} ADD PRIMARY KEY (…);\nOr, at the price of whole old rows in the WAL: {0} "
        "REPLICA IDENTITY FULL;",
        alter);
  }
  return {std::move(reason),
          fix + "  -- takes ACCESS EXCLUSIVE for a moment: SET lock_timeout first"};
}

}  // namespace

Result<> check_tables(Patient& patient, Findings& findings) {
  if (patient.tables.empty() && patient.options.choices.empty()) {
    findings.blocking(
        {.message = "no table matches",
         .fix = "Check --tables; patterns look like public.* or shop.order*, !public.log excludes.",
         .sqlstate = sqlstate::undefined_table});
  }
  for (const std::string& pattern : patient.options.tables) {
    const bool names_one = !pattern.starts_with('!') && pattern.find('*') == std::string::npos;
    if (names_one) TRY(check_named_table(patient, pattern, findings));
  }
  std::size_t fit = 0;
  for (const CatalogTable& table : patient.tables) {
    if (table.why_not.empty()) {
      ++fit;
      continue;
    }
    const std::string name = table.schema.qualified_name();
    findings.blocking(
        {.message = fmt::format("{} cannot be mirrored: {}", name, table.why_not),
         .fix = fmt::format("Leave it out with --tables '!{}', or: ALTER TABLE {} SET "
                            "LOGGED;  -- rewrites it under ACCESS EXCLUSIVE",
                            name, quoted_name(table)),
         .table = name,
         .sqlstate = sqlstate::feature_not_supported});
  }
  TRY(check_readable(patient, findings));
  if (fit > 0) findings.fine(fmt::format("{} tables match and can be mirrored", fit));
  return {};
}

Result<> check_identity(Patient& patient, Findings& findings) {
  // A candidate: unique, of all rows, checked at once, of columns that are never null.
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT c.oid, c.relreplident, EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND "
      "i.indisprimary AND NOT i.indimmediate), (SELECT quote_ident(x.relname) FROM pg_index i JOIN "
      "pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisunique AND "
      "i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS "
      "(SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) "
      "AND NOT a.attnotnull) AND c.relkind = 'r' ORDER BY i.indnatts, x.relname LIMIT 1), {}, "
      "c.relkind = 'p' AND (c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE "
      "i.indrelid "
      "= c.oid AND i.indisprimary AND i.indimmediate)), EXISTS (SELECT FROM pg_index i WHERE "
      "i.indrelid = c.oid AND i.indisprimary AND i.indimmediate) FROM pg_class c WHERE c.oid = ANY "
      "({})",
      patient.at_least(12) ? "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND "
                             "a.attgenerated <> '' AND NOT a.attisdropped)"
                           : "false",
      patient.table_oids())));
  std::size_t named = 0;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const CatalogTable* table = patient.table(answer.text(i, 0));
    if (table == nullptr || !table->why_not.empty()) continue;
    if (table->schema.identity != Identity::None) {
      ++named;
      continue;
    }
    const std::string name = table->schema.qualified_name();
    Nameless why = nameless(*table, answer, i);
    findings.warning(
        {.message =
             fmt::format("only inserts and truncates of {} are mirrored: {}", name, why.reason),
         .detail =
             "It is published without updates and deletes, so that the application's own never "
             "fail.",
         .fix = std::move(why.fix),
         .table = name,
         .sqlstate = sqlstate::not_in_prerequisite_state});
  }
  findings.fine(fmt::format("{} tables have a replica identity that names their rows", named));
  return {};
}

Result<> check_row_security(Patient& patient, Findings& findings) {
  if (patient.version < 90500) {
    findings.fine("there is no row-level security before PostgreSQL 9.5");
    return {};
  }
  const Answer answer =
      TRY(patient.ask(fmt::format("SELECT c.oid, pg_get_userbyid(c.relowner), "
                                  "c.relforcerowsecurity FROM pg_class c WHERE c.oid "
                                  "= ANY ({}) AND row_security_active(c.oid)",
                                  patient.table_oids())));
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const CatalogTable* table = patient.table(answer.text(i, 0));
    if (table == nullptr) continue;
    const std::string name = table->schema.qualified_name();
    findings.blocking(
        {.message = fmt::format("row-level security hides rows of {} from the role {}", name,
                                patient.role.name),
         .detail = "The stream brings all rows, the first copy would miss some: it is refused "
                   "instead (42501).",
         .fix = how_to_bypass_row_security(patient.provider, patient.role.name, answer.text(i, 1)),
         .table = name,
         .sqlstate = sqlstate::insufficient_privilege});
  }
  if (answer.size() == 0) findings.fine("row-level security hides nothing from this role");
  return {};
}

Result<> check_large_values(Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT count(DISTINCT a.attrelid), count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = "
      "a.attrelid WHERE a.attrelid = ANY ({}) AND a.attnum > 0 AND NOT a.attisdropped AND a.attlen "
      "= "
      "-1 AND a.attstorage IN ('x', 'e', 'm') AND c.relreplident <> 'f'",
      patient.table_oids())));
  if (answer.number(0, 1) == 0) {
    findings.fine("no column can hold a value that PostgreSQL stores apart");
    return {};
  }
  findings.info(
      {.message = fmt::format("{} columns of {} tables can hold large values, which an update does "
                              "not send when it leaves them alone",
                              answer.number(0, 1), answer.number(0, 0)),
       .detail = "Freshet keeps the value it has: nothing to do."});
  return {};
}

Result<> check_partitions(Patient& patient, Findings& findings) {
  const auto roots = std::ranges::count_if(patient.tables, &CatalogTable::partitioned);
  if (roots == 0) {
    findings.fine("no table is partitioned");
    return {};
  }
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT r.oid, count(*) FILTER (WHERE l.relkind = 'r'), string_agg(l.oid::regclass::text, ', "
      "') "
      "FILTER (WHERE l.relkind = 'f'), string_agg(l.oid::regclass::text, ', ') FILTER (WHERE "
      "l.relpersistence = 'u') FROM pg_class r CROSS JOIN LATERAL pg_partition_tree(r.oid) t JOIN "
      "pg_class l ON l.oid = t.relid WHERE r.relkind = 'p' AND t.isleaf AND r.oid = ANY ({}) GROUP "
      "BY "
      "r.oid",
      patient.table_oids())));
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const CatalogTable* table = patient.table(answer.text(i, 0));
    if (table == nullptr) continue;
    const std::string name = table->schema.qualified_name();
    findings.info({.message = fmt::format("{} is mirrored as one table, with its {} partitions",
                                          name, answer.number(i, 1)),
                   .detail = "Rows come under the root's name, wherever they move.",
                   .table = name});
    for (const std::size_t column : {2U, 3U}) {
      if (answer.null(i, column)) continue;
      findings.warning(
          {.message = fmt::format(
               "partitions of {} that PostgreSQL does not replicate, because they "
               "are {}: {}",
               name, column == 2 ? "foreign tables" : "unlogged", answer.text(i, column)),
           .table = name,
           .sqlstate = sqlstate::feature_not_supported});
    }
  }
  return {};
}

}  // namespace freshet::source
