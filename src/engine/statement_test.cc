#include "engine/statement.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

template <typename T>
T must(Result<T> result) {
  return ScratchDatabase::must(std::move(result));
}

class Statements : public testing::Test {
 protected:
  std::unique_ptr<Statement> prepare(const std::string& sql) {
    return must(scratch.connection().prepare(sql));
  }
  // The first row, printed.
  std::vector<std::string> row(Statement& statement) {
    const auto stream = must(statement.execute());
    const auto chunk = must(stream->next());
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < stream->columns().size(); ++i) {
      texts.push_back(chunk->column(i).print(0));
    }
    return texts;
  }
  std::string print(const std::string& expression) {
    return row(*prepare("SELECT " + expression)).at(0);
  }
  LogicalType type(const std::string& expression) {
    return prepare("SELECT " + expression)->columns().at(0).type;
  }

  ScratchDatabase scratch;
};

TEST_F(Statements, TellTheirColumnsBeforeTheyRun) {
  scratch.run("CREATE TABLE t(id BIGINT, price DECIMAL(12,2), doc JSONB, n NUMERIC_TEXT)");
  const auto statement = prepare("SELECT *, [price] AS prices FROM t WHERE id = $1");
  const auto& columns = statement->columns();
  ASSERT_EQ(columns.size(), 5u);
  EXPECT_EQ(columns[0].name, "id");
  EXPECT_EQ(columns[0].type.kind, LogicalKind::Int64);
  const LogicalType price{.kind = LogicalKind::Decimal, .precision = 12, .scale = 2};
  EXPECT_EQ(columns[1].type, price);
  EXPECT_EQ(columns[2].type.alias, "JSONB");
  EXPECT_EQ(columns[3].type.alias, "NUMERIC_TEXT");
  EXPECT_EQ(columns[4].type.children, std::vector<LogicalType>{price});
}

TEST_F(Statements, WithoutRowsHaveNoColumns) {
  scratch.run("CREATE TABLE t(id BIGINT)");
  for (const char* sql :
       {"CREATE TABLE u(id BIGINT)", "INSERT INTO t VALUES (1)", "SET TimeZone = 'UTC'", "BEGIN"}) {
    const auto statement = prepare(sql);
    EXPECT_TRUE(statement->columns().empty()) << sql;
    EXPECT_EQ(must(must(statement->execute())->next()), nullptr) << sql;
  }
  EXPECT_EQ(prepare("INSERT INTO t VALUES (1) RETURNING id")->columns().size(), 1u);
}

TEST_F(Statements, KnowWhetherTheyOnlyRead) {
  scratch.run("CREATE TABLE t(id BIGINT)");
  for (const char* sql :
       {"SELECT 1", "VALUES (1)", "FROM t", "TABLE t", "WITH x AS (SELECT 1) SELECT * FROM x",
        "SHOW TABLES", "DESCRIBE t", "EXPLAIN SELECT 1", "EXPLAIN INSERT INTO t VALUES (1)",
        "EXPLAIN ANALYZE SELECT 1", "/* x */ EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1"}) {
    EXPECT_TRUE(prepare(sql)->reads_only()) << sql;
  }
  for (const char* sql :
       {"INSERT INTO t VALUES (1)", "UPDATE t SET id = 1", "DELETE FROM t", "DROP TABLE t",
        "CREATE TABLE u AS SELECT 1", "SET TimeZone = 'UTC'", "PRAGMA enable_profiling",
        "CHECKPOINT", "BEGIN", "EXPLAIN ANALYZE INSERT INTO t VALUES (1)",
        "-- x\nexplain /* y */ analyze DELETE FROM t", "EXPLAIN (ANALYZE) DELETE FROM t"}) {
    EXPECT_FALSE(prepare(sql)->reads_only()) << sql;
  }
}

