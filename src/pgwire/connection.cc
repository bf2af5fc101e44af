#include "pgwire/connection.h"

#include <algorithm>
#include <set>

#include "observe/log.h"
#include "pgwire/parameters.h"
#include "pgwire/row_sink.h"

namespace freshet::pgwire {
namespace {

constexpr std::chrono::milliseconds startup_limit{30'000};
constexpr std::size_t inbox_bytes = 16 << 10;
// SSLRequest and GSSENCRequest may each be asked once before the start-up packet.
constexpr int encryption_requests_max = 4;

Error violation(std::string what) {
  return {.sqlstate = "08P01", .message = std::move(what)};
}

// After these nothing that follows can be understood, or nobody is there to read an answer.
bool ends_connection(const Error& error) {
  return error.sqlstate == "08P01" || error.sqlstate == "08006" || error.sqlstate == "57P01";
}

// "-c name=value" and "--name=value", as PGOPTIONS has them.
std::vector<std::pair<std::string, std::string>> parse_options(std::string_view text) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      words.back().push_back(text[++i]);
    } else if (text[i] == ' ') {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back().push_back(text[i]);
    }
  }
  std::vector<std::pair<std::string, std::string>> settings;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string assignment = words[i];
    if (assignment == "-c" && i + 1 < words.size()) {
      assignment = words[++i];
    } else if (assignment.starts_with("-c") || assignment.starts_with("--")) {
      assignment.erase(0, 2);
    } else {
      continue;
    }
    const std::size_t equals = assignment.find('=');
    if (equals == std::string::npos) continue;
    std::string name = assignment.substr(0, equals);
    std::ranges::replace(name, '-', '_');
    settings.emplace_back(std::move(name), assignment.substr(equals + 1));
  }
  return settings;
}

// Protocol extensions we do not know; the client is told and goes on without.
std::vector<std::string> protocol_options(const Startup& startup) {
  std::vector<std::string> names;
  for (const auto& [name, value] : startup.parameters) {
    if (name.starts_with("_pq_.")) names.push_back(name);
  }
  return names;
}

Result<query::SessionOptions> session_options(const Startup& startup, std::int32_t process_id) {
  query::SessionOptions options{.user = startup.user(), .process_id = process_id};
  if (options.user.empty()) {
    return Error{.sqlstate = "28000",
                 .message = "no PostgreSQL user name specified in startup packet"};
  }
  const std::string database = startup.database();
  if (database != query::database_name) {
    return Error{.sqlstate = "3D000",
                 .message = "database \"" + database + "\" does not exist",
                 .hint =
                     "The database is \"freshet\"; collections keep the schemas of their "
                     "source."};
  }
  for (const auto& [name, value] : startup.parameters) {
    if (name == "user" || name == "database" || name.starts_with("_pq_.")) continue;
    if (name == "replication") {
      return Error{.sqlstate = "0A000", .message = "replication connections are not supported"};
    }
    if (name == "options") {
      const auto parsed = parse_options(value);
      options.settings.insert(options.settings.end(), parsed.begin(), parsed.end());
    } else {
      options.settings.emplace_back(name, value);
    }
  }
  return options;
}

}  // namespace

Connection::Connection(int descriptor, int stop_descriptor, std::int32_t process_id,
                       std::int32_t secret, const Host& host)
    : socket_(descriptor, stop_descriptor),
      process_id_(process_id),
      secret_(secret),
      host_(host),
      inbox_(inbox_bytes) {}

Connection::~Connection() {
  cancellable_.with([](query::Session*& session) { session = nullptr; });
  session_.reset();
  if (admitted_) host_.leave();
}

void Connection::cancel() {
  cancellable_.with([](query::Session* session) {
    if (session) session->cancel();
  });
}

void Connection::terminate() {
  cancellable_.with([](query::Session* session) {
    if (session) session->terminate();
  });
}

void Connection::run() {
  const Result<bool> started = start();
  Result<> served;
  if (!started.ok()) {
    served = started.error();
  } else if (started.value()) {
    served = serve();
  }
  if (served.ok() || served.error().sqlstate == "08006") return;
  outbox_.error(served.error(), "FATAL");
  socket_.write_if_possible(outbox_.buffer());
}

// ---- start-up -----------------------------------------------------------------------------------

// False when the connection was only there to cancel, or left.
Result<bool> Connection::start() {
  for (int requests = 0; requests <= encryption_requests_max; ++requests) {
    const Bytes head = TRY(read_exactly(4, startup_limit));
    const auto length = load_big<std::uint32_t>(head.data());
    if (length < 8 || length > startup_bytes_max)
      return violation("invalid length of startup packet");
    const Bytes body = TRY(read_exactly(length - 4, startup_limit));
    const FirstPacket packet = TRY(parse_first(body));
    if (std::holds_alternative<EncryptionRequest>(packet)) {
      TRY(socket_.write("N"));
      continue;
    }
    if (const auto* request = std::get_if<CancelRequest>(&packet)) {
      host_.cancel(*request);
      return false;
    }
    return start_session(std::get<Startup>(packet));
  }
  return violation("too many requests for encryption");
}

