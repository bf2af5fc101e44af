#include "postgres/sqlstate.h"

#include <algorithm>
#include <array>

namespace freshet::postgres {

namespace {

struct Hint {
  std::string_view code;
  std::string_view text;
};

constexpr auto hints = std::to_array<Hint>({
    {sqlstate::cannot_connect,
     "Is the server running on that host and port, and does it listen there "
     "(listen_addresses, firewall)?"},
    {sqlstate::connection_failure,
     "The connection broke; it is tried again. The server's log says why, if it was the server."},
    {sqlstate::protocol_violation,
     "Connect to PostgreSQL itself and not to a pooler such as PgBouncer."},
    {sqlstate::invalid_authorization,
     "Does the role exist, and does pg_hba.conf let it connect to this database from this host?"},
    {sqlstate::invalid_password,
     "Check the user name and the password; in a URL, special characters of a password are "
     "percent-encoded (@ is %40, / is %2F, : is %3A)."},
    {sqlstate::undefined_database, "Check the database name, the last part of the URL."},
    {sqlstate::insufficient_privilege,
     "The role needs REPLICATION (ALTER ROLE … REPLICATION), SELECT on the tables, and CREATE on "
     "the database for the publications."},
    {sqlstate::too_many_connections,
     "The server has no connection or WAL sender left: raise max_connections or max_wal_senders, "
     "or close some."},
    {sqlstate::configuration_limit_exceeded,
     "Raise max_replication_slots, or drop a slot that nobody uses."},
    {sqlstate::object_in_use, "Somebody else uses it; it is tried again."},
    {sqlstate::lock_not_available,
     "Another transaction holds a lock for long; it is tried again. pg_stat_activity shows which."},
    {sqlstate::cannot_connect_now, "The server is starting or stopping; it is tried again."},
});

}  // namespace

Fault fault_of(std::string_view code) {
  constexpr auto transient_codes = std::to_array<std::string_view>(
      {sqlstate::serialization_failure, sqlstate::deadlock_detected, sqlstate::lock_not_available,
       sqlstate::object_in_use, sqlstate::query_canceled, sqlstate::admin_shutdown,
       sqlstate::crash_shutdown, sqlstate::cannot_connect_now, "57P05", "25P03", "25P04"});
  if (std::ranges::find(transient_codes, code) != transient_codes.end()) return Fault::Transient;
  // A wrong protocol stays wrong.
  if (code == sqlstate::protocol_violation) return Fault::Permanent;
  // A limit in the configuration needs somebody to raise it, but often just somebody to leave.
  const std::string_view family = code.substr(0, 2);
  if (family == "08" || family == "53") return Fault::Transient;
  return Fault::Permanent;
}

std::string_view hint_for(std::string_view code) {
  const auto found = std::ranges::find(hints, code, &Hint::code);
  return found == hints.end() ? std::string_view{} : found->text;
}

}  // namespace freshet::postgres
