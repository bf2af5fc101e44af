// The source under examination: a connection, and the facts that several checks need, read once.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "source/doctor.h"
#include "source/slot.h"

namespace freshet::source {

// The rows of one statement, by position. What is null reads as "", 0 and false.
class Answer {
 public:
  explicit Answer(postgres::Rows rows) : rows_(std::move(rows)) {}
  std::size_t size() const { return rows_.rows.size(); }
  bool null(std::size_t row, std::size_t column) const { return !rows_.rows.at(row).at(column); }
  std::string text(std::size_t row, std::size_t column) const;
  std::int64_t number(std::size_t row, std::size_t column) const;
  bool holds(std::size_t row, std::size_t column) const { return text(row, column) == "t"; }

 private:
  postgres::Rows rows_;
};

struct Role {
  std::string name;
  bool superuser = false;
  bool replication = false;           // by itself or as a member of what the provider has for it
  std::int64_t connections_max = -1;  // -1: no limit of its own
};

// What was counted when the examination began, to see what changes meanwhile.
struct Activity {
  std::chrono::steady_clock::time_point since;
  Lsn wal;
  std::int64_t catalog_writes = 0;
};

struct Patient {
  postgres::Connection& connection;
  std::string url{};
  std::string host{};  // where the connection leads
  std::string port{};
  DoctorOptions options{};
  Names names{};
  int version = 0;  // server_version_num
  postgres::Plugin plugin = postgres::Plugin::Pgoutput;
  bool standby = false;
  bool reads_only = false;  // default_transaction_read_only, before we set it ourselves
  std::string database{};
  Role role{};
  Provider provider = Provider::SelfManaged;
  SlotStatus slot{};  // of names.slot
  postgres::TablePatterns patterns{};
  std::vector<postgres::CatalogTable> tables{};  // that match
  std::optional<Activity> before{};              // only when all checks run
  // Opened by the check that tries it, for those after it.
  std::unique_ptr<postgres::Connection> replication{};

  // Runs one statement. Its error is the caller's to judge.
  Result<Answer> ask(std::string_view sql) const;
  bool publishes() const { return plugin == postgres::Plugin::Pgoutput; }
  // SQL of where its WAL ends, and of the bytes between two positions.
  std::string wal_end() const;
  std::string_view wal_difference() const;
  bool at_least(int major) const { return version >= major * 10000; }
  // oids of the tables as a SQL array: "'{16384,16390}'::oid[]".
  std::string table_oids() const;
  const postgres::CatalogTable* table(std::string_view oid) const;
};

// Reads the facts. Tables, slot and provider only where the server is one that can be followed.
Result<Patient> meet(postgres::Connection& connection, const std::string& url,
                     const DoctorOptions& options);
// Counts what `before` holds.
Result<Activity> count_activity(const Patient& patient);

constexpr int oldest_version = 90400;  // logical decoding

}  // namespace freshet::source
