#include "pgwire/messages.h"

#include <algorithm>

namespace freshet::pgwire {
namespace {

constexpr std::uint32_t cancel_code = 80877102;
constexpr std::uint32_t ssl_code = 80877103;
constexpr std::uint32_t gss_code = 80877104;

Error violation(std::string what) {
  return {.sqlstate = "08P01", .message = std::move(what)};
}

std::string text(ByteReader& reader) {
  return std::string(reader.text_to_nul());
}

Result<Formats> read_formats(ByteReader& reader) {
  const std::size_t count = reader.big<std::uint16_t>();
  if (count * 2 > reader.remaining()) return violation("insufficient data left in message");
  std::vector<Format> formats;
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = reader.big<std::uint16_t>();
    if (code > 1) return violation("unsupported format code: " + std::to_string(code));
    formats.push_back(static_cast<Format>(code));
  }
  return Formats(std::move(formats));
}

Result<Message> read_parse(ByteReader& reader) {
  Parse parse{.statement = text(reader), .sql = text(reader), .types = {}};
  const std::size_t count = reader.big<std::uint16_t>();
  if (count * 4 > reader.remaining()) return violation("insufficient data left in message");
  for (std::size_t i = 0; i < count; ++i) parse.types.push_back(reader.big<std::uint32_t>());
  return Message(std::move(parse));
}

Result<Message> read_bind(ByteReader& reader) {
  Bind bind;
  bind.portal = text(reader);
  bind.statement = text(reader);
  bind.parameter_formats = TRY(read_formats(reader));
  const std::size_t count = reader.big<std::uint16_t>();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const auto size = reader.big<std::int32_t>();
    if (size == -1) {
      bind.parameters.emplace_back();
    } else if (size < 0) {
      return violation("invalid length of a parameter in bind message");
    } else {
      bind.parameters.emplace_back(as_text(reader.bytes(static_cast<std::size_t>(size))));
    }
  }
  if (!bind.parameter_formats.fits(count))
    return violation("bind message has formats for another number of parameters");
  bind.result_formats = TRY(read_formats(reader));
  return Message(std::move(bind));
}

Result<Target> read_target(ByteReader& reader) {
  const auto code = static_cast<char>(reader.big<std::uint8_t>());
  if (code != 'S' && code != 'P') return violation("invalid target of a describe or close message");
  return static_cast<Target>(code);
}

Result<Message> read_body(char type, ByteReader& reader) {
  switch (type) {
    case 'Q': return Message(SimpleQuery{text(reader)});
    case 'P': return read_parse(reader);
    case 'B': return read_bind(reader);
    case 'D': {
      const Target target = TRY(read_target(reader));
      return Message(Describe{target, text(reader)});
    }
    case 'E': {
      Execute execute{.portal = text(reader)};
      const auto rows = reader.big<std::int32_t>();
      execute.rows_max = rows > 0 ? static_cast<std::uint64_t>(rows) : 0;
      return Message(std::move(execute));
    }
    case 'C': {
      const Target target = TRY(read_target(reader));
      return Message(CloseMessage{target, text(reader)});
    }
    case 'H': return Message(Flush{});
    case 'S': return Message(Sync{});
    case 'X': return Message(Terminate{});
    case 'd':
    case 'c':
    case 'f': reader.rest(); return Message(CopyInput{});
    case 'F': reader.rest(); return Message(FunctionCall{});
    default:
      return violation("invalid frontend message type " +
                       std::to_string(static_cast<unsigned char>(type)));
  }
}

}  // namespace

std::string Startup::user() const {
  const auto found =
      std::ranges::find(parameters, "user", &std::pair<std::string, std::string>::first);
  return found == parameters.end() ? std::string() : found->second;
}

std::string Startup::database() const {
  const auto found =
      std::ranges::find(parameters, "database", &std::pair<std::string, std::string>::first);
  return found == parameters.end() || found->second.empty() ? user() : found->second;
}

Result<FirstPacket> parse_first(Bytes body) {
  ByteReader reader(body);
  const auto code = reader.big<std::uint32_t>();
  if (!reader.ok()) return violation("invalid length of startup packet");
  if (code == ssl_code || code == gss_code) {
    if (!reader.at_end()) return violation("invalid length of startup packet");
    return FirstPacket(EncryptionRequest{});
  }
  if (code == cancel_code) {
    CancelRequest request{.process_id = reader.big<std::int32_t>(),
                          .secret = reader.big<std::int32_t>()};
    if (!reader.ok() || !reader.at_end()) return violation("invalid length of startup packet");
    return FirstPacket(request);
  }
  if (code >> 16 != 3) {
    return Error{.sqlstate = "0A000",
                 .message = "unsupported frontend protocol " + std::to_string(code >> 16) + "." +
                            std::to_string(code & 0xFFFF) + ": server supports 3.0"};
  }
  Startup startup{.minor_version = static_cast<std::uint16_t>(code & 0xFFFF)};
  for (;;) {
    std::string name = text(reader);
    if (name.empty()) break;
    std::string value = text(reader);
    startup.parameters.emplace_back(std::move(name), std::move(value));
  }
  if (!reader.ok() || !reader.at_end())
    return violation("invalid startup packet layout: expected terminator as last byte");
  return FirstPacket(std::move(startup));
}

Result<Message> parse_message(char type, Bytes body) {
  ByteReader reader(body);
  Result<Message> message = read_body(type, reader);
  if (!message.ok()) return message;
  if (!reader.ok()) return violation("insufficient data left in message");
  if (!reader.at_end()) return violation("invalid message format: bytes left over");
  return message;
}

}  // namespace freshet::pgwire
