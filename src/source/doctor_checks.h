// The checks themselves: one function each, grouped by subject in the files doctor_*.cc. A check
// adds what it finds, or that all is fine; it fails only when it could not look.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "source/doctor.h"
#include "source/doctor_patient.h"

namespace freshet::source {

// Where the findings of one check go.
class Findings {
 public:
  Findings(int number, std::string_view check, std::vector<Finding>& into)
      : number_(number), check_(check), into_(into) {}

  void fine(std::string message) { add(Severity::Fine, {.message = std::move(message)}); }
  void info(Finding finding) { add(Severity::Info, std::move(finding)); }
  void warning(Finding finding) { add(Severity::Warning, std::move(finding)); }
  void blocking(Finding finding) { add(Severity::Blocking, std::move(finding)); }
  bool empty() const { return into_.empty(); }

 private:
  void add(Severity severity, Finding finding) {
    finding.number = number_;
    finding.check = check_;
    finding.severity = severity;
    into_.push_back(std::move(finding));
  }
  int number_;
  std::string_view check_;
  std::vector<Finding>& into_;
};

struct Check {
  int number;
  std::string_view name;
  Result<> (*look)(Patient& patient, Findings& findings);
  bool before_serving = false;  // serve asks it too
  bool on_old_servers = false;  // it says something of servers before 9.4 too
  bool of_publications = false;
};

// In the order in which they run, which is that of their numbers.
std::span<const Check> all_checks();

// doctor_server.cc: what kind of server it is
Result<> check_version(Patient& patient, Findings& findings);
Result<> check_provider(Patient& patient, Findings& findings);
Result<> check_wal_level(Patient& patient, Findings& findings);
Result<> check_minor_version(Patient& patient, Findings& findings);
const char* decoding_bug(int server_version);  // of that minor version; null when none is known
Result<> check_standby(Patient& patient, Findings& findings);
Result<> check_clock(Patient& patient, Findings& findings);
Result<> check_read_only(Patient& patient, Findings& findings);
Result<> check_other_tools(Patient& patient, Findings& findings);

// doctor_capacity.cc: is there room for us
Result<> check_slots(Patient& patient, Findings& findings);
Result<> check_senders(Patient& patient, Findings& findings);
Result<> check_connections(Patient& patient, Findings& findings);
Result<> check_decode_memory(Patient& patient, Findings& findings);
Result<> check_copy_estimate(Patient& patient, Findings& findings);
Result<> check_catalog_churn(Patient& patient, Findings& findings);

// doctor_access.cc: may we, and is it PostgreSQL that we reach
Result<> check_role(Patient& patient, Findings& findings);
Result<> check_replication_connection(Patient& patient, Findings& findings);
Result<> check_same_server(Patient& patient, Findings& findings);
Result<> check_pooler(Patient& patient, Findings& findings);
Result<> check_encryption(Patient& patient, Findings& findings);
Result<> check_session_settings(Patient& patient, Findings& findings);

// doctor_slot.cc: our slot, and what delays or endangers it
Result<> check_slot_name(Patient& patient, Findings& findings);
Result<> check_slot_state(Patient& patient, Findings& findings);
Result<> check_open_transactions(Patient& patient, Findings& findings);
Result<> check_wal_limits(Patient& patient, Findings& findings);
Result<> check_other_slots(Patient& patient, Findings& findings);
Result<> check_failover(Patient& patient, Findings& findings);

// doctor_publication.cc: what is and will be published
Result<> check_publishing_rights(Patient& patient, Findings& findings);
Result<> check_broken_writes(Patient& patient, Findings& findings);
Result<> check_publications(Patient& patient, Findings& findings);
Result<> check_publication_age(Patient& patient, Findings& findings);
Result<> check_restrictions(Patient& patient, Findings& findings);

// doctor_tables.cc: the tables
Result<> check_tables(Patient& patient, Findings& findings);
Result<> check_identity(Patient& patient, Findings& findings);
Result<> check_row_security(Patient& patient, Findings& findings);
Result<> check_column_types(Patient& patient, Findings& findings);
Result<> check_large_values(Patient& patient, Findings& findings);
Result<> check_partitions(Patient& patient, Findings& findings);

// doctor_commits.cc: when the application's commits reach us, and how its schema changes are seen
// Whether a walsender of ours counts as one of synchronous_standby_names.
bool waits_for_us(std::string_view synchronous_standby_names);
Result<> check_synchronous_standbys(Patient& patient, Findings& findings);
Result<> check_synchronous_commit(Patient& patient, Findings& findings);
Result<> check_schema_changes(Patient& patient, Findings& findings);

}  // namespace freshet::source
