// Event triggers on the source: each transaction that alters tables says so in the stream, by a
// logical message (postgres/ddl_message.h). The catalog is then looked at at once, and not within
// its second or so. And a command that gives all rows of a table new values, which nothing else in
// the stream tells when no type changes with it, is known at its very place.
//
// Where the role may not make them, or messages are not sent (before 14), there are none, and the
// next look at the catalog has to do. Their function has no table to depend on and fails no command
// of the application's: its own errors end in it.
#pragma once

#include <string>

#include "base/result.h"
#include "postgres/connection.h"
#include "source/slot.h"

namespace freshet::source {

// What they are called, as a list of SQL: "'freshet_main_ddl', …". Their function is tell_ddl, in a
// schema of the slot's name.
std::string ddl_trigger_list(const Names& names);

// Roles of providers that may make event triggers as if they were superusers, as a list of SQL.
inline constexpr const char* providers_superusers =
    "'rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'neon_superuser'";

// Makes them, where they are not there as we want them and this role may. That they cannot be made
// is logged and no error; a lost connection is.
Result<> make_ddl_triggers(postgres::Connection& connection, const Names& names);

// Takes them away; nothing happens where there are none.
Result<> drop_ddl_triggers(postgres::Connection& connection, const Names& names);

}  // namespace freshet::source
