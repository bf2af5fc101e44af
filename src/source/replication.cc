#include "source/replication.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/guarded.h"
#include "base/thread.h"
#include "postgres/catalog.h"
#include "postgres/sqlstate.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// PostgreSQL counts microseconds from 2000-01-01.
constexpr std::chrono::microseconds postgres_epoch =
    std::chrono::sys_days(std::chrono::year(2000) / 1 / 1).time_since_epoch();

Time time_of(std::int64_t postgres_time) {
  // Unsigned, because a time beyond our range may wrap but must not be undefined.
  const auto micros = static_cast<std::uint64_t>(postgres_time) +
                      static_cast<std::uint64_t>(postgres_epoch.count());
  return Time(std::chrono::microseconds(static_cast<std::int64_t>(micros)));
}

Error protocol_error(std::string message) {
  return {.sqlstate = sqlstate::protocol_violation, .message = std::move(message)};
}

// The envelope of every payload the server sends.
constexpr std::size_t wal_header_bytes = 1 + 8 + 8 + 8;  // 'w', start, end, time
constexpr std::size_t keepalive_bytes = 1 + 8 + 8 + 1;   // 'k', end, time, answer now

}  // namespace

struct Replication::State {
  std::unique_ptr<postgres::Connection> connection;
  ReplicationOptions options;

  std::optional<Bytes> pending;  // a payload that has_more() found
  bool ended = false;

  // The transaction that is being read. Its messages gather here until a part is handed over.
  std::string messages;
  bool open = false;
  bool first = true;         // no part of it was handed over yet
  bool has_rows = false;     // something other than Begin, Origin and Commit
  bool handed_over = false;  // `messages` belongs to the part handed over last: to be cleared
  TransactionPart part;

  Lsn from;            // the slot's position at the start
  Lsn received;        // every commit that ends at or below this was handed over
  Lsn confirmed;       // what the server may forget
  bool asked = false;  // … and it is waiting for more than we could confirm so far
  Clock::time_point status_due;

  // Held by whoever uses the connection: a public function, or the thread below between two.
  std::mutex in_use;

  Result<std::optional<Bytes>> read(const std::stop_token& stop, milliseconds wait);
  void forget_handed_over();
  Result<> take(Bytes payload, Received& out);
  Result<> take_wal(Bytes message, Received& out);
  Result<> take_keepalive(Bytes payload, Received& out);
  Result<> begin(Bytes message);
  Result<> commit(Bytes message, Received& out);
  void keep(Bytes message);
  void hand_over(bool last, Received& out);
  Result<> send_status(bool answer_wanted);
  Result<> send_due_status();
  void stay_alive(const std::stop_token& stop);

  std::jthread alive;  // runs stay_alive(); last: joined first
};

// ---------------------------------------------------------------------------------------- starting

namespace {

// Where the slot stands: everything that commits there or later is sent.
Result<Lsn> position_of(postgres::Connection& connection, const std::string& slot) {
  const postgres::Rows rows = TRY(connection.query(
      "SELECT confirmed_flush_lsn FROM pg_catalog.pg_replication_slots WHERE slot_name = " +
      postgres::literal(slot)));
  if (rows.rows.empty()) {
    return Error{.sqlstate = sqlstate::undefined_object,
                 .message = fmt::format("the replication slot {} does not exist", slot)};
  }
  return parse_lsn(rows.rows.front()[0].value_or("")).value_or(Lsn{});
}

std::string start_command(const ReplicationOptions& options, Lsn start, int server_version) {
  const bool binary = options.binary && server_version >= 140000;
  return fmt::format(
      "START_REPLICATION SLOT {} LOGICAL {} (proto_version '1', publication_names "
      "{}{})",
      postgres::quoted(options.slot), to_string(start), postgres::literal(options.publications),
      binary ? ", binary 'true'" : "");
}

}  // namespace

