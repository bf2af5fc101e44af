// COPY and CopyBoth: reading payloads so that a stop token ends every wait.
#include <fmt/core.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>

#include "postgres/connection.h"
#include "postgres/connection_errors.h"
#include "postgres/connection_handle.h"
#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds forever = std::chrono::hours(1);  // then it waits again

Error stopped_error() {
  return {.fault = Fault::Transient,
          .sqlstate = sqlstate::query_canceled,
          .message = "stopped on request"};
}

Error ended_error() {
  return {.fault = Fault::Transient,
          .sqlstate = sqlstate::connection_failure,
          .message = "the server ended the stream",
          .hint = "It is shutting down or was told to; the connection is tried again."};
}

}  // namespace

Result<SocketWait::Woken> Connection::Handle::wait_for_input(
    const std::stop_token& stop, std::chrono::milliseconds limit) const {
  // TLS may hold decrypted bytes that poll() does not see: then look again soon.
  constexpr std::chrono::milliseconds tls_look{20};
  const auto first = PQsslInUse(get()) != 0 ? std::min(limit, tls_look) : limit;
  auto woken = socket_wait.wait(PQsocket(get()), POLLIN, stop, first);
  if (woken == SocketWait::Woken::TimedOut && first < limit) {
    if (PQconsumeInput(get()) == 0) return broken_error(get());
    if (PQisBusy(get()) == 0) {
      heard_at = Clock::now();
      return SocketWait::Woken::Ready;
    }
    woken = socket_wait.wait(PQsocket(get()), POLLIN, stop, limit - first);
  }
  if (woken != SocketWait::Woken::Ready) return woken;
  heard_at = Clock::now();
  if (PQconsumeInput(get()) == 0) return broken_error(get());
  return woken;
}

Result<int> Connection::Handle::take_payload() {
  char* taken = nullptr;
  const int size = PQgetCopyData(get(), &taken, 1);
  payload.reset(taken);
  if (size < -1) {
    ignore(finish_copy());
    return broken_error(get());
  }
  return size;
}

Result<> Connection::Handle::finish_copy() const {
  Result<> outcome;
  while (const ResultPtr result{PQgetResult(get()), &PQclear}) {
    const ExecStatusType status = PQresultStatus(result.get());
    // Still copying: the other direction of CopyBoth is open, or the connection broke within.
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH || status == PGRES_COPY_IN) break;
    if (status == PGRES_FATAL_ERROR && outcome.ok()) outcome = statement_error(get(), result.get());
  }
  return outcome;
}

void Connection::Handle::cancel() const {
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> request(PQgetCancel(get()),
                                                                   &PQfreeCancel);
  std::array<char, 256> reason{};
  // When the request does not get through, the statement runs on until we are done with it.
  if (request) PQcancel(request.get(), reason.data(), static_cast<int>(reason.size()));
}

// Sends the statement and waits until rows can come. It may have to wait for a lock on the table,
// so this wait too ends when asked to stop.
Result<> Connection::Handle::start_copy_out(const std::string& sql, std::stop_token stop) const {
  if (PQsendQuery(get(), sql.c_str()) == 0) return broken_error(get());
  bool stopped = false;
  while (PQisBusy(get()) != 0) {
    TRY(wait_for_input(stopped ? std::stop_token{} : stop, stopped ? cancel_interval : forever));
    stopped = stop.stop_requested();
    if (stopped) cancel();
  }
  const ResultPtr started(PQgetResult(get()), &PQclear);
  if (PQresultStatus(started.get()) == PGRES_COPY_OUT) return {};
  Error error = statement_error(get(), started.get());
  ignore(finish_copy());
  return error;
}

Result<> Connection::copy_out(const std::string& sql, const std::function<Result<>(Bytes)>& sink,
                              std::stop_token stop) {
  TRY(handle_->start_copy_out(sql, stop));
  // After a failure the rest is read and dropped, so that the connection can go on.
  Result<> outcome;
  const auto give_up = [&](Error error) {
    if (!outcome.ok()) return;
    outcome = std::move(error);
    handle_->cancel();
  };
  for (;;) {
    const int size = TRY(handle_->take_payload());
    if (size < 0) break;
    if (outcome.ok() && stop.stop_requested()) give_up(stopped_error());
    if (size > 0) {
      if (!outcome.ok()) continue;
      const Result<> taken =
          sink(as_bytes({handle_->payload.get(), static_cast<std::size_t>(size)}));
      if (!taken.ok()) give_up(taken.error());
      continue;
    }
    const auto token = outcome.ok() ? stop : std::stop_token{};
    TRY(handle_->wait_for_input(token, forever));
  }
  const Result<> finished = handle_->finish_copy();
  return outcome.ok() ? finished : outcome;
}

Result<> Connection::start_copy_both(const std::string& sql) {
  const ResultPtr started(PQexec(handle_->get(), sql.c_str()), &PQclear);
  if (PQresultStatus(started.get()) == PGRES_COPY_BOTH) return {};
  return statement_error(handle_->get(), started.get());
}

Result<std::optional<Bytes>> Connection::read_copy(std::stop_token stop,
                                                   std::chrono::milliseconds wait) {
  int size = TRY(handle_->take_payload());
  if (size == 0) {
    // Only now is a clock needed: a busy stream never comes here.
    const Clock::time_point deadline = Clock::now() + std::min(wait, forever);
    do {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      const auto woken =
          TRY(handle_->wait_for_input(stop, std::max(left, std::chrono::milliseconds::zero())));
      if (woken == SocketWait::Woken::Stopped) return std::optional<Bytes>{};
      size = TRY(handle_->take_payload());
    } while (size == 0 && Clock::now() < deadline);
  }
  if (size == 0) return std::optional<Bytes>{};
  if (size > 0) {
    return std::optional(as_bytes({handle_->payload.get(), static_cast<std::size_t>(size)}));
  }
  TRY(handle_->finish_copy());
  return ended_error();
}

Result<> Connection::write_copy(Bytes payload) {
  const std::string_view text = as_text(payload);
  const bool written =
      PQputCopyData(handle_->get(), text.data(), static_cast<int>(text.size())) == 1 &&
      PQflush(handle_->get()) == 0;
  if (!written) return broken_error(handle_->get());
  return {};
}

Result<> Connection::end_copy(std::chrono::milliseconds limit) {
  if (PQputCopyEnd(handle_->get(), nullptr) != 1 || PQflush(handle_->get()) != 0) {
    return broken_error(handle_->get());
  }
  const Clock::time_point deadline = Clock::now() + limit;
  for (;;) {
    const int size = TRY(handle_->take_payload());
    if (size < 0) return handle_->finish_copy();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return {};  // it is busy; closing the connection will end it
    if (size == 0) TRY(handle_->wait_for_input({}, left));
  }
}

}  // namespace freshet::postgres
