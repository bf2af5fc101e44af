#include "engine/sql_value.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/scratch_database.h"

// What every type has is tested beside the appender, whose table of values it shares.

namespace freshet::engine {
namespace {

// What the engine makes of the value.
template <typename T>
T evaluated(ScratchDatabase& scratch, Type type, const T& value) {
  Column column(type);
  column.append(value);
  const auto statement =
      ScratchDatabase::must(scratch.connection().prepare("SELECT " + sql_value(column, 0)));
  const auto rows = ScratchDatabase::must(statement->execute());
  const auto chunk = ScratchDatabase::must(rows->next());
  T result;
  std::memcpy(&result, chunk->column(0).data(), sizeof result);
  return result;
}

TEST(SqlValue, KeepsEveryBitOfFloats) {
  ScratchDatabase scratch;
  using Limits = std::numeric_limits<double>;
  for (const double value : {0.1, -0.0, Limits::denorm_min(), Limits::max(), -Limits::infinity()}) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(evaluated(scratch, {TypeKind::Float64}, value)),
              std::bit_cast<std::uint64_t>(value));
  }
  for (const float value : {0.1F, -0.0F, std::numeric_limits<float>::denorm_min()}) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(evaluated(scratch, {TypeKind::Float32}, value)),
              std::bit_cast<std::uint32_t>(value));
  }
  EXPECT_TRUE(std::isnan(evaluated(scratch, {TypeKind::Float64}, Limits::quiet_NaN())));
}

TEST(SqlValue, ReachesTheEndsOfTime) {
  ScratchDatabase scratch;
  const std::int32_t last_day = 2147483493;  // 5874897-12-31, PostgreSQL's last
  for (const std::int32_t day : {-2440588, last_day, -INT32_MAX}) {
    EXPECT_EQ(evaluated(scratch, {TypeKind::Date}, day), day);
  }
  for (const std::int64_t micros : {INT64_C(-210866803200000000), INT64_MAX - 1, -INT64_MAX}) {
    EXPECT_EQ(evaluated(scratch, {TypeKind::Timestamp}, micros), micros);
    EXPECT_EQ(evaluated(scratch, {TypeKind::TimestampTz}, micros), micros);
  }
}

TEST(SqlValue, TakesWhatPostgresCallsJson) {
  ScratchDatabase scratch;
  Column column({TypeKind::Json});
  column.append_string("\"\\ud800\"");
  EXPECT_EQ(scratch.text("SELECT " + sql_value(column, 0)), "\"\\ud800\"");
}

TEST(SqlValue, QuotesTexts) {
  ScratchDatabase scratch;
  Column column({TypeKind::Text});
  column.append_string("it's; -- \\ \"\n");
  EXPECT_EQ(scratch.text("SELECT " + sql_value(column, 0)), "it's; -- \\ \"\n");
}

}  // namespace
}  // namespace freshet::engine
