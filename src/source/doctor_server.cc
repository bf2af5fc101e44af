// What kind of server it is: version, provider, role of the node, and who else replicates from it.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "postgres/sqlstate.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;

namespace {

// What test_decoding does not send, whoever the server is.
std::string lost_in_lines(int server_version) {
  std::string lost =
      "Lines bring every table of the database, values as text, and no column lists and row "
      "filters; large transactions come after their commit; a renamed table is copied again.";
  if (server_version < 110000) {
    lost +=
        " TRUNCATE is not sent before 11: the catalog tells of it, and the table is copied "
        "again.";
  }
  if (server_version < 100000) {
    lost +=
        " Before 10 there are no temporary slots either: a copy that was cut off starts from "
        "the beginning.";
  }
  return lost;
}

// A walsender puts pgoutput's texts into the client's encoding, and leaves lines as they are.
void check_encoding_of_lines(const std::string& encoding, Findings& findings) {
  if (encoding == "UTF8" || encoding == "SQL_ASCII") return;
  findings.blocking(
      {.message = fmt::format("test_decoding sends texts in the database's encoding, {}", encoding),
       .detail = "They are read as UTF-8, and would be wrong.",
       .fix =
           "Follow this source through pgoutput, since PostgreSQL 10; or move to a database with "
           "ENCODING 'UTF8'.",
       .sqlstate = sqlstate::feature_not_supported});
}

void check_protocol(const Patient& patient, const std::string& encoding, Findings& findings) {
  if (patient.publishes()) return;
  check_encoding_of_lines(encoding, findings);
  findings.info({.message = patient.at_least(10)
                                ? "changes come through test_decoding, as it was set"
                                : "changes come through test_decoding: before 10 there is no "
                                  "pgoutput",
                 .detail = lost_in_lines(patient.version)});
}

void check_encoding(const std::string& encoding, Findings& findings) {
  if (encoding != "SQL_ASCII") return;
  findings.warning(
      {.message = "the database's encoding is SQL_ASCII: its texts are bytes of no known encoding",
       .detail = "A text that is not valid UTF-8 stops the copy and the stream (22021) until it is "
                 "mended on the source.",
       .fix = "Find such texts by converting each column: SELECT convert_from(column::bytea, "
              "'UTF8') FROM table; or move to a database with ENCODING 'UTF8'.",
       .sqlstate = "22021"});
}

// Minor versions whose decoding has a bug that is known to hurt.
struct BadMinor {
  int first;
  int last;
  const char* bug;
};
constexpr auto bad_minors = std::to_array<BadMinor>({
    {150000, 150001, "with column lists in a publication it sends more columns than it announced"},
    {130021, 130021, "decoding runs out of memory when schemas change under load"},
    {140018, 140018, "decoding runs out of memory when schemas change under load"},
    {150013, 150013, "decoding runs out of memory when schemas change under load"},
    {160009, 160009, "decoding runs out of memory when schemas change under load"},
    {170005, 170005, "decoding runs out of memory when schemas change under load"},
});

}  // namespace

const char* decoding_bug(int server_version) {
  const auto found = std::ranges::find_if(bad_minors, [&](const BadMinor& minor) {
    return server_version >= minor.first && server_version <= minor.last;
  });
  return found == bad_minors.end() ? nullptr : found->bug;
}

