// Positions. An Lsn is PostgreSQL's, an Offset is ours; the two do not compare.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freshet {

// A position in PostgreSQL's write-ahead log. Text ("16/B374D848") only at the edges.
struct Lsn {
  std::uint64_t value = 0;
  friend auto operator<=>(const Lsn&, const Lsn&) = default;
};

// A position in the stream of one source, in bytes since its beginning.
struct Offset {
  std::uint64_t value = 0;
  friend auto operator<=>(const Offset&, const Offset&) = default;
};

// Wall-clock time in microseconds, as PostgreSQL stamps its commits.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

std::string to_string(Lsn lsn);
// "X/Y" in hexadecimal, each half at most eight digits; nothing on anything else.
std::optional<Lsn> parse_lsn(std::string_view text);

// How far the collections of one source have come. Stored in the same transaction as the rows.
struct Applied {
  Lsn lsn;             // end LSN of the last transaction applied
  Offset offset;       // where the next transaction starts in the stream
  Time commit_time{};  // of that last transaction, by the clock of the source
};

// How far one source has come on its way to the stream. Each position is at most the one above.
struct Progress {
  Lsn received;   // end of the last commit read from PostgreSQL
  Lsn durable;    // end of the last commit synced to the stream
  Lsn confirmed;  // what PostgreSQL was told it may forget
  bool holds() const { return confirmed <= durable && durable <= received; }
};

}  // namespace freshet
