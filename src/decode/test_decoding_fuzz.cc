// Any bytes as lines of test_decoding: changes, a stopped table or corruption; never a read beyond
// them.
#include <memory>
#include <string>

#include "base/check.h"
#include "decode/decoder.h"
#include "postgres/types.h"

using namespace freshet;  // NOLINT: a program of one function

namespace {

ColumnSchema column(const char* name, std::uint32_t pg_type, bool in_key = false) {
  return {name, postgres::type_for(pg_type, -1), pg_type, -1, 0, in_key, false};
}

std::unique_ptr<TableChanges> table(std::uint32_t id, const char* name, Identity identity) {
  namespace oid = postgres::oid;
  const TableSchema schema{TableId{id},
                           "s",
                           name,
                           identity,
                           {column("id", oid::int4, identity == Identity::Key),
                            column("note", oid::text), column("paid", oid::boolean)}};
  return std::make_unique<TableChanges>(std::make_shared<TableSchema>(schema));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ChangeSet set;
  set.tables[TableId{1}] = table(1, "k", Identity::Key);
  set.tables[TableId{2}] = table(2, "f", Identity::Full);
  set.tables[TableId{3}] = table(3, "n", Identity::None);
  // Each line of the input is one of the part.
  std::string messages;
  ByteWriter writer(messages);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    writer.little(static_cast<std::uint32_t>(line.size() + 1));
    messages += test_decoding_line;
    messages += line;
  }
  TransactionPart part;
  part.commit_lsn = Lsn{100};
  part.end_lsn = Lsn{110};
  part.messages = as_bytes(messages);
  decode::Decoder decoder;
  ignore(decoder.decode(part, set));
  for (const auto& [id, changes] : set.tables) {
    for (const Column& each : changes->rows) CHECK(each.size() == changes->row_count());
  }
  return 0;
}