Result<> check_version(Patient& patient, Findings& findings) {
  const std::string version = patient.connection.parameter("server_version");
  if (patient.version < oldest_version) {
    findings.blocking({.message = fmt::format("the server is PostgreSQL {}", version),
                       .detail = "Logical decoding came with PostgreSQL 9.4.",
                       .fix = "Freshet needs PostgreSQL 9.4 or newer; 10 or newer is better.",
                       .sqlstate = sqlstate::feature_not_supported});
    return {};
  }
  if (patient.publishes() && !patient.at_least(10)) {
    findings.blocking({.message = fmt::format("PostgreSQL {} has no pgoutput", version),
                       .fix = "Set protocol = \"test_decoding\" or \"auto\" for this source.",
                       .sqlstate = sqlstate::feature_not_supported});
    return {};
  }
  if (patient.standby && !patient.at_least(16)) {
    findings.blocking({.message = "the server is a standby",
                       .detail = "Standbys can be followed since PostgreSQL 16.",
                       .fix = "Give the URL of the primary.",
                       .sqlstate = sqlstate::not_in_prerequisite_state});
    return {};
  }
  const Answer answer =
      TRY(patient.ask("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = "
                      "current_database()"));
  check_encoding(answer.text(0, 0), findings);
  check_protocol(patient, answer.text(0, 0), findings);
  if (!patient.at_least(11)) {
    findings.warning({.message = fmt::format("PostgreSQL {} does not send TRUNCATE: truncated rows "
                                             "stay here",
                                             version),
                      .fix = "DELETE instead of TRUNCATE, or upgrade to 11 or newer.",
                      .sqlstate = sqlstate::feature_not_supported});
  }
  findings.fine(fmt::format("PostgreSQL {}, {}, encoding {}", version,
                            patient.standby ? "a standby" : "a primary", answer.text(0, 0)));
  return {};
}

Result<> check_provider(Patient& patient, Findings& findings) {
  findings.info({.message = fmt::format("the server is {}", title(patient.provider)),
                 .detail = patient.provider == Provider::Neon
                               ? "A compute with a replication client does not scale to zero, and "
                                 "Neon removes slots that nobody read for some time."
                               : ""});
  return {};
}

Result<> check_wal_level(Patient& patient, Findings& findings) {
  const std::string level = TRY(patient.ask("SELECT current_setting('wal_level')")).text(0, 0);
  if (level == "logical") {
    findings.fine("wal_level is logical");
  } else {
    findings.blocking({.message = fmt::format("wal_level is {}, not logical", level),
                       .detail = patient.standby ? "It has to be logical on the primary too." : "",
                       .fix = how_to_enable_decoding(patient.provider),
                       .sqlstate = sqlstate::not_in_prerequisite_state});
  }
  return {};
}

Result<> check_minor_version(Patient& patient, Findings& findings) {
  const std::string version = patient.connection.parameter("server_version");
  if (const char* bug = decoding_bug(patient.version)) {
    findings.warning({.message = fmt::format("PostgreSQL {} has a known bug: {}", version, bug),
                      .fix = "Upgrade to the newest minor version.",
                      .sqlstate = sqlstate::internal_error});
  } else {
    findings.fine(fmt::format("PostgreSQL {} has no known bug in decoding", version));
  }
  return {};
}

Result<> check_standby(Patient& patient, Findings& findings) {
  if (!patient.standby) {
    findings.fine("the server is a primary");
    return {};
  }
  const Answer answer = TRY(
      patient.ask("SELECT current_setting('hot_standby_feedback'), coalesce((SELECT slot_name FROM "
                  "pg_stat_wal_receiver), ''), EXISTS (SELECT FROM pg_stat_wal_receiver)"));
  const auto blocking = [&](std::string message, std::string fix) {
    findings.blocking({.message = std::move(message),
                       .fix = std::move(fix),
                       .sqlstate = sqlstate::not_in_prerequisite_state});
  };
  if (answer.text(0, 0) != "on") {
    blocking(
        "hot_standby_feedback is off on this standby: VACUUM on the primary would invalidate "
        "the slot",
        how_to_set(patient.provider, {.name = "hot_standby_feedback", .value = "on"}));
  }
  if (answer.holds(0, 2) && answer.text(0, 1).empty()) {
    blocking(
        "the standby follows its primary without a physical slot: rows that decoding needs may "
        "be vacuumed while the standby is away",
        "On the primary: SELECT pg_create_physical_replication_slot('standby_1');\n" +
            how_to_set(patient.provider, {.name = "primary_slot_name", .value = "standby_1"}));
  }
  findings.info({.message = "making a slot on a standby waits for the primary",
                 .detail = "The primary logs the transactions that run now and then; a quiet one "
                           "can be asked to.",
                 .fix = "On the primary: SELECT pg_log_standby_snapshot();"});
  return {};
}

