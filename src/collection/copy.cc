#include "collection/copy.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "base/failpoint.h"
#include "collection/view.h"
#include "engine/appender.h"

namespace freshet::collection {

struct SegmentCopy::Shared {
  Shared(std::shared_ptr<Store::State> its_state, std::shared_ptr<const TableSchema> its_schema,
         std::string its_catalog)
      : state(std::move(its_state)),
        schema(std::move(its_schema)),
        catalog(std::move(its_catalog)),
        index(empty_index(*schema)) {}

  const std::shared_ptr<Store::State> state;
  const std::shared_ptr<const TableSchema> schema;
  const std::string catalog;  // see TableRecord
  std::atomic<std::uint64_t> rows{0};

  std::mutex mutex;  // protects what follows
  RowIndex index;    // of all rows, whoever loaded them
  std::vector<LoadedSegment> segments;
  unsigned loaders = 0;       // at work
  bool rows_missing = false;  // a loader has given up
};

namespace {

// Fills one segment in one engine transaction.
class SegmentLoader final : public Loader {
 public:
  SegmentLoader(std::shared_ptr<SegmentCopy::Shared> shared,
                std::unique_ptr<engine::Connection> connection)
      : shared_(std::move(shared)),
        connection_(std::move(connection)),
        segment_(shared_->state->next_segment()),
        keys_(*shared_->schema) {
    const std::scoped_lock lock(shared_->mutex);
    ++shared_->loaders;
  }
  ~SegmentLoader() override {
    if (finished_) return;
    appender_.reset();
    connection_->rollback();
    const std::scoped_lock lock(shared_->mutex);
    --shared_->loaders;
    shared_->rows_missing = true;
  }

  Result<> begin() {
    TRY(connection_->begin());
    TRY(create_segment(*connection_, segment_, *shared_->schema).context("start copy"));
    appender_.emplace(TRY(engine::Appender::open(*connection_, "_segments", segment_name(segment_),
                                                 types_of(shared_->schema->columns))));
    return {};
  }

  Result<> append(std::span<const Column> columns) override {
    CHECK(!finished_ && columns.size() == shared_->schema->columns.size());
    const std::size_t rows = columns.front().size();
    TRY(appender_->append(columns, 0, rows));
    TRY(add_rows(shared_->index, shared_->mutex, keys_, *shared_->schema, columns,
                 Location(segment_, rows_)));
    rows_ += rows;
    shared_->rows += rows;
    return {};
  }

  Result<> finish() override {
    CHECK(!finished_);
    TRY(appender_->flush());
    appender_.reset();
    FAILPOINT("copy.commit.before");
    TRY(connection_->commit());
    FAILPOINT("copy.commit.after");
    finished_ = true;
    const std::scoped_lock lock(shared_->mutex);
    --shared_->loaders;
    shared_->segments.push_back({segment_, rows_});
    return {};
  }

 private:
  std::shared_ptr<SegmentCopy::Shared> shared_;
  std::unique_ptr<engine::Connection> connection_;
  std::optional<engine::Appender> appender_;
  SegmentId segment_;
  RowKeys keys_;
  std::uint64_t rows_ = 0;
  bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<Copy>> SegmentCopy::start(std::shared_ptr<Store::State> state,
                                                 std::shared_ptr<const TableSchema> schema,
                                                 std::string catalog) {
  TRY(check_can_be_shown(*schema));
  auto shared = std::make_shared<Shared>(std::move(state), std::move(schema), std::move(catalog));
  return std::unique_ptr<Copy>(new SegmentCopy(std::move(shared)));
}

SegmentCopy::~SegmentCopy() {
  const std::vector<LoadedSegment> loaded = segments();
  if (attached_ || loaded.empty()) return;
  // What cannot be dropped now is an orphan, and goes when the store is opened next.
  const auto connection = shared_->state->database->connect();
  if (!connection.ok()) return;
  for (const LoadedSegment& segment : loaded) ignore(drop_segment(**connection, segment.id));
}

Result<std::unique_ptr<Loader>> SegmentCopy::loader() {
  auto connection = TRY(shared_->state->database->connect());
  auto loader = std::make_unique<SegmentLoader>(shared_, std::move(connection));
  TRY(loader->begin());
  return std::unique_ptr<Loader>(std::move(loader));
}

std::uint64_t SegmentCopy::rows() const {
  return shared_->rows;
}

const TableSchema& SegmentCopy::schema() const {
  return *shared_->schema;
}

const std::shared_ptr<const TableSchema>& SegmentCopy::shared_schema() const {
  return shared_->schema;
}

const std::string& SegmentCopy::catalog() const {
  return shared_->catalog;
}

bool SegmentCopy::finished() const {
  const std::scoped_lock lock(shared_->mutex);
  return shared_->loaders == 0 && !shared_->rows_missing && !shared_->segments.empty();
}

std::vector<LoadedSegment> SegmentCopy::segments() const {
  const std::scoped_lock lock(shared_->mutex);
  return shared_->segments;
}

RowIndex SegmentCopy::take_index() {
  const std::scoped_lock lock(shared_->mutex);
  return std::move(shared_->index);
}

}  // namespace freshet::collection
