// The copy of one table, on its way into a segment of its own.
#pragma once

#include <memory>

#include "collection/state.h"
#include "collection/table.h"
#include "engine/appender.h"

namespace freshet::collection {

class SegmentCopy final : public Copy {
 public:
  static Result<std::unique_ptr<Copy>> start(std::shared_ptr<Store::State> state,
                                             std::shared_ptr<const TableSchema> schema);
  ~SegmentCopy() override;

  Result<> append(std::span<const Column> columns) override;
  Result<> finish() override;
  std::uint64_t rows() const override { return rows_; }
  const TableSchema& schema() const override { return *schema_; }

  const std::shared_ptr<const TableSchema>& shared_schema() const { return schema_; }
  bool finished() const { return finished_; }
  SegmentId segment() const { return segment_; }
  RowIndex take_index() { return std::move(index_); }
  // The segment belongs to a table now.
  void attached() { attached_ = true; }

 private:
  SegmentCopy(std::shared_ptr<Store::State> state, std::shared_ptr<const TableSchema> schema,
              std::unique_ptr<engine::Connection> connection);

  std::shared_ptr<Store::State> state_;
  std::shared_ptr<const TableSchema> schema_;
  std::unique_ptr<engine::Connection> connection_;
  std::optional<engine::Appender> appender_;
  SegmentId segment_;
  RowIndex index_;
  RowKeys keys_;
  std::uint64_t rows_ = 0;
  bool finished_ = false;
  bool attached_ = false;
};

}  // namespace freshet::collection
