// Our slot: its name, its state, what delays making it, and what may take it away.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/figures.h"
#include "postgres/sqlstate.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;

namespace {

constexpr double megabyte = 1024.0 * 1024;

std::string drop_slot(const std::string& name) {
  return "SELECT pg_drop_replication_slot(" + postgres::literal(name) + ");";
}

// Bytes of WAL per second since the examination began; waits until there is something to measure.
Result<double> wal_rate(const Patient& patient) {
  constexpr std::chrono::duration<double> sample{2};
  const auto passed = std::chrono::steady_clock::now() - patient.before->since;
  const double rest = std::chrono::duration<double>(sample - passed).count();
  if (rest > 0) TRY(patient.ask(fmt::format("SELECT pg_sleep({:.3f})", rest)));
  const Activity now = TRY(count_activity(patient));
  const std::chrono::duration<double> seconds = now.since - patient.before->since;
  const double bytes = static_cast<double>(now.wal.value - patient.before->wal.value);
  return std::max(bytes, 0.0) / seconds.count();
}

// SQL of how many megabytes of WAL there are at most in quiet times. Before 10 they are counted in
// files of 16 MB, before 9.5 by checkpoint_segments.
const char* usual_wal_megabytes(const Patient& patient) {
  if (patient.at_least(10)) {
    return "(SELECT setting::bigint FROM pg_settings WHERE name = 'max_wal_size')";
  }
  return "(SELECT 16 * setting::bigint FROM pg_settings WHERE name IN ('max_wal_size', "
         "'checkpoint_segments'))";
}

}  // namespace

Result<> check_slot_name(Patient& patient, Findings& findings) {
  const SlotStatus& slot = patient.slot;
  const std::string& name = patient.names.slot;
  if (!slot.exists) {
    findings.fine("the name " + name + " is free for our slot");
    return {};
  }
  const bool ours =
      slot.plugin == postgres::plugin_name(patient.plugin) && slot.database == patient.database;
  if (!ours) {
    findings.blocking(
        {.message = slot.plugin.empty()
                        ? fmt::format("slot {} exists and is a physical one", name)
                        : fmt::format("slot {} exists with plugin {} in database {}", name,
                                      slot.plugin, slot.database),
         .fix = "Give the source another name (--source NAME=URL); or, if nobody needs it: " +
                drop_slot(name),
         .sqlstate = sqlstate::duplicate_object});
    return {};
  }
  findings.info(
      {.message = fmt::format("slot {} exists: a Freshet follows this source, or did", name),
       .detail = slot.active ? fmt::format("Process {} reads it now.", slot.active_pid)
                             : "Nobody reads it now.",
       .fix = "For a second Freshet, give the source another name (--source NAME=URL)."});
  return {};
}

Result<> check_slot_state(Patient& patient, Findings& findings) {
  const SlotStatus& slot = patient.slot;
  if (!slot.exists) {
    findings.fine("there is no slot of ours yet");
    return {};
  }
  std::string reason;
  if (patient.at_least(17)) {
    const Answer answer =
        TRY(patient.ask("SELECT coalesce(invalidation_reason, '') FROM pg_replication_slots WHERE "
                        "slot_name = " +
                        postgres::literal(patient.names.slot)));
    if (answer.size() > 0) reason = answer.text(0, 0);
  }
  const std::string held = short_bytes(static_cast<double>(slot.retained_wal_bytes));
  if (slot.wal_status == "lost" || !reason.empty()) {
    findings.blocking(
        {.message = fmt::format("slot {} has lost changes{}", patient.names.slot,
                                reason.empty() ? "" : " (" + reason + ")"),
         .detail = "What was committed since is gone for us: the tables have to be copied again.",
         .fix =
             fmt::format("In Freshet: ALTER SOURCE {} RESYNC; or, without its data folder: freshet "
                         "drop-source, then serve.",
                         patient.options.source_name),
         .sqlstate = sqlstate::not_in_prerequisite_state});
  } else if (slot.wal_status == "unreserved") {
    findings.warning(
        {.message = fmt::format("slot {} is about to lose changes: the next checkpoint may remove "
                                "WAL it needs",
                                patient.names.slot),
         .fix = "Start Freshet now; and:\n" +
                how_to_set(patient.provider, {.name = "max_slot_wal_keep_size", .value = "-1"}),
         .sqlstate = sqlstate::not_in_prerequisite_state});
  } else {
    findings.fine(fmt::format("slot {} is intact and holds {} of WAL; confirmed {}",
                              patient.names.slot, held, to_string(slot.confirmed_flush_lsn)));
  }
  return {};
}

