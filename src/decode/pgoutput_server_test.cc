// The decoders against a real server: what a copy of a table holds and what the stream brings, in
// text, in binary and as test_decoding's lines, are the same values.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "decode/decoder.h"
#include "decode/pgoutput.h"
#include "decode/scripted_part.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "postgres/scratch_server.h"
#include "postgres/values.h"

namespace freshet::decode {
namespace {

bool same(const Column& a, std::size_t i, const Column& b, std::size_t j) {
  if (a.state(i) != b.state(j)) return false;
  if (a.state(i) != ValueState::Present) return true;
  if (is_string(a.type().kind)) return a.text(i) == b.text(j);
  if (a.type().kind != TypeKind::List) return std::memcmp(a.at(i), b.at(j), width(a.type())) == 0;
  const auto left = a.get<ListRef>(i);
  const auto right = b.get<ListRef>(j);
  if (left.size != right.size) return false;
  for (std::uint64_t k = 0; k < left.size; ++k) {
    if (!same(a.child(), static_cast<std::size_t>(left.offset + k), b.child(),
              static_cast<std::size_t>(right.offset + k))) {
      return false;
    }
  }
  return true;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// One server for all tests of this file.
class PgoutputServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto server = postgres::ScratchServer::start({});
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
    auto connection = postgres::Connection::connect(server_->url(), {});
    ASSERT_TRUE(connection.ok()) << connection.error().message;
    connection_ = std::move(*connection);
    ask("SET search_path = public");
  }
  static void TearDownTestSuite() {
    connection_.reset();
    server_.reset();
  }

  static std::string ask(const std::string& sql) {
    const auto rows = connection_->query(sql);
    EXPECT_TRUE(rows.ok()) << sql << ": " << (rows.ok() ? "" : rows.error().message);
    if (!rows.ok() || rows->rows.empty()) return "";
    return rows->rows[0][0].value_or("");
  }

