// A transaction part written by hand, for tests, benchmarks and the seeds of the fuzzer.
//
//   ScriptedPart part({.commit = Lsn{100}, .end = Lsn{110}});
//   part.begin().relation(schema).insert(id, {text("1"), null()}).commit();
//   decoder.decode(part.part(), changes);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/schema.h"
#include "model/transaction.h"

namespace freshet::decode::scripted {

// A column of a tuple: its kind byte and what follows it.
struct Sent {
  char kind = 'n';
  std::string bytes{};
};
using Tuple = std::vector<Sent>;

inline Sent null() {
  return {};
}
inline Sent unchanged() {
  return {'u'};
}
inline Sent text(std::string value) {
  return {'t', std::move(value)};
}
inline Sent binary(std::string value) {
  return {'b', std::move(value)};
}
template <typename T>
Sent number(T value) {
  Sent sent{'b'};
  ByteWriter(sent.bytes).big(value);
  return sent;
}

// The bodies of messages, without the length that frames them in a part.
inline void append_tuple(std::string& message, const Tuple& tuple) {
  ByteWriter writer(message);
  writer.big(static_cast<std::int16_t>(tuple.size()));
  for (const Sent& sent : tuple) {
    message.push_back(sent.kind);
    if (sent.kind != 't' && sent.kind != 'b') continue;
    writer.big(static_cast<std::int32_t>(sent.bytes.size()));
    message += sent.bytes;
  }
}

// 'd' with a key, 'f', or 'n': what PostgreSQL would say of such a table.
inline char identity_byte(Identity identity) {
  switch (identity) {
    case Identity::Key: return 'd';
    case Identity::Full: return 'f';
    case Identity::None: return 'n';
  }
  return 'n';
}

inline std::string relation_message(const TableSchema& schema) {
  std::string message = "R";
  ByteWriter writer(message);
  writer.big(value(schema.id));
  writer.text_with_nul(schema.schema);
  writer.text_with_nul(schema.name);
  message.push_back(identity_byte(schema.identity));
  writer.big(static_cast<std::int16_t>(schema.columns.size()));
  for (const ColumnSchema& column : schema.columns) {
    const bool flagged = schema.identity == Identity::Full || column.in_key;
    message.push_back(flagged ? '\1' : '\0');
    writer.text_with_nul(column.name);
    writer.big(column.pg_type);
    writer.big(column.pg_typmod);
  }
  return message;
}

// The kind of the old row ('K', 'O' or 0 for none) and the rows themselves.
inline std::string row_message(char kind, TableId table, char old_kind, const Tuple& old,
                               const Tuple* row) {
  std::string message(1, kind);
  ByteWriter(message).big(value(table));
  if (old_kind != '\0') {
    message.push_back(old_kind);
    append_tuple(message, old);
  }
  if (row != nullptr) {
    message.push_back('N');
    append_tuple(message, *row);
  }
  return message;
}

class ScriptedPart {
 public:
  struct Options {
    Lsn commit{100};
    Lsn end{110};
    bool first = true;
    bool last = true;
  };
  ScriptedPart() : ScriptedPart(Options{}) {}
  explicit ScriptedPart(Options options) : options_(options) {}

  ScriptedPart& begin() {
    std::string message = "B";
    ByteWriter writer(message);
    writer.big(options_.commit.value);
    writer.big(commit_micros);
    writer.big(std::uint32_t{7});
    return add(message);
  }
  ScriptedPart& commit() {
    std::string message("C\0", 2);
    ByteWriter writer(message);
    writer.big(options_.commit.value);
    writer.big(options_.end.value);
    writer.big(commit_micros);
    return add(message);
  }
  ScriptedPart& relation(const TableSchema& schema) { return add(relation_message(schema)); }
  ScriptedPart& insert(TableId table, const Tuple& row) {
    return add(row_message('I', table, '\0', {}, &row));
  }
  ScriptedPart& update(TableId table, const Tuple& row) {
    return add(row_message('U', table, '\0', {}, &row));
  }
  ScriptedPart& update(TableId table, char old_kind, const Tuple& old, const Tuple& row) {
    return add(row_message('U', table, old_kind, old, &row));
  }
  ScriptedPart& remove(TableId table, char old_kind, const Tuple& old) {
    return add(row_message('D', table, old_kind, old, nullptr));
  }
  ScriptedPart& truncate(std::span<const TableId> tables) {
    std::string message = "T";
    ByteWriter writer(message);
    writer.big(static_cast<std::uint32_t>(tables.size()));
    message.push_back('\1');
    for (const TableId table : tables) writer.big(value(table));
    return add(message);
  }
  ScriptedPart& add(std::string_view message) {
    ByteWriter writer(messages_);
    writer.little(static_cast<std::uint32_t>(message.size()));
    messages_ += message;
    return *this;
  }

  // Valid while this lives and nothing is added.
  TransactionPart part() const {
    return {options_.first,
            options_.last,
            options_.commit,
            options_.last ? options_.end : Lsn{},
            Time(std::chrono::microseconds(commit_micros)),
            as_bytes(messages_)};
  }

 private:
  static constexpr std::int64_t commit_micros = 1'000'000;

  Options options_;
  std::string messages_;
};

}  // namespace freshet::decode::scripted
