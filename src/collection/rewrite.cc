#include "collection/rewrite.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <memory>

namespace freshet::collection {

namespace {

constexpr std::uint64_t dead_rows_min = 10'000;  // fewer are not worth a new segment
constexpr std::size_t segments_max = 8;

// The pinned bits, as live() asks for them while the rows are copied.
std::shared_ptr<const LiveRoot> root_of(SegmentId segment, const SegmentBits& bits) {
  return LiveRoot().with({{segment, std::make_shared<const SegmentBits>(bits)}});
}

}  // namespace

RewritePlan plan_rewrite(const std::vector<Segment>& segments) {
  RewritePlan plan;
  const auto add = [&plan](const Segment& segment) {
    plan.from.push_back(segment.id);
    plan.live_rows += segment.live_rows();
  };
  for (const Segment& segment : segments) {
    const std::uint64_t dead = segment.bits.dead_count();
    if (dead > dead_rows_min && dead * 2 > segment.rows) add(segment);
  }
  if (!plan.from.empty() || segments.size() <= segments_max) return plan;
  // The smaller half: the result is larger than each of them, so the next merge takes others.
  std::vector<const Segment*> by_size;
  for (const Segment& segment : segments) by_size.push_back(&segment);
  std::ranges::sort(by_size, {}, [](const Segment* segment) { return segment->live_rows(); });
  by_size.resize(by_size.size() / 2);
  for (const Segment* segment : by_size) add(*segment);
  return plan;
}

Rewrite::Rewrite(const Table& table, const RewritePlan& plan, SegmentId to)
    : table_(table.id()),
      schema_(table.stored.record.schema),
      constants_(table.stored.constants),
      to_(to) {
  for (const Segment& segment : table.segments) {
    if (std::ranges::find(plan.from, segment.id) == plan.from.end()) continue;
    Part part{.segment = segment.id,
              .layout = segment.layout,
              .rows = segment.rows,
              .bits = segment.bits,
              .first = rows_};
    const std::uint64_t words = (segment.rows + 63) / 64;
    part.live_before.reserve(words);
    std::uint64_t live = 0;
    for (std::uint64_t word = 0; word < words; ++word) {
      part.live_before.push_back(live);
      live += 64 - static_cast<std::uint64_t>(std::popcount(part.bits.dead_word(word)));
    }
    rows_ += segment.live_rows();
    parts_.push_back(std::move(part));
  }
}

Result<> Rewrite::copy(engine::Connection& connection) const {
  TRY(create_segment(connection, to_, *schema_));
  for (const Part& part : parts_) {
    std::string columns;
    for (const ColumnSchema& column : schema_->columns) {
      if (!columns.empty()) columns += ", ";
      columns += column_in(*part.layout, column, constants_);
    }
    connection.set_live_rows(root_of(part.segment, part.bits));
    // Later rows of the open segment are left alone; the engine keeps the order of the others.
    Result<> copied = connection.execute(fmt::format(
        "INSERT INTO {} SELECT {} FROM {} WHERE rowid < {} AND live({}, rowid)", segment_table(to_),
        columns, segment_table(part.segment), part.rows, part.segment));
    connection.set_live_rows(nullptr);
    TRY(std::move(copied).context("rewrite segment"));
  }
  const SegmentId made[] = {to_};
  const auto counts = TRY(count_rows(connection, made));
  if (counts.front() == rows_) return {};
  return Error{.fault = Fault::Corruption,
               .message = fmt::format("rewrite segment: {} rows came where {} are live",
                                      counts.front(), rows_)};
}

std::uint64_t Rewrite::Part::moved(std::uint64_t row) const {
  const std::uint64_t before = row % 64 == 0 ? 0 : ~bits.dead_word(row / 64) << (64 - row % 64);
  return first + live_before[row / 64] + static_cast<std::uint64_t>(std::popcount(before));
}

const Rewrite::Part* Rewrite::find(SegmentId segment) const {
  for (const Part& part : parts_) {
    if (part.segment == segment) return &part;
  }
  return nullptr;
}

std::vector<SegmentId> Rewrite::from() const {
  std::vector<SegmentId> segments;
  for (const Part& part : parts_) segments.push_back(part.segment);
  return segments;
}

bool Rewrite::fits(const Table& table) const {
  return table.takes_changes() && !table.resuming() &&
         std::ranges::all_of(parts_, [&](const Part& part) {
           return std::ranges::find(table.segments, part.segment, &Segment::id) !=
                  table.segments.end();
         });
}

Segment& Rewrite::take_over(Table& table) const {
  Segment made{.id = to_,
               .layout = segment_layout(*schema_),
               .rows = rows_,
               .committed_rows = rows_,
               .bits = {},
               .changed = true};
  for (const Part& part : parts_) carry_deaths(part, *table.find(part.segment), made);
  made.filtered = made.bits.dead_count() > 0;
  const bool last = find(table.segments.back().id) != nullptr;
  std::visit(
      [&](auto& index) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(index)>, std::monostate>) {
          index.relocate([&](Location at) {
            const Part* part = find(at.segment());
            return part == nullptr ? at : Location(to_, part->moved(at.row()));
          });
        }
      },
      table.index);
  std::erase_if(table.segments, [&](const Segment& each) { return find(each.id) != nullptr; });
  const auto place = last ? table.segments.end() : table.segments.begin();
  return *table.segments.insert(place, std::move(made));
}

void Rewrite::carry_deaths(const Part& part, const Segment& now, Segment& target) const {
  for (std::uint64_t word = 0; word * 64 < part.rows; ++word) {
    std::uint64_t died = now.bits.dead_word(word) & ~part.bits.dead_word(word);
    for (; died != 0; died &= died - 1) {
      const std::uint64_t row = word * 64 + static_cast<std::uint64_t>(std::countr_zero(died));
      if (row < part.rows) target.bits.mark_dead(part.moved(row));
    }
  }
}

}  // namespace freshet::collection
