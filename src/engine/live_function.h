// The scalar function live() and the registry by which it finds the root of its own connection.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/guarded.h"
#include "base/result.h"
#include "engine/live.h"

struct _duckdb_connection;

namespace freshet::engine {

// What one connection's live() answers from. Written between statements only, by the thread of the
// connection; read by the engine's threads while a statement runs, so it needs no lock.
struct LiveSlot {
  std::shared_ptr<const LiveRows> rows;
};

// The slots of all connections, by the engine's connection id. Thread safe.
class LiveRegistry {
 public:
  void add(std::uint64_t connection, std::shared_ptr<LiveSlot> slot);
  void remove(std::uint64_t connection);
  std::shared_ptr<LiveSlot> find(std::uint64_t connection) const;  // null when unknown

 private:
  Guarded<std::unordered_map<std::uint64_t, std::shared_ptr<LiveSlot>>> slots_;
};

// One connection's entry in the registry, for as long as it lives.
class LiveRegistration {
 public:
  LiveRegistration(std::shared_ptr<LiveRegistry> registry, _duckdb_connection* connection);
  ~LiveRegistration();
  LiveRegistration(const LiveRegistration&) = delete;
  LiveRegistration& operator=(const LiveRegistration&) = delete;

  void set(std::shared_ptr<const LiveRows> rows) { slot_->rows = std::move(rows); }

 private:
  std::shared_ptr<LiveRegistry> registry_;
  std::uint64_t connection_;
  std::shared_ptr<LiveSlot> slot_ = std::make_shared<LiveSlot>();
};

// Registers live(segment UINTEGER, rowid BIGINT) for the whole database.
Result<> register_live(_duckdb_connection* connection, std::shared_ptr<LiveRegistry> registry);

}  // namespace freshet::engine
