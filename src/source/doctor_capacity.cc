// Whether the server has room for us: slots, walsenders, connections, memory to decode with.
#include <fmt/core.h>

#include <algorithm>

#include "base/figures.h"
#include "postgres/sqlstate.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;

namespace {

// The number to raise a limit to: what is used and wanted, and as much again as is wanted.
std::string raised(std::int64_t used, std::int64_t wanted) {
  return std::to_string(used + 2 * wanted);
}

// A slot that was made and is gone is missed elsewhere; it needs no room here.
bool has_slot(const Patient& patient) {
  return patient.slot.exists || patient.options.resumes;
}

}  // namespace

Result<> check_slots(Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(
      "SELECT (SELECT count(*) FROM pg_replication_slots), "
      "current_setting('max_replication_slots')::int, (SELECT string_agg(slot_name, ', ' ORDER BY "
      "slot_name) FROM pg_replication_slots WHERE NOT active)"));
  const std::int64_t used = answer.number(0, 0);
  const std::int64_t all = answer.number(0, 1);
  const std::int64_t free = all - used;
  // One that stays, and one for as long as a table is copied that came later.
  const std::int64_t needed = has_slot(patient) ? 0 : 1;
  const std::string idle = answer.text(0, 2);
  Finding finding{.message = fmt::format("all {} replication slots are in use", all),
                  .detail = idle.empty() ? "" : "Nobody reads these now: " + idle + ".",
                  .fix = how_to_set(patient.provider, {.name = "max_replication_slots",
                                                       .value = raised(used, needed + 1),
                                                       .needs_restart = true}) +
                         (idle.empty() ? ""
                                       : "\nOr drop one that nobody needs: SELECT "
                                         "pg_drop_replication_slot('NAME');"),
                  .sqlstate = sqlstate::configuration_limit_exceeded,
                  .passes = true};
  if (free < needed) {
    findings.blocking(std::move(finding));
  } else if (free == needed) {
    finding.message = fmt::format(
        "{} of {} replication slots are in use: none is left for copying a table again", used, all);
    findings.warning(std::move(finding));
  } else {
    findings.fine(fmt::format("{} of {} replication slots are free", free, all));
  }
  return {};
}

Result<> check_senders(Patient& patient, Findings& findings) {
  // A walsender of ours that still holds our slot is ended before a new one starts.
  const Answer answer = TRY(
      patient.ask(fmt::format("SELECT (SELECT count(*) FROM pg_stat_replication WHERE pid <> {}), "
                              "current_setting('max_wal_senders')::int",
                              patient.slot.active_pid)));
  const std::int64_t used = answer.number(0, 0);
  const std::int64_t all = answer.number(0, 1);
  const std::int64_t free = all - used;
  // The stream, and beside it the snapshot that is copied: at the first start always.
  const std::int64_t needed = has_slot(patient) ? 1 : 2;
  Finding finding{.message = fmt::format("{} of {} WAL senders are in use, and {} more are needed",
                                         used, all, needed),
                  .detail = "One sends the stream; one holds the snapshot while tables are copied.",
                  .fix = how_to_set(
                      patient.provider,
                      {.name = "max_wal_senders", .value = raised(used, 2), .needs_restart = true}),
                  .sqlstate = sqlstate::too_many_connections,
                  .passes = true};
  if (free < needed) {
    findings.blocking(std::move(finding));
  } else if (free < 2) {
    finding.message = fmt::format(
        "{} of {} WAL senders are in use: none is left for copying a table again", used, all);
    findings.warning(std::move(finding));
  } else {
    findings.fine(fmt::format("{} of {} WAL senders are free", free, all));
  }
  return {};
}

Result<> check_connections(Patient& patient, Findings& findings) {
  // Whose session it is everybody may see; what kind it is only some. Since 12 walsenders have
  // places of their own.
  const Answer answer = TRY(patient.ask(
      fmt::format("SELECT (SELECT count(*) FROM pg_stat_activity WHERE usesysid IS NOT NULL) - {}, "
                  "(SELECT count(*) FROM pg_stat_activity WHERE usename = current_user), "
                  "current_setting('max_connections')::int, "
                  "current_setting('superuser_reserved_connections')::int + {}",
                  patient.at_least(12) ? "(SELECT count(*) FROM pg_stat_replication)" : "0",
                  patient.at_least(16) ? "current_setting('reserved_connections')::int" : "0")));
  const std::int64_t reserved = patient.role.superuser ? 0 : answer.number(0, 3);
  const std::int64_t all = answer.number(0, 2) - reserved;
  const std::int64_t free = all - answer.number(0, 0);
  // To prepare, to watch, to look at a table while it is copied; and the copies.
  const std::int64_t needed = static_cast<std::int64_t>(patient.options.copy_workers) + 3;
  const std::int64_t of_role = patient.role.connections_max;
  const std::int64_t free_of_role = of_role - answer.number(0, 1);
  if (of_role >= 0 && free_of_role < needed + 2) {
    findings.warning(
        {.message = fmt::format("the role {} may have {} connections, and {} are "
                                "needed",
                                patient.role.name, of_role, needed + 2),
         .fix = fmt::format("ALTER ROLE {} CONNECTION LIMIT {};",
                            postgres::quoted(patient.role.name), answer.number(0, 1) + 2 * needed),
         .sqlstate = sqlstate::too_many_connections});
  }
  if (free < needed) {
    findings.warning(
        {.message =
             fmt::format("{} of {} connections are free, and {} are needed", free, all, needed),
         .fix = "Copy fewer tables at a time (--copy-workers), close idle connections, or:\n" +
                how_to_set(patient.provider, {.name = "max_connections",
                                              .value = raised(answer.number(0, 2), needed),
                                              .needs_restart = true}),
         .sqlstate = sqlstate::too_many_connections});
  } else {
    findings.fine(fmt::format("{} of {} connections are free", free, all));
  }
  return {};
}

