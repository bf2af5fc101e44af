// Reads what _meta holds.
#pragma once

#include <fmt/core.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace freshet::collection {

// Reads one row of text, column by column; what does not parse is remembered.
class RowParser {
 public:
  explicit RowParser(const std::vector<std::optional<std::string>>& row) : row_(row) {}

  template <typename T>
  T number() {
    T value{};
    const std::string text = this->text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) failed_ = true;
    return value;
  }
  template <typename T>
  T enumerator(T last) {
    const auto value = number<unsigned>();
    if (value > static_cast<unsigned>(last)) failed_ = true;
    return failed_ ? T{} : static_cast<T>(value);
  }
  bool boolean() { return text() == "true"; }
  std::optional<std::string> maybe_text() {
    if (at_ >= row_.size()) {
      failed_ = true;
      return std::nullopt;
    }
    return row_[at_++];
  }
  std::string text() {
    const auto value = maybe_text();
    if (!value) failed_ = true;
    return value.value_or("");
  }
  Result<> done(std::string_view what) const {
    if (!failed_) return {};
    return Error{.fault = Fault::Corruption, .message = fmt::format("read {}: bad row", what)};
  }

 private:
  const std::vector<std::optional<std::string>>& row_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace freshet::collection
