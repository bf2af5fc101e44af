// Event triggers on the source: each transaction that alters tables says so in the stream, by a
// logical message. The catalog is then looked at at once, and not within its second or so.
//
// They only make it faster: what has happened is read from the catalog, with or without them. Where
// the role may not make them, or messages are not sent (before 14, and on a standby), there are
// none. Their function has no table to depend on and fails no command of the application's: its own
// errors end in it.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "postgres/connection.h"
#include "source/slot.h"

namespace freshet::source {

// pgoutput sends logical messages since then.
constexpr int oldest_with_messages = 140000;

// True when they are there, made now or before; false when this role may not make them or this
// server has no use for them. Idempotent. Any other failure is logged, and false: only a lost
// connection is an error.
Result<bool> make_ddl_triggers(postgres::Connection& connection, const Names& names);

// Takes them away; nothing happens where there are none.
Result<> drop_ddl_triggers(postgres::Connection& connection, const Names& names);

// Whether a Message of pgoutput, from behind its kind on (and its transaction id in a block), was
// sent by such a trigger.
bool is_told_by_trigger(ByteReader message);

}  // namespace freshet::source
