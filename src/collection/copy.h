// The copy of one table, on its way into segments of its own: one per loader.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collection/state.h"
#include "collection/table.h"

namespace freshet::collection {

// A segment that a loader has filled and committed.
struct LoadedSegment {
  SegmentId id = 0;
  std::uint64_t rows = 0;
};

class SegmentCopy final : public Copy {
 public:
  static Result<std::unique_ptr<Copy>> start(std::shared_ptr<Store::State> state,
                                             std::shared_ptr<const TableSchema> schema,
                                             std::string catalog);
  ~SegmentCopy() override;

  Result<std::unique_ptr<Loader>> loader() override;
  std::uint64_t rows() const override;
  const TableSchema& schema() const override;

  const std::shared_ptr<const TableSchema>& shared_schema() const;
  const std::string& catalog() const;  // see TableRecord
  // Some loader has finished, none is still at work, and none has given up.
  bool finished() const;
  std::vector<LoadedSegment> segments() const;
  RowIndex take_index();
  // The segments belong to a table now.
  void attached() { attached_ = true; }

  // What the copy and its loaders share.
  struct Shared;

 private:
  explicit SegmentCopy(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  std::shared_ptr<Shared> shared_;
  bool attached_ = false;
};

}  // namespace freshet::collection