  // Creates the table with a slot to be read in each format.
  void create(const std::string& definition) {
    ask("DROP PUBLICATION IF EXISTS p");
    ask("DROP TABLE IF EXISTS t");
    ask(definition);
    ask("CREATE PUBLICATION p FOR TABLE t");
    for (const char* slot : {"in_text", "in_binary"}) {
      ask(std::string("SELECT pg_create_logical_replication_slot('") + slot + "', 'pgoutput')");
    }
    ask("SELECT pg_create_logical_replication_slot('in_lines', 'test_decoding')");
    const auto id = static_cast<std::uint32_t>(std::stoul(ask("SELECT 't'::regclass::oid::int8")));
    const auto table = postgres::read_table(*connection_, TableId{id});
    ASSERT_TRUE(table.ok());
    schema_ = std::make_shared<TableSchema>(table->schema);
  }
  void TearDown() override {
    ask("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
  }

  // Everything since the slot was created. What its strings point into is kept in the set.
  std::unique_ptr<ChangeSet> stream(const std::string& slot, const std::string& options) {
    const auto rows = connection_->query(
        "SELECT encode(data, 'hex') FROM pg_logical_slot_get_binary_changes('" + slot +
        "', NULL, NULL, 'proto_version', '1', 'publication_names', 'p'" + options + ")");
    EXPECT_TRUE(rows.ok()) << (rows.ok() ? "" : rows.error().message);
    auto set = std::make_unique<ChangeSet>();
    set->tables[schema_->id] = std::make_unique<TableChanges>(schema_);
    PgoutputDecoder decoder;
    auto script = std::make_shared<scripted::ScriptedPart>();
    scripted::ScriptedPart::Options position;
    for (const auto& row : rows->rows) {
      const std::string message = from_hex(*row[0]);
      ByteReader reader(as_bytes(message).subspan(1));
      if (message[0] == 'B') position.commit = Lsn{reader.big<std::uint64_t>()};
      script->add(message);
      if (message[0] != 'C') continue;
      reader.bytes(9);  // flags, commit LSN
      position.end = Lsn{reader.big<std::uint64_t>()};
      TransactionPart part = script->part();
      part.commit_lsn = position.commit;
      part.end_lsn = position.end;
      const auto result = decoder.decode(part, *set);
      EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
      set->keep.push_back(std::exchange(script, std::make_shared<scripted::ScriptedPart>()));
    }
    for (const ChangeSet::Stopped& stopped : set->stopped) ADD_FAILURE() << stopped.reason.message;
    return set;
  }

  // The same by test_decoding.
  std::unique_ptr<ChangeSet> stream_lines() {
    const auto rows = connection_->query(
        "SELECT lsn, data FROM pg_logical_slot_get_changes('in_lines', NULL, NULL, "
        "'skip-empty-xacts', 'on')");
    EXPECT_TRUE(rows.ok()) << (rows.ok() ? "" : rows.error().message);
    auto set = std::make_unique<ChangeSet>();
    set->tables[schema_->id] = std::make_unique<TableChanges>(schema_);
    Decoder decoder;
    auto script = std::make_shared<scripted::ScriptedPart>();
    for (const auto& row : rows->rows) {
      if (row[1]->starts_with("BEGIN")) continue;
      if (!row[1]->starts_with("COMMIT")) {
        script->add(test_decoding_line + *row[1]);
        continue;
      }
      TransactionPart part = script->part();
      part.end_lsn = parse_lsn(*row[0]).value_or(Lsn{});
      part.commit_lsn = Lsn{part.end_lsn.value - 1};
      const auto result = decoder.decode(part, *set);
      EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
      set->keep.push_back(std::exchange(script, std::make_shared<scripted::ScriptedPart>()));
    }
    for (const ChangeSet::Stopped& stopped : set->stopped) ADD_FAILURE() << stopped.reason.message;
    return set;
  }

  // The table by binary COPY, in order of id.
  std::unique_ptr<ChangeSet> copy() {
    auto set = std::make_unique<ChangeSet>();
    set->tables[schema_->id] = std::make_unique<TableChanges>(schema_);
    auto bytes = std::make_shared<std::string>();
    const Result<> copied =
        connection_->copy_out("COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT binary)",
                              [&](Bytes data) -> Result<> {
                                bytes->append(as_text(data));
                                return {};
                              },
                              {});
    EXPECT_TRUE(copied.ok()) << (copied.ok() ? "" : copied.error().message);
    set->keep.push_back(bytes);
    ByteReader reader(as_bytes(*bytes));
    reader.bytes(19);  // signature, flags, extension
    while (reader.big<std::int16_t>() > 0) {
      for (std::size_t i = 0; i < schema_->columns.size(); ++i) {
        Column& column = set->tables[schema_->id]->rows[i];
        const auto size = reader.big<std::int32_t>();
        if (size < 0) {
          column.append_null();
          continue;
        }
        const Bytes value = reader.bytes(static_cast<std::size_t>(size));
        const ColumnSchema& each = schema_->columns[i];
        const auto decoder =
            postgres::value_decoder(each.pg_type, each.type, postgres::Format::Binary);
        EXPECT_EQ(decoder.append(column, value, set->arena), postgres::ValueFault::None);
      }
    }
    return set;
  }

  TableChanges& table(ChangeSet& set) { return *set.tables.at(schema_->id); }

  static inline std::unique_ptr<postgres::ScratchServer> server_;
  static inline std::unique_ptr<postgres::Connection> connection_;
  std::shared_ptr<const TableSchema> schema_;
};

constexpr const char* in_binary = ", 'binary', 'true'";

TEST_F(PgoutputServer, CopyAndStreamBringTheSameValuesInEveryFormat) {
  create(
      "CREATE TABLE t (id int4 PRIMARY KEY, a bool, b int2, c int8, d float4, e float8,"
      " f numeric(12,2), g numeric, h text, i varchar(20), j char(5), k uuid, l json, m jsonb,"
      " n date, o time, p timestamp, q timestamptz, r interval, s bytea, t \"char\", u name,"
      " v int4[], w text[], x numeric(30,3)[], y timestamptz[])");
  ask("INSERT INTO t (id) VALUES (1)");
  ask("INSERT INTO t VALUES (2, true, -5, 1234567890123, 0.1, 0.1, 12345.67, '1e30'::numeric/7,"
      " 'täglich \"x\"', '', 'ab', '550e8400-e29b-41d4-a716-446655440000', '{\"a\" : 1}',"
      " '{\"a\" : 1.50}', '2024-02-29', '24:00:00', '2024-02-29 01:02:03.456789',"
      " '2024-02-29 01:02:03+05:30', '1 year -2 days 03:04:05.6', '\\x00ff', 'x', 'name',"
      " '{1,NULL,3}', '{\"a,b\",NULL,\"\"}', '{1.5,-0.001}', '{infinity,2024-01-01}')");
  ask("INSERT INTO t VALUES (3, false, 32767, -1, 'NaN', '-Infinity', -0.01, 'NaN', '', 'v', '',"
      " '00000000-0000-0000-0000-000000000000', 'null', 'null', '0044-03-15 BC', '00:00:00',"
      " '-infinity', 'infinity', '-00:00:01', '', '', '', '{}', '{}', '{}', '{}')");
  const auto copied = copy();
  const auto texts = stream("in_text", "");
  const auto binaries = stream("in_binary", in_binary);
  const auto lines = stream_lines();
  for (const auto& set : {std::cref(*texts), std::cref(*binaries), std::cref(*lines)}) {
    const TableChanges& changes = *set.get().tables.at(schema_->id);
    ASSERT_EQ(changes.row_count(), 3U);
    ASSERT_EQ(table(*copied).row_count(), 3U);
    for (std::size_t column = 0; column < schema_->columns.size(); ++column) {
      for (std::size_t row = 0; row < 3; ++row) {
        EXPECT_TRUE(same(changes.rows[column], row, table(*copied).rows[column], row))
            << schema_->columns[column].name << " of row " << row + 1;
      }
    }
  }
}

TEST_F(PgoutputServer, LargeValuesThatDidNotChangeAreLeftOutUnderAKey) {
  create("CREATE TABLE t (id int4 PRIMARY KEY, large text, small int4)");
  ask("INSERT INTO t SELECT 1, string_agg(md5(n::text), ''), 0 FROM generate_series(1, 500) n");
  ask("UPDATE t SET small = 1");
  ask("UPDATE t SET id = 2");
  ask("DELETE FROM t");
  ask("TRUNCATE t");
  for (const auto& set : {stream("in_binary", in_binary), stream_lines()}) {
    const TableChanges& changes = table(*set);
    ASSERT_EQ(changes.changes.size(), 5U);
    EXPECT_EQ(changes.rows[1].text(0).size(), 16'000U);
    EXPECT_EQ(changes.rows[1].state(1), ValueState::Unchanged);
    EXPECT_EQ(changes.changes[1].old, Change::none);
    EXPECT_EQ(changes.rows[1].state(2), ValueState::Unchanged);
    EXPECT_EQ(changes.old[0].get<std::int32_t>(changes.changes[2].old), 1);
    EXPECT_EQ(changes.rows[0].get<std::int32_t>(changes.changes[2].row), 2);
    EXPECT_EQ(changes.old[0].get<std::int32_t>(changes.changes[3].old), 2);
    EXPECT_EQ(changes.changes[4].op, Op::Truncate);
    EXPECT_EQ(set->transactions, 5U);
  }
}

TEST_F(PgoutputServer, LargeValuesComeWithTheOldRowUnderFullIdentity) {
  create("CREATE TABLE t (id int4, large text)");
  ask("ALTER TABLE t REPLICA IDENTITY FULL");
  const auto again = postgres::read_table(*connection_, schema_->id);
  ASSERT_TRUE(again.ok());
  schema_ = std::make_shared<TableSchema>(again->schema);
  ask("INSERT INTO t SELECT 1, string_agg(md5(n::text), '') FROM generate_series(1, 500) n");
  ask("UPDATE t SET id = NULL");
  for (const auto& set : {stream("in_text", ""), stream_lines()}) {
    const TableChanges& changes = table(*set);
    ASSERT_EQ(changes.changes.size(), 2U);
    EXPECT_EQ(changes.rows[0].state(1), ValueState::Null);
    EXPECT_EQ(changes.rows[1].text(1), changes.rows[1].text(0));
    EXPECT_EQ(changes.old[1].text(0), changes.rows[1].text(0));
  }
}

}  // namespace
}  // namespace freshet::decode
