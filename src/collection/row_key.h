// Keys of rows, made from columns: what a KeyIndex is asked with.
//
// A row is named by its identity columns. A single integer is the key itself. Anything else becomes
// 128 bits of XXH3 over a self-delimiting form of the values, in one of two readings:
//
//   by value   for keys, so that what PostgreSQL calls equal is equal: -0 = 0, 1.0 = 1.00 for
//              unconstrained numeric, char(n) without its padding, '1 month' = '30 days'
//   exact      for whole rows, where the old row of a change names one with exactly these values
//
// A NaN equals every NaN, and a null every null, in both.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collection/key_index.h"
#include "model/column.h"
#include "model/schema.h"

namespace freshet::collection {

// True when rows of this schema are found by a single integer.
bool has_integer_key(const TableSchema& schema);

class RowKeys {
 public:
  RowKeys() = default;
  explicit RowKeys(const TableSchema& schema);

  // The keys of all rows of `columns`: the identity columns, in the schema's order. The answers
  // replace those of the call before.
  std::span<const std::int64_t> integers(const Column& column);
  std::span<const Hash128> hashes(std::span<const Column* const> columns);

 private:
  struct Part {
    bool exact = false;
    bool padded = false;  // char(n)
  };
  void write(const Column& column, std::size_t row, Part part);
  void write_fixed(const Column& column, std::size_t row, Part part);
  template <typename Float>
  void write_float(Float value, Part part);
  void write_text(std::string_view text);

  std::vector<Part> parts_;
  std::string form_;  // of one row
  std::vector<std::int64_t> integers_;
  std::vector<Hash128> hashes_;
};

// The digits of a PostgreSQL numeric without what does not change its value: "-001.500" is "-1.5".
std::string_view trimmed_numeric(std::string_view text, std::string& space);

}  // namespace freshet::collection
