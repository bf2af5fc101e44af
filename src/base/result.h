// Result<T>: a value, or the reason why there is none.
//
// Three kinds of trouble, three tools: the world said no → Result; we have a bug → CHECK (check.h);
// somebody else's library throws → caught at that library's seam and turned into an Error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace freshet {

// What a caller can do about a failure. The supervisor of a stage reads nothing else.
enum class Fault {
  Transient,   // retried with backoff: connection lost, server starting up, lock timeout
  Permanent,   // this table or source stops and shows its reason; everything else goes on
  Corruption,  // never retried, never skipped: what we stored is not what we read
};

struct Error {
  Fault fault = Fault::Permanent;
  std::string sqlstate = "XX000";  // five characters; the names live in postgres/sqlstate.h
  std::string message{};           // "open segment: checksum mismatch": lower case, no period
  std::string detail{};            // a sentence for the curious, or empty
  std::string hint{};              // a sentence that says what to do, or empty
  int position = 0;                // 1-based character of the SQL text the error is about, or 0

  // "context: message", everything else kept. Context is verb + object: "read header".
  Error with_context(std::string_view context) && {
    message = std::string(context) + ": " + message;
    return std::move(*this);
  }
};

struct Unit {};

template <typename T = Unit>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit
  Result() requires std::is_same_v<T, Unit> : state_(std::in_place_index<0>) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

  // Says what was tried; only looked at when it failed.
  Result context(std::string_view what) && {
    if (ok()) return std::move(*this);
    return std::move(*this).error().with_context(what);
  }

 private:
  std::variant<T, Error> state_;
};

// For the rare result that may be dropped; greppable.
template <typename T>
void ignore(const Result<T>& /*result*/) {}

}  // namespace freshet

// Unwraps, or returns the error from the calling function. One per statement, never nested.
#define TRY(expression)                             \
  __extension__({                                   \
    auto freshet_try_result = (expression);         \
    if (!freshet_try_result.ok()) {                 \
      return std::move(freshet_try_result).error(); \
    }                                               \
    std::move(freshet_try_result).value();          \
  })
