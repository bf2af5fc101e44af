// Printing any value as the engine does: the value is rebuilt from the vector's bytes and the
// engine is asked for its text. Slow and exact; for the types that have no faster way.
#include <algorithm>
#include <string>
#include <vector>

#include "duckdb.h"
#include "engine/chunk.h"
#include "model/exact_numeric.h"
#include "model/sortable.h"

namespace freshet::engine {

namespace {

OwnedValue value_of(const DuckVector& vector, std::size_t row);
OwnedType bare_type(const DuckVector& vector);

// What the C API wants where it wants many.
class Values {
 public:
  void add(OwnedValue value) {
    pointers_.insert(pointers_.end() - 1, value.get());
    owned_.push_back(std::move(value));
  }
  // Never null: the C API takes that for a mistake, even when there are no values.
  duckdb_value* data() { return pointers_.data(); }
  std::size_t size() const { return owned_.size(); }

 private:
  std::vector<OwnedValue> owned_;
  std::vector<duckdb_value> pointers_{nullptr};
};

duckdb_hugeint widened(std::int64_t value) {
  return {static_cast<std::uint64_t>(value), value < 0 ? -1 : 0};
}

duckdb_hugeint decimal_digits(const DuckVector& vector, std::size_t row) {
  const std::uint8_t precision = vector.type().precision;
  if (precision <= 4) return widened(vector.get<std::int16_t>(row));
  if (precision <= 9) return widened(vector.get<std::int32_t>(row));
  if (precision <= 18) return widened(vector.get<std::int64_t>(row));
  return vector.get<duckdb_hugeint>(row);
}

// A stored UUID has its top bit flipped so that it sorts as a signed number.
duckdb_uhugeint uuid_bits(const duckdb_hugeint& stored) {
  return {stored.lower, static_cast<std::uint64_t>(stored.upper) ^ (std::uint64_t{1} << 63)};
}

// A stored BIGNUM is a header of three bytes and then the digits, most significant first; the bytes
// of a negative one are inverted, and so is the sign bit, which is set for positive numbers.
duckdb_value bignum(std::string_view stored) {
  constexpr std::size_t header = 3;
  if (stored.size() < header) return duckdb_create_null_value();
  const bool negative = (static_cast<unsigned char>(stored[0]) & 0x80) == 0;
  std::vector<std::uint8_t> digits(stored.begin() + header, stored.end());
  if (negative) {
    for (std::uint8_t& digit : digits) digit = static_cast<std::uint8_t>(~digit);
  }
  return duckdb_create_bignum({digits.data(), digits.size(), negative});
}

duckdb_value scalar(const DuckVector& vector, std::size_t row) {
  const auto bytes = [&] {
    const std::string_view text = vector.text(row);
    return std::vector<std::uint8_t>(text.begin(), text.end());
  };
  switch (vector.type().kind) {
    case LogicalKind::Bool: return duckdb_create_bool(vector.get<bool>(row));
    case LogicalKind::Int8: return duckdb_create_int8(vector.get<std::int8_t>(row));
    case LogicalKind::Int16: return duckdb_create_int16(vector.get<std::int16_t>(row));
    case LogicalKind::Int32: return duckdb_create_int32(vector.get<std::int32_t>(row));
    case LogicalKind::Int64: return duckdb_create_int64(vector.get<std::int64_t>(row));
    case LogicalKind::Int128: return duckdb_create_hugeint(vector.get<duckdb_hugeint>(row));
    case LogicalKind::UInt8: return duckdb_create_uint8(vector.get<std::uint8_t>(row));
    case LogicalKind::UInt16: return duckdb_create_uint16(vector.get<std::uint16_t>(row));
    case LogicalKind::UInt32: return duckdb_create_uint32(vector.get<std::uint32_t>(row));
    case LogicalKind::UInt64: return duckdb_create_uint64(vector.get<std::uint64_t>(row));
    case LogicalKind::UInt128: return duckdb_create_uhugeint(vector.get<duckdb_uhugeint>(row));
    case LogicalKind::Float32: return duckdb_create_float(vector.get<float>(row));
    case LogicalKind::Float64: return duckdb_create_double(vector.get<double>(row));
    case LogicalKind::Decimal:
      return duckdb_create_decimal(
          {vector.type().precision, vector.type().scale, decimal_digits(vector, row)});
    case LogicalKind::Text: {
      const std::string_view text = vector.text(row);
      return duckdb_create_varchar_length(text.data(), text.size());
    }
    case LogicalKind::Numeric: {
      const std::string text = exact_text(vector.text(row));
      return duckdb_create_varchar_length(text.data(), text.size());
    }
    case LogicalKind::Sortable: {
      const std::string text = sortable_text(vector.type().shown, vector.text(row));
      return duckdb_create_varchar_length(text.data(), text.size());
    }
    case LogicalKind::Bytes: {
      const auto blob = bytes();
      return duckdb_create_blob(blob.data(), blob.size());
    }
    case LogicalKind::Bit: {
      auto bits = bytes();
      return duckdb_create_bit({bits.data(), bits.size()});
    }
    case LogicalKind::BigInt: return bignum(vector.text(row));
    case LogicalKind::Date: return duckdb_create_date(vector.get<duckdb_date>(row));
    case LogicalKind::Time: return duckdb_create_time(vector.get<duckdb_time>(row));
    case LogicalKind::TimeTz: return duckdb_create_time_tz_value(vector.get<duckdb_time_tz>(row));
    case LogicalKind::Timestamp: return duckdb_create_timestamp(vector.get<duckdb_timestamp>(row));
    case LogicalKind::TimestampS:
      return duckdb_create_timestamp_s(vector.get<duckdb_timestamp_s>(row));
    case LogicalKind::TimestampMs:
      return duckdb_create_timestamp_ms(vector.get<duckdb_timestamp_ms>(row));
    case LogicalKind::TimestampNs:
      return duckdb_create_timestamp_ns(vector.get<duckdb_timestamp_ns>(row));
    case LogicalKind::TimestampTz:
      return duckdb_create_timestamp_tz(vector.get<duckdb_timestamp>(row));
    case LogicalKind::Interval: return duckdb_create_interval(vector.get<duckdb_interval>(row));
    case LogicalKind::Uuid: return duckdb_create_uuid(uuid_bits(vector.get<duckdb_hugeint>(row)));
    case LogicalKind::Other: return duckdb_create_time_ns(vector.get<duckdb_time_ns>(row));
    case LogicalKind::Enum:
    case LogicalKind::List:
    case LogicalKind::Array:
    case LogicalKind::Struct:
    case LogicalKind::Range:
    case LogicalKind::Multirange:
    case LogicalKind::Map:
    case LogicalKind::Union:
    case LogicalKind::Null: return duckdb_create_null_value();
  }
  return duckdb_create_null_value();
}

duckdb_value enumerated(const DuckVector& vector, std::size_t row) {
  const OwnedType type = vector.engine_type();
  switch (duckdb_enum_internal_type(type.get())) {
    case DUCKDB_TYPE_UTINYINT:
      return duckdb_create_enum_value(type.get(), vector.get<std::uint8_t>(row));
    case DUCKDB_TYPE_USMALLINT:
      return duckdb_create_enum_value(type.get(), vector.get<std::uint16_t>(row));
    default: return duckdb_create_enum_value(type.get(), vector.get<std::uint32_t>(row));
  }
}

Values elements(const DuckVector& elements, ListRef list) {
  Values values;
  for (std::uint64_t i = 0; i < list.size; ++i) values.add(value_of(elements, list.offset + i));
  return values;
}

OwnedValue value_of(const DuckVector& vector, std::size_t row) {
  if (vector.is_null(row)) return OwnedValue(duckdb_create_null_value());
  switch (vector.type().kind) {
    case LogicalKind::Enum: return OwnedValue(enumerated(vector, row));
    case LogicalKind::List:
    case LogicalKind::Array: {
      const DuckVector& child = vector.vector_child(0);
      Values values = elements(child, vector.list(row));
      const OwnedType type = bare_type(child);
      return OwnedValue(duckdb_create_list_value(type.get(), values.data(), values.size()));
    }
    case LogicalKind::Struct:
    case LogicalKind::Range:
    case LogicalKind::Multirange: {
      Values fields;
      for (std::size_t i = 0; i < vector.type().children.size(); ++i) {
        fields.add(value_of(vector.vector_child(i), row));
      }
      return OwnedValue(duckdb_create_struct_value(bare_type(vector).get(), fields.data()));
    }
    case LogicalKind::Map: {
      Values keys = elements(vector.vector_child(0), vector.list(row));
      Values values = elements(vector.vector_child(1), vector.list(row));
      return OwnedValue(duckdb_create_map_value(bare_type(vector).get(), keys.data(), values.data(),
                                                keys.size()));
    }
    case LogicalKind::Union: {
      const std::size_t tag = vector.union_tag(row);
      const OwnedValue member = value_of(vector.vector_child(tag), row);
      return OwnedValue(duckdb_create_union_value(vector.engine_type().get(), tag, member.get()));
    }
    default: return OwnedValue(scalar(vector, row));
  }
}

// The type without aliases below: only queries know how to cast to those.
OwnedType bare_type(const DuckVector& vector) {
  const auto child = [&](std::size_t i) { return bare_type(vector.vector_child(i)); };
  switch (vector.type().kind) {
    case LogicalKind::Numeric:
    case LogicalKind::Sortable:
    case LogicalKind::Text: return OwnedType(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
    case LogicalKind::List:
    case LogicalKind::Array: return OwnedType(duckdb_create_list_type(child(0).get()));
    case LogicalKind::Map: return OwnedType(duckdb_create_map_type(child(0).get(), child(1).get()));
    case LogicalKind::Struct:
    case LogicalKind::Range:
    case LogicalKind::Multirange: {
      std::vector<OwnedType> types;
      std::vector<duckdb_logical_type> pointers;
      std::vector<const char*> names;
      for (std::size_t i = 0; i < vector.type().children.size(); ++i) {
        types.push_back(child(i));
        pointers.push_back(types.back().get());
        names.push_back(vector.type().field_names[i].c_str());
      }
      return OwnedType(duckdb_create_struct_type(pointers.data(), names.data(), pointers.size()));
    }
    default: return vector.engine_type();
  }
}

}  // namespace

void Free::operator()(duckdb_value value) const {
  duckdb_destroy_value(&value);
}

std::string printed(const DuckVector& vector, std::size_t row) {
  const OwnedValue value = value_of(vector, row);
  if (value == nullptr) return "?";
  const OwnedText text(duckdb_get_varchar(value.get()));
  return text == nullptr ? "?" : std::string(text.get());
}

}  // namespace freshet::engine
