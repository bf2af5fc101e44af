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
#include "postgres/ddl_message.h"
#include "postgres/sqlstate.h"
#include "source/server_time.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Plugin;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

Error protocol_error(std::string message) {
  return {.sqlstate = sqlstate::protocol_violation, .message = std::move(message)};
}

// The envelope of every payload the server sends.
constexpr std::size_t wal_header_bytes = 1 + 8 + 8 + 8;  // 'w', start, end, time
constexpr std::size_t keepalive_bytes = 1 + 8 + 8 + 1;   // 'k', end, time, answer now

}  // namespace

struct Replication::State {
  State(ReplicationOptions given, std::unique_ptr<postgres::Connection> connected,
        std::optional<Spools> spools)
      : options(std::move(given)),
        connection(std::move(connected)),
        lines(options.plugin == Plugin::TestDecoding),
        streaming(spools.has_value() && !lines),
        assembler(options.part_bytes_max, std::move(spools)) {}

  ReplicationOptions options;
  std::unique_ptr<postgres::Connection> connection;
  bool lines;      // of test_decoding
  bool streaming;  // transactions come before their commit
  Assembler assembler;

  // What look_ahead() found: a payload, or the end of the connection.
  std::optional<Bytes> pending;
  std::optional<Error> failure;
  bool stopped = false;
  bool streaming_failed = false;

  Lsn from;            // the slot's position at the start
  Lsn received;        // every commit that ends at or below this was handed over
  Lsn confirmed;       // what the server may forget
  bool asked = false;  // … and it is waiting for more than we could confirm so far
  Clock::time_point status_due;

  // Held by whoever uses the connection: a public function, or the thread below between two.
  std::mutex in_use;

  Result<std::optional<Bytes>> read(const std::stop_token& stop, milliseconds wait);
  Result<> take(Bytes payload, Received& out);
  Result<> take_keepalive(Bytes payload, Received& out);
  Result<Received> give();
  void look_ahead();
  void answer_ahead();
  Error explained(Error error);
  Result<> send_status(bool answer_wanted);
  Result<> send_due_status();
  void stay_alive(const std::stop_token& stop_asked);

  std::jthread alive;  // runs stay_alive(); last: joined first
};

// ---------------------------------------------------------------------------------------- starting

namespace {

// Where the slot stands: everything that commits there or later is sent. A walsender takes SQL
// since 10.
Result<Lsn> position_of(const std::string& url, postgres::Connection& walsender,
                        const ReplicationOptions& options) {
  const int version = walsender.server_version();
  const std::string sql = slot_position_sql(options.slot, version);
  if (sql.empty()) return options.known_end;
  std::unique_ptr<postgres::Connection> beside;
  if (version < 100000) {
    beside = TRY(postgres::Connection::connect(
        url, {.application_name = options.application_name, .stop = options.stop}));
  }
  const postgres::Rows rows = TRY((beside ? *beside : walsender).query(sql));
  if (rows.rows.empty()) {
    return Error{.sqlstate = sqlstate::undefined_object,
                 .message = fmt::format("the replication slot {} does not exist", options.slot)};
  }
  return parse_lsn(rows.rows.front()[0].value_or("")).value_or(Lsn{});
}

// Nothing: transactions come whole, and go on as they come.
Result<std::optional<Spools>> open_spools(const ReplicationOptions& options, int server_version) {
  std::optional<Spools> spools;
  const bool lines = options.plugin == Plugin::TestDecoding;
  CHECK(!lines || !options.spool.folder.empty());
  if (options.spool.folder.empty()) return spools;
  spools.emplace(TRY(Spools::open(options.spool)));
  if (!lines && (!options.streaming || server_version < 140000)) spools.reset();
  return spools;
}

}  // namespace

std::string slot_position_sql(const std::string& slot, int server_version) {
  if (server_version < 90600) return {};
  return "SELECT confirmed_flush_lsn FROM pg_catalog.pg_replication_slots WHERE slot_name = " +
         postgres::literal(slot);
}

std::string start_command(const ReplicationOptions& options, Lsn start, int server_version,
                          bool streaming) {
  const std::string command = fmt::format("START_REPLICATION SLOT {} LOGICAL {}",
                                          postgres::quoted(options.slot), to_string(start));
  if (options.plugin == Plugin::TestDecoding) {
    return command +
           " (\"include-xids\" 'off', \"include-timestamp\" 'on', \"skip-empty-xacts\" 'on')";
  }
  const bool binary = options.binary && server_version >= 140000;
  // Always, so that what is sent again is what was sent before, with triggers (ddl_trigger.h) or
  // without.
  const bool messages = server_version >= postgres::oldest_with_messages;
  return fmt::format("{} (proto_version '{}', publication_names {}{}{}{})", command,
                     streaming ? 2 : 1, postgres::literal(options.publications),
                     binary ? ", binary 'true'" : "", streaming ? ", streaming 'on'" : "",
                     messages ? ", messages 'true'" : "");
}

Result<std::unique_ptr<Replication>> Replication::start(const std::string& url,
                                                        ReplicationOptions options) {
  const std::string what = "follow slot " + options.slot;
  auto connection =
      TRY(postgres::Connection::connect(url, {.replication = true,
                                              .application_name = options.application_name,
                                              .stop = options.stop})
              .context(what));
  const int version = connection->server_version();
  const Lsn start = TRY(position_of(url, *connection, options).context(what));
  auto spools = TRY(open_spools(options, version).context(what));
  const std::string command = start_command(options, start, version, spools.has_value());
  TRY(connection->start_copy_both(command).context(what));
  auto state =
      std::make_unique<State>(std::move(options), std::move(connection), std::move(spools));
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
  if (state.assembler.ready()) {
    state.answer_ahead();
    return state.give();
  }
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
      if (state.assembler.ready()) return state.give();
      if (out.idle_at) return out;
      if (message % messages_between_looks != 0) continue;
    }
    TRY(state.send_due_status());
    if (stop.stop_requested() || Clock::now() >= deadline) return out;
  }
}

