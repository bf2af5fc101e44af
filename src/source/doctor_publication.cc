// What is published, what we would publish, whether we may, and whether it makes the application's
// own writes fail.
#include <fmt/core.h>

#include <algorithm>

#include "postgres/sqlstate.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::literal;
using postgres::quoted;

namespace {

std::string our_publications(const Patient& patient) {
  return literal(patient.names.publication) + ", " + literal(patient.names.inserts_publication);
}

std::string as_script(const std::vector<PublicationStep>& steps) {
  std::string script;
  for (const PublicationStep& step : steps) {
    script += (script.empty() ? "" : "\n") + step.statement + ";";
  }
  return script;
}

// Tables and publications that publish their updates or deletes, each with the reason why
// PostgreSQL then refuses UPDATE and DELETE on the table, if there is one.
//
// A partition is published through any of its ancestors. Column lists and row filters name the
// columns of the member, so columns are compared by name.
std::string broken_writes_sql(const Patient& patient) {
  const bool lists = patient.at_least(15);
  const std::string ancestors = patient.at_least(13)
                                    ? " OR c.relispartition AND r.prrelid IN (SELECT relid FROM "
                                      "pg_partition_ancestors(c.oid))"
                                    : "";
  const std::string by_schema =
      lists ? " OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid AND "
              "s.pnnspid = c.relnamespace)"
            : "";
  // Of the columns that `condition` picks from the member's, those that are not in the identity.
  const std::string key_names =
      "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY "
      "((k.indkey::int2[])[0:k.indnatts - 1])";
  const std::string list_names =
      "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY "
      "(r.prattrs::int2[])";
  const std::string filter_names =
      "SELECT a.attname FROM pg_attribute a JOIN regexp_matches(r.prqual::text, ':varattno "
      "(\\d+)', "
      "'g') v ON a.attnum = v[1]::int2 WHERE a.attrelid = r.prrelid";
  std::string reasons =
      "WHEN c.relreplident = 'n' THEN 'its replica identity is NOTHING' "
      "WHEN c.relreplident <> 'f' AND k.indexrelid IS NULL THEN 'it has no usable replica "
      "identity' ";
  if (lists) {
    reasons += fmt::format(
        "WHEN r.prattrs IS NOT NULL AND (c.relreplident = 'f' OR EXISTS ({0} EXCEPT {1})) THEN "
        "'the "
        "column list leaves out columns of its replica identity' "
        "WHEN r.prqual IS NOT NULL AND c.relreplident <> 'f' AND EXISTS ({2} EXCEPT {0}) THEN 'the "
        "row filter uses columns outside of its replica identity' ",
        key_names, list_names, filter_names);
  }
  if (patient.at_least(18)) {
    reasons += fmt::format(
        "WHEN EXISTS (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT "
        "a.attisdropped AND (a.attgenerated = 'v' OR a.attgenerated = 's' AND p.pubgencols = 'n') "
        "AND (c.relreplident = 'f' OR a.attname IN ({0})) AND (r.prattrs IS NULL OR a.attname NOT "
        "IN ({1}))) THEN 'its replica identity has a generated column that is not published' ",
        key_names, list_names);
  }
  return fmt::format(
      "SELECT p.pubname, n.nspname || '.' || c.relname, CASE {} END AS reason, p.pubname IN ({}) "
      "FROM pg_publication p CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND (r.prrelid = c.oid{}) "
      "LEFT JOIN LATERAL (SELECT i.* FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND "
      "i.indimmediate AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN "
      "i.indisreplident ELSE false END LIMIT 1) k ON true "
      "WHERE (p.pubupdate OR p.pubdelete) AND c.relkind = 'r' AND c.relpersistence = 'p' AND "
      "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND (p.puballtables OR r.oid IS "
      "NOT NULL{}) ORDER BY 1, 2",
      reasons, our_publications(patient), ancestors, by_schema);
}

// What the role lacks to run the steps, and the statements that grant it, each on a line.
struct Rights {
  std::string lacking;
  std::string grants;
};
Result<Rights> read_rights(const Patient& patient, const std::vector<PublicationStep>& steps) {
  std::string added;
  for (const PublicationStep& step : steps) {
    for (const std::string& oid : step.added) added += (added.empty() ? "" : ",") + oid;
  }
  const std::string others = fmt::format(
      "FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner WHERE c.oid = ANY ('{{{}}}'::oid[]) "
      "AND "
      "NOT pg_has_role(c.relowner, 'USAGE')",
      added);
  // A superuser's rights are not for granting.
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT has_database_privilege(current_database(), 'CREATE'), coalesce((SELECT "
      "bool_and(pg_has_role(pubowner, 'USAGE')) FROM pg_publication WHERE pubname IN ({0})), "
      "true), "
      "(SELECT string_agg(c.oid::regclass::text, ', ') {1}), (SELECT string_agg(DISTINCT "
      "quote_ident(o.rolname), ', ') {1} AND NOT o.rolsuper)",
      our_publications(patient), others)));
  const bool creates = std::ranges::any_of(steps, &PublicationStep::creates);
  const std::string role = quoted(patient.role.name);
  Rights rights;
  if (creates && !answer.holds(0, 0)) {
    rights.lacking = fmt::format("may not create publications in database {}", patient.database);
    rights.grants =
        fmt::format("GRANT CREATE ON DATABASE {} TO {};\n", quoted(patient.database), role);
  }
  if (!steps.empty() && !answer.holds(0, 1)) {
    rights.lacking += rights.lacking.empty() ? "" : ", and ";
    rights.lacking += "does not own the publications that have to be altered";
  }
  if (!answer.null(0, 2)) {
    rights.lacking += rights.lacking.empty() ? "" : ", and ";
    rights.lacking += "does not own tables that have to be published: " + answer.text(0, 2);
  }
  if (!answer.null(0, 3)) {
    rights.grants += fmt::format("GRANT {} TO {};\n", answer.text(0, 3), role);
  }
  return rights;
}

}  // namespace