TEST_F(Statements, TakeParametersOfEveryKind) {
  const auto statement = prepare(
      "SELECT $1::BIGINT + 1, $2::VARCHAR || '!', $3::DOUBLE * 2, NOT $4::BOOLEAN, "
      "octet_length($5::BLOB), $6::INTEGER IS NULL");
  ASSERT_EQ(statement->parameter_count(), 6u);
  EXPECT_EQ(statement->parameter_type(0).kind, LogicalKind::Int64);
  EXPECT_EQ(statement->parameter_type(1).kind, LogicalKind::Text);
  EXPECT_EQ(statement->parameter_type(4).kind, LogicalKind::Bytes);
  ASSERT_TRUE(statement->bind_int64(0, 41).ok());
  ASSERT_TRUE(statement->bind_text(1, "it's").ok());
  ASSERT_TRUE(statement->bind_double(2, 0.25).ok());
  ASSERT_TRUE(statement->bind_bool(3, false).ok());
  ASSERT_TRUE(statement->bind_bytes(4, as_bytes(std::string_view("\0\1\2", 3))).ok());
  ASSERT_TRUE(statement->bind_null(5).ok());
  const std::vector<std::string> expected = {"42", "it's!", "0.5", "true", "3", "true"};
  EXPECT_EQ(row(*statement), expected);
}

TEST_F(Statements, TakeTextForAnyType) {
  scratch.run(
      "CREATE TABLE t AS SELECT 7::BIGINT AS id, DATE '2026-01-02' AS day, "
      "'1.50'::DECIMAL(9,2) AS price");
  const auto statement =
      prepare("SELECT count(*) FROM t WHERE id = $1 AND day = $2 AND price = $3");
  EXPECT_EQ(statement->parameter_type(0).kind, LogicalKind::Int64);
  EXPECT_EQ(statement->parameter_type(1).kind, LogicalKind::Date);
  ASSERT_TRUE(statement->bind_text(0, "7").ok());
  ASSERT_TRUE(statement->bind_text(1, "2026-01-02").ok());
  ASSERT_TRUE(statement->bind_text(2, "1.5").ok());
  EXPECT_EQ(row(*statement).at(0), "1");
}

TEST_F(Statements, CanRunAgainWithOtherParameters) {
  const auto statement = prepare("SELECT $1::BIGINT * 2");
  for (std::int64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(statement->bind_int64(0, i).ok());
    EXPECT_EQ(row(*statement).at(0), std::to_string(2 * i));
  }
}

TEST_F(Statements, LearnTheTypeOfAFreeParameterWhenTheyRun) {
  const auto statement = prepare("SELECT $1 AS x");
  EXPECT_EQ(statement->parameter_type(0).kind, LogicalKind::Null);
  ASSERT_TRUE(statement->bind_int64(0, 5).ok());
  const auto stream = must(statement->execute());
  ASSERT_EQ(stream->columns().size(), 1u);
  EXPECT_EQ(stream->columns()[0].name, "x");
  EXPECT_EQ(stream->columns()[0].type.kind, LogicalKind::Int64);
  EXPECT_EQ(must(stream->next())->column(0).print(0), "5");
}

TEST_F(Statements, MissOneParameter) {
  const auto statement = prepare("SELECT $1::BIGINT + $2::BIGINT");
  ASSERT_TRUE(statement->bind_int64(0, 1).ok());
  EXPECT_FALSE(statement->execute().ok());
  EXPECT_FALSE(statement->bind_int64(2, 1).ok());
}

TEST_F(Statements, StreamAMillionRowsInOrder) {
  const auto statement = prepare("SELECT range AS id, 'row ' || range AS name FROM range(1000000)");
  const auto stream = must(statement->execute());
  std::int64_t next = 0;
  for (;;) {
    const auto chunk = must(stream->next());
    if (chunk == nullptr) break;
    ASSERT_LE(chunk->size(), 2048u);
    const auto* const ids = static_cast<const std::int64_t*>(chunk->column(0).data());
    for (std::size_t i = 0; i < chunk->size(); ++i) ASSERT_EQ(ids[i], next++);
    ASSERT_EQ(chunk->column(1).text(0), "row " + std::to_string(ids[0]));
  }
  EXPECT_EQ(next, 1000000);
}

// A hundred times the memory allowed: it can only work when rows are made as they are fetched.
TEST_F(Statements, StreamWithinBoundedMemory) {
  ScratchDatabase small({.memory_bytes_max = 100 << 20, .threads = 2});
  const auto statement = must(small.connection().prepare(
      "SELECT repeat('x', 1000) || range AS text FROM range(100000000)"));
  const auto stream = must(statement->execute());
  std::size_t bytes = 0;
  while (bytes < 200u << 20) {
    const auto chunk = must(stream->next());
    ASSERT_NE(chunk, nullptr);
    for (std::size_t i = 0; i < chunk->size(); ++i) bytes += chunk->column(0).text(i).size();
  }
}

