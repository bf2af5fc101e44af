// The doctor: looks at a source before anything is created on it, and says what is in the way, what
// will hurt later, and how to mend each with the statement or setting of the provider found. It
// only reads. docs/operating/doctor.md has the table of all checks.
//
// `freshet doctor` runs all of them; `serve` runs those that decide whether following is possible
// at all, through the same code.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "postgres/connection.h"
#include "postgres/plugin.h"
#include "source/provider.h"

namespace freshet::source {

enum class Severity : std::uint8_t { Fine, Info, Warning, Blocking };
std::string_view to_string(Severity severity);  // "fine", "info", "warning", "blocking"

// What one check says. A check may say several things, one per table for instance.
struct Finding {
  int number = 0;       // of the check, in the table of docs/operating/doctor.md
  std::string check{};  // its name: "wal_level"
  Severity severity = Severity::Fine;
  std::string message{};   // "wal_level is replica, not logical": lower case, no period
  std::string detail{};    // sentences for the curious, or empty
  std::string fix{};       // the SQL or the setting that mends it, or empty; may have several lines
  std::string table{};     // "public.orders" when only this table is concerned, the others go on
  std::string sqlstate{};  // of the error that serve gives for it
  bool passes = false;     // it may be over by itself: serve tries again
};

struct DoctorOptions {
  std::string source_name{};           // decides the names of slot and publications
  std::vector<std::string> tables{};   // patterns, as for serve
  std::vector<std::string> choices{};  // tables that were added and dropped since, as patterns
  std::optional<postgres::Plugin> protocol{};  // nothing: the best that the server has
  unsigned copy_workers = 2;
  // A slot was made for this source: whether it is still there is not the doctor's to judge, and
  // there need not be room for another one.
  bool resumes = false;
  std::stop_token stop{};  // ends connecting
};

struct Diagnosis {
  Provider provider = Provider::SelfManaged;
  std::string server_version{};     // "15.18", or empty when it could not be reached
  std::vector<Finding> findings{};  // in the order of the checks
  Severity worst() const;
};

// All checks. A source that cannot be reached is a finding, not an error. Takes about two seconds,
// because it looks at what is written meanwhile. 22023 for a malformed URL or pattern; a connection
// that breaks in the middle is an error.
Result<Diagnosis> examine(const std::string& url, const DoctorOptions& options);

// What makes following this source impossible now, as serve asks before it creates anything. Empty
// when nothing does. Findings about single tables are not among them: such a table fails alone.
Result<std::vector<Finding>> obstacles(postgres::Connection& connection, const std::string& url,
                                       const DoctorOptions& options);

// The finding as the error that stops a source, permanent unless it passes; the fix is its hint.
Error to_error(const Finding& finding);

}  // namespace freshet::source
