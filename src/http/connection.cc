#include "http/connection.h"

#include <boost/asio/post.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <string>
#include <utility>
#include <variant>

#include "http/statements.h"
#include "observe/metrics.h"

namespace freshet::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using beast::http::field;
using boost::system::error_code;

constexpr std::size_t read_bytes = 4096;
// What is read of a request that was refused, so that its client comes to read why.
constexpr std::size_t drained_bytes_max = 16 << 20;

observe::Counter& requests() {
  static observe::Counter& counter =
      observe::counter("freshet_http_requests_total", "HTTP requests answered.");
  return counter;
}

std::string_view view(boost::string_view text) {
  return {text.data(), text.size()};
}

using BeastRequest = beast::http::request<beast::http::string_body>;

// Nothing when it is missing; empty when it came twice, so that nobody picks the wrong one.
std::optional<std::string_view> one(const BeastRequest& request, field name) {
  const std::size_t count = request.count(name);
  if (count == 0) return {};
  return count == 1 ? view(request[name]) : std::string_view();
}

Request asked_by(const BeastRequest& request) {
  return {.method = view(request.method_string()),
          .target = view(request.target()),
          .accept = view(request[field::accept]),
          .host = one(request, field::host).value_or(""),
          .origin = one(request, field::origin),
          .content_type = one(request, field::content_type).value_or(""),
          .body = request.body()};
}

}  // namespace

Connection::Connection(tcp::socket socket, Context& context)
    : stream_(std::move(socket)), context_(context) {
  ++context_.connections;
}

Connection::~Connection() {
  --context_.connections;
}

void Connection::wait_for_request() {
  if (buffer_.size() > 0) return read_request();
  stream_.expires_after(context_.options.idle_timeout);
  stream_.async_read_some(buffer_.prepare(read_bytes),
                          [self = shared_from_this()](error_code failed, std::size_t bytes) {
                            self->buffer_.commit(bytes);
                            if (!failed) self->read_request();
                          });
}

void Connection::refuse() {
  write(error_response(503, "too many connections", "Try again later."), {});
}

void Connection::read_request() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(context_.options.header_bytes_max));
  parser_->body_limit(context_.options.body_bytes_max);
  stream_.expires_after(context_.options.request_timeout);
  beast::http::async_read_header(stream_, buffer_, *parser_,
                                 [self = shared_from_this()](error_code failed, std::size_t) {
                                   if (failed) return self->answer_bad_request(failed);
                                   self->ask_for_body();
                                 });
}

// Clients with much to send may wait to be asked for it; a body that is too large was refused
// above.
void Connection::ask_for_body() {
  const bool waits = beast::iequals(parser_->get()[field::expect], "100-continue");
  if (!waits || parser_->is_done()) return read_body();
  response_ = {beast::http::status::continue_, parser_->get().version()};
  beast::http::async_write(stream_, response_,
                           [self = shared_from_this()](error_code failed, std::size_t) {
                             if (!failed) self->read_body();
                           });
}

void Connection::read_body() {
  beast::http::async_read(stream_, buffer_, *parser_,
                          [self = shared_from_this()](error_code failed, std::size_t) {
                            failed ? self->answer_bad_request(failed) : self->answer();
                          });
}

void Connection::answer() {
  const BeastRequest& request = parser_->get();
  const Request asked = asked_by(request);
  const Manner manner{.head = request.method() == beast::http::verb::head,
                      .keep_alive = request.keep_alive(),
                      .version = request.version()};
  if (is_for_statements(asked)) return begin_statement(asked, manner);
  const About about{context_.options.sql_address, context_.options.version};
  write(respond(asked, about, context_.status), manner);
}

void Connection::answer_bad_request(error_code failed) {
  const Manner last{.linger = true};
  if (failed == beast::http::error::header_limit) {
    write(error_response(431, "the header of the request is too large", "Send fewer headers."),
          last);
  } else if (failed == beast::http::error::body_limit) {
    const std::string limit = std::to_string(context_.options.body_bytes_max);
    write(error_response(413, {.sqlstate = "54000",
                               .message = "the body of the request is larger than " + limit +
                                          " bytes (body_bytes_max)",
                               .hint = "Longer statements go over the PostgreSQL protocol."}),
          last);
  } else if (failed.category() == beast::http::make_error_code(beast::http::error{}).category() &&
             failed != beast::http::error::end_of_stream &&
             failed != beast::http::error::partial_message) {
    write(error_response(400, "not an HTTP request: " + failed.message(),
                         "Is this the right port? SQL has its own."),
          last);
  }
  // Else the client is gone or was too slow: nobody is listening.
}

// ---- statements ---------------------------------------------------------------------------------

void Connection::begin_statement(const Request& asked, Manner manner) {
  auto read = read_statement(asked, context_.options.address);
  if (auto* refused = std::get_if<Response>(&read)) return write(std::move(*refused), manner);
  // The last hold on a connection is let go of on the thread that serves it.
  auto answer = [self = shared_from_this(), manner](Response response) mutable {
    const auto executor = self->stream_.get_executor();
    asio::post(executor,
               [self = std::move(self), manner, response = std::move(response)]() mutable {
                 self->end_statement(std::move(response), manner);
               });
  };
  auto begun = context_.runner.run(std::move(std::get<std::string>(read)), std::move(answer));
  if (!begun.ok()) return write(failed_response(begun.error()), manner);
  statement_ = std::move(*begun);
  watch_for_leaving();
}

void Connection::end_statement(Response response, Manner manner) {
  statement_.reset();
  error_code ignored;
  stream_.socket().cancel(ignored);  // the watching
  write(std::move(response), manner);
}

// A client that hangs up does not want its statement any more. Of one that sends its next request
// already this is not noticed: more is not read before the answer, so that it stays bounded.
void Connection::watch_for_leaving() {
  stream_.expires_never();
  stream_.socket().async_wait(
      tcp::socket::wait_read,
      [self = shared_from_this(), statement = *statement_](error_code failed) mutable {
        if (failed == asio::error::operation_aborted) return;
        error_code broken;
        const std::size_t bytes = self->stream_.socket().available(broken);
        if (failed || broken || bytes == 0) statement.request_stop();
      });
}

// ---- answers ------------------------------------------------------------------------------------

void Connection::write(Response response, Manner manner) {
  requests().add();
  response_ = {static_cast<beast::http::status>(response.status), manner.version};
  response_.set(field::content_type, response.content_type);
  response_.set(field::cache_control, "no-store");
  response_.set("X-Content-Type-Options", "nosniff");
  if (!response.allow.empty()) response_.set(field::allow, response.allow);
  response_.content_length(response.body.size());
  response_.keep_alive(manner.keep_alive);
  if (!manner.head) response_.body() = std::move(response.body);
  stream_.expires_after(context_.options.request_timeout);
  beast::http::async_write(stream_, response_,
                           [self = shared_from_this(), manner](error_code failed, std::size_t) {
                             if (failed) return;
                             if (manner.keep_alive) return self->wait_for_request();
                             self->hang_up(manner.linger);
                           });
}

// Closing a socket on which something waits unread makes the kernel tell the client of a broken
// connection, and it may never see the answer.
void Connection::hang_up(bool linger) {
  error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  if (!linger) return;
  stream_.expires_after(context_.options.request_timeout);
  drain(drained_bytes_max);
}

void Connection::drain(std::size_t bytes_left) {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(read_bytes), [self = shared_from_this(), bytes_left](
                                                           error_code failed, std::size_t bytes) {
    if (!failed && bytes < bytes_left) self->drain(bytes_left - bytes);
  });
}

}  // namespace freshet::http
