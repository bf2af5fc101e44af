#include "postgres/ddl_message.h"

#include <charconv>
#include <cstdint>

namespace freshet::postgres {

std::optional<DdlMessage> parse_ddl_message(ByteReader& message) {
  message.big<std::uint8_t>();   // flags
  message.big<std::uint64_t>();  // where it was written
  const std::string_view prefix = message.text_to_nul();
  std::string_view content = as_text(message.bytes(message.big<std::uint32_t>()));
  if (!message.ok() || prefix != ddl_message_prefix) return std::nullopt;
  DdlMessage told;
  if (!content.starts_with(rewrite_word)) return told;
  content.remove_prefix(rewrite_word.size());
  std::uint32_t oid = 0;
  const auto [end, failed] = std::from_chars(content.data(), content.data() + content.size(), oid);
  if (failed == std::errc() && end == content.data() + content.size())
    told.rewritten = TableId{oid};
  return told;
}

}  // namespace freshet::postgres
