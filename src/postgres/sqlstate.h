// The names of the SQLSTATEs this program speaks of, in both directions: PostgreSQL hands us one,
// our clients expect one. And what a caller can do about each.
//
// Source: PostgreSQL documentation, appendix A, "PostgreSQL Error Codes".
#pragma once

#include <string_view>

#include "base/result.h"

namespace freshet::postgres {

namespace sqlstate {
inline constexpr const char* cannot_connect = "08001";
inline constexpr const char* connection_failure = "08006";
inline constexpr const char* protocol_violation = "08P01";
inline constexpr const char* feature_not_supported = "0A000";
inline constexpr const char* numeric_value_out_of_range = "22003";
inline constexpr const char* character_not_in_repertoire = "22021";
inline constexpr const char* invalid_parameter_value = "22023";
inline constexpr const char* invalid_text_representation = "22P02";
inline constexpr const char* invalid_binary_representation = "22P03";
inline constexpr const char* read_only_transaction = "25006";
inline constexpr const char* failed_transaction = "25P02";
inline constexpr const char* invalid_authorization = "28000";
inline constexpr const char* invalid_password = "28P01";
inline constexpr const char* undefined_database = "3D000";
inline constexpr const char* serialization_failure = "40001";
inline constexpr const char* deadlock_detected = "40P01";
inline constexpr const char* insufficient_privilege = "42501";
inline constexpr const char* syntax_error = "42601";
inline constexpr const char* undefined_object = "42704";
inline constexpr const char* duplicate_object = "42710";
inline constexpr const char* undefined_table = "42P01";
inline constexpr const char* too_many_connections = "53300";
inline constexpr const char* configuration_limit_exceeded = "53400";
inline constexpr const char* not_in_prerequisite_state = "55000";
inline constexpr const char* object_in_use = "55006";
inline constexpr const char* lock_not_available = "55P03";
inline constexpr const char* query_canceled = "57014";
inline constexpr const char* admin_shutdown = "57P01";
inline constexpr const char* crash_shutdown = "57P02";
inline constexpr const char* cannot_connect_now = "57P03";
inline constexpr const char* system_error = "58000";
inline constexpr const char* internal_error = "XX000";
}  // namespace sqlstate

// Transient for what passes by itself: connections, shutdowns, locks, limits, timeouts.
Fault fault_of(std::string_view code);

// What to do about an error that PostgreSQL or libpq reports without a hint of its own, or "".
std::string_view hint_for(std::string_view code);

}  // namespace freshet::postgres
