#include "decode/text_line.h"

#include <gtest/gtest.h>

namespace freshet::decode {
namespace {

Line parsed(std::string_view text) {
  const std::optional<Line> line = parse_line(text);
  EXPECT_TRUE(line) << text;
  return line.value_or(Line{});
}

// "name|type|value", with - for null and ~ for unchanged.
std::string shown(const std::vector<LineColumn>& columns) {
  std::string result;
  for (const LineColumn& column : columns) {
    if (!result.empty()) result += ' ';
    result += column.name + '|' + std::string(column.type) + '|';
    switch (column.state) {
      case LineColumn::State::Value: result += column.value; break;
      case LineColumn::State::Null: result += '-'; break;
      case LineColumn::State::Unchanged: result += '~'; break;
    }
  }
  return result;
}

TEST(TextLine, TellsAnInsertedRow) {
  const Line line = parsed(
      "table public.orders: INSERT: id[integer]:-7 paid[boolean]:true open[boolean]:false "
      "price[numeric]:NaN flags[bit varying]:B'101' note[character varying]:'it''s' "
      "big[text]:null");
  EXPECT_EQ(line.kind, Line::Kind::Insert);
  EXPECT_EQ(line.tables.at(0).schema, "public");
  EXPECT_EQ(line.tables.at(0).name, "orders");
  EXPECT_EQ(shown(line.fresh),
            "id|integer|-7 paid|boolean|t open|boolean|f price|numeric|NaN flags|bit varying|101 "
            "note|character varying|it's big|text|-");
  EXPECT_FALSE(line.old);
}

TEST(TextLine, TellsOldAndNewRowOfAnUpdate) {
  const Line line = parsed(
      "table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 "
      "big[text]:unchanged-toast-datum");
  EXPECT_EQ(line.kind, Line::Kind::Update);
  EXPECT_EQ(shown(*line.old), "id|integer|1");
  EXPECT_EQ(shown(line.fresh), "id|integer|2 big|text|~");
  EXPECT_FALSE(parsed("table public.t: UPDATE: id[integer]:2").old);
}

TEST(TextLine, TellsAnOldRowOfNullsFromNone) {
  EXPECT_TRUE(parsed("table public.t: DELETE:").old);
  EXPECT_FALSE(parsed("table public.t: DELETE: (no-tuple-data)").old);
  const Line update = parsed("table public.t: UPDATE: old-key: new-tuple: id[integer]:2");
  EXPECT_TRUE(update.old && update.old->empty());
}

TEST(TextLine, TakesWordsInQuotesForValues) {
  const Line line = parsed(
      "table public.t: INSERT: a[text]:'null' b[text]:'true' c[text]:'unchanged-toast-datum' "
      "d[text]:'' e[text]:' x[integer]:1 new-tuple: ''quoted''' f[text]:'line\nbreak \\n'");
  EXPECT_EQ(shown(line.fresh),
            "a|text|null b|text|true c|text|unchanged-toast-datum d|text| "
            "e|text| x[integer]:1 new-tuple: 'quoted' f|text|line\nbreak \\n");
}

TEST(TextLine, ReadsNamesAndTypesInQuotes) {
  const Line line = parsed(
      "table \"Odd \"\"Schema\"\"\".\"a.b: INSERT:\": INSERT: \"my col[x]:\"[integer[]]:'{1,2}' "
      "\"new-tuple\"[public.\"we]:ird\"]:'x' d[public.\"T\"[]]:null");
  EXPECT_EQ(line.tables.at(0).schema, "Odd \"Schema\"");
  EXPECT_EQ(line.tables.at(0).name, "a.b: INSERT:");
  EXPECT_EQ(shown(line.fresh),
            "my col[x]:|integer[]|{1,2} new-tuple|public.\"we]:ird\"|x d|public.\"T\"[]|-");
}

TEST(TextLine, TellsTheTablesOfATruncate) {
  const Line line = parsed("table public.a, other.\"B\": TRUNCATE: restart_seqs cascade");
  EXPECT_EQ(line.kind, Line::Kind::Truncate);
  ASSERT_EQ(line.tables.size(), 2U);
  EXPECT_EQ(line.tables[1].schema + "." + line.tables[1].name, "other.B");
  EXPECT_EQ(parsed("table public.a: TRUNCATE: (no-flags)").tables.size(), 1U);
  EXPECT_EQ(parsed("table public.a: TRUNCATE: cascade").tables.size(), 1U);
}

TEST(TextLine, RefusesWhatIsNoLine) {
  for (const std::string_view text :
       {"", "table ", "BEGIN 1", "table t: INSERT: a[integer]:1",
        "table a.b: INSERT:", "table a.b: INSERT: a[integer]", "table a.b: INSERT: a[]:1",
        "table a.b: INSERT: a[text]:", "table a.b: INSERT: a[text]:'x",
        "table a.b: INSERT: a[text]:'x'y", "table a.b: MERGE: x",
        "table a.b, c.d: INSERT: a[integer]:1", "table a.\"b: INSERT: a[integer]:1",
        "table a.b: TRUNCATE:", "table a.b: UPDATE: old-key: a[integer]:1",
        "table a.b: INSERT: (no-tuple-data)", "table a.b: INSERT: A[integer]:1"}) {
    EXPECT_FALSE(parse_line(text)) << text;
  }
}

}  // namespace
}  // namespace freshet::decode