Result<> check_clock(Patient& patient, Findings& findings) {
  const auto before = std::chrono::system_clock::now();
  const SourceClock clock = TRY(source_clock(patient.connection));
  const auto after = std::chrono::system_clock::now();
  const auto ours =
      std::chrono::time_point_cast<std::chrono::microseconds>(before + (after - before) / 2);
  const std::chrono::duration<double> offset = clock.now - ours;
  const std::chrono::duration<double> trip = after - before;
  const std::string said =
      fmt::format("the source's clock is {:.3f} s {} ours (± {:.3f} s)", std::abs(offset.count()),
                  offset.count() < 0 ? "behind" : "ahead of", trip.count() / 2);
  constexpr double noticeable_seconds = 1;
  if (std::abs(offset.count()) < noticeable_seconds) {
    findings.fine(said);
  } else {
    findings.info({.message = said,
                   .detail = "Lag is corrected by it; times in the data are the source's.",
                   .fix = "Let NTP set both clocks."});
  }
  return {};
}

Result<> check_read_only(Patient& patient, Findings& findings) {
  if (patient.standby) {
    const bool paused = TRY(patient.ask("SELECT pg_is_wal_replay_paused()")).holds(0, 0);
    if (paused) {
      findings.warning({.message = "the standby's replay is paused: it shows nothing new",
                        .fix = "SELECT pg_wal_replay_resume();",
                        .sqlstate = sqlstate::not_in_prerequisite_state});
    } else {
      findings.fine("the standby replays");
    }
    return {};
  }
  if (!patient.reads_only) {
    findings.fine("transactions may write");
    return {};
  }
  findings.warning(
      {.message = "transactions are read-only by default (default_transaction_read_only)",
       .detail = "Freshet writes only its publications, and says READ WRITE there. If the database "
                 "is in maintenance, nothing new will come from it.",
       .fix = fmt::format("ALTER ROLE {} SET default_transaction_read_only = off;",
                          postgres::quoted(patient.role.name)),
       .sqlstate = sqlstate::read_only_transaction});
  return {};
}

// A source that fed AWS DMS, or another consumer of the same kind.
Result<> check_other_tools(Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pglogical'), "
      "EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'awsdms_intercept_ddl') OR "
      "EXISTS (SELECT FROM pg_class WHERE relname = 'awsdms_ddl_audit'), "
      "(SELECT string_agg(slot_name, ', ' ORDER BY slot_name) FROM pg_replication_slots WHERE "
      "plugin IN ('pglogical_output', 'test_decoding', 'wal2json') AND slot_name <> {0}), "
      "(SELECT string_agg(format('SELECT pg_drop_replication_slot(%L);', slot_name), E'\\n' ORDER "
      "BY slot_name) FROM pg_replication_slots WHERE plugin IN ('pglogical_output', "
      "'test_decoding') AND slot_name <> {0})",
      postgres::literal(patient.names.slot))));
  const bool pglogical = answer.holds(0, 0);
  const bool dms = answer.holds(0, 1);
  const std::string slots = answer.text(0, 2);
  if (!pglogical && !dms && slots.empty()) {
    findings.fine("nothing else decodes this database");
    return {};
  }
  std::string message = "nothing has to change for Freshet: ";
  if (pglogical) message += "pglogical is installed, as AWS DMS wants it; ";
  if (dms) message += "AWS DMS has its DDL trigger here; ";
  if (!slots.empty()) message += "slots of other tools: " + slots + "; ";
  message += "Freshet needs neither, and disturbs neither";
  findings.info({.message = std::move(message),
                 .detail = "Freshet reads a slot of its own. When the old pipeline is "
                           "switched off, drop its slots, or they hold WAL until the disk is full.",
                 .fix = answer.text(0, 3)});
  return {};
}

}  // namespace freshet::source
