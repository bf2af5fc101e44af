#include "engine/inserter.h"

#include <fmt/core.h>

#include <string>
#include <utility>

#include "base/check.h"
#include "engine/given_rows.h"
#include "engine/handles.h"

namespace freshet::engine {

struct Inserter::Handle {
  Connection::Handle& connection;
  std::string table;  // qualified
  std::vector<Type> types;
  OwnedStatement statement{};
  std::uint64_t planned_at = 0;  // of CatalogChanges

  Result<> plan();
  Result<> run(const RowBatch& batch);
};

Result<> Inserter::Handle::plan() {
  planned_at = connection.catalog_changes->load();
  const RowBatch shape{.types = types, .first = {}};
  const GivenRows given(connection.registration.slot(), shape);
  Result<OwnedStatement> prepared =
      prepare(connection.connection.get(), fmt::format("INSERT INTO {} FROM given_rows()", table));
  statement = TRY(std::move(prepared).context("insert into " + table));
  return {};
}

Result<> Inserter::Handle::run(const RowBatch& batch) {
  CHECK(batch.first.size() == types.size());
  for (std::size_t i = 0; i < types.size(); ++i) CHECK(batch.first[i].type() == types[i]);
  if (planned_at != connection.catalog_changes->load()) TRY(plan());
  const GivenRows given(connection.registration.slot(), batch);
  return execute(statement).context("insert rows");
}

Result<Inserter> Inserter::open(Connection& connection, std::string_view schema,
                                std::string_view table, std::vector<Type> types) {
  auto handle = std::make_unique<Handle>(
      Handle{connection.handle(), fmt::format("store.{}.{}", quoted(schema), quoted(table)),
             std::move(types)});
  TRY(handle->plan());
  return Inserter(std::move(handle));
}

Inserter::Inserter(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Inserter::Inserter(Inserter&&) noexcept = default;
Inserter& Inserter::operator=(Inserter&&) noexcept = default;
Inserter::~Inserter() = default;

Result<> Inserter::insert(std::span<const Column> columns, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  return handle_->run({.types = handle_->types, .first = columns, .begin = begin, .end = end});
}

Result<> Inserter::insert_selected(std::span<const Column> columns,
                                   std::span<const std::uint32_t> rows) {
  if (rows.empty()) return {};
  return handle_->run({.types = handle_->types, .first = columns, .named = rows});
}

}  // namespace freshet::engine