TEST_F(Statements, FailInTheMiddleOfTheirRows) {
  const auto statement =
      prepare("SELECT CASE WHEN range = 900000 THEN 'x' ELSE '1' END::INTEGER FROM range(1000000)");
  Result<std::unique_ptr<RowStream>> stream = statement->execute();
  Result<> ended;
  while (stream.ok() && ended.ok()) {
    Result<std::unique_ptr<Chunk>> chunk = (*stream)->next();
    ASSERT_FALSE(chunk.ok() && *chunk == nullptr) << "ended without an error";
    if (!chunk.ok()) ended = std::move(chunk).error();
  }
  EXPECT_EQ(ended.error().sqlstate, "22P02") << ended.error().message;
}

TEST_F(Statements, AnInterruptFromAnotherThreadStopsThem) {
  const auto statement =
      prepare("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b");
  // Interrupts until it worked: there is no telling when the statement is under way.
  std::jthread impatient([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      scratch.connection().interrupt();
      std::this_thread::yield();
    }
  });
  Result<std::unique_ptr<RowStream>> stream = statement->execute();
  Error error;
  if (stream.ok()) {
    error = (*stream)->next().error();
  } else {
    error = stream.error();
  }
  EXPECT_EQ(error.sqlstate, "57014") << error.message;
  impatient = {};
  EXPECT_EQ(scratch.text("SELECT 1"), "1");
}

// The statement is stopped as soon as progress was seen; it would take much longer to its end.
TEST_F(Statements, TellProgressToAnotherThread) {
  EXPECT_LT(scratch.connection().progress(), 0.0);
  scratch.run("CREATE TABLE t AS SELECT range AS id FROM range(500000)");
  // The engine counts between two pieces of work, and a scan that finds nothing is a single one.
  std::string tables = "FROM t";
  for (int i = 0; i < 9; ++i) tables += " UNION ALL FROM t";
  const auto statement =
      prepare("SELECT count(*) FROM (" + tables + ") WHERE md5(repeat(id::VARCHAR, 50)) = 'x'");
  std::atomic<bool> seen = false;
  std::jthread watcher([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      const double progress = scratch.connection().progress();
      if (progress > 0 && progress <= 1) seen = true;
      if (seen) scratch.connection().interrupt();
      std::this_thread::yield();
    }
  });
  const Result<std::unique_ptr<RowStream>> stream = statement->execute();
  if (stream.ok()) ignore((*stream)->next());
  watcher = {};
  EXPECT_TRUE(seen);
}

TEST_F(Statements, ARowStreamEndsWhenAnotherStatementRuns) {
  const auto statement = prepare("SELECT range FROM range(10000000)");
  const auto stream = must(statement->execute());
  ASSERT_NE(must(stream->next()), nullptr);
  EXPECT_EQ(scratch.text("SELECT 1"), "1");
  EXPECT_FALSE(stream->next().ok());
}