Result<> check_decode_memory(Patient& patient, Findings& findings) {
  if (!patient.at_least(13)) {
    findings.info({.message = "transactions of more than 4,096 changes are spilled to the source's "
                              "disk while they are decoded",
                   .detail = "logical_decoding_work_mem exists since PostgreSQL 13."});
    return {};
  }
  constexpr std::int64_t default_kilobytes = 64 << 10;
  const std::string raise = fmt::format("ALTER ROLE {} SET logical_decoding_work_mem = '256MB';",
                                        postgres::quoted(patient.role.name));
  const Answer setting = TRY(patient.ask(
      "SELECT setting::bigint FROM pg_settings WHERE name = 'logical_decoding_work_mem'"));
  const std::int64_t kilobytes = setting.number(0, 0);
  if (kilobytes < default_kilobytes) {
    findings.warning(
        {.message =
             fmt::format("logical_decoding_work_mem is {}, less than PostgreSQL's default of "
                         "64 MB",
                         short_bytes(static_cast<double>(kilobytes) * 1024)),
         .detail = "Larger transactions are written to the source's disk and read again while they "
                   "are decoded.",
         .fix = raise});
  } else {
    findings.fine("decoding has " + short_bytes(static_cast<double>(kilobytes) * 1024) +
                  " of memory");
  }
  if (!patient.slot.exists || !patient.at_least(14)) return {};
  const Answer spilled = TRY(patient.ask(
      "SELECT spill_txns, spill_bytes FROM pg_stat_replication_slots WHERE slot_name = " +
      postgres::literal(patient.names.slot)));
  if (spilled.size() == 0 || spilled.number(0, 0) == 0) return {};
  findings.warning({.message = fmt::format(
                        "decoding for slot {} spilled {} transactions, {}, to the source's disk",
                        patient.names.slot, spilled.number(0, 0),
                        short_bytes(static_cast<double>(spilled.number(0, 1)))),
                    .fix = raise});
  return {};
}

Result<> check_copy_estimate(Patient& patient, Findings& findings) {
  double bytes = 0;
  double rows = 0;
  std::size_t unknown = 0;
  for (const postgres::CatalogTable& table : patient.tables) {
    bytes += static_cast<double>(table.bytes);
    rows += std::max(table.rows_estimated, 0.0);
    if (table.rows_estimated < 0) ++unknown;
  }
  // What this connection carries, measured without touching anybody's rows.
  constexpr double sample_bytes = 4 << 20;
  const auto began = std::chrono::steady_clock::now();
  TRY(patient.connection.copy_out(
      "COPY (SELECT repeat('x', 8192) FROM generate_series(1, 512)) TO STDOUT (FORMAT binary)",
      [](Bytes) -> Result<> { return {}; }, {}));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double rate = sample_bytes / std::max(took.count(), 1e-6);
  findings.info(
      {.message = fmt::format("{} tables, about {} rows, {}; this connection carries {}/s: copying "
                              "takes at least {}",
                              patient.tables.size(), short_number(rows), short_bytes(bytes),
                              short_bytes(rate), short_time(bytes / rate)),
       .detail = unknown == 0 ? ""
                              : fmt::format("{} of them were never analysed: their rows are not "
                                            "counted here.",
                                            unknown)});
  return {};
}

Result<> check_catalog_churn(Patient& patient, Findings& findings) {
  constexpr double writes_per_second_max = 50;
  const Activity now = TRY(count_activity(patient));
  const std::chrono::duration<double> seconds = now.since - patient.before->since;
  const double rate = static_cast<double>(now.catalog_writes - patient.before->catalog_writes) /
                      std::max(seconds.count(), 0.001);
  if (rate < writes_per_second_max) {
    findings.fine(fmt::format("{:.0f} rows per second are written to the catalog", rate));
    return {};
  }
  findings.warning(
      {.message = fmt::format("{:.0f} rows per second are written to the catalog: tables are made "
                              "and dropped all the time",
                              rate),
       .detail =
           "Decoding a transaction that makes a temporary table costs many times what a plain "
           "one does.",
       .fix = "Make temporary tables once per session and TRUNCATE them, or use WITH queries."});
  return {};
}

}  // namespace freshet::source