Result<> check_open_transactions(Patient& patient, Findings& findings) {
  // Who holds a transaction id everybody may see in pg_locks; since when only some.
  const Answer answer = TRY(patient.ask(
      "SELECT 'process ' || l.pid || coalesce(' of ' || a.usename, '') || coalesce(' (' || "
      "nullif(a.application_name, '') || ')', ''), extract(epoch FROM now() - "
      "a.xact_start)::bigint, format('SELECT pg_terminate_backend(%s);', l.pid) FROM pg_locks l "
      "LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'transactionid' AND l.mode "
      "= 'ExclusiveLock' AND l.granted AND l.pid IS NOT NULL AND l.pid <> pg_backend_pid() UNION "
      "SELECT 'prepared transaction ' || gid, extract(epoch FROM now() - prepared)::bigint, "
      "format('ROLLBACK PREPARED %L;', gid) FROM pg_prepared_xacts ORDER BY 2 DESC NULLS LAST"));
  constexpr std::int64_t old_seconds = 30;
  std::size_t unknown = 0;
  bool any = false;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    if (answer.null(i, 1)) ++unknown;
    if (answer.number(i, 1) < old_seconds) continue;
    any = true;
    findings.warning(
        {.message = fmt::format("{} writes in a transaction for {} already", answer.text(i, 0),
                                short_time(static_cast<double>(answer.number(i, 1)))),
         .detail = "Making a slot waits until it ends; an existing slot holds the WAL since its "
                   "beginning.",
         .fix = "End it; if nobody needs it: " + answer.text(i, 2),
         .sqlstate = sqlstate::lock_not_available});
  }
  if (unknown > 0) {
    findings.info(
        {.message = fmt::format("{} other transactions are open; since when, this role may not see",
                                unknown),
         .fix =
             fmt::format("GRANT pg_read_all_stats TO {};", postgres::quoted(patient.role.name))});
  } else if (!any) {
    findings.fine("no transaction that writes is older than 30 s");
  }
  return {};
}

Result<> check_wal_limits(Patient& patient, Findings& findings) {
  const double rate = TRY(wal_rate(patient));
  const std::string now = fmt::format("the source writes {}/s of WAL now", short_bytes(rate));
  if (patient.at_least(18)) {
    const Answer idle = TRY(patient.ask(
        "SELECT setting::bigint FROM pg_settings WHERE name = 'idle_replication_slot_timeout'"));
    if (idle.number(0, 0) > 0) {
      findings.warning(
          {.message = fmt::format("idle_replication_slot_timeout is {}: a Freshet that is stopped "
                                  "for longer has to copy everything again",
                                  short_time(static_cast<double>(idle.number(0, 0)))),
           .fix = how_to_set(patient.provider,
                             {.name = "idle_replication_slot_timeout", .value = "0"})});
    }
  }
  const auto on_disk = patient.ask("SELECT sum(size)::bigint FROM pg_ls_waldir()");
  const std::string detail =
      on_disk.ok() ? "pg_wal holds " + short_bytes(static_cast<double>(on_disk->number(0, 0))) + "."
                   : "";
  const std::int64_t keep_megabytes =
      patient.at_least(13) ? TRY(patient.ask("SELECT setting::bigint FROM pg_settings WHERE name = "
                                             "'max_slot_wal_keep_size'"))
                                 .number(0, 0)
                           : -1;
  if (keep_megabytes < 0) {
    findings.info(
        {.message = now + "; there is no limit to what a slot may hold",
         .detail = detail + (detail.empty() ? "" : " ") +
                   "A Freshet that is stopped and never comes back fills the source's disk.",
         .fix = patient.at_least(13) && patient.provider != Provider::Azure
                    ? "A limit makes it lose the slot instead:\n" +
                          how_to_set(patient.provider,
                                     {.name = "max_slot_wal_keep_size", .value = "50GB"})
                    : ""});
    return {};
  }
  const double keep = static_cast<double>(keep_megabytes) * megabyte;
  constexpr double wanted_seconds = 4.0 * 3600;
  const double lasts = rate > 0 ? keep / rate : wanted_seconds;
  const std::string limit = fmt::format("max_slot_wal_keep_size is {}", short_bytes(keep));
  if (lasts < wanted_seconds) {
    const double wanted = std::ceil(rate * wanted_seconds / megabyte);
    findings.warning(
        {.message = fmt::format("{}, and {}: when Freshet is away for {}, its slot is lost", limit,
                                now, short_time(lasts)),
         .detail = detail,
         .fix = how_to_set(patient.provider, {.name = "max_slot_wal_keep_size",
                                              .value = fmt::format("{:.0f}MB", wanted)})});
  } else {
    findings.fine(fmt::format("{}, and {}", limit, now));
  }
  return {};
}