Result<bool> Connection::start_session(const Startup& startup) {
  if (const auto unknown = protocol_options(startup);
      startup.minor_version > 0 || !unknown.empty()) {
    outbox_.negotiate_version(unknown);
  }
  query::SessionOptions options = TRY(session_options(startup, process_id_));
  admitted_ = host_.admit();
  if (!admitted_) {
    return Error{.sqlstate = "53300",
                 .message = "sorry, too many clients already",
                 .hint = "Close idle connections, or raise the limit of connections."};
  }
  session_ =
      TRY(query::Session::open(host_.store, host_.status, host_.commands, std::move(options)));
  cancellable_.with([this](query::Session*& session) { session = session_.get(); });
  TRY(greet());
  return true;
}

Result<> Connection::greet() {
  outbox_.authentication_ok();
  for (const auto& [name, value] : session_->settings().reported())
    outbox_.parameter_status(name, value);
  outbox_.key_data(process_id_, secret_);
  ready();
  return flush();
}

// ---- messages -----------------------------------------------------------------------------------

Result<> Connection::serve() {
  while (!done_) {
    const Bytes head = TRY(read_exactly(5, {}));
    const char type = static_cast<char>(std::to_integer<unsigned char>(head[0]));
    const auto length = load_big<std::uint32_t>(head.data() + 1);
    if (length < 4 || length - 4 > message_bytes_max) return violation("invalid message length");
    const Bytes body = TRY(read_exactly(length - 4, {}));
    Message message = TRY(parse_message(type, body));
    TRY(handle(message));
    if (outbox_.is_full()) TRY(flush());
  }
  return {};
}

Result<> Connection::handle(Message& message) {
  if (std::holds_alternative<Terminate>(message)) {
    done_ = true;
    return {};
  }
  if (std::holds_alternative<CopyInput>(message)) return {};
  if (std::holds_alternative<Sync>(message)) return sync();
  if (auto* query = std::get_if<SimpleQuery>(&message)) {
    skipping_ = false;
    return simple_query(*query);
  }
  if (skipping_) return {};
  Result<> outcome;
  if (auto* value = std::get_if<Parse>(&message)) outcome = parse(*value);
  if (auto* value = std::get_if<Bind>(&message)) outcome = bind(*value);
  if (auto* value = std::get_if<Describe>(&message)) outcome = describe(*value);
  if (auto* value = std::get_if<Execute>(&message)) outcome = execute(*value);
  if (auto* value = std::get_if<CloseMessage>(&message)) outcome = close(*value);
  if (std::holds_alternative<Flush>(message)) return flush();
  if (std::holds_alternative<FunctionCall>(message)) {
    TRY(after_error({.sqlstate = "0A000", .message = "function calls are not supported"}));
    return sync();
  }
  if (outcome.ok()) return {};
  skipping_ = true;
  return after_error(outcome.error());
}

Result<> Connection::after_error(const Error& error) {
  if (ends_connection(error)) return error;
  session_->fail();
  portals_.clear();
  outbox_.error(error);
  return {};
}

Result<> Connection::sync() {
  skipping_ = false;
  if (session_->transaction_status() == query::TransactionStatus::Idle) portals_.clear();
  ready();
  TRY(flush());
  // Letting go of the version takes its time; the answer does not wait for it.
  session_->finish();
  return {};
}

void Connection::ready() {
  for (const auto& [name, value] : session_->take_changed_settings())
    outbox_.parameter_status(name, value);
  outbox_.ready(session_->transaction_status());
}

