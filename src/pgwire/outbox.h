// What the server sends, collected into one buffer and written when it is full or when the client
// waits for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "pgwire/messages.h"
#include "query/session.h"

namespace freshet::pgwire {

class Outbox {
 public:
  static constexpr std::size_t flush_bytes = 64 << 10;

  std::string& buffer() { return buffer_; }
  bool is_full() const { return buffer_.size() >= flush_bytes; }

  // A message is begun, filled through buffer(), and ended.
  void begin(char type);
  void end();

  void empty(char type);  // a message without a body
  void authentication_ok();
  void parameter_status(std::string_view name, std::string_view value);
  void key_data(std::int32_t process_id, std::int32_t secret);
  void ready(query::TransactionStatus status);
  void row_description(const std::vector<engine::ResultColumn>& columns, const Formats& formats);
  void parameter_description(const std::vector<std::uint32_t>& types);
  void copy_out(const query::CopyFormat& format, std::size_t columns);
  void command_complete(std::string_view tag);
  void error(const Error& error, std::string_view severity = "ERROR");
  void notice(const Error& notice);
  void negotiate_version(const std::vector<std::string>& unknown);

 private:
  void fields(char type, const Error& error, std::string_view severity);

  std::string buffer_;
  std::size_t begun_ = 0;  // where the length of the message being built stands
};

}  // namespace freshet::pgwire
