#include "engine/row_query.h"

#include <utility>

#include "base/check.h"
#include "engine/given_rows.h"
#include "engine/handles.h"
#include "engine/json_path.h"

namespace freshet::engine {

struct RowQuery::Handle {
  Connection& connection;
  std::string sql;
  std::vector<Type> types;
  std::unique_ptr<Statement> statement{};
  std::uint64_t planned_at = 0;  // of CatalogChanges

  Result<> plan() {
    planned_at = connection.handle().catalog_changes->load();
    const RowBatch shape{.types = types, .first = {}};
    const GivenRows given(connection.handle().registration.slot(), shape);
    constexpr int paths_max = 64;
    for (int paths = 0;; ++paths) {
      Result<std::unique_ptr<Statement>> prepared = connection.prepare(sql);
      const auto place = prepared.ok() ? std::nullopt : path_into_jsonb(sql, prepared.error());
      if (!place || paths == paths_max) {
        statement = TRY(std::move(prepared));
        return {};
      }
      sql.insert(place->end, behind_jsonb);
      sql.insert(place->begin, before_jsonb);
    }
  }
  Result<> run(const RowBatch& batch, const std::function<Result<>(const Chunk&)>& take) {
    CHECK(batch.first.size() + batch.more.size() == types.size());
    if (planned_at != connection.handle().catalog_changes->load()) TRY(plan());
    const GivenRows given(connection.handle().registration.slot(), batch);
    const std::unique_ptr<RowStream> stream = TRY(statement->execute());
    while (const std::unique_ptr<Chunk> chunk = TRY(stream->next())) TRY(take(*chunk));
    return {};
  }
};

Result<RowQuery> RowQuery::open(Connection& connection, std::string sql, std::vector<Type> types) {
  auto handle = std::make_unique<Handle>(Handle{connection, std::move(sql), std::move(types)});
  TRY(handle->plan());
  return RowQuery(std::move(handle));
}

RowQuery::RowQuery(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
RowQuery::RowQuery(RowQuery&&) noexcept = default;
RowQuery& RowQuery::operator=(RowQuery&&) noexcept = default;
RowQuery::~RowQuery() = default;

const std::vector<ResultColumn>& RowQuery::columns() const {
  return handle_->statement->columns();
}

Result<> RowQuery::run(std::span<const Column> first, std::span<const Column> more,
                       std::span<const std::uint32_t> rows,
                       const std::function<Result<>(const Chunk&)>& take) {
  if (rows.empty()) return {};
  return handle_->run({.types = handle_->types, .first = first, .more = more, .named = rows}, take);
}

Result<> RowQuery::run_all(std::span<const Column> columns,
                           const std::function<Result<>(const Chunk&)>& take) {
  const std::size_t rows = columns.front().size();
  if (rows == 0) return {};
  return handle_->run({.types = handle_->types, .first = columns, .end = rows}, take);
}

}  // namespace freshet::engine
