// Rows of a statement as DataRow or CopyData messages.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pgwire/outbox.h"
#include "pgwire/socket.h"
#include "pgwire/time_zone.h"
#include "query/session.h"

namespace freshet::pgwire {

class RowSink final : public query::ResultSink {
 public:
  RowSink(Outbox& outbox, Socket& socket, const query::StatementDescription& description,
          const Formats& formats, const TimeZone& zone)
      : outbox_(outbox),
        socket_(socket),
        description_(description),
        formats_(formats),
        zone_(zone) {}

  Result<> rows(const engine::Chunk& chunk, std::size_t begin, std::size_t end) override;

  // What stands before and after the rows of a COPY.
  void begin_copy();
  void end_copy();

 private:
  void data_row(const engine::Chunk& chunk, std::size_t row);
  void copy_row(const engine::Chunk& chunk, std::size_t row);
  void begin_binary_copy_data();
  void binary_copy_row(const engine::Chunk& chunk, std::size_t row);

  Outbox& outbox_;
  Socket& socket_;
  const query::StatementDescription& description_;
  const Formats& formats_;
  const TimeZone& zone_;
  bool header_sent_ = false;  // of a binary COPY
  std::string value_;         // reused
};

// One value of a COPY line.
void append_copy_text(std::string& out, std::string_view value, const query::CopyFormat& format);
void append_copy_csv(std::string& out, std::string_view value, const query::CopyFormat& format);

}  // namespace freshet::pgwire