Result<> Replication::answer() {
  State& state = *state_;
  const std::scoped_lock lock(state.in_use);
  state.answer_ahead();
  return state.failure ? Result<>(*state.failure) : Result<>();
}

bool Replication::has_more() const {
  State& state = *state_;
  const std::scoped_lock lock(state.in_use);
  if (state.assembler.ready()) return true;
  state.look_ahead();
  if (state.failure) return true;  // to be read, too
  if (!state.pending) return false;
  // What is only spooled may go on for long.
  const Bytes payload = *state.pending;
  if (payload.size() <= wal_header_bytes || payload[0] != std::byte{'w'}) return true;
  return !(state.lines ? state.assembler.spools_lines()
                       : state.assembler.spools(payload[wal_header_bytes]));
}

bool Replication::streaming_failed() const {
  return state_->streaming_failed;
}

std::uint64_t Replication::spooled_bytes() const {
  return state_->assembler.spooled_bytes();
}

Result<std::optional<Bytes>> Replication::State::read(const std::stop_token& stop,
                                                      milliseconds wait) {
  if (pending) return std::exchange(pending, std::nullopt);
  if (failure) return *failure;
  Result<std::optional<Bytes>> payload = connection->read_copy(stop, wait);
  if (!payload.ok()) return explained(std::move(payload).error());
  return payload;
}

void Replication::State::look_ahead() {
  if (pending || failure) return;
  Result<std::optional<Bytes>> payload = read({}, milliseconds::zero());
  if (payload.ok()) {
    pending = *payload;
  } else {
    failure = payload.error();
  }
}

// All servers since 14 fail on some transactions when they send them before their commit, and not
// afterwards: one in which a rolled back TRUNCATE is followed by another, for example ("could not
// map filenode to relation OID").
Error Replication::State::explained(Error error) {
  streaming_failed = streaming && error.sqlstate.starts_with("XX");
  if (!streaming_failed) return error;
  error.fault = Fault::Transient;
  error.detail = "The server failed while it was sending a transaction that had not committed.";
  error.hint = "Large transactions will be received after their commit for now.";
  return error;
}

Result<> Replication::State::take(Bytes payload, Received& out) {
  if (!payload.empty() && payload[0] == std::byte{'w'} && payload.size() > wal_header_bytes) {
    const Bytes message = payload.subspan(wal_header_bytes);
    if (!lines) return assembler.take(message);
    ByteReader header(payload.subspan(1));
    return assembler.take_line(as_text(message), Lsn{header.big<std::uint64_t>()});
  }
  if (payload.size() >= keepalive_bytes && payload[0] == std::byte{'k'}) {
    return take_keepalive(payload, out);
  }
  return protocol_error("the server sent an unknown kind of replication data");
}

Result<Received> Replication::State::give() {
  Received out = TRY(assembler.give());
  // Commits come in their order: whatever ends before this one was handed over.
  if (out.part && out.part->first) received = std::max(received, out.part->commit_lsn);
  if (out.part && out.part->last) received = std::max(received, out.part->end_lsn);
  if (out.idle_at) {
    received = std::max(received, *out.idle_at);
    out.idle_at = received;
  }
  return out;
}

// While a large transaction is handed over, nothing is read but keepalives, and the server hears
// from us. A connection that breaks meanwhile is found by the next read: this transaction is whole.
void Replication::State::answer_ahead() {
  ignore(send_due_status());
  for (;;) {
    look_ahead();
    if (!pending || pending->empty() || (*pending)[0] != std::byte{'k'}) return;
    Received nothing;
    ignore(take_keepalive(*std::exchange(pending, std::nullopt), nothing));
  }
}

Result<> Replication::State::take_keepalive(Bytes payload, Received& out) {
  ByteReader reader(payload.subspan(1));
  const Lsn end{reader.big<std::uint64_t>()};
  reader.big<std::int64_t>();  // the server's time
  const bool answer = reader.big<std::uint8_t>() != 0;
  // Inside a transaction the server's position says nothing about commits that we have.
  if (!assembler.inside() && end >= received) {
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
  if (std::exchange(state_->stopped, true) || state_->failure) return;
  constexpr milliseconds farewell{500};
  // Whatever fails here, the connection is closed next, and the slot remembers what it was told.
  if (state_->send_status(false).ok()) ignore(state_->connection->end_copy(farewell));
}

Result<> Replication::State::send_due_status() {
  if (Clock::now() < status_due) return {};
  // A server that has nothing to say does not tell its position unless it is asked.
  return send_status(!assembler.inside());
}

// Whoever reads from the connection sends what is due; this is for when nobody does.
void Replication::State::stay_alive(const std::stop_token& stop_asked) {
  Guarded<bool> never;
  while (!never.wait_for(stop_asked, options.status_interval / 2, [](bool) { return false; })) {
    if (stop_asked.stop_requested()) return;
    const std::unique_lock lock(in_use, std::try_to_lock);
    // A connection that has failed is reported to the reader.
    if (lock.owns_lock() && !stopped && !failure) ignore(send_due_status());
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
  writer.big(to_server_time(now));
  writer.big(static_cast<std::uint8_t>(answer_wanted ? 1 : 0));
  status_due = Clock::now() + options.status_interval;
  return connection->write_copy(as_bytes(status));
}

}  // namespace freshet::source