TEST_F(Statements, ShowListsStructsAndMapsInPieces) {
  const auto statement = prepare(
      "SELECT [10, NULL, 30] AS l, {'a': 1, 'b': 'x'} AS s, MAP {'k': 5} AS m, "
      "[1, 2]::INTEGER[2] AS a");
  const auto stream = must(statement->execute());
  const auto chunk = must(stream->next());
  const VectorView& list = chunk->column(0);
  EXPECT_EQ(list.list(0).size, 3u);
  EXPECT_TRUE(list.child(0).is_null(list.list(0).offset + 1));
  EXPECT_EQ(list.child(0).print(list.list(0).offset + 2), "30");
  EXPECT_EQ(chunk->column(1).child(1).text(0), "x");
  EXPECT_EQ(stream->columns()[1].type.field_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(chunk->column(2).child(0).text(chunk->column(2).list(0).offset), "k");
  EXPECT_EQ(chunk->column(2).child(1).print(chunk->column(2).list(0).offset), "5");
  EXPECT_EQ(chunk->column(3).list(0).size, 2u);
  EXPECT_EQ(chunk->column(3).child(0).print(1), "2");
}

// The engine's own cast to text is the oracle for print().
TEST_F(Statements, PrintEveryTypeAsTheEngineDoes) {
  for (const char* expression :
       {"true",
        "(-128)::TINYINT",
        "255::UTINYINT",
        "65535::USMALLINT",
        "4294967295::UINTEGER",
        "18446744073709551615::UBIGINT",
        "170141183460469231731687303715884105727::HUGEINT",
        "(-5)::HUGEINT",
        "340282366920938463463374607431768211455::UHUGEINT",
        "1.5::FLOAT",
        "1e-7::DOUBLE",
        "'nan'::DOUBLE",
        "'-inf'::DOUBLE",
        "1.23::DECIMAL(4,2)",
        "(-1.23)::DECIMAL(9,2)",
        "123456789012.345::DECIMAL(18,3)",
        "(-0.00000000000000000001)::DECIMAL(38,20)",
        "'text'",
        "'\\x00\\xFFa'::BLOB",
        "DATE '0044-03-15 (BC)'",
        "TIME '23:59:59.999999'",
        "'12:00:00+02'::TIMETZ",
        "TIMESTAMP '2026-01-02 03:04:05.678'",
        "'2026-01-02 03:04:05'::TIMESTAMP_S",
        "'2026-01-02 03:04:05.6'::TIMESTAMP_MS",
        "'2026-01-02 03:04:05.123456789'::TIMESTAMP_NS",
        "INTERVAL '14 months -3 days 01:02:03.4'",
        "'aaaa1111-2222-3333-bbbb-ccccddddeeee'::UUID",
        "'10110'::BIT",
        "'123456789012345678901234567890123456789012345678901234567890'::BIGNUM",
        "'-98765432109876543210987654321098765432109876543210'::BIGNUM",
        "0::BIGNUM",
        "'b'::ENUM('a', 'b')",
        "[1, NULL, 3]",
        "['a', 'b,c', NULL, '']",
        "[[1], [], NULL]",
        "[1, 2]::INTEGER[2]",
        "{'a': 1, 'b': {'c': 'it''s'}}",
        "MAP {'k': [1, 2], 'l': NULL}",
        "union_value(num := 2)",
        "[union_value(s := 'x')]",
        "'{\"a\": 1}'::JSON",
        "['{}'::JSONB]",
        "['1.5'::NUMERIC_TEXT]",
        "{'j': '{\"a\": 1}'::JSONB}",
        "[DATE '2026-01-01']",
        "list_filter([1, 2, 3], x -> x > 1)",
        "list_sort(['c', 'a', 'b'])",
        "['b'::ENUM('a', 'b')]",
        "'12:00:00.123456789'::TIME_NS"}) {
    EXPECT_EQ(print(expression), print("(" + std::string(expression) + ")::VARCHAR")) << expression;
  }
  EXPECT_EQ(print("NULL"), "NULL");
}

TEST_F(Statements, KeepTheNamesOfOurTypesThroughViewsAndUnions) {
  scratch.run(
      "CREATE TABLE a(n NUMERIC_TEXT, j JSONB, l JSONB[]);"
      "CREATE TABLE b(n NUMERIC_TEXT, j JSONB, l JSONB[]);"
      "CREATE VIEW v AS SELECT n, j, l FROM a WHERE live(1, rowid) UNION ALL "
      "SELECT NULL::NUMERIC_TEXT AS n, j, l FROM b WHERE live(2, rowid);"
      "INSERT INTO a VALUES ('1.50', '{\"k\": {\"x\": 7}}', ['{}'])");
  scratch.reopen();
  const auto statement = prepare("SELECT n, j, l FROM v");
  const auto& columns = statement->columns();
  EXPECT_EQ(columns[0].type.alias, "NUMERIC_TEXT");
  EXPECT_EQ(columns[1].type.alias, "JSONB");
  EXPECT_EQ(columns[2].type.children[0].alias, "JSONB");
}

TEST_F(Statements, TreatOurTypesAsTextAndAsJson) {
  scratch.run(
      "CREATE TABLE t(n NUMERIC_TEXT, j JSONB);"
      "INSERT INTO t VALUES ('1.50', '{\"k\": {\"x\": 7}}')");
  for (const char* condition :
       {"j->'k'->>'x' = '7'", "j->>'$.k.x' = '7'", "json_extract_string(j, '$.k.x') = '7'",
        "json_type(j) = 'OBJECT'", "j = '{\"k\": {\"x\": 7}}'", "j::VARCHAR LIKE '%7%'",
        "n = '1.50'", "n::DECIMAL(9,2) = 1.5", "n LIKE '1%'", "upper(n) = '1.50'"}) {
    EXPECT_EQ(scratch.text("SELECT count(*) FROM t WHERE " + std::string(condition)), "1")
        << condition;
  }
}

}  // namespace
}  // namespace freshet::engine
