#include "engine/errors.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

struct Failure {
  const char* sql;
  const char* sqlstate;
  const char* message;
  int position;
};

class Failing : public testing::TestWithParam<Failure> {
 protected:
  static void SetUpTestSuite() {
    scratch = std::make_unique<ScratchDatabase>();
    scratch->run("CREATE TABLE t(id INTEGER, name VARCHAR); INSERT INTO t VALUES (1, 'x')");
  }
  static void TearDownTestSuite() { scratch.reset(); }
  static inline std::unique_ptr<ScratchDatabase> scratch;
};

TEST_P(Failing, HasItsSqlstateMessageAndPosition) {
  const Result<TextRows> rows = scratch->connection().query(GetParam().sql);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().sqlstate, GetParam().sqlstate);
  EXPECT_EQ(rows.error().message, GetParam().message);
  EXPECT_EQ(rows.error().position, GetParam().position);
}

INSTANTIATE_TEST_SUITE_P(
    Statements, Failing,
    testing::Values(
        Failure{"SELECT 1 +", "42601", "syntax error at end of input", 11},
        Failure{"SELEC 1", "42601", "syntax error at or near \"SELEC\"", 1},
        Failure{"SELECT * FROM nope", "42P01", "Table with name nope does not exist", 15},
        Failure{"SELECT 'é', nope FROM t", "42703",
                "Referenced column \"nope\" not found in FROM clause", 13},
        Failure{"SELECT t.nope FROM t", "42703",
                "Table \"t\" does not have a column named \"nope\"", 8},
        Failure{"SELECT u.id FROM t", "42P01", "Referenced table \"u\" not found", 8},
        Failure{"SELECT nope(id) FROM t", "42883", "Scalar Function with name nope does not exist",
                8},
        Failure{"SELECT sum(name)\nFROM t", "42883",
                "No function matches the given name and argument types 'sum(VARCHAR)'", 8},
        Failure{"SELECT id FROM t a, t b", "42702",
                "Ambiguous reference to column name \"id\" (use: \"a.id\" or \"b.id\")", 8},
        Failure{"SELECT id, count(*) FROM t", "42803",
                "column \"id\" must appear in the GROUP BY clause or must be part of an aggregate "
                "function",
                8},
        Failure{"SELECT 'x'::INTEGER", "22P02", "Could not convert string 'x' to INT32", 11},
        Failure{"SELECT 200::TINYINT", "22003",
                "Type INT32 with value 200 can't be cast because the value is out of range for the "
                "destination type INT8",
                11},
        Failure{"SELECT id + 2147483647 FROM t", "22003",
                "Overflow in addition of INT32 (1 + 2147483647)", 0},
        Failure{"SELECT DATE '2026-13-01'", "22008",
                "date field value out of range: \"2026-13-01\"", 0},
        Failure{"SELECT * FROM t WHERE id = (SELECT range FROM range(2))", "21000",
                "More than one row returned by a subquery used as an expression - scalar "
                "subqueries can only return a single row",
                0},
        Failure{"CREATE TABLE t(id INTEGER)", "42P07", "Table with name \"t\" already exists", 0},
        Failure{"ROLLBACK", "25P01", "cannot rollback - no transaction is active", 0},
        Failure{"SET TimeZone = 'Nowhere'", "0A000", "Unknown TimeZone 'Nowhere'", 0},
        Failure{"SELECT * FROM read_csv('/etc/passwd')", "42501",
                "Cannot access file \"/etc/passwd\" - file system operations are disabled by "
                "configuration",
                15}));

TEST(EngineError, GivesCandidatesAsAHint) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE orders(total INTEGER)");
  const auto table = scratch.connection().query("SELECT * FROM ordrs");
  EXPECT_EQ(table.error().hint, "Did you mean \"orders\"?");
  const auto column = scratch.connection().query("SELECT totl FROM orders");
  EXPECT_EQ(column.error().hint, "Candidate bindings: \"total\"");
}

TEST(EngineError, FindsThePlaceInAPicture) {
  const std::string sql = "SELECT 1,\n       nope";
  const Error error = engine_error(
      "Binder Error: Referenced column \"nope\" not found in FROM clause!\n\nLINE 2:        nope\n"
      "               ^",
      sql);
  EXPECT_EQ(error.sqlstate, "42703");
  EXPECT_EQ(error.position, 18);
  EXPECT_EQ(error.message, "Referenced column \"nope\" not found in FROM clause");
}

TEST(EngineError, GivesNoPlaceWhenThePictureIsCut) {
  const Error error = engine_error("Parser Error: syntax error\n\nLINE 1: ...x y z\n           ^",
                                   "SELECT a long text x y z");
  EXPECT_EQ(error.sqlstate, "42601");
  EXPECT_EQ(error.position, 0);
}

TEST(EngineError, SurvivesWhatItCannotRead) {
  for (const std::string raw :
       {"", "{", "{\"exception_type\":\"Bi", "{\"a\":\"\\u12\"}", "{\"a\":\"\\", "LINE 1: x\n^",
        "Binder Error: x\n\nLINE 9: y\n ^", "\nLINE ", "\nLINE 1", "Unheard Error: of"}) {
    const Error error = engine_error(raw, "SELECT 1");
    EXPECT_FALSE(error.message.empty()) << raw;
    EXPECT_EQ(error.sqlstate.size(), 5u) << raw;
  }
}

TEST(EngineError, TellsFaultsApart) {
  EXPECT_EQ(engine_error("Serialization Error: bad").fault, Fault::Corruption);
  EXPECT_EQ(engine_error("IO Error: Corrupt database file: computed checksum 1").fault,
            Fault::Corruption);
  EXPECT_EQ(engine_error("Out of Memory Error: failed").fault, Fault::Transient);
  EXPECT_EQ(engine_error("IO Error: write: No space left on device").sqlstate, "53100");
  const Error in_commit = engine_error(
      "TransactionContext Error: Failed to commit: Could not write file: No space left on device");
  EXPECT_EQ(in_commit.sqlstate, "53100");
  EXPECT_EQ(in_commit.fault, Fault::Transient);
  EXPECT_NE(in_commit.hint, "");
  EXPECT_EQ(engine_error("Binder Error: no").fault, Fault::Permanent);
}

}  // namespace
}  // namespace freshet::engine
