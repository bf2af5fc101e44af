// Whether what a source offers continues what we have of it.
//
// PostgreSQL asks nothing when a stream is started: a position below the slot's own is moved up in
// silence, one above the end of the WAL waits for ever, and a slot says nothing about the history
// it belongs to. So everything that can have happened to a source meanwhile is looked at here, and
// what does not continue is refused as stale: the rows stay readable as they were, and only copying
// again helps.
//
// One thing cannot be seen from here: a source that was put back to an earlier state by copying
// files and then written beyond our position. Its transactions tell; see server/resent.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/position.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "postgres/plugin.h"
#include "source/slot.h"

namespace freshet::source {

// SQLSTATEs of our own, in PostgreSQL's class 55 (object not in prerequisite state): what a source
// offers does not continue what we have.
inline constexpr const char* slot_gone = "55S01";
inline constexpr const char* slot_lost = "55S02";        // it lost WAL
inline constexpr const char* slot_passed = "55S03";      // it stands beyond what we have
inline constexpr const char* history_differs = "55S04";  // restored, or a standby that was behind

// One of these. Permanent, too: nothing is tried again by itself.
bool is_stale(const Error& error);

// What we have of a source.
struct Known {
  std::string source{};     // its name, for messages
  std::string system_id{};  // of the cluster; empty: not known yet
  std::uint32_t timeline = 0;
  Lsn end{};  // every commit that ends at or below was received, and is durable here
  postgres::Plugin plugin = postgres::Plugin::Pgoutput;  // that the slot is to have
};

// The cluster is the one we know: else Permanent 55000, for the URL may be wrong.
Result<> check_system(const Known& known, const postgres::SystemId& system);

// The slot decodes this database for us, with that plugin; else Permanent 55000.
Result<> check_slot_kind(const Names& names, const SlotStatus& slot, postgres::Plugin plugin);

// The slot is there, ours, and lost nothing. Else stale: 55S01, 55S02.
// Transient on a standby without it: the source may be about to be promoted.
Result<> check_slot(const Known& known, const Names& names, const SlotStatus& slot);

// What was received lies before the point where the server's timeline left the one we know; else
// stale, 55S04. `replication` is a replication connection in no transaction.
Result<> check_timeline(const Known& known, const postgres::SystemId& system,
                        postgres::Connection& replication);

// The WAL reaches what we have; else stale, 55S04.
Result<> check_wal(const Known& known, const postgres::SystemId& system);

// The slot has not passed us; else stale, 55S03.
Result<> check_position(const Known& known, const Names& names, const SlotStatus& slot);

// Where a server's history left `timeline` for good; nothing when it never was on it. `history` is
// the text of a timeline history file: a line per ancestor, "1<tab>0/3000148<tab>reason".
std::optional<Lsn> left_timeline_at(std::string_view history, std::uint32_t timeline);

// What a source's user can do about what is stale.
std::string copy_again_hint(const std::string& source);

}  // namespace freshet::source
