#include "source/doctor.h"

#include <fmt/core.h>

#include <algorithm>

#include "postgres/sqlstate.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Connection;

namespace {

constexpr const char* connecting = "connection";

// A check that may not look says so; only a connection that broke ends the examination.
Result<> run(const Check& check, Patient& patient, std::vector<Finding>& into) {
  Findings findings(check.number, check.name, into);
  const Result<> looked = check.look(patient, findings);
  if (looked.ok()) return {};
  const Error& error = looked.error();
  const bool broken = error.sqlstate.starts_with("08") || error.sqlstate.starts_with("57P");
  if (broken) return Error(error);
  findings.info({.message = "could not look: " + error.message, .detail = error.detail});
  return {};
}

bool concerns(const Check& check, const Patient& patient) {
  if (patient.version < oldest_version && !check.on_old_servers) return false;
  return patient.publishes() || !check.of_publications;
}

// No connection: nothing else can be looked at, but the host's name may tell why.
Finding unreachable(const Error& error, const std::string& url) {
  const postgres::Endpoint endpoint = postgres::endpoint_of(url);
  const Provider provider = provider_of_host(endpoint.host);
  Finding finding{.check = connecting,
                  .severity = Severity::Blocking,
                  .message = error.message,
                  .detail = error.detail,
                  .fix = error.hint,
                  .sqlstate = error.sqlstate};
  const std::string pooler = pooler_by_name(endpoint.host, endpoint.port);
  const bool refused_by_pooler =
      error.message.find("unsupported startup parameter") != std::string::npos;
  if (refused_by_pooler || !pooler.empty()) {
    finding.detail = pooler.empty() ? "Only a pooler such as PgBouncer answers like that."
                                    : "This is " + pooler + ".";
    finding.fix = how_to_connect_directly(provider, endpoint.host);
  } else if (error.sqlstate == sqlstate::invalid_authorization) {
    finding.fix = how_to_let_in(
        provider, {.database = postgres::database_name(url), .role = endpoint.user, .client = ""});
  } else if (provider == Provider::Supabase) {
    finding.detail =
        "Supabase's direct hosts have IPv6 addresses only, unless the project has the "
        "IPv4 add-on.";
  }
  return finding;
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Fine: return "fine";
    case Severity::Info: return "info";
    case Severity::Warning: return "warning";
    case Severity::Blocking: return "blocking";
  }
  return "";
}

Severity Diagnosis::worst() const {
  Severity worst = Severity::Fine;
  for (const Finding& finding : findings) worst = std::max(worst, finding.severity);
  return worst;
}

Result<Diagnosis> examine(const std::string& url, const DoctorOptions& options) {
  Diagnosis diagnosis;
  TRY(postgres::TablePatterns::parse(options.tables));
  auto connected = Connection::connect(url, {.application_name = "freshet doctor"});
  if (!connected.ok()) {
    const Error& error = connected.error();
    if (error.sqlstate == sqlstate::invalid_parameter_value) return Error(error);
    diagnosis.findings.push_back(unreachable(error, url));
    return diagnosis;
  }
  Connection& connection = **connected;
  diagnosis.server_version = connection.parameter("server_version");
  Patient patient = TRY(meet(connection, url, options));
  diagnosis.provider = patient.provider;
  // From here on the server itself sees to it that nothing is changed, and that we never stay long.
  TRY(connection.query(
      "SET default_transaction_read_only = on; SET statement_timeout = '30s'; SET lock_timeout = "
      "'2s'"));
  if (patient.version >= oldest_version) patient.before = TRY(count_activity(patient));
  diagnosis.findings.push_back(
      {.check = connecting,
       .message =
           fmt::format("{} answers as {}", postgres::without_password(url), patient.role.name)});
  for (const Check& check : all_checks()) {
    if (!concerns(check, patient)) continue;
    TRY(run(check, patient, diagnosis.findings).context("examine the source"));
  }
  return diagnosis;
}

Result<std::vector<Finding>> obstacles(Connection& connection, const std::string& url,
                                       const DoctorOptions& options) {
  Patient patient = TRY(meet(connection, url, options));
  std::vector<Finding> findings;
  for (const Check& check : all_checks()) {
    if (!check.before_serving || !concerns(check, patient)) continue;
    TRY(run(check, patient, findings).context("check the source"));
  }
  std::erase_if(findings, [](const Finding& finding) {
    return finding.severity != Severity::Blocking || !finding.table.empty();
  });
  return findings;
}

Error to_error(const Finding& finding) {
  return {
      .fault = finding.passes ? Fault::Transient : Fault::Permanent,
      .sqlstate = finding.sqlstate.empty() ? sqlstate::not_in_prerequisite_state : finding.sqlstate,
      .message = finding.message,
      .detail = finding.detail,
      .hint = finding.fix};
}

}  // namespace freshet::source
