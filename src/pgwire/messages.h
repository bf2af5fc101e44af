// What clients send: the start-up packet and the messages after it (protocol 3.0), parsed from
// bytes that may be anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace freshet::pgwire {

// The longest message a client may send, and the longest before it has said who it is.
inline constexpr std::uint32_t message_bytes_max = 64 << 20;
inline constexpr std::uint32_t startup_bytes_max = 10'000;

struct Startup {
  std::uint16_t minor_version = 0;
  std::vector<std::pair<std::string, std::string>> parameters{};
  std::string user() const;
  std::string database() const;  // the user's name when not given, as PostgreSQL has it
};
struct CancelRequest {
  std::int32_t process_id = 0;
  std::int32_t secret = 0;
};
struct EncryptionRequest {};  // SSLRequest or GSSENCRequest
using FirstPacket = std::variant<Startup, CancelRequest, EncryptionRequest>;

enum class Format : std::uint8_t { Text = 0, Binary = 1 };

// Formats as a message gives them: none means text, one is for all.
class Formats {
 public:
  Formats() = default;
  explicit Formats(std::vector<Format> formats) : formats_(std::move(formats)) {}
  Format at(std::size_t index) const {
    if (formats_.empty()) return Format::Text;
    return formats_.size() == 1 ? formats_.front() : formats_.at(index);
  }
  bool fits(std::size_t count) const { return formats_.size() <= 1 || formats_.size() == count; }

 private:
  std::vector<Format> formats_;
};

struct SimpleQuery {
  std::string sql;
};
struct Parse {
  std::string statement;
  std::string sql;
  std::vector<std::uint32_t> types;
};
struct Bind {
  std::string portal;
  std::string statement;
  Formats parameter_formats;
  std::vector<std::optional<std::string>> parameters;
  Formats result_formats;
};
enum class Target : char { Statement = 'S', Portal = 'P' };
struct Describe {
  Target target{};
  std::string name;
};
struct Execute {
  std::string portal;
  std::uint64_t rows_max = 0;
};
struct CloseMessage {
  Target target{};
  std::string name;
};
struct Flush {};
struct Sync {};
struct Terminate {};
struct CopyInput {};     // CopyData, CopyDone, CopyFail: late, and ignored
struct FunctionCall {};  // an old way to call a function; refused

using Message = std::variant<SimpleQuery, Parse, Bind, Describe, Execute, CloseMessage, Flush, Sync,
                             Terminate, CopyInput, FunctionCall>;

// `body` is what follows the length. 08P01 for anything that is not such a message.
Result<FirstPacket> parse_first(Bytes body);
Result<Message> parse_message(char type, Bytes body);

}  // namespace freshet::pgwire
