#include "collection/tidy.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/failpoint.h"
#include "base/thread.h"
#include "observe/log.h"

namespace freshet::collection {

namespace {

// A journal may hold this many rows of no use, and as many as it has of use.
constexpr std::uint64_t journal_waste_max = 500'000;

Result<> commit_copy(engine::Connection& connection) {
  FAILPOINT("tidy.background.before");
  TRY(connection.commit());
  FAILPOINT("tidy.background.after");
  return {};
}

}  // namespace

Tidy::~Tidy() {
  if (background_ && background_->connection) background_->connection->interrupt();
}

Result<bool> Tidy::step() {
  TRY(drop_retired().context("drop segments"));
  bool more = TRY(finish().context("finish rewrite"));
  more = TRY(rewrite_one().context("rewrite segments")) || more;
  TRY(shorten_journal().context("shorten journal"));
  TRY(check_rows());
  return more;
}

Result<> Tidy::drop_retired() {
  Store::State& state = workspace_.state();
  const auto oldest = state.versions.oldest_pinned();
  std::vector<SegmentId> free;
  state.retired.with([&](std::vector<Retired>& retired) {
    std::erase_if(retired, [&](const Retired& each) {
      if (oldest && *oldest < each.version) return false;
      free.insert(free.end(), each.segments.begin(), each.segments.end());
      return true;
    });
  });
  if (free.empty()) return {};
  TRY(workspace_.begin());
  for (const SegmentId segment : free) TRY(drop_segment(workspace_.connection(), segment));
  FAILPOINT("tidy.drop.before");
  TRY(workspace_.connection().commit());
  FAILPOINT("tidy.drop.after");
  return {};
}

Result<bool> Tidy::rewrite_one() {
  for (auto& [id, table] : workspace_.tables()) {
    if (!table.takes_changes() || table.resuming() || table.being_read) continue;
    const RewritePlan plan = plan_rewrite(table.segments);
    if (plan.from.empty()) continue;
    if (plan.live_rows > rows_at_once_max) {
      if (!background_) TRY(start(table, plan));
      continue;
    }
    if (background_ && background_->rewrite.table() == id) continue;
    const Rewrite rewrite(table, plan, workspace_.state().next_segment());
    TRY(workspace_.begin());
    TRY(rewrite.copy(workspace_.connection()));
    FAILPOINT("tidy.rewrite.copied");
    TRY(put_in_place(table, rewrite));
    return true;
  }
  return false;
}

Result<> Tidy::put_in_place(Table& table, const Rewrite& rewrite) {
  TRY(workspace_.begin());
  workspace_.touch(table);
  workspace_.retire(rewrite.from());
  const Segment& made = rewrite.take_over(table);
  made.bits.for_each_dead([&](std::uint64_t row) { workspace_.journal().add_dead(made.id, row); });
  table.view_stale = table.definition_stale = true;
  return workspace_.commit({});
}

Result<> Tidy::start(Table& table, const RewritePlan& plan) {
  auto background =
      std::make_unique<Background>(Rewrite(table, plan, workspace_.state().next_segment()));
  background->connection = TRY(workspace_.state().database->connect());
  // Rows that come from here on must not go where nobody copies them.
  if (std::ranges::find(plan.from, table.segments.back().id) != plan.from.end()) {
    table.sealed = true;
  }
  background->thread = std::jthread([this, job = background.get()] { run(*job); });
  background_ = std::move(background);
  return {};
}

void Tidy::run(Background& background) {
  name_this_thread("compact");
  Versions& versions = workspace_.state().versions;
  engine::Connection& connection = *background.connection;
  const auto copy = [&]() -> Result<> {
    const auto pinned = TRY(versions.pin([&] { return connection.begin(); }));
    Result<> copied = background.rewrite.copy(connection);
    if (copied.ok()) copied = commit_copy(connection);
    connection.rollback();
    versions.unpin(*pinned);
    return copied;
  };
  background.outcome.update([result = copy()](auto& outcome) { outcome = result; });
}

Result<bool> Tidy::finish() {
  if (!background_) return false;
  const std::optional<Result<>> outcome = background_->outcome.get();
  if (!outcome) return false;
  const std::unique_ptr<Background> done = std::move(background_);
  Table* table = workspace_.find(done->rewrite.table());
  if (!outcome->ok()) {
    // Nothing is lost: the old segments are as they were.
    observe::warn("could not rewrite segments", {{"reason", outcome->error().message}});
    if (outcome->error().fault == Fault::Corruption) return outcome->error();
    return true;
  }
  if (table == nullptr || table->being_read || !done->rewrite.fits(*table)) {
    TRY(workspace_.begin());
    TRY(drop_segment(workspace_.connection(), done->rewrite.to()));
    FAILPOINT("tidy.discard.before");
    TRY(workspace_.connection().commit());
    return true;
  }
  TRY(put_in_place(*table, done->rewrite));
  return true;
}

Result<> Tidy::shorten_journal() {
  std::vector<std::pair<SegmentId, const SegmentBits*>> dead;
  std::uint64_t rows = 0;
  const auto add = [&](SegmentId id, const SegmentBits& bits) {
    if (bits.dead_count() == 0) return;
    dead.emplace_back(id, &bits);
    rows += bits.dead_count();
  };
  if (workspace_.journal().rows() < journal_waste_max) return {};
  const auto version = workspace_.state().versions.newest();
  for (const auto& [id, table] : workspace_.tables()) {
    for (const Segment& segment : table.segments) add(segment.id, segment.bits);
    for (const SegmentId segment : table.stored.shown) {
      if (const SegmentBits* bits = version->root->find(segment)) add(segment, *bits);
    }
  }
  if (workspace_.journal().rows() < 2 * rows + journal_waste_max) return {};
  TRY(workspace_.begin());
  TRY(workspace_.journal().rewrite(workspace_.applied(), workspace_.stale_at(), dead));
  FAILPOINT("tidy.journal.before");
  TRY(workspace_.connection().commit());
  FAILPOINT("tidy.journal.after");
  return {};
}

// Row ids are predicted, not asked for; one table per step is counted to prove it.
Result<> Tidy::check_rows() {
  auto& tables = workspace_.tables();
  if (tables.empty()) return {};
  auto at = looked_at_ ? tables.upper_bound(*looked_at_) : tables.begin();
  if (at == tables.end()) at = tables.begin();
  looked_at_ = at->first;
  std::vector<SegmentId> ids;
  for (const Segment& segment : at->second.segments) ids.push_back(segment.id);
  const auto counts = TRY(count_rows(workspace_.connection(), ids));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Segment& segment = at->second.segments[i];
    if (counts[i] == segment.rows) continue;
    return Error{.fault = Fault::Corruption,
                 .message = fmt::format("count rows of {}: {} came where {} were expected",
                                        segment_name(ids[i]), counts[i], segment.rows)};
  }
  return {};
}

}  // namespace freshet::collection
