// The settings that every connection of ours pins, so that no default of a role, a database or a
// server changes what values look like, what is found under a name, or how long we may stay.
//
// What every server knows goes with the startup packet; what only newer ones know is SET
// afterwards, because an older server refuses a connection that names it.
#pragma once

#include <chrono>
#include <span>
#include <string>

namespace freshet::postgres {

struct SessionSetting {
  const char* name;
  const char* value;  // as current_setting() shows it
  int since;          // the first server_version_num that knows it; 0: all we speak to
};

// All of them but lock_timeout, which is the caller's.
std::span<const SessionSetting> session_settings();

// For the `options` of a connection string.
std::string startup_options(std::chrono::milliseconds lock_timeout);

// SET statements for a server of this version, or "".
std::string settings_since(int server_version);

// For a walsender: a wal_sender_timeout shorter than our answers take would end every stream. Only
// ever raised, only when it is that short; since 12 a session may.
std::string patience_of_walsender(int server_version);

}  // namespace freshet::postgres
