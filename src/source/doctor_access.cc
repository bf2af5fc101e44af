// Whether we may do what we have to, and whether it is PostgreSQL itself that answers.
#include <fmt/core.h>

#include <algorithm>

#include "postgres/session_settings.h"
#include "postgres/sqlstate.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Connection;

namespace {

bool is_local(std::string_view host) {
  return host.empty() || host.starts_with('/') || host == "localhost" || host == "::1" ||
         host.starts_with("127.");
}

// Why a replication connection did not come to be, with what mends it.
Finding refusal(const Patient& patient, const Error& error, const std::string& client) {
  Finding finding{.message = "no replication connection: " + error.message,
                  .detail = error.detail,
                  .fix = error.hint,
                  .sqlstate = error.sqlstate};
  const bool refused_by_pooler =
      error.message.find("unsupported startup parameter") != std::string::npos;
  if (refused_by_pooler) {
    finding.detail = "Only a pooler such as PgBouncer answers like that.";
    finding.fix = how_to_connect_directly(patient.provider, patient.host);
  } else if (error.sqlstate == sqlstate::invalid_authorization) {
    finding.fix =
        how_to_let_in(patient.provider,
                      {.database = patient.database, .role = patient.role.name, .client = client});
  }
  return finding;
}

}  // namespace

Result<> check_role(Patient& patient, Findings& findings) {
  if (patient.role.replication) {
    findings.fine(fmt::format("the role {} may replicate", patient.role.name));
  } else {
    findings.blocking({.message = fmt::format("the role {} may not replicate", patient.role.name),
                       .fix = how_to_allow_replication(patient.provider, patient.role.name),
                       .sqlstate = sqlstate::insufficient_privilege});
  }
  return {};
}

