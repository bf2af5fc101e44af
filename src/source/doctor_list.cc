// The list of checks. Their numbers are those of docs/operating/doctor.md and never change.
#include <array>

#include "source/doctor_checks.h"

namespace freshet::source {

namespace {

constexpr auto checks = std::to_array<Check>({
    {.number = 1,
     .name = "version",
     .look = check_version,
     .before_serving = true,
     .on_old_servers = true},
    {.number = 2, .name = "provider", .look = check_provider, .on_old_servers = true},
    {.number = 3,
     .name = "wal_level",
     .look = check_wal_level,
     .before_serving = true,
     .on_old_servers = true},
    {.number = 4, .name = "slots", .look = check_slots, .before_serving = true},
    {.number = 5, .name = "senders", .look = check_senders, .before_serving = true},
    {.number = 6,
     .name = "role",
     .look = check_role,
     .before_serving = true,
     .on_old_servers = true},
    {.number = 7,
     .name = "replication_connection",
     .look = check_replication_connection,
     .before_serving = true},
    {.number = 8, .name = "same_server", .look = check_same_server, .before_serving = true},
    {.number = 9, .name = "slot_name", .look = check_slot_name},
    {.number = 10, .name = "slot_state", .look = check_slot_state},
    {.number = 11, .name = "open_transactions", .look = check_open_transactions},
    {.number = 12, .name = "pooler", .look = check_pooler, .before_serving = true},
    {.number = 13,
     .name = "publishing_rights",
     .look = check_publishing_rights,
     .before_serving = true,
     .of_publications = true},
    {.number = 14, .name = "tables", .look = check_tables, .before_serving = true},
    {.number = 15, .name = "identity", .look = check_identity},
    {.number = 16, .name = "broken_writes", .look = check_broken_writes, .of_publications = true},
    {.number = 17, .name = "row_security", .look = check_row_security},
    {.number = 18,
     .name = "publications",
     .look = check_publications,
     .before_serving = true,
     .of_publications = true},
    {.number = 19,
     .name = "publication_age",
     .look = check_publication_age,
     .of_publications = true},
    {.number = 20, .name = "restrictions", .look = check_restrictions, .of_publications = true},
    {.number = 21, .name = "column_types", .look = check_column_types},
    {.number = 22, .name = "large_values", .look = check_large_values},
    {.number = 23, .name = "partitions", .look = check_partitions},
    {.number = 24, .name = "wal_limits", .look = check_wal_limits},
    {.number = 25, .name = "other_slots", .look = check_other_slots},
    {.number = 26, .name = "session_settings", .look = check_session_settings},
    {.number = 27, .name = "decode_memory", .look = check_decode_memory},
    {.number = 28, .name = "synchronous_standbys", .look = check_synchronous_standbys},
    {.number = 29, .name = "catalog_churn", .look = check_catalog_churn},
    {.number = 30, .name = "minor_version", .look = check_minor_version},
    {.number = 31, .name = "failover", .look = check_failover},
    {.number = 32, .name = "standby", .look = check_standby, .before_serving = true},
    {.number = 33, .name = "copy_estimate", .look = check_copy_estimate},
    {.number = 34, .name = "connections", .look = check_connections},
    {.number = 35, .name = "schema_changes", .look = check_schema_changes},
    {.number = 36, .name = "encryption", .look = check_encryption},
    {.number = 37, .name = "clock", .look = check_clock},
    {.number = 38, .name = "read_only", .look = check_read_only},
    {.number = 39, .name = "synchronous_commit", .look = check_synchronous_commit},
    {.number = 40, .name = "other_tools", .look = check_other_tools},
});

}  // namespace

std::span<const Check> all_checks() {
  return checks;
}

}  // namespace freshet::source
