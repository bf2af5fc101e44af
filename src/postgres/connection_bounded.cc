// A statement that does not wait for ever.
#include <fmt/core.h>
#include <libpq-fe.h>

#include <utility>

#include "postgres/connection.h"
#include "postgres/connection_errors.h"
#include "postgres/connection_handle.h"
#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A server takes a cancel at once, or not at all.
constexpr milliseconds cancelled_within{2000};

// Until the result is there. False when asked to stop or when the time is over.
Result<bool> wait_for_result(const Connection::Handle& handle, const std::stop_token& stop,
                             milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  while (PQisBusy(handle.get()) != 0) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (stop.stop_requested() || left.count() <= 0) return false;
    TRY(handle.wait_for_input(stop, left));
  }
  return true;
}

// Whether the statement has ended.
Result<bool> cancel(const Connection::Handle& handle) {
  const Clock::time_point deadline = Clock::now() + cancelled_within;
  while (Clock::now() < deadline) {
    handle.cancel();
    if (TRY(wait_for_result(handle, {}, Connection::Handle::cancel_interval))) return true;
  }
  return false;
}

}  // namespace

void Connection::limit_answers(std::stop_token stop, milliseconds limit) {
  handle_->answers_stop = std::move(stop);
  handle_->answers_within = limit;
}

milliseconds Connection::silent_for() const {
  return std::chrono::floor<milliseconds>(Clock::now() - handle_->heard_at);
}

Result<Rows> Connection::Handle::query_within_limit(const std::string& sql) const {
  if (PQsendQuery(get(), sql.c_str()) == 0) return broken_error(get());
  if (!TRY(wait_for_result(*this, answers_stop, *answers_within))) {
    return Error{.fault = Fault::Transient,
                 .sqlstate = sqlstate::connection_failure,
                 .message = answers_stop.stop_requested()
                                ? "stopped on request"
                                : fmt::format("no answer within {} ms", answers_within->count())};
  }
  Result<Rows> outcome = Rows{};
  while (const ResultPtr result{PQgetResult(get()), &PQclear}) {
    if (outcome.ok()) outcome = rows_of(get(), result.get());
  }
  return outcome;
}

Result<Rows> Connection::query(std::string_view sql, std::stop_token stop, milliseconds limit) {
  const Handle& handle = *handle_;
  if (PQsendQuery(handle.get(), std::string(sql).c_str()) == 0) return broken_error(handle.get());
  const bool in_time = TRY(wait_for_result(handle, stop, limit));
  if (!in_time && !TRY(cancel(handle))) {
    return Error{.fault = Fault::Transient,
                 .sqlstate = sqlstate::query_canceled,
                 .message = "the server did not take the cancellation of a statement"};
  }
  Result<Rows> outcome = Rows{};
  while (const ResultPtr result{PQgetResult(handle.get()), &PQclear}) {
    if (outcome.ok()) outcome = rows_of(handle.get(), result.get());
  }
  if (in_time || outcome.ok() || outcome.error().sqlstate != sqlstate::query_canceled) {
    return outcome;
  }
  return Error{.fault = Fault::Transient,
               .sqlstate = sqlstate::query_canceled,
               .message = stop.stop_requested()
                              ? "stopped on request"
                              : fmt::format("not done within {} ms", limit.count())};
}

}  // namespace freshet::postgres