Result<> check_replication_connection(Patient& patient, Findings& findings) {
  auto opened = Connection::connect(
      patient.url,
      {.replication = true, .application_name = "freshet doctor", .stop = patient.options.stop});
  if (!opened.ok()) {
    const Error& error = opened.error();
    // Other checks have said these already.
    const bool known = error.sqlstate == sqlstate::insufficient_privilege ||
                       error.sqlstate == sqlstate::too_many_connections;
    if (known) {
      findings.info({.message = "no replication connection was tried: " + error.message});
      return {};
    }
    if (error.fault == Fault::Transient) return Error(error);
    // The cast to text adds the mask that pg_hba.conf wants.
    const auto client = patient.ask("SELECT coalesce(inet_client_addr()::text, '')");
    findings.blocking(refusal(patient, error, client.ok() ? client->text(0, 0) : ""));
    return {};
  }
  patient.replication = *std::move(opened);
  constexpr std::chrono::milliseconds answers_within{60'000};
  patient.replication->limit_answers(patient.options.stop, answers_within);
  const postgres::SystemId system = TRY(postgres::identify(*patient.replication));
  findings.fine("a replication connection works; the system identifier is " + system.id);
  return {};
}

Result<> check_same_server(Patient& patient, Findings& findings) {
  if (!patient.replication) {
    findings.info({.message = "not looked at: there is no replication connection"});
    return {};
  }
  const postgres::SystemId system = TRY(postgres::identify(*patient.replication));
  // The walsender of the one connection must be seen through the other, on the same cluster.
  const Answer seen =
      TRY(patient.ask(fmt::format("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE pid = {})",
                                  patient.replication->backend_pid())));
  const auto own_id = patient.ask("SELECT system_identifier FROM pg_control_system()");
  const bool same_id = !own_id.ok() || own_id->text(0, 0) == system.id;
  if (seen.holds(0, 0) && same_id) {
    findings.fine("both kinds of connection lead to the same server");
    return {};
  }
  findings.blocking({.message = "ordinary and replication connections lead to different servers",
                     .detail = "A load balancer, a reader endpoint or a pooler is in between.",
                     .fix = how_to_connect_directly(patient.provider, patient.host),
                     .sqlstate = sqlstate::not_in_prerequisite_state,
                     .passes = true});  // between two servers one of which takes over
  return {};
}

Result<> check_pooler(Patient& patient, Findings& findings) {
  const Answer first = TRY(patient.ask("SELECT pg_backend_pid()"));
  const Answer second = TRY(patient.ask("SELECT pg_backend_pid()"));
  // PostgreSQL tells its process at the start of a connection; a pooler makes up a key of its own,
  // because it does not know yet which server connection it will use.
  const std::string announced = std::to_string(patient.connection.backend_pid());
  const bool another = first.text(0, 0) != second.text(0, 0);
  if (first.text(0, 0) != announced || another) {
    findings.blocking(
        {.message = "a connection pooler is in between",
         .detail = another
                       ? "Two statements of one connection were answered by different processes."
                       : "The process that answers is not the one that was announced.",
         .fix = how_to_connect_directly(patient.provider, patient.host),
         .sqlstate = sqlstate::protocol_violation});
    return {};
  }
  const std::string guess = pooler_by_name(patient.host, patient.port);
  if (guess.empty()) {
    findings.fine("PostgreSQL itself answers, no pooler");
  } else {
    findings.warning({.message = fmt::format("{}:{} is {}, although PostgreSQL itself seems to "
                                             "answer",
                                             patient.host, patient.port, guess),
                      .fix = how_to_connect_directly(patient.provider, patient.host),
                      .sqlstate = sqlstate::protocol_violation});
  }
  return {};
}

Result<> check_encryption(Patient& patient, Findings& findings) {
  if (patient.version < 90500) {
    findings.info(
        {.message = "not looked at: PostgreSQL 9.4 does not say whether it is encrypted"});
    return {};
  }
  const Answer answer = TRY(patient.ask(
      "SELECT ssl, coalesce(version, ''), coalesce(cipher, '') FROM pg_stat_ssl WHERE pid = "
      "pg_backend_pid()"));
  const bool encrypted = answer.size() > 0 && answer.holds(0, 0);
  const std::string mode = postgres::ssl_mode(patient.url);
  const bool verified = mode == "verify-full" || mode == "verify-ca";
  if (encrypted && verified) {
    findings.fine(fmt::format("encrypted with {} ({}), the server's certificate was checked ({})",
                              answer.text(0, 1), answer.text(0, 2), mode));
  } else if (encrypted) {
    findings.info({.message = fmt::format(
                       "encrypted with {} ({}), but nobody checked whose certificate it is",
                       answer.text(0, 1), answer.text(0, 2)),
                   .fix = "Add sslmode=verify-full&sslrootcert=ca.pem to the URL."});
  } else if (is_local(patient.host)) {
    findings.fine("not encrypted, and does not leave this machine");
  } else {
    findings.info({.message = "the connection is not encrypted: rows and password hashes can be "
                              "read on the way",
                   .fix = "Set ssl = on at the server, and add sslmode=verify-full&"
                          "sslrootcert=ca.pem to the URL."});
  }
  return {};
}

Result<> check_session_settings(Patient& patient, Findings& findings) {
  std::string refused;
  std::string fix;
  for (const postgres::SessionSetting& setting : postgres::session_settings()) {
    // The doctor's own sessions have a limit of their own.
    if (patient.version < setting.since || setting.name == std::string_view("statement_timeout")) {
      continue;
    }
    const Answer now = TRY(
        patient.ask(fmt::format("SELECT current_setting({})", postgres::literal(setting.name))));
    if (now.text(0, 0) == setting.value) continue;
    refused += fmt::format("{}{} = {}", refused.empty() ? "" : ", ", setting.name, now.text(0, 0));
    fix += fmt::format("{}ALTER ROLE {} SET {} = '{}';", fix.empty() ? "" : "\n",
                       postgres::quoted(patient.role.name), setting.name, setting.value);
  }
  if (!refused.empty()) {
    findings.warning({.message = "settings of our sessions were not taken over: " + refused,
                      .detail = "Something between us and PostgreSQL drops them.",
                      .fix = fix,
                      .sqlstate = sqlstate::protocol_violation});
  }
  const Answer limits =
      TRY(patient.ask("SELECT setting::bigint FROM pg_settings WHERE name = 'wal_sender_timeout'"));
  constexpr std::int64_t patient_milliseconds = 10'000;
  const std::int64_t timeout = limits.number(0, 0);
  if (timeout > 0 && timeout < patient_milliseconds && !patient.at_least(12)) {
    findings.warning(
        {.message = fmt::format("wal_sender_timeout is {} ms: the stream is cut when an answer of "
                                "ours takes longer",
                                timeout),
         .fix = how_to_set(patient.provider, {.name = "wal_sender_timeout", .value = "60s"})});
  }
  if (!patient.at_least(17)) {
    const Answer old = TRY(
        patient.ask("SELECT setting::int FROM pg_settings WHERE name = 'old_snapshot_threshold'"));
    if (old.size() > 0 && old.number(0, 0) >= 0) {
      findings.warning(
          {.message = fmt::format("old_snapshot_threshold is {} min: copying a table for longer "
                                  "fails with \"snapshot too old\"",
                                  old.number(0, 0)),
           .fix = how_to_set(
               patient.provider,
               {.name = "old_snapshot_threshold", .value = "-1", .needs_restart = true})});
    }
  }
  if (refused.empty()) findings.fine("our sessions have the settings and time limits they need");
  return {};
}

}  // namespace freshet::source
