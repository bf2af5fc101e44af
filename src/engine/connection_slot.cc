#include "engine/connection_slot.h"

#include <utility>

#include "duckdb.h"

namespace freshet::engine {

void ConnectionSlots::add(std::uint64_t connection, std::shared_ptr<ConnectionSlot> slot) {
  slots_.with([&](auto& slots) { slots[connection] = std::move(slot); });
}

void ConnectionSlots::remove(std::uint64_t connection) {
  slots_.with([&](auto& slots) { slots.erase(connection); });
}

std::shared_ptr<ConnectionSlot> ConnectionSlots::find(std::uint64_t connection) const {
  return slots_.with([&](const auto& slots) {
    const auto found = slots.find(connection);
    return found == slots.end() ? nullptr : found->second;
  });
}

ConnectionRegistration::ConnectionRegistration(std::shared_ptr<ConnectionSlots> slots,
                                               duckdb_connection connection)
    : slots_(std::move(slots)) {
  duckdb_client_context context = nullptr;
  duckdb_connection_get_client_context(connection, &context);
  connection_ = take_connection_id(context);
  slots_->add(connection_, slot_);
}

ConnectionRegistration::~ConnectionRegistration() {
  slots_->remove(connection_);
}

std::uint64_t take_connection_id(duckdb_client_context context) {
  const std::uint64_t id = duckdb_client_context_get_connection_id(context);
  duckdb_destroy_client_context(&context);
  return id;
}

}  // namespace freshet::engine