Result<std::unique_ptr<Replication>> Replication::start(const std::string& url,
                                                        ReplicationOptions options) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  const std::string what = "follow slot " + state->options.slot;
  state->connection =
      TRY(postgres::Connection::connect(url, {.replication = true,
                                              .application_name = state->options.application_name,
                                              .stop = state->options.stop})
              .context(what));
  const Lsn start = TRY(position_of(*state->connection, state->options.slot).context(what));
  const std::string command =
      start_command(state->options, start, state->connection->server_version());
  TRY(state->connection->start_copy_both(command).context(what));
  state->from = start;
  state->received = start;
  state->confirmed = start;
  state->status_due = Clock::now() + state->options.status_interval;
  state->alive = std::jthread([state = state.get()](std::stop_token stop) {
    name_this_thread("alive:" + state->options.slot);
    state->stay_alive(stop);
  });
  return std::unique_ptr<Replication>(new Replication(std::move(state)));
}

milliseconds Replication::silent_for() const {
  const std::scoped_lock lock(state_->in_use);
  return state_->connection->silent_for();
}

Lsn Replication::from() const {
  return state_->from;
}

Replication::Replication(std::unique_ptr<State> state) : state_(std::move(state)) {}
Replication::~Replication() = default;

// ---------------------------------------------------------------------------------------- reading

Result<Received> Replication::next(std::stop_token stop, milliseconds wait) {
  State& state = *state_;
  const std::scoped_lock lock(state.in_use);
  state.forget_handed_over();
  Received out;
  const Clock::time_point deadline = Clock::now() + wait;
  // The clock is asked now and then, and whenever there is nothing to read.
  constexpr int messages_between_looks = 256;
  for (int message = 1;; ++message) {
    std::optional<Bytes> payload = TRY(state.read({}, milliseconds::zero()));
    if (!payload) {
      TRY(state.send_due_status());
      const auto left =
          std::chrono::ceil<milliseconds>(std::min(deadline, state.status_due) - Clock::now());
      if (left.count() > 0 && !stop.stop_requested()) payload = TRY(state.read(stop, left));
    }
    if (payload) {
      TRY(state.take(*payload, out));
      if (out.part || out.idle_at) return out;
      if (message % messages_between_looks != 0) continue;
    }
    TRY(state.send_due_status());
    if (stop.stop_requested() || (!payload && Clock::now() >= deadline)) return out;
  }
}

bool Replication::has_more() const {
  const std::scoped_lock lock(state_->in_use);
  if (state_->pending) return true;
  if (state_->ended) return false;
  auto payload = state_->connection->read_copy({}, milliseconds::zero());
  // A broken connection is something to read, too: next() will report it.
  state_->ended = !payload.ok();
  if (!payload.ok()) return true;
  state_->pending = *payload;
  return state_->pending.has_value();
}

Result<std::optional<Bytes>> Replication::State::read(const std::stop_token& stop,
                                                      milliseconds wait) {
  if (pending) return std::exchange(pending, std::nullopt);
  return connection->read_copy(stop, wait);
}

void Replication::State::forget_handed_over() {
  if (!handed_over) return;
  handed_over = false;
  messages.clear();
  // One row of hundreds of megabytes is no reason to keep that much for ever.
  if (messages.capacity() > 16 * options.part_bytes_max) messages.shrink_to_fit();
}

Result<> Replication::State::take(Bytes payload, Received& out) {
  if (!payload.empty() && payload[0] == std::byte{'w'} && payload.size() > wal_header_bytes) {
    return take_wal(payload.subspan(wal_header_bytes), out);
  }
  if (payload.size() >= keepalive_bytes && payload[0] == std::byte{'k'}) {
    return take_keepalive(payload, out);
  }
  return protocol_error("the server sent an unknown kind of replication data");
}

Result<> Replication::State::take_wal(Bytes message, Received& out) {
  switch (static_cast<char>(message[0])) {
    case 'B': return begin(message);
    case 'C': return commit(message, out);
    case 'O': break;
    default: has_rows = true;
  }
  if (!open) return protocol_error("the server sent a change outside a transaction");
  keep(message);
  if (messages.size() >= options.part_bytes_max) hand_over(false, out);
  return {};
}

Result<> Replication::State::begin(Bytes message) {
  if (open) return protocol_error("the server began a transaction within another");
  ByteReader reader(message.subspan(1));
  part = {};
  part.commit_lsn = Lsn{reader.big<std::uint64_t>()};
  part.commit_time = time_of(reader.big<std::int64_t>());
  if (!reader.ok()) return protocol_error("the server sent half a Begin message");
  open = true;
  first = true;
  has_rows = false;
  messages.clear();
  keep(message);
  return {};
}

