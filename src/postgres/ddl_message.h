// What Freshet's event triggers on a source (source/ddl_trigger.h) write into its stream: logical
// messages within the transaction that alters tables.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "model/schema.h"

namespace freshet::postgres {

// pgoutput sends logical messages since then.
constexpr int oldest_with_messages = 140000;

// The same for every Freshet: a look too many costs little.
inline constexpr std::string_view ddl_message_prefix = "freshet.ddl";
// The content is this and the table's oid (of a partition: its root's), or the command's tag.
inline constexpr std::string_view rewrite_word = "rewrite ";

struct DdlMessage {
  // Each of its rows got new values here, which no other message tells. Nothing: the catalog has
  // changed, and whoever reads it now sees how.
  std::optional<TableId> rewritten;
};

// Reads a Message of pgoutput from behind its kind on (and, in a block, its transaction's id):
// nothing when it is somebody else's, or ends too early, which the reader then knows.
std::optional<DdlMessage> parse_ddl_message(ByteReader& message);

}  // namespace freshet::postgres