Result<> check_publishing_rights(Patient& patient, Findings& findings) {
  if (patient.standby) {
    findings.info({.message = "publications are made on the primary",
                   .detail = "A standby cannot make them; those of the primary arrive by "
                             "replication."});
    return {};
  }
  const auto planned = plan_publications(patient.connection, patient.names, patient.tables);
  if (!planned.ok()) {
    findings.info({.message = "not looked at: " + planned.error().message});
    return {};
  }
  const Rights rights = TRY(read_rights(patient, *planned));
  if (rights.lacking.empty()) {
    findings.fine(planned->empty() ? "the publications are as they should be"
                                   : "the role may make and alter the publications");
    return {};
  }
  findings.blocking({.message = fmt::format("the role {} {}", patient.role.name, rights.lacking),
                     .fix = rights.grants +
                            (rights.grants.empty() ? "" : "Or let an owner of the tables run:\n") +
                            as_script(*planned),
                     .sqlstate = sqlstate::insufficient_privilege});
  return {};
}

Result<> check_broken_writes(Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(broken_writes_sql(patient)));
  bool any = false;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    if (answer.null(i, 2)) continue;
    const std::string publication = answer.text(i, 0);
    const std::string table = answer.text(i, 1);
    const bool ours = answer.holds(i, 3);
    any = any || ours;
    Finding finding{
        .message = fmt::format("UPDATE and DELETE on {} fail now: publication {} publishes them, "
                               "and {}",
                               table, publication, answer.text(i, 2)),
        .fix = ours ? fmt::format("Start Freshet, which moves the table to {}; or: ALTER "
                                  "PUBLICATION {} DROP TABLE {};",
                                  patient.names.inserts_publication, quoted(publication), table)
                    : fmt::format("Take the table out of that publication, or: ALTER TABLE {} "
                                  "REPLICA IDENTITY FULL;",
                                  table),
        .table = table,
        .sqlstate = sqlstate::not_in_prerequisite_state};
    if (ours) {
      findings.blocking(std::move(finding));
    } else {
      finding.detail = "This publication is not Freshet's.";
      findings.warning(std::move(finding));
    }
  }
  if (any) return {};
  const auto inserts_only = std::ranges::count_if(patient.tables, [](const auto& table) {
    return table.why_not.empty() && table.schema.identity == Identity::None;
  });
  const auto published = std::ranges::count_if(
      patient.tables, [](const auto& table) { return table.why_not.empty(); });
  findings.fine(
      fmt::format("our publications make no write fail: {} tables with all changes, {} "
                  "with inserts and truncates only",
                  published - inserts_only, inserts_only));
  return {};
}

