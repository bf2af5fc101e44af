// Care for what we create on a source: one slot, and two publications.
//
// freshet_<name> publishes everything of tables with a usable identity; freshet_<name>_inserts
// publishes inserts and truncates of the others, so that the application's own UPDATE and DELETE
// never start to fail because of us (PostgreSQL refuses them on published tables without identity).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/position.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"

namespace freshet::source {

constexpr int oldest_with_publications = 100000;

// Names on the source for a source of ours: lower case, at most 63 bytes, [a-z0-9_].
struct Names {
  std::string slot;
  std::string publication;
  std::string inserts_publication;
  std::int32_t lease_key = 0;  // see lease.h
};
Names names_for(const std::string& source_name);

// What makes the publications hold exactly `tables`, in the order to run it; nothing when they do.
// Reads only. Partitioned roots are published through the root (13+). 55000 when a publication of
// our name is FOR ALL TABLES.
struct PublicationStep {
  std::string publication;
  bool creates = false;  // the publication itself
  std::string statement;
  std::vector<std::string> added{};  // oids of the tables it adds, which only their owner may
};
Result<std::vector<PublicationStep>> plan_publications(
    postgres::Connection& connection, const Names& names,
    const std::vector<postgres::CatalogTable>& tables);

// Runs that plan. Idempotent; one statement per transaction; lock_timeout with retries.
Result<> publish(postgres::Connection& connection, const Names& names,
                 const std::vector<postgres::CatalogTable>& tables);

// Takes one of the tables out of its publication and puts it back, in one transaction: no change of
// it is missed, but walsenders forget what they remember of the publications.
Result<> publish_again(postgres::Connection& connection, const Names& names,
                       std::span<const TableId> tables);

// 42501 when this role may not alter the publications there are.
Result<> may_change_publications(postgres::Connection& connection, const Names& names);

struct SlotStatus {
  bool exists = false;
  bool active = false;
  int active_pid = 0;
  // 9.6+; that process has nothing to decode, or waits for its client to take what it sent.
  bool holder_waits = false;
  std::string plugin{};
  std::string database{};
  bool of_this_database = false;
  std::string wal_status{};           // 13+; "lost" means that changes are gone
  std::string invalidation_reason{};  // 17+; why it was lost
  bool synced = false;   // 17+; a standby's copy of the primary's slot, not usable before promotion
  bool standby = false;  // the server is one
  Lsn restart_lsn{};
  Lsn confirmed_flush_lsn{};
  std::uint64_t retained_wal_bytes = 0;
  // 13+; how much more may be written until the server may give it up; nothing: it has no limit.
  std::optional<std::uint64_t> safe_wal_bytes{};
};
Result<SlotStatus> slot_status(postgres::Connection& connection, const std::string& slot);

// Ends a walsender that still holds the slot after our own crash, and waits until the slot is free;
// transient error 55006 naming the walsender's owner when it is not `ours` by its application_name.
Result<> take_over(postgres::Connection& connection, const std::string& slot,
                   const std::function<bool(const std::string&)>& ours);

// Runs statements, each ended by a semicolon, in a transaction of their own, which waits 5 s for a
// lock; what fails is rolled back. READ WRITE, because a role may be read-only by default.
Result<> run_alone(postgres::Connection& connection, const std::string& statements);

// How long the server waits for a sign of life before it ends a walsender; zero: for ever.
Result<std::chrono::milliseconds> wal_sender_timeout(postgres::Connection& connection);

// Now on the source's clock and WAL: for lag.
struct SourceClock {
  Lsn flushed;
  Time now;
};
Result<SourceClock> source_clock(postgres::Connection& connection);

}  // namespace freshet::source
