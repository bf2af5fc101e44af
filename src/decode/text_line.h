// The lines of test_decoding, which servers before 10 have in place of pgoutput:
//
//   table public.orders: INSERT: id[integer]:7 note[text]:'it''s' paid[boolean]:true big[text]:null
//   table public.orders: UPDATE: old-key: id[integer]:7 new-tuple: id[integer]:8 note[text]:…
//   table public.orders: DELETE: id[integer]:8            (or (no-tuple-data))
//   table public.a, public.b: TRUNCATE: restart_seqs cascade       (since 11)
//
// Names are quoted as in SQL where they must be. Numbers, true, false, null and
// unchanged-toast-datum stand bare, bits as B'101', all else in quotes, doubled inside. What an
// old row says of its columns leaves out those that were null.
//
// Source: PostgreSQL, contrib/test_decoding/test_decoding.c of 9.4 to 18.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::decode {

struct LineColumn {
  enum class State : std::uint8_t { Value, Null, Unchanged };

  std::string name;
  std::string_view type;  // as SQL calls it: "character varying", "integer[]"; from the line
  State state = State::Value;
  std::string value;  // the text of the type's output function
};

struct Line {
  enum class Kind : std::uint8_t { Insert, Update, Delete, Truncate };
  struct Table {
    std::string schema;
    std::string name;
  };

  Kind kind = Kind::Insert;
  std::vector<Table> tables;                   // one, or what one TRUNCATE names
  std::optional<std::vector<LineColumn>> old;  // the old row, when something names it
  std::vector<LineColumn> fresh;               // the new row of an insert or update
};

// Nothing when it is no such line.
std::optional<Line> parse_line(std::string_view text);

}  // namespace freshet::decode