Result<> check_publications(Patient& patient, Findings& findings) {
  const auto planned = plan_publications(patient.connection, patient.names, patient.tables);
  if (!planned.ok()) {
    const Error& error = planned.error();
    findings.blocking(
        {.message = error.message,
         .fix = fmt::format("DROP PUBLICATION {};", quoted(patient.names.publication)),
         .sqlstate = error.sqlstate});
    return {};
  }
  if (planned->empty()) {
    findings.fine(fmt::format("publications {} and {} hold the tables", patient.names.publication,
                              patient.names.inserts_publication));
  } else if (patient.standby) {
    findings.blocking({.message = "the publications are missing, or do not hold the tables",
                       .detail = "A standby cannot make them.",
                       .fix = "On the primary:\n" + as_script(*planned),
                       .sqlstate = sqlstate::read_only_transaction});
  } else {
    findings.info(
        {.message = "what Freshet will publish when it starts", .detail = as_script(*planned)});
  }
  return {};
}

Result<> check_publication_age(Patient& patient, Findings& findings) {
  if (!patient.slot.exists) {
    findings.fine("there is no slot of ours yet: the publications come first");
    return {};
  }
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT (SELECT count(*) FROM pg_publication WHERE pubname IN ({0})), (SELECT bool_or("
      "age(p.xmin) <= age(s.catalog_xmin)) FROM pg_publication p, pg_replication_slots s WHERE "
      "p.pubname IN ({0}) AND s.slot_name = {1})",
      our_publications(patient), literal(patient.names.slot))));
  const std::string fix =
      patient.at_least(18)
          ? "PostgreSQL 18 sends nothing for a missing publication: copy again (ALTER SOURCE … "
            "RESYNC; in Freshet)."
          : "The stream fails at the first change before the publication was made (42704): copy "
            "again (ALTER SOURCE … RESYNC; in Freshet).";
  if (answer.number(0, 0) < 2) {
    findings.warning(
        {.message = fmt::format("slot {} is there, but not both publications", patient.names.slot),
         .fix = fix,
         .sqlstate = sqlstate::undefined_object});
  } else if (answer.holds(0, 1)) {
    findings.warning(
        {.message = "a publication was made or altered after the position of our slot",
         .detail = "Altering its settings is harmless. Made anew, it is missing for the changes "
                   "before.",
         .fix = "Only if the stream stops with 42704: " + fix,
         .sqlstate = sqlstate::undefined_object});
  } else {
    findings.fine("the publications are older than the position of our slot");
  }
  return {};
}

Result<> check_restrictions(Patient& patient, Findings& findings) {
  if (!patient.at_least(15)) {
    findings.fine("there are no column lists and row filters before PostgreSQL 15");
    return {};
  }
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT p.pubname, n.nspname || '.' || c.relname, pg_get_expr(r.prqual, r.prrelid), (SELECT "
      "string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE "
      "a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND "
      "a.attnum <> ALL (r.prattrs::int2[])) FROM pg_publication_rel r JOIN pg_publication p ON "
      "p.oid "
      "= r.prpubid JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = "
      "c.relnamespace WHERE p.pubname IN ({}) AND (r.prqual IS NOT NULL OR r.prattrs IS NOT NULL) "
      "ORDER BY 2",
      our_publications(patient))));
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const std::string table = answer.text(i, 1);
    const std::string filter = answer.text(i, 2);
    const std::string missing = answer.text(i, 3);
    std::string message =
        fmt::format("publication {} sends only a part of {}:", answer.text(i, 0), table);
    if (!filter.empty()) message += " rows with " + filter;
    if (!missing.empty()) {
      message += (filter.empty() ? "" : ", and") + std::string(" not the columns ") + missing;
    }
    if (filter.empty() && missing.empty()) message += " columns that are added later never come";
    findings.warning(
        {.message = std::move(message),
         .fix = fmt::format("ALTER PUBLICATION {0} DROP TABLE {1}; ALTER PUBLICATION {0} ADD TABLE "
                            "{1};",
                            quoted(answer.text(i, 0)), table),
         .table = table,
         .sqlstate = sqlstate::not_in_prerequisite_state});
  }
  if (answer.size() == 0) findings.fine("no column list or row filter restricts what we get");
  return {};
}

}  // namespace freshet::source
