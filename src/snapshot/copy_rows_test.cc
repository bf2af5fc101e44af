#include "snapshot/copy_rows.h"

#include <gtest/gtest.h>

#include "postgres/types.h"

namespace freshet::snapshot {
namespace {

namespace oid = postgres::oid;

TableSchema schema_of_two() {
  TableSchema schema;
  schema.columns.push_back(
      {.name = "i", .type = postgres::type_for(oid::int4, -1), .pg_type = oid::int4});
  schema.columns.push_back(
      {.name = "x", .type = postgres::type_for(oid::text, -1), .pg_type = oid::text});
  return schema;
}

std::string header() {
  std::string bytes("PGCOPY\n\377\r\n\0", 11);
  ByteWriter writer(bytes);
  writer.big<std::uint32_t>(0);
  writer.big<std::uint32_t>(3);  // an extension of three bytes, to be skipped
  return bytes + "abc";
}
std::string row(std::int32_t i, std::string_view x) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.big<std::int16_t>(2);
  writer.big<std::int32_t>(4);
  writer.big(i);
  writer.big(static_cast<std::int32_t>(x.size()));
  writer.bytes(as_bytes(x));
  return bytes;
}
const std::string trailer("\xff\xff", 2);

// What comes out, as text: "1=a 2=bc".
struct Collected {
  std::string rows;
  int batches = 0;
  RowSink sink() {
    return [this](RowBatch& batch) -> Result<> {
      const std::vector<Column>& columns = batch.columns;
      ++batches;
      for (std::size_t at = 0; at < columns[0].size(); ++at) {
        if (!rows.empty()) rows += ' ';
        rows += std::to_string(columns[0].get<std::int32_t>(at)) + '=';
        const bool present = columns[1].state(at) == ValueState::Present;
        rows += present ? columns[1].text(at) : "null";
      }
      return {};
    };
  }
};

Result<> take_all(CopyRows& rows, const std::string& bytes, std::size_t piece) {
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    TRY(rows.take(as_bytes(std::string_view(bytes).substr(at, piece))));
  }
  return rows.finish();
}

TEST(CopyRows, DoNotCareWhereTheMessagesEnd) {
  const TableSchema schema = schema_of_two();
  const std::string null_row("\0\2\0\0\0\4\0\0\0\3\xff\xff\xff\xff", 14);
  const std::string bytes = header() + row(1, "a") + row(2, "bc") + null_row + trailer;
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    Collected collected;
    CopyRows rows(schema, collected.sink(), {});
    const auto taken = take_all(rows, bytes, piece);
    ASSERT_TRUE(taken.ok()) << piece << ": " << taken.error().message;
    EXPECT_EQ(collected.rows, "1=a 2=bc 3=null") << piece;
    EXPECT_EQ(rows.rows(), 3U);
  }
}

TEST(CopyRows, ComeInBatchesBoundedByRowsAndByBytes) {
  const TableSchema schema = schema_of_two();
  std::string bytes = header();
  for (int i = 0; i < 10; ++i) bytes += row(i, "0123456789");
  bytes += trailer;
  Collected by_rows;
  CopyRows three(schema, by_rows.sink(), {.rows_max = 3});
  ASSERT_TRUE(take_all(three, bytes, 10).ok());
  EXPECT_EQ(by_rows.batches, 4);
  Collected by_bytes;
  CopyRows small(schema, by_bytes.sink(), {.bytes_max = 60});
  ASSERT_TRUE(take_all(small, bytes, 10).ok());
  EXPECT_GE(by_bytes.batches, 4);
  EXPECT_EQ(by_rows.rows, by_bytes.rows);
}

TEST(CopyRows, FailWhenTheyEndTooEarly) {
  const TableSchema schema = schema_of_two();
  const std::string bytes = header() + row(1, "a") + trailer;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Collected collected;
    CopyRows rows(schema, collected.sink(), {});
    const auto taken = take_all(rows, bytes.substr(0, size), 1000);
    ASSERT_FALSE(taken.ok()) << size;
    EXPECT_EQ(taken.error().sqlstate, "22P03");
  }
}

TEST(CopyRows, RefuseWhatIsNoBinaryCopyOfTheTable) {
  const TableSchema schema = schema_of_two();
  std::string other_signature = header();
  other_signature[0] = 'Q';
  std::string with_oids = header();
  with_oids[12] = 1;
  const std::string three_fields("\0\3", 2);
  const std::string negative("\0\2\xff\xff\xff\xfe", 6);
  const std::string short_integer("\0\2\0\0\0\3abc\0\0\0\0", 13);
  for (const std::string& bytes :
       {other_signature, with_oids, header() + three_fields, header() + negative,
        header() + short_integer, header() + trailer + "x"}) {
    Collected collected;
    CopyRows rows(schema, collected.sink(), {});
    const auto taken = take_all(rows, bytes, 1000);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().sqlstate, "22P03");
  }
}

TEST(CopyRows, NameTheColumnOfAValueThatDoesNotFit) {
  const TableSchema schema = schema_of_two();
  Collected collected;
  CopyRows rows(schema, collected.sink(), {});
  const auto taken =
      take_all(rows, header() + std::string("\0\2\0\0\0\3abc\0\0\0\0", 13) + trailer, 1000);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().message.rfind("column i: ", 0), 0U) << taken.error().message;
}

TEST(CopyRows, PassOnTheErrorOfTheirSink) {
  const TableSchema schema = schema_of_two();
  CopyRows rows(schema,
                [](RowBatch&) -> Result<> { return Error{.sqlstate = "53100", .message = "full"}; },
                {.rows_max = 1});
  const auto taken = take_all(rows, header() + row(1, "a") + trailer, 1000);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().message, "full");
}

}  // namespace
}  // namespace freshet::snapshot
