#include "pgwire/row_sink.h"

#include "pgwire/values.h"

namespace freshet::pgwire {
namespace {

// Of a binary COPY: signature, flags, length of an extension that is not there.
constexpr std::string_view binary_header("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);

constexpr std::uint32_t null_size = 0xFFFFFFFF;

void write_size(std::string& out, std::size_t at) {
  const std::uint32_t size = swap_bytes(static_cast<std::uint32_t>(out.size() - at - 4));
  std::memcpy(out.data() + at, &size, sizeof size);
}

}  // namespace

Result<> RowSink::rows(const engine::Chunk& chunk, std::size_t begin, std::size_t end) {
  for (std::size_t row = begin; row < end; ++row) {
    if (!description_.copy) {
      data_row(chunk, row);
    } else if (description_.copy->kind == query::CopyFormat::Kind::Binary) {
      binary_copy_row(chunk, row);
    } else {
      copy_row(chunk, row);
    }
    if (outbox_.is_full()) {
      TRY(socket_.write(outbox_.buffer()));
      outbox_.buffer().clear();
    }
  }
  return {};
}

void RowSink::data_row(const engine::Chunk& chunk, std::size_t row) {
  outbox_.begin('D');
  std::string& out = outbox_.buffer();
  ByteWriter writer(out);
  const std::size_t count = description_.columns.size();
  writer.big(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const engine::VectorView& column = chunk.column(i);
    if (column.is_null(row)) {
      writer.big(null_size);
      continue;
    }
    const std::size_t at = out.size();
    out.append(4, '\0');
    if (formats_.at(i) == Format::Binary) {
      append_binary(out, description_.columns[i].type, column, row, zone_);
    } else {
      append_text(out, description_.columns[i].type, column, row, zone_);
    }
    write_size(out, at);
  }
  outbox_.end();
}

void RowSink::begin_copy() {
  outbox_.copy_out(*description_.copy, description_.columns.size());
  const query::CopyFormat& format = *description_.copy;
  if (format.kind != query::CopyFormat::Kind::Binary && format.header) {
    outbox_.begin('d');
    for (std::size_t i = 0; i < description_.columns.size(); ++i) {
      if (i > 0) outbox_.buffer().push_back(format.delimiter);
      if (format.kind == query::CopyFormat::Kind::Csv) {
        append_copy_csv(outbox_.buffer(), description_.columns[i].name, format);
      } else {
        append_copy_text(outbox_.buffer(), description_.columns[i].name, format);
      }
    }
    outbox_.buffer().push_back('\n');
    outbox_.end();
  }
}

void RowSink::end_copy() {
  if (description_.copy->kind == query::CopyFormat::Kind::Binary) {
    begin_binary_copy_data();
    ByteWriter(outbox_.buffer()).big(std::uint16_t{0xFFFF});
    outbox_.end();
  }
  outbox_.empty('c');
}

void RowSink::copy_row(const engine::Chunk& chunk, std::size_t row) {
  const query::CopyFormat& format = *description_.copy;
  outbox_.begin('d');
  std::string& out = outbox_.buffer();
  for (std::size_t i = 0; i < description_.columns.size(); ++i) {
    if (i > 0) out.push_back(format.delimiter);
    if (chunk.column(i).is_null(row)) {
      out += format.null_text;
      continue;
    }
    value_.clear();
    append_text(value_, description_.columns[i].type, chunk.column(i), row, zone_);
    if (format.kind == query::CopyFormat::Kind::Csv) {
      append_copy_csv(out, value_, format);
    } else {
      append_copy_text(out, value_, format);
    }
  }
  out.push_back('\n');
  outbox_.end();
}

// The header shares a message with what comes first, as clients expect.
void RowSink::begin_binary_copy_data() {
  outbox_.begin('d');
  if (!header_sent_) outbox_.buffer() += binary_header;
  header_sent_ = true;
}

void RowSink::binary_copy_row(const engine::Chunk& chunk, std::size_t row) {
  begin_binary_copy_data();
  std::string& out = outbox_.buffer();
  ByteWriter writer(out);
  writer.big(static_cast<std::uint16_t>(description_.columns.size()));
  for (std::size_t i = 0; i < description_.columns.size(); ++i) {
    if (chunk.column(i).is_null(row)) {
      writer.big(null_size);
      continue;
    }
    const std::size_t at = out.size();
    out.append(4, '\0');
    append_binary(out, description_.columns[i].type, chunk.column(i), row, zone_);
    write_size(out, at);
  }
  outbox_.end();
}

void append_copy_text(std::string& out, std::string_view value, const query::CopyFormat& format) {
  for (const char c : value) {
    switch (c) {
      case '\b': out += "\\b"; continue;
      case '\f': out += "\\f"; continue;
      case '\n': out += "\\n"; continue;
      case '\r': out += "\\r"; continue;
      case '\t': out += "\\t"; continue;
      case '\v': out += "\\v"; continue;
      default: break;
    }
    if (c == '\\' || c == format.delimiter) out.push_back('\\');
    out.push_back(c);
  }
}

void append_copy_csv(std::string& out, std::string_view value, const query::CopyFormat& format) {
  const std::string special = std::string("\"\n\r") + format.delimiter;
  const bool quote = value.find_first_of(special) != std::string_view::npos ||
                     value == format.null_text || value == "\\.";
  if (!quote) {
    out += value;
    return;
  }
  out.push_back('"');
  for (const char c : value) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace freshet::pgwire