Result<> Replication::State::commit(Bytes message, Received& out) {
  if (!open) return protocol_error("the server sent a commit without a transaction");
  ByteReader reader(message.subspan(1));
  reader.big<std::uint8_t>();  // flags
  const Lsn commit_lsn{reader.big<std::uint64_t>()};
  const Lsn end_lsn{reader.big<std::uint64_t>()};
  if (!reader.ok() || commit_lsn != part.commit_lsn || end_lsn <= commit_lsn) {
    return protocol_error("the server sent a commit that does not belong to its transaction");
  }
  open = false;
  received = std::max(received, end_lsn);
  if (!has_rows) {
    // Nothing of it concerns us (servers before 15 announce such transactions): only a position.
    messages.clear();
    out.idle_at = received;
    return {};
  }
  keep(message);
  part.end_lsn = end_lsn;
  hand_over(true, out);
  return {};
}

void Replication::State::keep(Bytes message) {
  ByteWriter writer(messages);
  writer.little(static_cast<std::uint32_t>(message.size()));
  writer.bytes(message);
}

void Replication::State::hand_over(bool last, Received& out) {
  part.first = first;
  part.last = last;
  part.messages = as_bytes(messages);
  out.part = part;
  first = false;
  handed_over = true;
}

Result<> Replication::State::take_keepalive(Bytes payload, Received& out) {
  ByteReader reader(payload.subspan(1));
  const Lsn end{reader.big<std::uint64_t>()};
  reader.big<std::int64_t>();  // the server's time
  const bool answer = reader.big<std::uint8_t>() != 0;
  // Inside a transaction the server's position says nothing about commits that we have.
  if (!open && end >= received) {
    received = end;
    out.idle_at = end;
  }
  if (!answer) return {};
  // A server that shuts down waits until everything is confirmed: confirm() will answer again.
  asked = confirmed < received;
  return send_status(false);
}

// ----------------------------------------------------------------------------------------
// answering

Result<> Replication::confirm(Lsn lsn) {
  State& state = *state_;
  const std::scoped_lock lock(state.in_use);
  // The server believes whatever it is told, and would skip what we do not have.
  CHECK(lsn <= state.received);
  if (lsn <= state.confirmed) return {};
  state.confirmed = lsn;
  if (!state.asked) return state.send_due_status();
  state.asked = state.confirmed < state.received;
  return state.send_status(false);
}

void Replication::stop() {
  const std::scoped_lock lock(state_->in_use);
  if (state_->ended) return;
  state_->ended = true;
  constexpr milliseconds farewell{500};
  // Whatever fails here, the connection is closed next, and the slot remembers what it was told.
  if (state_->send_status(false).ok()) ignore(state_->connection->end_copy(farewell));
}

Result<> Replication::State::send_due_status() {
  if (Clock::now() < status_due) return {};
  // A server that has nothing to say does not tell its position unless it is asked.
  return send_status(!open);
}

// Whoever reads from the connection sends what is due; this is for when nobody does.
void Replication::State::stay_alive(const std::stop_token& stop) {
  Guarded<bool> never;
  while (!never.wait_for(stop, options.status_interval / 2, [](bool) { return false; })) {
    if (stop.stop_requested()) return;
    const std::unique_lock lock(in_use, std::try_to_lock);
    // A connection that has failed is reported to the reader.
    if (lock.owns_lock() && !ended) ignore(send_due_status());
  }
}

Result<> Replication::State::send_status(bool answer_wanted) {
  const auto now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  std::string status;
  ByteWriter writer(status);
  writer.big(static_cast<std::uint8_t>('r'));
  writer.big(received.value);   // written
  writer.big(confirmed.value);  // flushed
  writer.big(confirmed.value);  // applied
  writer.big((now.time_since_epoch() - postgres_epoch).count());
  writer.big(static_cast<std::uint8_t>(answer_wanted ? 1 : 0));
  status_due = Clock::now() + options.status_interval;
  return connection->write_copy(as_bytes(status));
}

}  // namespace freshet::source