Result<> check_other_slots(Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(
      fmt::format("SELECT slot_name, greatest({}({}, restart_lsn), 0)::bigint, {}, "
                  "age(catalog_xmin), {} "
                  "FROM pg_replication_slots WHERE NOT active AND slot_name <> {} ORDER BY 2 DESC",
                  patient.wal_difference(), patient.wal_end(),
                  patient.at_least(13) ? "coalesce(wal_status, '')" : "''",
                  usual_wal_megabytes(patient), postgres::literal(patient.names.slot))));
  bool any = false;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const double held = static_cast<double>(answer.number(i, 1));
    const double usual = static_cast<double>(answer.number(i, 4)) * megabyte;
    const std::string name = answer.text(i, 0);
    const std::string status = answer.text(i, 2);
    const bool is_lost = status == "lost" || status == "unreserved";
    if (!is_lost && held < usual) continue;
    any = true;
    findings.warning(
        {.message = is_lost ? fmt::format("slot {} is {}, and nobody reads it", name, status)
                            : fmt::format("slot {} holds {} of WAL, more than max_wal_size, and "
                                          "nobody reads it",
                                          name, short_bytes(held)),
         .detail = answer.null(i, 3)
                       ? ""
                       : fmt::format("It keeps VACUUM from the catalog's rows of the last {} "
                                     "transactions.",
                                     answer.number(i, 3)),
         .fix = "If nobody needs it: " + drop_slot(name)});
  }
  if (!any) findings.fine("no forgotten slot holds WAL");
  return {};
}

Result<> check_failover(Patient& patient, Findings& findings) {
  // A walsender that is none of a logical slot feeds a standby; what it does not everybody may see.
  const Answer standbys = TRY(patient.ask(
      fmt::format("SELECT count(*) FROM pg_stat_replication r WHERE (r.state IS NULL OR r.state IN "
                  "('streaming', 'catchup')) AND r.pid <> {} AND NOT EXISTS (SELECT FROM "
                  "pg_replication_slots s "
                  "WHERE {} AND s.slot_type = 'logical')",
                  patient.replication ? patient.replication->backend_pid() : 0,
                  // 9.4 does not say which process reads a slot.
                  patient.version >= 90500 ? "s.active_pid = r.pid" : "s.active")));
  if (standbys.number(0, 0) == 0) {
    findings.fine("no standby is connected");
    return {};
  }
  if (!patient.at_least(17)) {
    findings.warning({.message =
                          "a standby is connected, and before PostgreSQL 17 it has no copy of "
                          "our slot: after a failover all tables are copied again",
                      .fix = "Upgrade to 17 or newer for slots that survive a failover."});
    return {};
  }
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT current_setting('synchronized_standby_slots'), coalesce((SELECT failover FROM "
      "pg_replication_slots WHERE slot_name = {}), true), (SELECT string_agg(slot_name, ',') FROM "
      "pg_replication_slots WHERE slot_type = 'physical' AND active)",
      postgres::literal(patient.names.slot))));
  if (!answer.holds(0, 1)) {
    findings.warning({.message = fmt::format("slot {} was made without FAILOVER: it does not exist "
                                             "on the standby",
                                             patient.names.slot),
                      .fix = "Drop it and start with an empty data folder, or: "
                             "ALTER_REPLICATION_SLOT " +
                             patient.names.slot +
                             " (FAILOVER true); on a replication connection while Freshet is "
                             "stopped."});
  }
  if (answer.text(0, 0).empty()) {
    const std::string slots = answer.text(0, 2);
    findings.warning(
        {.message = "synchronized_standby_slots is empty: we may be ahead of a standby when it is "
                    "promoted",
         .detail =
             "Commits that only we saw never happened then. The standby needs "
             "sync_replication_slots = on, hot_standby_feedback = on, primary_slot_name, and a "
             "dbname in primary_conninfo.",
         .fix =
             how_to_set(patient.provider, {.name = "synchronized_standby_slots",
                                           .value = slots.empty() ? "SLOT_OF_STANDBY" : slots})});
  } else {
    findings.fine("we never get ahead of the standbys behind " + answer.text(0, 0));
  }
  return {};
}

}  // namespace freshet::source