Result<> Connection::simple_query(const SimpleQuery& message) {
  portals_.erase("");
  const std::vector<std::string> statements = query::split_statements(message.sql);
  if (statements.empty()) outbox_.empty('I');
  for (const std::string& sql : statements) {
    const Result<> outcome = simple_statement(sql);
    if (outcome.ok()) continue;
    Error error = outcome.error();
    // Positions count from the start of the whole message.
    if (const std::size_t at = message.sql.find(sql); error.position > 0 && at != 0) {
      error.position += static_cast<int>(std::ranges::count_if(
          std::string_view(message.sql).substr(0, at),
          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    }
    TRY(after_error(error));
    break;
  }
  session_->close("");
  return sync();
}

Result<> Connection::simple_statement(const std::string& sql) {
  TRY(session_->prepare("", sql, {}));
  const query::StatementDescription description = TRY(session_->describe(""));
  if (!description.parameters.empty())
    return Error{.sqlstate = "42P02", .message = "there is no parameter $1"};
  TRY(session_->bind("", "", {}));
  if (!description.columns.empty() && !description.copy)
    outbox_.row_description(description.columns, {});
  return run_portal("", 0, description, {});
}

Result<> Connection::parse(Parse& message) {
  TRY(session_->prepare(message.statement, message.sql, std::move(message.types)));
  outbox_.empty('1');
  return {};
}

Result<> Connection::bind(Bind& message) {
  auto description = std::make_shared<const query::StatementDescription>(
      TRY(session_->describe(message.statement)));
  if (message.parameters.size() != description->parameters.size()) {
    return Error{.sqlstate = "08P01",
                 .message = "bind message supplies " + std::to_string(message.parameters.size()) +
                            " parameters, but prepared statement \"" + message.statement +
                            "\" requires " + std::to_string(description->parameters.size())};
  }
  std::vector<query::Parameter> parameters;
  for (std::size_t i = 0; i < message.parameters.size(); ++i) {
    if (!message.parameters[i]) {
      parameters.emplace_back();
      continue;
    }
    parameters.push_back(TRY(decode_parameter(
        description->parameters[i], message.parameter_formats.at(i), *message.parameters[i])));
  }
  if (!message.result_formats.fits(description->columns.size())) {
    return Error{.sqlstate = "08P01",
                 .message = "bind message has result formats for another number of columns"};
  }
  TRY(session_->bind(message.portal, message.statement, std::move(parameters)));
  portals_[message.portal] = {std::move(message.result_formats), std::move(description)};
  outbox_.empty('2');
  return {};
}

Result<> Connection::describe(const Describe& message) {
  query::StatementDescription description;
  Formats formats;
  if (message.target == Target::Statement) {
    description = TRY(session_->describe(message.name));
    outbox_.parameter_description(description.parameters);
  } else {
    description = TRY(session_->describe_portal(message.name));
    const auto found = portals_.find(message.name);
    if (found != portals_.end()) formats = found->second.results;
  }
  if (description.columns.empty() || description.copy) {
    outbox_.empty('n');
  } else {
    outbox_.row_description(description.columns, formats);
  }
  return {};
}

Result<> Connection::execute(const Execute& message) {
  const auto found = portals_.find(message.portal);
  if (found == portals_.end()) {
    // A cursor that SQL declared, or none.
    const query::StatementDescription description = TRY(session_->describe_portal(message.portal));
    return run_portal(message.portal, message.rows_max, description, {});
  }
  const PortalFormats portal = found->second;  // the end of a block drops it meanwhile
  return run_portal(message.portal, message.rows_max, *portal.description, portal.results);
}

Result<> Connection::run_portal(const std::string& portal, std::uint64_t rows_max,
                                const query::StatementDescription& description,
                                const Formats& formats) {
  if (const std::string& name = session_->settings().time_zone(); !zone_ || name != zone_name_) {
    zone_ = TimeZone::find(name);
    zone_name_ = name;
  }
  RowSink sink(outbox_, socket_, description, formats, *zone_);
  if (description.copy) sink.begin_copy();
  const query::Outcome outcome = TRY(session_->execute(portal, rows_max, sink));
  for (const Error& warning : outcome.warnings) outbox_.notice(warning);
  switch (outcome.kind) {
    case query::Outcome::Kind::Complete:
      if (description.copy) sink.end_copy();
      outbox_.command_complete(outcome.tag);
      break;
    case query::Outcome::Kind::Suspended: outbox_.empty('s'); break;
    case query::Outcome::Kind::Empty: outbox_.empty('I'); break;
  }
  return {};
}

Result<> Connection::close(const CloseMessage& message) {
  if (message.target == Target::Statement) {
    session_->close(message.name);
  } else {
    session_->close_portal(message.name);
    portals_.erase(message.name);
  }
  outbox_.empty('3');
  return {};
}

// ---- bytes --------------------------------------------------------------------------------------

Result<> Connection::flush() {
  TRY(socket_.write(outbox_.buffer()));
  outbox_.buffer().clear();
  return {};
}

// The next `size` bytes, valid until the next call.
Result<Bytes> Connection::read_exactly(std::size_t size,
                                       std::optional<std::chrono::milliseconds> limit) {
  if (inbox_end_ - inbox_at_ < size) {
    std::copy(inbox_.begin() + static_cast<std::ptrdiff_t>(inbox_at_),
              inbox_.begin() + static_cast<std::ptrdiff_t>(inbox_end_), inbox_.begin());
    inbox_end_ -= inbox_at_;
    inbox_at_ = 0;
  }
  while (inbox_end_ - inbox_at_ < size) {
    // Grows with what has arrived, not with what a length promises.
    if (inbox_end_ == inbox_.size()) inbox_.resize(inbox_.size() * 2);
    const std::size_t room = inbox_.size() - inbox_end_;
    inbox_end_ += TRY(socket_.read(std::span(inbox_).subspan(inbox_end_, room), limit));
  }
  const Bytes bytes(inbox_.data() + inbox_at_, size);
  inbox_at_ += size;
  return bytes;
}

}  // namespace freshet::pgwire
