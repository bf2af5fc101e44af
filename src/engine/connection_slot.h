// What the engine's functions find of their own connection: a registry of slots, by connection id.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/guarded.h"
#include "engine/live.h"

struct _duckdb_client_context;
struct _duckdb_connection;

namespace freshet::engine {

struct RowBatch;

// Written between statements only, by the thread of the connection; read by the engine's threads
// while a statement runs, so it needs no lock.
struct ConnectionSlot {
  std::shared_ptr<const LiveRows> live_rows;  // what live() answers from; null: every row is live
  const RowBatch* batch = nullptr;            // what given_rows() gives
};

// The slots of all connections. Thread safe.
class ConnectionSlots {
 public:
  void add(std::uint64_t connection, std::shared_ptr<ConnectionSlot> slot);
  void remove(std::uint64_t connection);
  std::shared_ptr<ConnectionSlot> find(std::uint64_t connection) const;  // null when unknown

 private:
  Guarded<std::unordered_map<std::uint64_t, std::shared_ptr<ConnectionSlot>>> slots_;
};

// One connection's entry in the registry, for as long as it lives.
class ConnectionRegistration {
 public:
  ConnectionRegistration(std::shared_ptr<ConnectionSlots> slots, _duckdb_connection* connection);
  ~ConnectionRegistration();
  ConnectionRegistration(const ConnectionRegistration&) = delete;
  ConnectionRegistration& operator=(const ConnectionRegistration&) = delete;

  ConnectionSlot& slot() { return *slot_; }

 private:
  std::shared_ptr<ConnectionSlots> slots_;
  std::uint64_t connection_;
  std::shared_ptr<ConnectionSlot> slot_ = std::make_shared<ConnectionSlot>();
};

// The id of the connection that a function is bound on; destroys the context.
std::uint64_t take_connection_id(_duckdb_client_context* context);

}  // namespace freshet::engine
