// Any bytes as the messages of a part, cut into two: changes, a stopped table or corruption; never
// a read beyond the messages, and never a row that some of its columns do not have.
#include <algorithm>
#include <memory>

#include "base/check.h"
#include "decode/pgoutput.h"
#include "postgres/types.h"

using namespace freshet;  // NOLINT: a program of one function

namespace {

ColumnSchema column(const char* name, std::uint32_t pg_type, bool in_key = false) {
  return {name, postgres::type_for(pg_type, -1), pg_type, -1, 0, in_key, false};
}

std::unique_ptr<TableChanges> table(std::uint32_t id, Identity identity) {
  namespace oid = postgres::oid;
  constexpr std::uint32_t text_array = 1009;
  const TableSchema schema{
      TableId{id},
      "public",
      "t",
      identity,
      {column("id", oid::int4, identity == Identity::Key), column("note", oid::text),
       column("tags", text_array), column("price", oid::numeric)}};
  return std::make_unique<TableChanges>(std::make_shared<TableSchema>(schema));
}

void check(const TableChanges& table) {
  for (const Column& column : table.rows) CHECK(column.size() == table.row_count());
  for (const Change& change : table.changes) {
    CHECK(change.row == Change::none || change.row < table.row_count());
    CHECK(change.old == Change::none || change.old < table.old.front().size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode::PgoutputDecoder decoder;
  ChangeSet set;
  set.tables[TableId{1}] = table(1, Identity::Key);
  set.tables[TableId{2}] = table(2, Identity::Full);
  set.tables[TableId{3}] = table(3, Identity::None);
  TransactionPart part;
  part.commit_lsn = Lsn{100};
  part.end_lsn = Lsn{110};
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::size_t half = size == 0 ? 0 : std::min<std::size_t>(std::size_t{data[0]} * 4, size);
  part.last = false;
  part.messages = bytes.first(half);
  ignore(decoder.decode(part, set));
  part.first = false;
  part.last = true;
  part.messages = bytes.subspan(half);
  ignore(decoder.decode(part, set));
  for (const auto& [id, changes] : set.tables) check(*changes);
  return 0;
}
