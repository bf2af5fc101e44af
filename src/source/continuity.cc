#include "source/continuity.h"

#include <fmt/core.h>

#include <charconv>

#include "postgres/sqlstate.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;

namespace {

Error stale(const Known& known, const char* code, std::string message, std::string detail) {
  return {.sqlstate = code,
          .message = std::move(message),
          .detail = std::move(detail),
          .hint = copy_again_hint(known.source)};
}

std::string why_lost(const SlotStatus& slot) {
  const std::string& reason = slot.invalidation_reason;
  if (reason == "wal_removed" || reason.empty()) {
    return "The source removed WAL that was still needed: more than max_slot_wal_keep_size.";
  }
  if (reason == "idle_timeout") {
    return "Nobody had read from it for longer than idle_replication_slot_timeout.";
  }
  if (reason == "rows_removed") {
    return "The standby removed rows of the catalog that were still needed: hot_standby_feedback "
           "was off.";
  }
  if (reason == "wal_level_insufficient") return "wal_level was lowered.";
  return "The source says: " + reason + ".";
}

}  // namespace

bool is_stale(const Error& error) {
  return error.sqlstate.starts_with("55S");
}

std::string copy_again_hint(const std::string& source) {
  return fmt::format(
      "The rows stay readable as they were. To copy them again: ALTER SOURCE {} RESYNC;", source);
}

Result<> check_system(const Known& known, const postgres::SystemId& system) {
  if (known.system_id.empty() || known.system_id == system.id) return {};
  return Error{
      .sqlstate = sqlstate::not_in_prerequisite_state,
      .message = "source " + known.source + " is another PostgreSQL server than before",
      .detail = fmt::format("The URL leads to a cluster with the system identifier {} instead of "
                            "{}.",
                            system.id, known.system_id),
      .hint = fmt::format("Correct the URL. If this server is to take the other's place, copy its "
                          "tables: ALTER SOURCE {} RESYNC;",
                          known.source)};
}

Result<> check_slot_kind(const Names& names, const SlotStatus& slot, postgres::Plugin plugin) {
  const std::string_view wanted = postgres::plugin_name(plugin);
  if (slot.plugin == wanted && slot.of_this_database) return {};
  Error error{.sqlstate = sqlstate::not_in_prerequisite_state,
              .message = fmt::format("replication slot {} belongs to another database or another "
                                     "program",
                                     names.slot),
              .detail = fmt::format("It decodes database {} with {}.", slot.database, slot.plugin),
              .hint = "Drop it, or give the source another name."};
  if (slot.of_this_database) {
    error.detail += fmt::format(" This source is followed through {}.", wanted);
    error.hint += fmt::format(
        " If its protocol was changed: set it back to \"{}\", or drop the slot and copy again "
        "(ALTER SOURCE … RESYNC;).",
        slot.plugin);
  }
  return error;
}

Result<> check_slot(const Known& known, const Names& names, const SlotStatus& slot) {
  const bool unusable_standby = slot.standby && (!slot.exists || slot.synced);
  if (unusable_standby) {
    return Error{
        .fault = Fault::Transient,
        .sqlstate = sqlstate::not_in_prerequisite_state,
        .message = fmt::format("the server is a standby and slot {} is on its primary", names.slot),
        .hint =
            "Several hosts in the URL need target_session_attrs=read-write. It is tried "
            "again, and goes on when the standby is promoted."};
  }
  if (!slot.exists) {
    return stale(known, slot_gone,
                 fmt::format("replication slot {} is gone from the source", names.slot),
                 "It was dropped, or the server was replaced by a standby or a backup that had no "
                 "such slot. Changes since then cannot be had any more.");
  }
  TRY(check_slot_kind(names, slot, known.plugin));
  if (slot.wal_status == "lost") {
    return stale(known, slot_lost,
                 fmt::format("replication slot {} has lost changes on the source", names.slot),
                 why_lost(slot));
  }
  return {};
}

Result<> check_timeline(const Known& known, const postgres::SystemId& system,
                        postgres::Connection& replication) {
  if (known.timeline == 0 || known.timeline == system.timeline) return {};
  const std::string change =
      fmt::format("timeline {} after timeline {}", system.timeline, known.timeline);
  if (system.timeline < known.timeline) {
    return stale(known, history_differs, "the source went back in its history: " + change,
                 "It was restored from a backup, or an old primary came back.");
  }
  const postgres::Rows rows =
      TRY(replication.query(fmt::format("TIMELINE_HISTORY {}", system.timeline))
              .context("read the source's history"));
  const std::string history = rows.rows.empty() ? "" : rows.rows.front().back().value_or("");
  const std::optional<Lsn> left = left_timeline_at(history, known.timeline);
  if (!left) {
    return stale(known, history_differs, "the source has another history than before: " + change,
                 fmt::format("Its history does not contain timeline {}.", known.timeline));
  }
  if (known.end > *left) {
    return stale(known, history_differs,
                 fmt::format("the source left the history that was followed at {}, and {} had been "
                             "received",
                             to_string(*left), to_string(known.end)),
                 fmt::format("A standby that was behind was promoted ({}): what lies between never "
                             "happened on it. synchronized_standby_slots on the primary (17+) "
                             "prevents that.",
                             change));
  }
  return {};
}

Result<> check_wal(const Known& known, const postgres::SystemId& system) {
  if (known.end > system.flushed) {
    return stale(known, history_differs,
                 fmt::format("the source's WAL ends at {}, before {}, which had been received",
                             to_string(system.flushed), to_string(known.end)),
                 "It was restored from a backup.");
  }
  return {};
}

Result<> check_position(const Known& known, const Names& names, const SlotStatus& slot) {
  if (slot.confirmed_flush_lsn > known.end) {
    return stale(
        known, slot_passed,
        fmt::format("replication slot {} stands at {}, after {}: changes between were "
                    "skipped",
                    names.slot, to_string(slot.confirmed_flush_lsn), to_string(known.end)),
        "Somebody read from it, advanced it, or dropped it and made it again; or this data "
        "folder was restored from an older copy.");
  }
  return {};
}

std::optional<Lsn> left_timeline_at(std::string_view history, std::uint32_t timeline) {
  while (!history.empty()) {
    const std::string_view line = history.substr(0, history.find('\n'));
    history.remove_prefix(std::min(history.size(), line.size() + 1));
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] == '#') continue;
    std::uint32_t id = 0;
    const auto [end, problem] = std::from_chars(line.data() + start, line.data() + line.size(), id);
    if (problem != std::errc() || id != timeline) continue;
    std::string_view rest = line.substr(static_cast<std::size_t>(end - line.data()));
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    return parse_lsn(rest.substr(0, rest.find_first_of(" \t\r")));
  }
  return std::nullopt;
}

}  // namespace freshet::source
