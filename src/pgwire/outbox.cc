#include "pgwire/outbox.h"

#include "query/types.h"

namespace freshet::pgwire {

void Outbox::begin(char type) {
  buffer_.push_back(type);
  begun_ = buffer_.size();
  buffer_.append(4, '\0');
}

void Outbox::end() {
  const std::uint32_t length = swap_bytes(static_cast<std::uint32_t>(buffer_.size() - begun_));
  std::memcpy(buffer_.data() + begun_, &length, sizeof length);
}

void Outbox::empty(char type) {
  begin(type);
  end();
}

void Outbox::authentication_ok() {
  begin('R');
  ByteWriter(buffer_).big(std::uint32_t{0});
  end();
}

void Outbox::parameter_status(std::string_view name, std::string_view value) {
  begin('S');
  ByteWriter writer(buffer_);
  writer.text_with_nul(name);
  writer.text_with_nul(value);
  end();
}

void Outbox::key_data(std::int32_t process_id, std::int32_t secret) {
  begin('K');
  ByteWriter writer(buffer_);
  writer.big(process_id);
  writer.big(secret);
  end();
}

void Outbox::ready(query::TransactionStatus status) {
  begin('Z');
  buffer_.push_back(static_cast<char>(status));
  end();
}

void Outbox::row_description(const std::vector<engine::ResultColumn>& columns,
                             const Formats& formats) {
  begin('T');
  ByteWriter writer(buffer_);
  writer.big(static_cast<std::uint16_t>(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::uint32_t type = query::type_oid(columns[i].type);
    writer.text_with_nul(columns[i].name);
    writer.big(std::uint32_t{0});  // of no table
    writer.big(std::uint16_t{0});
    writer.big(type);
    writer.big(query::type_length(type));
    writer.big(query::type_modifier(columns[i].type));
    writer.big(static_cast<std::uint16_t>(formats.at(i)));
  }
  end();
}

void Outbox::parameter_description(const std::vector<std::uint32_t>& types) {
  begin('t');
  ByteWriter writer(buffer_);
  writer.big(static_cast<std::uint16_t>(types.size()));
  for (const std::uint32_t type : types) writer.big(type);
  end();
}

void Outbox::copy_out(const query::CopyFormat& format, std::size_t columns) {
  const bool binary = format.kind == query::CopyFormat::Kind::Binary;
  begin('H');
  ByteWriter writer(buffer_);
  writer.big(static_cast<std::uint8_t>(binary ? 1 : 0));
  writer.big(static_cast<std::uint16_t>(columns));
  for (std::size_t i = 0; i < columns; ++i) writer.big(static_cast<std::uint16_t>(binary ? 1 : 0));
  end();
}

void Outbox::command_complete(std::string_view tag) {
  begin('C');
  ByteWriter(buffer_).text_with_nul(tag);
  end();
}

void Outbox::error(const Error& error, std::string_view severity) {
  fields('E', error, severity);
}

void Outbox::notice(const Error& notice) {
  fields('N', notice, "WARNING");
}

void Outbox::negotiate_version(const std::vector<std::string>& unknown) {
  begin('v');
  ByteWriter writer(buffer_);
  writer.big(std::uint32_t{0});  // the newest minor version of protocol 3 we speak
  writer.big(static_cast<std::uint32_t>(unknown.size()));
  for (const std::string& option : unknown) writer.text_with_nul(option);
  end();
}

void Outbox::fields(char type, const Error& error, std::string_view severity) {
  begin(type);
  ByteWriter writer(buffer_);
  const auto field = [&](char code, std::string_view value) {
    if (value.empty()) return;
    buffer_.push_back(code);
    writer.text_with_nul(value);
  };
  field('S', severity);
  field('V', severity);
  field('C', error.sqlstate);
  field('M', error.message.empty() ? std::string_view("unknown error") : error.message);
  field('D', error.detail);
  field('H', error.hint);
  if (error.position > 0) field('P', std::to_string(error.position));
  buffer_.push_back('\0');
  end();
}

}  // namespace freshet::pgwire
