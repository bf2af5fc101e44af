// One column of a batch: values in the layout of model/type.h, plus a state per row.
//
// Strings are not copied: a StringRef points into the payload or into the batch's arena, and both
// live until the batch was applied. clear() keeps the capacity, so a steady stream allocates
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/type.h"

namespace freshet {

struct StringRef {
  const char* data = nullptr;
  std::uint64_t size = 0;
  std::string_view view() const { return {data, static_cast<std::size_t>(size)}; }
};

// A list value: rows [offset, offset + size) of the child column. The engine's own layout.
struct ListRef {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// An interval value. The engine's own layout.
struct Interval {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t micros = 0;
};

enum class ValueState : std::uint8_t {
  Null = 0,
  Present = 1,
  Unchanged = 2,  // an update left the TOASTed value out: the stored one stays. Not a null.
};

class Column {
 public:
  explicit Column(Type type) : type_(type), width_(width(type)) {
    if (type.kind == TypeKind::List) child_ = std::make_unique<Column>(element_type(type));
  }

  Type type() const { return type_; }
  std::size_t size() const { return states_.size(); }
  ValueState state(std::size_t row) const { return states_[row]; }
  const std::vector<ValueState>& states() const { return states_; }
  bool all_present() const { return absent_ == 0; }

  // Appends a value of exactly width() bytes.
  template <typename T>
  void append(const T& value) {
    append_bytes(&value, sizeof value);
  }
  void append_bytes(const void* value, std::size_t size) {
    CHECK(size == width_);
    const auto* const bytes = static_cast<const std::byte*>(value);
    data_.insert(data_.end(), bytes, bytes + width_);
    states_.push_back(ValueState::Present);
  }
  void append_string(std::string_view text) { append(StringRef{text.data(), text.size()}); }
  void append_null() { append_absent(ValueState::Null); }
  void append_unchanged() { append_absent(ValueState::Unchanged); }
  // Appends row `row` of `other`, which has the same type. Lists copy their elements.
  void append_from(const Column& other, std::size_t row);
  // Gives row `row`, which is Unchanged, the value of `other`'s row.
  void fill_from(std::size_t row, const Column& other, std::size_t other_row);

  // Takes back the last append; of a list also its elements. For a row that failed half-way.
  void drop_to(std::size_t rows);

  const std::byte* data() const { return data_.data(); }
  const std::byte* at(std::size_t row) const { return data_.data() + row * width_; }
  template <typename T>
  T get(std::size_t row) const {
    CHECK(sizeof(T) == width_);
    T value;
    std::memcpy(&value, at(row), sizeof value);
    return value;
  }
  std::string_view text(std::size_t row) const { return get<StringRef>(row).view(); }

  // The elements of a list column. Append a list by appending its elements here first, then
  // append(ListRef{...}) there.
  Column& child() {
    CHECK(child_ != nullptr);
    return *child_;
  }
  const Column& child() const {
    CHECK(child_ != nullptr);
    return *child_;
  }

  void clear() {
    data_.clear();
    states_.clear();
    absent_ = 0;
    if (child_) child_->clear();
  }

 private:
  void append_absent(ValueState state) {
    data_.resize(data_.size() + width_);
    states_.push_back(state);
    ++absent_;
  }

  Type type_;
  std::size_t width_;
  std::vector<std::byte> data_;  // size() × width_
  std::vector<ValueState> states_;
  std::size_t absent_ = 0;         // rows that are Null or Unchanged
  std::unique_ptr<Column> child_;  // lists only
};

// Empty columns of these types.
std::vector<Column> columns_of(const std::vector<Type>& types);

}  // namespace freshet
