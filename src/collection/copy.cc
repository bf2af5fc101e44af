#include "collection/copy.h"

#include "base/failpoint.h"
#include "collection/view.h"

namespace freshet::collection {

SegmentCopy::SegmentCopy(std::shared_ptr<Store::State> state,
                         std::shared_ptr<const TableSchema> schema,
                         std::unique_ptr<engine::Connection> connection)
    : state_(std::move(state)),
      schema_(std::move(schema)),
      connection_(std::move(connection)),
      segment_(state_->next_segment()),
      index_(empty_index(*schema_)),
      keys_(*schema_) {}

SegmentCopy::~SegmentCopy() {
  appender_.reset();
  connection_->rollback();
  // What cannot be dropped now is an orphan, and goes when the store is opened next.
  if (finished_ && !attached_) ignore(drop_segment(*connection_, segment_));
}

Result<std::unique_ptr<Copy>> SegmentCopy::start(std::shared_ptr<Store::State> state,
                                                 std::shared_ptr<const TableSchema> schema) {
  TRY(check_can_be_shown(*schema));
  auto connection = TRY(state->database->connect());
  std::unique_ptr<SegmentCopy> copy(
      new SegmentCopy(std::move(state), std::move(schema), std::move(connection)));
  TRY(copy->connection_->begin());
  TRY(create_segment(*copy->connection_, copy->segment_, *copy->schema_).context("start copy"));
  copy->appender_.emplace(
      TRY(engine::Appender::open(*copy->connection_, "_segments", segment_name(copy->segment_),
                                 column_types(*copy->schema_))));
  return std::unique_ptr<Copy>(std::move(copy));
}

Result<> SegmentCopy::append(std::span<const Column> columns) {
  CHECK(!finished_ && columns.size() == schema_->columns.size());
  const std::size_t rows = columns.front().size();
  TRY(add_rows(index_, keys_, *schema_, columns, Location(segment_, rows_)));
  TRY(appender_->append(columns, 0, rows));
  rows_ += rows;
  return {};
}

Result<> SegmentCopy::finish() {
  TRY(appender_->flush());
  appender_.reset();
  FAILPOINT("copy.commit.before");
  TRY(connection_->commit());
  FAILPOINT("copy.commit.after");
  finished_ = true;
  return {};
}

}  // namespace freshet::collection
